"""The command `namak-server`: what an operator does on the server's own machine."""

import os

# Before grpc is imported, which reads them once. Its own lines are no JSON; and the server only forks to run
# other programs, which need nothing of gRPC's.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
