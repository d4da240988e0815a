"""What hands files out over plain HTTP has this in common: where it listens, and how it knows what a client
has already.

In front of it stands a web server that speaks TLS, bounds each client, and caches; here all
together are bounded.
"""

import asyncio
import hashlib

from aiohttp import web

from server.http_bounds import Bounds, Door
from server.listening import cant_listen


class HttpListener:
    """Listens until it is closed."""

    def __init__(self, application: web.Application, listen: str, bounds: Bounds | None = None) -> None:
        """`listen` is HOST:PORT; port 0 takes a free one."""
        self._listen = listen
        self._bounds = bounds or Bounds()
        # aiohttp counts it for the head of a request, too, until the whole of it is there.
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=self._bounds.head_seconds,
            shutdown_timeout=5,
        )
        self._listening: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port, once it listens."""
        if self._listening is None:
            raise RuntimeError("it does not listen")
        port: int = self._listening.sockets[0].getsockname()[1]
        return port

    async def open(self) -> None:
        """Begins to listen. Raises OSError."""
        host, _, port = self._listen.rpartition(":")
        await self._runner.setup()
        if self._runner.server is None:
            raise AssertionError("what is set up has a server")
        door = Door(self._runner.server, self._bounds)
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(door, host.strip("[]"), int(port))
        except OSError as failure:
            raise cant_listen(self._listen) from failure

    async def close(self) -> None:
        """Ends it; what is under way has five seconds."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
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
