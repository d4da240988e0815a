"""Requests as bytes on the wire, as no client sends them: each gets one clear answer, and harms nobody."""

import asyncio
import contextlib
import gzip
import logging
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from namak.evidence.tlog_witness import MAX_REQUEST_BYTES
from namak.witness import serving
from namak.witness.serving import WitnessServer, runner_of
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import Opened, make, opened

LOG = GrowingLog()
SECONDS = 60
GOOD = LOG.asks(0, 5)
ASK = b"POST /add-checkpoint HTTP/1.1\r\nHost: witness.example\r\n"


class Listening:
    """A witness that listens as the command has it listen."""

    def __init__(self, server: WitnessServer, runner: web.AppRunner, witness: Opened) -> None:
        self.server = server
        self.runner = runner
        self.witness = witness

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.runner.addresses[0][:2]
        return host, port

    async def answer(self, *pieces: bytes) -> bytes:
        """Sends bytes and returns what comes until the connection ends, or goes on after an answer."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            async with asyncio.timeout(SECONDS):
                for piece in pieces:
                    writer.write(piece)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                return head + await reader.readexactly(length)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def status(self, *pieces: bytes) -> int:
        return int((await self.answer(*pieces)).split(b" ")[1])


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    make(tmp_path, LOG)
    with opened(tmp_path) as witness:
        server = WitnessServer(witness.witness)
        runner = runner_of(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Listening(server, runner, witness)
        await runner.cleanup()
        server.close()


def sized(body: bytes, *headers: bytes) -> bytes:
    return b"".join([ASK, *headers, b"Content-Length: %d\r\n\r\n" % len(body), body])


async def test_a_good_request_in_any_pieces_is_cosigned(listening: Listening) -> None:
    whole = sized(GOOD)
    assert await listening.status(*(whole[at : at + 7] for at in range(0, len(whole), 7))) == 200
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in LOG.asks(5, 9))
    assert await listening.status(ASK, b"Transfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n") == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (sized(b""), 400),
        (sized(GOOD[:-1]), 400),
        (sized(gzip.compress(GOOD), b"Content-Encoding: gzip\r\n"), 415),
        (sized(b"xxxxx", b"Content-Encoding: deflate\r\n"), 415),
        (sized(GOOD, b"Content-Encoding: identity\r\n"), 415),
        (sized(GOOD, b"Content-Encoding: br\r\n"), 415),
        (ASK + b"Content-Length: -5\r\n\r\nxxxxx", 400),
        (ASK + b"Content-Length: +5\r\n\r\nxxxxx", 400),
        (ASK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx", 400),
        (ASK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (ASK + b"Content-Length: %d\r\n\r\n" % 10**30, 400),
        (ASK + b"Content-Length: %d\r\n\r\n" % 2**62, 413),
        (ASK + b"Content-Length: %d\r\n\r\n" % (MAX_REQUEST_BYTES + 1), 413),
        (ASK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
        (ASK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", 400),
        (ASK + b"A: \0\r\n\r\n", 400),
        (ASK + b"A: " + b"x" * 100_000 + b"\r\n\r\n", 400),
        (ASK + b"".join(b"A%d: x\r\n" % number for number in range(10_000)) + b"\r\n", 400),
        (ASK.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n", 400),
        (b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /%00/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /../witness.db HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"\x16\x03\x01" + bytes(500), 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (sized(b"xxxxx", b"Expect: nonsense\r\n"), 417),
    ],
    ids=range(27),
)
async def test_a_request_that_is_none_is_told_so(
    listening: Listening, caplog: pytest.LogCaptureFixture, data: bytes, status: int
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await listening.answer(data)
    assert int(answer.split(b" ")[1]) == status
    assert b"Traceback" not in answer
    # Anybody may send such requests; they do not fill the disk.
    assert "Traceback" not in caplog.text
    assert len(caplog.text) < 2000
    assert await listening.status(sized(GOOD)) == 200


async def test_what_unpacks_to_megabytes_is_not_unpacked(listening: Listening) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(32)), packer.flush()])
    assert await listening.status(sized(bomb, b"Content-Encoding: gzip\r\n")) == 415


async def test_a_body_that_breaks_off_is_nobodys_fault_but_the_senders(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for begun in (
            ASK + b"Content-Length: 500\r\n\r\nold 5",
            ASK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        ):
            _, writer = await asyncio.open_connection(*listening.address)
            writer.write(begun)
            await writer.drain()
            writer.transport.abort()
        assert await listening.status(sized(GOOD)) == 200
    assert "Traceback" not in caplog.text


async def test_who_connects_and_says_nothing_is_sent_away(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connected(begin: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(*listening.address)
        writer.write(begin)
        await writer.drain()
        writers.append(writer)
        return reader

    writers: list[asyncio.StreamWriter] = []
    silent = [await connected(begin) for begin in (b"", b"P", ASK, ASK + b"A: b\r\nContent-")]
    served = await connected(sized(GOOD))
    async with asyncio.timeout(SECONDS):
        await served.readuntil(b"\r\n\r\n")
    server = listening.runner.server
    assert server is not None
    assert len(server.connections) == 5
    listening.server.end_silent(server.connections, 100.0)
    listening.server.end_silent(server.connections, 100.0 + serving.HEADER_SECONDS)
    assert not any(reader.at_eof() for reader in silent)
    listening.server.end_silent(server.connections, 100.1 + serving.HEADER_SECONDS)
    async with asyncio.timeout(SECONDS):
        assert [await reader.read() for reader in silent] == [b""] * 4
        # Who was heard may ask again.
        writers[-1].write(sized(LOG.asks(5, 5)))
        assert b"200 OK" in await served.readuntil(b"\r\n\r\n")
    for writer in writers:
        writer.close()


async def test_a_mistake_of_ours_is_told_in_a_line_and_noted(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(body: bytes) -> object:
        raise KeyError("a mistake")

    monkeypatch.setattr(listening.witness.witness, "add_checkpoint", broken)
    answer = await listening.answer(sized(GOOD))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.endswith(b"\r\n\r\nthe witness made a mistake\n")
    assert "a mistake" in caplog.text
