"""The command ``namak``: send, read and confirm official post, keep its receipts, and verify them offline."""

import os
from collections.abc import Sequence

# Before grpc is imported, which reads it once: its own lines about a failed handshake would bury ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from namak.cli.app import app
from namak.cli.commands import register

register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and ends the process with one of the exit codes that ``namak --help`` names."""
    app(args=None if arguments is None else list(arguments), prog_name="namak")
