"""A tiles client that nobody here wrote reads our public files, from a directory and over HTTP, and refuses
them once anything is changed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.tiles.directory import TileDirectory
from server.tiles.export import TileExport
from server.tiles.listener import TilesListener
from server.tiles.published import PublishedTiles
from tests.fakes.clock import HeldClock
from tests.fakes.grown_log import GrownLog
from tests.independent.go_verifier import build, independent_verifier_missing

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class GoTiles:
    """The built program."""

    program: Path

    async def read(self, log: GrownLog, place: Path | str, *more: str | Path) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(self.program, "--vkey", log.vkey, *more, place), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()


@pytest.fixture(scope="session")
def go_tiles(tmp_path_factory: pytest.TempPathFactory) -> GoTiles:
    if missing := independent_verifier_missing():
        pytest.skip(missing)
    return GoTiles(build("tiles.go", tmp_path_factory.mktemp("go_tiles")))


def published(log: GrownLog) -> PublishedTiles:
    return PublishedTiles(log.origin, log, log.witnessed, HeldClock())


async def exported(log: GrownLog, path: Path) -> None:
    directory = TileDirectory(path)
    with directory.held():
        await TileExport(published(log), log, directory, log.verifier).run()


async def test_it_reads_what_was_exported_at_every_size(go_tiles: GoTiles, tmp_path: Path) -> None:
    log, path, old = GrownLog(), tmp_path / "log", tmp_path / "old"
    for count in (1, 254, 1, 1, 300, 9000):
        log.grow(count)
        await exported(log, path)
        more = ("--old", old) if old.exists() else ()
        said = f"OK: {log.published} entries of {log.origin}\n"
        assert await go_tiles.read(log, path, *more) == (0, said)
        old.write_bytes((path / "checkpoint").read_bytes())


async def test_it_reads_what_is_served(go_tiles: GoTiles) -> None:
    log = GrownLog()
    log.grow(700)
    log.add([bytes(32)])
    listener = TilesListener([published(log)], "127.0.0.1:0")
    await listener.open()
    try:
        place = f"http://127.0.0.1:{listener.port}/2026"
        assert await go_tiles.read(log, place) == (0, f"OK: 700 entries of {log.origin}\n")
    finally:
        await listener.close()


def changed(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path / "checkpoint", id="checkpoint"),
        pytest.param(lambda path: path / "tile/0/000", id="full tile"),
        pytest.param(lambda path: path / "tile/0/002.p/188", id="partial tile"),
        pytest.param(lambda path: path / "tile/1/000.p/2", id="upper tile"),
        pytest.param(lambda path: path / "tile/entries/001", id="bundle"),
    ],
)
async def test_it_refuses_what_was_changed(
    go_tiles: GoTiles, tmp_path: Path, change: Callable[[Path], Path]
) -> None:
    log = GrownLog()
    log.grow(700)
    await exported(log, tmp_path)
    file = change(tmp_path)
    file.write_bytes(changed(file.read_bytes()))
    code, said = await go_tiles.read(log, tmp_path)
    assert (code, said[:8]) == (1, "REFUSED:")


async def test_it_refuses_a_forked_log(go_tiles: GoTiles, tmp_path: Path) -> None:
    log = GrownLog()
    (tmp_path / "old").write_bytes(log.grow(300))
    other = log.forked(at=200)
    other.grow(500, salt="other")
    await exported(other, tmp_path / "log")
    code, said = await go_tiles.read(log, tmp_path / "log", "--old", tmp_path / "old")
    assert (code, "consistency" in said) == (1, True)
