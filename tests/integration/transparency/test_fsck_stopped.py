"""`namak-server log fsck` that does not come to its end: it reports what it found until then."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.cli.log_fsck import _reached
from server.fsck.findings import Part, Report
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, World
from tests.integration.transparency.test_tiles_commands import SETTINGS, run
from tests.waiting import until

WAITING = "SELECT pid FROM pg_locks WHERE relation = 'log_timestamps'::regclass AND NOT granted"
START_SECONDS = 240.0
A_HEAD_WITHOUT_LEAVES = "INSERT INTO log_heads VALUES ($1, 1, sha256('x'), 0)"


@pytest.fixture
def settings(world: World) -> Path:
    (world.directory / "file").touch()
    path = world.directory / "namak-server.toml"
    path.write_text(SETTINGS.format(database=world.ledger.url, origin=ORIGIN))
    return path


@asynccontextmanager
async def stuck(world: World, settings: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Has a check go on until it comes to the tokens, and wait there."""
    holder = await world.ledger.connect()
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE log_timestamps")
    command = [sys.executable, "-m", "server", "log", "fsck", *arguments, "--config", str(settings)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Test runners may ignore it, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        await until(lambda: holder.fetchval(WAITING), seconds=START_SECONDS)
        yield process
    finally:
        await transaction.rollback()
        await holder.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    told, wrong = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    return process.returncode, told.decode(), wrong.decode()


@pytest.mark.parametrize(
    ("how", "damaged"), [(signal.SIGINT, False), (signal.SIGTERM, True)], ids=["SIGINT", "SIGTERM"]
)
async def test_interrupted_it_reports_what_it_found_until_then(
    world: World, settings: Path, how: signal.Signals, damaged: bool
) -> None:
    if damaged:
        await world.ledger.rows(A_HEAD_WITHOUT_LEAVES, ORIGIN)
    parts = ("--only", "tree", "--only", "tokens")
    async with stuck(world, settings, *parts, *(("--json",) if damaged else ())) as process:
        process.send_signal(how)
        code, told, wrong = await ended(process)
    assert "Traceback" not in wrong
    if damaged:
        report = json.loads(told)
        assert (code, report["complete"], list(report["parts"])) == (4, False, ["tree"])
        assert report["stopped"] == "it was interrupted, in part tokens"
        assert report["counts"]["leaf-missing"] == 1
        assert all(each["to_do"] for each in report["findings"])
    else:
        assert (code, "tree: " in told) == (1, True)
        assert "NOT ALL WAS CHECKED: it was interrupted, in part tokens.\n" in told
        assert wrong.endswith("namak-server: not all was checked: it was interrupted, in part tokens\n")


async def test_a_database_that_goes_away_ends_it_with_what_it_found(world: World, settings: Path) -> None:
    async with stuck(world, settings, "--only", "tree", "--only", "tokens") as process:
        await world.ledger.rows(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) waiting")
        code, told, wrong = await ended(process)
    assert (code, "Traceback" in wrong) == (1, False)
    assert ", in part tokens.\n" in told
    assert "NOT ALL WAS CHECKED" in told


async def test_tables_of_another_release_are_told(world: World, settings: Path) -> None:
    await world.ledger.rows("ALTER TABLE log_timestamps RENAME TO log_stamps")
    done = await run(settings, "fsck", "--only", "tokens")
    assert done.exit_code == 1
    assert "the database refused a statement" in done.stderr
    assert "are its tables another release's?" in done.stderr
    newest = await world.ledger.value("SELECT version_num FROM alembic_version")
    await world.ledger.rows("UPDATE alembic_version SET version_num = '0001'")
    done = await run(settings, "fsck", "--only", "tokens")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "the database lacks tables of this release; run: namak-server migrate" in done.stderr
    assert newest != "0001"


def test_where_it_was_interrupted_is_where_to_go_on() -> None:
    report = Report()
    report.begins(Part.TREE)
    report.reached = (ORIGIN, 16_384)
    assert _reached(report) == (
        f", in part tree at leaf 16384 of {ORIGIN};"
        " where that takes leaves still, go on with --from-index 16384"
    )
