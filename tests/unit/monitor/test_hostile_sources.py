"""Reading a log from a web server that means no good."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from namak.monitor.sources import HttpSource, SourceUnreached

MOST = 64 * 1024 * 1024


class Hostile:
    """A server that does to each connection what a test says."""

    def __init__(self, does: "Callable[[Hostile, socket.socket], None]") -> None:
        self._does = does
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/log"
        self.stopped = threading.Event()
        self.connections = 0
        self.sent = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.recv(65536)
            self._does(self, connection)

    def close(self) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def hostile() -> Iterator[Callable[[Callable[[Hostile, socket.socket], None]], Hostile]]:
    with contextlib.ExitStack() as stack:

        def started(does: Callable[[Hostile, socket.socket], None]) -> Hostile:
            server = Hostile(does)
            stack.callback(server.close)
            return server

        yield started


def _drip(begin: bytes) -> Callable[[Hostile, socket.socket], None]:
    def drip(server: Hostile, connection: socket.socket) -> None:
        connection.sendall(begin)
        # Until the other side has enough of it: each byte comes soon after the one before.
        while not server.stopped.wait(0.01):
            connection.sendall(b"x")

    return drip


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: ",
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 404 Not Found\r\nA: ",
        b"\x16\x03\x03\x40\x00",
    ],
    ids=["body", "header", "status", "error", "TLS"],
)
async def test_a_server_that_sends_a_byte_now_and_then_is_left(
    hostile: Callable[..., Hostile], begin: bytes
) -> None:
    server = hostile(_drip(begin))
    address = server.address if begin.startswith(b"HTTP") else server.address.replace("http:", "https:")
    async with asyncio.timeout(60):
        with pytest.raises(SourceUnreached, match="it took too long"):
            await HttpSource(address, seconds=0.3).checkpoint()


def _says_nothing(server: Hostile, _connection: socket.socket) -> None:
    server.stopped.wait()


async def test_a_server_that_says_nothing_is_left_in_the_same_words_whichever_clock_is_first(
    hostile: Callable[..., Hostile], monkeypatch: pytest.MonkeyPatch
) -> None:
    # That of each read; the one of all of them together is late.
    monkeypatch.setattr(threading.Timer, "start", lambda _: None)
    with pytest.raises(SourceUnreached, match="it took too long"):
        await HttpSource(hostile(_says_nothing).address, seconds=0.05).checkpoint()


async def test_no_redirection_is_followed_and_nothing_of_it_is_read(hostile: Callable[..., Hostile]) -> None:
    def redirect(server: Hostile, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        while server.sent < MOST:
            connection.sendall(bytes(65536))
            server.sent += 65536

    server = hostile(redirect)
    with pytest.raises(SourceUnreached, match="status 302"):
        await HttpSource(server.address).checkpoint()
    assert server.connections == 1
    assert server.sent < MOST


async def test_a_file_that_never_ends_is_read_as_far_as_one_may_go(hostile: Callable[..., Hostile]) -> None:
    def flood(server: Hostile, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while server.sent < MOST:
            connection.sendall(bytes(65536))
            server.sent += 65536

    server = hostile(flood)
    content = await HttpSource(server.address).checkpoint()
    assert content is not None
    assert len(content) < 2_000_000
    assert server.sent < MOST
