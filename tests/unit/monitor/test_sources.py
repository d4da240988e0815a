"""Reading a log over HTTP: what is there, what is not, and servers that do what they like."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from namak.evidence.tiles import TileId
from namak.monitor.sources import FileSource, HttpSource, NotShown, SourceUnreached, source_at, tiles_from


@asynccontextmanager
async def answering(status: int, body: bytes = b"", **headers: str) -> AsyncIterator[HttpSource]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with TestServer(application) as server:
        yield HttpSource(str(server.make_url("/log/")))


async def test_what_is_not_there_is_told_apart_from_what_can_not_be_read() -> None:
    for status in (404, 410):
        async with answering(status) as source:
            assert await source.checkpoint() is None
            assert await source.tile(TileId(0, 0), 256) is None
            with pytest.raises(NotShown, match=r"tile/0/000\.p/3 is not there"):
                await tiles_from(source, [TileId(0, 0)], 3)
    for status in (301, 302, 307, 403, 429, 500, 503):
        async with answering(status, Location="http://127.0.0.1:9/") as source:
            with pytest.raises(SourceUnreached, match=f"status {status}"):
                await source.checkpoint()


async def test_no_more_is_read_than_there_may_be() -> None:
    async with answering(200, b"x" * 3_000_000) as source:
        assert len(await source.checkpoint() or b"") == 512 * 1024 + 1
        assert len(await source.tile(TileId(0, 0), 256) or b"") == 8193
        with pytest.raises(NotShown, match="another length"):
            await tiles_from(source, [TileId(0, 0)], 256)


@pytest.mark.parametrize("said", [b"", b"nothing of HTTP\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
async def test_a_server_that_does_not_speak_http_can_not_be_read(said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(SourceUnreached):
        await HttpSource(f"http://127.0.0.1:{port}").checkpoint()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "place",
    [
        *("ftp://log.example.am/", "https://", "https:///2026", "http://u:p@log.example.am/", "gopher:x"),
        *("https://log.example.am/?x", "https://log.example.am/#x", "file://elsewhere/log"),
    ],
)
def test_what_names_no_log_is_no_source(place: str) -> None:
    assert source_at(place) is None


def test_directories_and_addresses_are_sources(tmp_path: Path) -> None:
    for place in (str(tmp_path), f"file://{tmp_path}", f"file://localhost{tmp_path}"):
        source = source_at(place)
        assert isinstance(source, FileSource)
        assert source.name == str(tmp_path)
    source = source_at("https://log.example.am/2026/")
    assert isinstance(source, HttpSource)
    assert source.name == "https://log.example.am/2026"
