"""Hands the page of figures out: HTTP by hand, for one path, one question a connection.

It stands in the process whose figures it tells, so whoever asks must not be able to take anything from it:
not its open files, not its memory, and little of its time. A web framework bounds none of these. There are
few connections at once, further ones wait in the system's queue; each has a time for its question, for its
answer, and a size.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog

from server.listening import cant_listen
from server.metrics.page import Page

_log = structlog.get_logger(__name__)

PATH: Final = "/metrics"
CONNECTIONS: Final = 16
"""So many are answered at once."""
QUEUE: Final = 64
"""So many more wait with the system; it turns away the others."""
HEAD_BYTES: Final = 8 * 1024
"""So long a question may be."""
HEAD_SECONDS: Final = 2.0
"""So long it may take to come."""
ANSWER_SECONDS: Final = 10.0
"""So long the answer may take to be made and to be read."""
_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 64 * 1024
_BREATH_SECONDS: Final = 1.0

GetPage = Callable[[str], Awaitable[Page]]
"""Makes the page for an `Accept`."""


class MetricsListener:
    """Listens until it is closed."""

    def __init__(self, get: GetPage, listen: str) -> None:
        """`listen` is IP:PORT; port 0 takes a free one."""
        self._get = get
        self._listen = listen
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def address(self) -> str:
        """HOST:PORT where it listens."""
        return f"{self._listen.rpartition(':')[0]}:{self.port}"

    async def open(self) -> None:
        """Begins to listen. Raises OSError."""
        host, _, port = self._listen.rpartition(":")
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        try:
            self._socket = socket.create_server(
                (host.strip("[]"), int(port)), family=family, backlog=QUEUE, reuse_port=False
            )
        except OSError as failure:
            raise cant_listen(self._listen) from failure
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept(self._socket), name="metrics")
        _log.info("metrics are told", port=self.port)

    async def close(self) -> None:
        """Ends it, and what is under way."""
        tasks = [*self._serving] if self._accepting is None else [self._accepting, *self._serving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Taken before a connection is: those beyond cost this process nothing, not even an open file.
            await self._room.acquire()
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                # The peer has gone, or the process has no more open files: others need them more.
                self._room.release()
                await asyncio.sleep(_BREATH_SECONDS)
                continue
            except BaseException:
                self._room.release()
                raise
            task = asyncio.create_task(self._serve(connection), name="metrics question")
            self._serving.add(task)
            task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        self._room.release()

    async def _serve(self, connection: socket.socket) -> None:
        """Answers one question. Whatever goes wrong with the peer is of no interest."""
        writer = None
        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=HEAD_BYTES)
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await _head(reader)
                async with asyncio.timeout(ANSWER_SECONDS):
                    writer.write(await self._answer(head))
                    await writer.drain()
                    writer.write_eof()
                await _lingering(reader)
        finally:
            if writer is None:
                connection.close()
            else:
                writer.transport.abort()

    async def _answer(self, head: bytes | None) -> bytes:
        if head is None:
            return _written(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        question, *fields = head.decode("latin-1").split("\r\n")
        match question.split(" "):
            case [method, target, "HTTP/1.0" | "HTTP/1.1"]:
                if target.partition("?")[0] != PATH:
                    return _written(HTTPStatus.NOT_FOUND)
                if method not in ("GET", "HEAD"):
                    return _written(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
            case _:
                return _written(HTTPStatus.BAD_REQUEST)
        try:
            page = await self._get(_field(fields, "accept"))
        except Exception:  # noqa: BLE001 - whatever it is, who asks is told nothing of it
            _log.exception("the metrics could not be told")
            return _written(HTTPStatus.INTERNAL_SERVER_ERROR)
        return _written(HTTPStatus.OK, page, head_only=method == "HEAD")


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    """Reads the head of a question; None where it is too long."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return None


async def _lingering(reader: asyncio.StreamReader) -> None:
    """Waits for the peer to close: closed before all is read, a connection takes the answer with it."""
    left = _LINGER_BYTES
    async with asyncio.timeout(_LINGER_SECONDS):
        while left > 0 and (read := await reader.read(left)):
            left -= len(read)


def _field(fields: list[str], wanted: str) -> str:
    found = [
        value.strip() for name, _, value in (each.partition(":") for each in fields) if name.lower() == wanted
    ]
    return ", ".join(found)


def _written(status: HTTPStatus, page: Page | None = None, *, head_only: bool = False, **more: str) -> bytes:
    answer = page or Page(f"{status.phrase}\n".encode(), "text/plain; charset=utf-8")
    fields = {
        "Content-Type": answer.media_type,
        "Content-Length": str(len(answer.content)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
        **more,
    }
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    head = "\r\n".join([*lines, "", ""]).encode("ascii")
    return head if head_only else head + answer.content
