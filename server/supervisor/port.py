"""The port that the processes share, and nobody else."""

import contextlib
import errno
import socket
from collections.abc import Iterator

from server.listening import cant_listen

_NO_SUCH_FAMILY = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


@contextlib.contextmanager
def held(address: str) -> Iterator[str]:
    """Keeps `IP:PORT` for the processes of this account that share it; yields it with its port, which was
    chosen if it was 0.

    The sockets of it do not listen, so the system gives them no connection. What they are for: a port that
    was chosen stays ours while no process has it, and who wants it alone is told that it is taken.

    Raises OSError: somebody listens there, or it is no address of this machine.
    """
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as stack:
        try:
            places = socket.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            number = int(port)
            for family, *_, place in places:
                try:
                    number = _take(stack, family, (place[0], number))
                except OSError as failure:
                    # `localhost` has an address of IPv6 also where that is switched off.
                    if failure.errno not in _NO_SUCH_FAMILY or len(places) == 1:
                        raise
        except OSError as failure:
            raise cant_listen(address) from failure
        if not number:
            raise cant_listen(address)
        yield f"{host}:{number}"


def _take(stack: contextlib.ExitStack, family: int, place: tuple[str | int, int]) -> int:
    if place[1]:
        # Alone first: sharing would work beside another post of this account, too, without a word.
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(place)
    shared = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind(place)
    # It was for connections of a server before. From now on nobody binds beside it who does not share.
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return int(shared.getsockname()[1])
