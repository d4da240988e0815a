"""What hands files out over plain HTTP has this in common: where it listens, and how it knows what a client
has already.

In front of it stands a web server that speaks TLS, bounds clients, and caches.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from server.listening import cant_listen


class HttpListener:
    """Listens until it is closed."""

    def __init__(self, application: web.Application, listen: str) -> None:
        """`listen` is HOST:PORT; port 0 takes a free one."""
        self._listen = listen
        self._runner = web.AppRunner(application, access_log=None, keepalive_timeout=30, shutdown_timeout=5)

    @property
    def port(self) -> int:
        """The port, once it listens."""
        addresses: Sequence[Any] = self._runner.addresses
        port: int = addresses[0][1]
        return port

    async def open(self) -> None:
        """Begins to listen. Raises OSError."""
        host, _, port = self._listen.rpartition(":")
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host.strip("[]"), int(port)).start()
        except OSError as failure:
            raise cant_listen(self._listen) from failure

    async def close(self) -> None:
        """Ends it; what is under way has five seconds."""
        await self._runner.cleanup()


def tag_of(content: bytes) -> str:
    """Returns a strong entity tag, the same for the same bytes (RFC 9110, 8.8.3)."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_known(request: web.Request, tag: str) -> bool | None:
    """Tells whether the client has what bears this tag; None where it does not say (RFC 9110, 13.1.2)."""
    lines = request.headers.getall("If-None-Match", [])
    if not lines:
        return None
    named = [each.strip().removeprefix("W/") for line in lines for each in line.split(",")]
    return "*" in named or tag in named
