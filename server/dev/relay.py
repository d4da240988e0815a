"""A relay that gives a connection another source address, so that a test can call from another network.

On Linux the whole of 127.0.0.0/8 is this machine: what the relay forwards comes from the address it was told
to use, as it would from a machine that has it. TLS passes through untouched.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024


class Relay:
    """Listens on a free port of 127.0.0.1 and forwards every connection from `source` to `target`.

    Use it as an asynchronous context manager; `address` is where to connect.
    """

    def __init__(self, target: str, *, source: str) -> None:
        """`target` is HOST:PORT; `source` is the loopback address that the target shall see."""
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._source = source
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """HOST:PORT to connect to."""
        if self._server is None:
            raise RuntimeError("the relay is not running")
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        if connection is None:
            raise RuntimeError("a connection has a task")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        try:
            onward = await asyncio.open_connection(*self._target, local_addr=(self._source, 0))
            try:
                await asyncio.gather(_copy(reader, onward[1]), _copy(onward[0], writer))
            finally:
                onward[1].close()
        except (OSError, asyncio.CancelledError):
            pass  # an end went away, or the relay stops: either way the other end is closed below
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
