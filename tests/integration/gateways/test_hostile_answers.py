"""Witnesses and time-stamping authorities that mean no good, byte by byte: the answer is bounded, or none."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from namak.evidence.timestamp import MAX_REPLY_BYTES
from namak.evidence.tlog_witness import MAX_ANSWER_BYTES
from server.gateways.timestamps import HttpTimestampAuthorities
from server.gateways.witnesses import HttpWitnesses
from server.usecases.timestamp_ports import AuthorityAnswer, AuthorityUnreached
from server.usecases.witness_ports import WitnessAnswer, WitnessUnreached

SECONDS = 30.0
FLOOD = 64 * 1024 * 1024
Asked = Callable[[str, bytes], Awaitable[Any]]
Told = tuple[str, type[Exception], int]
OK = b"HTTP/1.1 200 OK\r\n"


class Peer:
    """A server that says to every question what a test has it say."""

    def __init__(self, say: Callable[["Peer", asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._say = say
        self.sent = 0
        self.asked = 0
        self.gone = asyncio.Event()
        self._serving: list[asyncio.Task[None]] = []

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await self._say(self, writer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def close(self) -> None:
        """Ends once nobody is served any more."""
        self.gone.set()
        await asyncio.gather(*self._serving)

    async def flood(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        """Sends as long as it is taken, up to far more than anybody may take."""
        while self.sent < FLOOD:
            writer.write(piece)
            self.sent += len(piece)
            await writer.drain()


def saying(*pieces: bytes) -> Callable[[Peer, asyncio.StreamWriter], Awaitable[None]]:
    async def say(peer: Peer, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)

    return say


@contextlib.asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[str]:
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.close()
        await peer.close()


@contextlib.asynccontextmanager
async def client(kind: str, seconds: float = SECONDS) -> AsyncIterator[Asked]:
    if kind == "witness":
        witnesses = HttpWitnesses(seconds=seconds)
        yield witnesses.add_checkpoint
        await witnesses.close()
    else:
        authorities = HttpTimestampAuthorities(seconds=seconds)
        yield authorities.ask
        await authorities.close()


KINDS = pytest.mark.parametrize("kind", ["witness", "authority"])
UNREACHED = (WitnessUnreached, AuthorityUnreached)
MOST = {"witness": MAX_ANSWER_BYTES, "authority": MAX_REPLY_BYTES}


@KINDS
@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"\r\n\r\n"],
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [b"HTTP/1.1\r\n\r\n"],
        [b"HTTP/1.1 abc OK\r\n\r\n"],
        [b"HTTP/1.1 20000 OK\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/9.9 200 OK\r\n\r\n"],
        [OK + b"Content-Length: -1\r\n\r\n"],
        [OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx"],
        [OK + b"Content-Length: %d\r\n\r\nx" % 10**30],
        [OK + b"Content-Length: 500\r\n\r\nbroken off"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"],
        [OK + b"A" * 100_000],
        [OK + b"A: " + b"x" * 100_000 + b"\r\n\r\n"],
        [OK + b"A: \0\r\n\r\n"],
        [OK + b"".join(b"A%d: x\r\n" % number for number in range(100_000)) + b"\r\n"],
    ],
    ids=range(18),
)
async def test_what_is_no_answer_is_none(kind: str, pieces: list[bytes]) -> None:
    async with listening(Peer(saying(*pieces))) as url, client(kind) as ask:
        with pytest.raises(UNREACHED) as unreached:
            await ask(url, b"question")
    cause = getattr(unreached.value, "cause", "")
    assert cause.replace(" ", "").isidentifier()


@KINDS
@pytest.mark.parametrize(
    "begin", [OK + b"\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n", OK, b"HTTP/1.1 200 "]
)
async def test_what_never_ends_is_cut_off(kind: str, begin: bytes) -> None:
    async def say(peer: Peer, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        if begin.endswith(b"\r\n\r\n"):
            piece = bytes(65_536)
            await peer.flood(writer, b"10000\r\n%b\r\n" % piece if b"chunked" in begin else piece)
        else:
            await peer.flood(
                writer, b"x" * 65_536 if begin.endswith(b" ") else b"Name: of a header\r\n" * 4096
            )

    peer = Peer(say)
    async with listening(peer) as url, client(kind) as ask:
        with pytest.raises(UNREACHED):
            await ask(url, b"question")
    assert peer.sent < FLOOD


@KINDS
@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 ", OK + b"A: ", OK + b"Content-Length: 300\r\n\r\n"])
async def test_one_that_says_a_byte_now_and_then_is_left(kind: str, begin: bytes) -> None:
    async def say(peer: Peer, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while not peer.gone.is_set():
            writer.write(b"x")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(peer.gone.wait(), 0.01)

    async with listening(Peer(say)) as url, client(kind, seconds=0.2) as ask:
        with pytest.raises(UNREACHED, match="timed out"):
            await ask(url, b"question")


@KINDS
@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"nonsense"])
async def test_nothing_is_unpacked(kind: str, encoding: bytes) -> None:
    packed = {b"gzip": gzip.compress(bytes(10_000)), b"deflate": zlib.compress(bytes(10_000))}.get(
        encoding, bytes(10_000)
    )
    head = OK + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(packed))
    async with listening(Peer(saying(head + packed))) as url, client(kind) as ask:
        answer: WitnessAnswer | AuthorityAnswer = await ask(url, b"question")
    assert answer.body == packed
    assert len(answer.body) <= MOST[kind]


@KINDS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304, 305])
async def test_no_redirection_is_followed(kind: str, status: int) -> None:
    peer = Peer(saying(b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status))
    async with listening(peer) as url, client(kind) as ask:
        assert (await ask(url, b"question")).status == status
    assert peer.asked == 1


@KINDS
async def test_the_longest_answer_is_read_and_one_byte_more_is_not(kind: str) -> None:
    for length in (MOST[kind], MOST[kind] + 1):
        head = OK + b"Content-Length: %d\r\n\r\n" % length
        async with listening(Peer(saying(head, bytes(length)))) as url, client(kind) as ask:
            if length == MOST[kind]:
                assert len((await ask(url, b"question")).body) == length
            else:
                with pytest.raises(UNREACHED, match="too long"):
                    await ask(url, b"question")


@KINDS
@pytest.mark.parametrize(
    ("said", "read"),
    [
        (b"", "application/octet-stream"),
        (b"Content-Type: \r\n", "application/octet-stream"),
        (b"Content-Type: TEXT/x.tlog.SIZE ; a=b\r\n", "text/x.tlog.size"),
        (b"Content-Type: \xff\xfe\r\n", None),
        (b"Content-Type: " + b"x" * 8000 + b"\r\n", None),
        (b"Content-Type: a/b\r\nContent-Type: c/d\r\n", None),
    ],
)
async def test_of_what_kind_an_answer_is_may_be_anything(kind: str, said: bytes, read: str | None) -> None:
    async with listening(Peer(saying(OK + said + b"Content-Length: 1\r\n\r\nx"))) as url, client(kind) as ask:
        try:
            answer = await ask(url, b"question")
        except UNREACHED:
            assert read is None
        else:
            assert read in (None, answer.media_type)
            assert answer.body == b"x"
