"""A tiles client that nobody of this project wrote audits our public files, and so do its own commands."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.tiles.directory import TileDirectory
from server.tiles.export import TileExport
from server.tiles.listener import TilesListener
from server.tiles.published import PublishedTiles
from server.transparency.ports import WitnessedTree
from tests.fakes.clock import HeldClock
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.interop.programs import ROOT
from tests.unit.tiles import reading

FOREIGN = ROOT / ".venv/foreign"
AUDIT = Path(__file__).with_name("foreign_tiles.py")
WITNESS = Cosigner("witness.example/w1")

pytestmark = pytest.mark.skipif(
    not (FOREIGN / "stamp").exists(),
    reason="the foreign tiles client not tried: it is not installed (scripts/setup --with-others)",
)


async def run(*arguments: str | Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", *arguments),
        env={"PYTHONPATH": str(FOREIGN), "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.fixture
async def log() -> GrownLog:
    log = GrownLog()
    log.add([hashlib.sha256(b"before").digest()])
    note = log.grow(700)
    tree = WitnessedTree(log.origin, 701, WITNESS.cosigned(note, 1), HeldClock().now())
    await log.witnessed.keep(tree)
    return log


@pytest.fixture
async def places(log: GrownLog, tmp_path: Path) -> AsyncIterator[list[str]]:
    """The log in a directory and over HTTP."""
    published = PublishedTiles(log.origin, log, log.witnessed, HeldClock())
    directory = TileDirectory(tmp_path / "log")
    with directory.held():
        await TileExport(published, log, directory, log.verifier).run()
    listener = TilesListener([published], "127.0.0.1:0")
    await listener.open()
    yield [str(tmp_path / "log"), f"http://127.0.0.1:{listener.port}/2026/"]
    await listener.close()


async def test_it_finds_every_tile_and_bundle_right(log: GrownLog, places: list[str]) -> None:
    files = reading.files_of(701)
    bundles = sum(level < 0 for _, level, _, _ in files)
    for place in places:
        said = await run(AUDIT, log.vkey, WITNESS.vkey, place)
        assert said == (0, f"701 {len(files) - bundles} {bundles}\n")


async def test_it_finds_a_tile_that_was_changed(log: GrownLog, places: list[str]) -> None:
    tile = Path(places[0]) / "tile/0/001"
    tile.write_bytes(bytes(8192))
    code, said = await run(AUDIT, log.vkey, WITNESS.vkey, places[0])
    assert (code, "TileVerificationError" in said) == (1, True)


async def test_its_commands_prove_an_entry_and_that_the_log_only_grew(
    log: GrownLog, places: list[str], tmp_path: Path
) -> None:
    (entry := tmp_path / "entry").write_bytes(hashlib.sha256(b"before").digest())
    (old := tmp_path / "old").write_bytes(log.signed(300))
    for place in places:
        common = ("--log-key", log.vkey, "--tiles", place)
        assert (await run("-m", "aics_tlog", "verify-checkpoint", *common))[0] == 0
        inclusion = ("verify-inclusion", *common, "--index", "0", "--leaf")
        assert (await run("-m", "aics_tlog", *inclusion, entry))[0] == 0
        assert (await run("-m", "aics_tlog", *inclusion, old))[0] != 0
        consistency = ("verify-consistency", *common, "--old-checkpoint", old)
        assert (await run("-m", "aics_tlog", *consistency))[0] == 0
