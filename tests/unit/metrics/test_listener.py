"""The page of figures over HTTP: what is answered to whom, and that nobody holds it up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.metrics import listener as module
from server.metrics.listener import CONNECTIONS, HEAD_BYTES, MetricsListener
from server.metrics.page import Page
from tests.waiting import until

TEXT = b"namak_x 1\n# EOF\n"


class Pages:
    """What the listener hands out, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.failure: Exception | None = None

    async def get(self, accept: str) -> Page:
        self.asked.append(accept)
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        return Page(TEXT, "text/x")


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest_asyncio.fixture
async def port(pages: Pages) -> AsyncIterator[int]:
    listening = MetricsListener(pages.get, "127.0.0.1:0")
    await listening.open()
    assert listening.address == f"127.0.0.1:{listening.port}"
    yield listening.port
    await listening.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listening.port)


async def sent(port: int, question: bytes) -> bytes:
    """Returns all that comes back."""
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(question)
                return await reader.read()
            return b""
        finally:
            writer.close()


def get(path: str = "/metrics", *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *fields, "", ""]).encode("latin-1")


async def test_the_page_is_told_with_its_length_and_the_connection_closed(port: int, pages: Pages) -> None:
    answer = await sent(port, get("/metrics", "Accept: application/openmetrics-text", "ACCEPT: text/plain"))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == TEXT
    assert head.splitlines()[0] == b"HTTP/1.1 200 OK"
    assert {b"Content-Type: text/x", b"Content-Length: 16", b"Connection: close"} <= set(head.splitlines())
    assert pages.asked == ["application/openmetrics-text, text/plain"]


async def test_head_tells_the_length_alone(port: int) -> None:
    answer = await sent(port, get(method="HEAD"))

    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 16" in answer


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (get("/metrics?name[]=x"), b"200 OK"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"200 OK"),
        (get("/"), b"404 Not Found"),
        (get("/metrics/"), b"404 Not Found"),
        (get("/metrics%00"), b"404 Not Found"),
        (get("http://here/metrics"), b"404 Not Found"),
        (get(method="POST") + b"x=1", b"405 Method Not Allowed"),
        (get(method="PUT"), b"405 Method Not Allowed"),
        (get(method="get"), b"405 Method Not Allowed"),
        (get("/secrets", method="DELETE"), b"404 Not Found"),
        (b"GET /metrics\r\n\r\n", b"400 Bad Request"),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400 Bad Request"),
        (get("/metrics", "Cookie: " + "x" * HEAD_BYTES), b"431 Request Header Fields Too Large"),
        (get("/" + "x" * 10 * HEAD_BYTES), b"431 Request Header Fields Too Large"),
    ],
    ids=lambda each: repr(each[:40]),
)
async def test_anything_else_gets_a_short_answer(port: int, question: bytes, status: bytes) -> None:
    assert (await sent(port, question)).startswith(b"HTTP/1.1 " + status)


async def test_a_fault_of_ours_tells_nothing_of_itself(port: int, pages: Pages) -> None:
    pages.failure = ValueError("secret")

    answer = await sent(port, get())

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer


async def test_who_sends_a_question_byte_by_byte_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.05)

    assert await sent(port, b"GET /metrics HTTP/1.1\r\nX: ") == b""


async def test_who_does_not_read_the_answer_is_left(
    port: int, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.1)
    pages.go_on.clear()

    assert await sent(port, get()) == b""


async def test_many_silent_connections_take_few_places_and_others_get_their_turn(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.5)
    listening = MetricsListener(pages.get, "127.0.0.1:0")
    await listening.open()
    silent: list[asyncio.Task[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = [
        asyncio.create_task(asyncio.open_connection("127.0.0.1", listening.port))
        for _ in range(3 * CONNECTIONS)
    ]
    try:
        await until(lambda: len(listening._serving) == CONNECTIONS)
        answer = await sent(listening.port, get())
        most = len(listening._serving)
    finally:
        await listening.close()
        for each in silent:
            each.cancel()
        for opened in await asyncio.gather(*silent, return_exceptions=True):
            if isinstance(opened, tuple):
                opened[1].close()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert most <= CONNECTIONS


async def test_an_address_that_is_taken_is_named(port: int, pages: Pages) -> None:
    with pytest.raises(OSError, match=f"can't listen on 127.0.0.1:{port}"):
        await MetricsListener(pages.get, f"127.0.0.1:{port}").open()


async def test_ipv6_has_the_brackets_of_its_address(pages: Pages) -> None:
    listening = MetricsListener(pages.get, "[::1]:0")
    try:
        await listening.open()
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert listening.address == f"[::1]:{listening.port}"
    await listening.close()
