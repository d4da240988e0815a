"""Requests that are over in time, whatever the server does: it may say a byte now and then for hours.

What the standard library calls a timeout is one of each read; here a connection is ended when all of them
together took too long.
"""

import contextlib
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Final

TOO_LONG: Final = "it took too long"

_HEADERS: Final = {"User-Agent": "namak-monitor", "Accept-Encoding": "identity"}


class Limited:
    """The connections of one request, and when they end."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        """Whether they were ended: what was read until then may be cut off."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []

    def opened(self, address: str) -> Any:
        """Returns the answer to a GET, as :mod:`urllib.request` does; none but HTTP is spoken, also where a
        proxy is set, and no redirection is followed.
        """
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Plain(self),
            _OverTls(self),
        ):
            opener.add_handler(handler)
        request = urllib.request.Request(address, headers=_HEADERS)  # noqa: S310 - by these handlers alone
        return opener.open(request, timeout=self._seconds)

    def hold(self, connected: socket.socket) -> None:
        """Has a connection end in time."""
        with self._lock:
            # Another handle of the same: TLS takes the one that is given over.
            self._held.append(connected.dup())
        if self.is_over:
            self.end()

    def end(self) -> None:
        """Ends the connections; whoever reads from one gets nothing more."""
        with self._lock:
            self.is_over = True
            for each in self._held:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets the handles go."""
        with self._lock:
            for each in self._held:
                each.close()
            self._held.clear()


class _Connection(HTTPConnection):
    limited: Limited

    def connect(self) -> None:
        super().connect()
        self.limited.hold(self.sock)


class _TlsConnection(HTTPSConnection, _Connection):
    """Held before it speaks TLS: the handshake counts."""


def _limited(kind: type[_Connection], limited: Limited) -> Callable[..., _Connection]:
    def made(*arguments: Any, **named: Any) -> _Connection:
        connection = kind(*arguments, **named)
        connection.limited = limited
        return connection

    return made


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, limited: Limited) -> None:
        super().__init__()
        self._limited = limited

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_limited(_Connection, self._limited), req)


class _OverTls(urllib.request.HTTPSHandler):
    def __init__(self, limited: Limited) -> None:
        super().__init__()
        self._limited = limited

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_limited(_TlsConnection, self._limited), req)


@contextlib.contextmanager
def in_time(seconds: float) -> Iterator[Limited]:
    """Gives what makes one request, whose connections end after so many seconds."""
    limited = Limited(seconds)
    timer = threading.Timer(seconds, limited.end)
    timer.daemon = True
    timer.start()
    try:
        yield limited
    finally:
        timer.cancel()
        limited.close()
