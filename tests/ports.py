"""Ports for programs that have to be told theirs: fixed, because callers find them again after a kill."""

import random
import socket
from pathlib import Path

_LOWEST = 10_000
"""Below are those of well-known services."""
# Not by what a test may have seeded: processes that run tests side by side would choose the same.
_random = random.SystemRandom()


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens on, and that is nobody's by chance later on: the system
    deals out those of its own range, one to each connection, and so also while a program that was killed has
    not come back to its port.
    """
    range_ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    while True:
        # 0 where the system's own range leaves nothing: it then chooses.
        port = _random.randrange(_LOWEST, int(range_[0])) if int(range_[0]) > _LOWEST else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
