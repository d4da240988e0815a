"""`namak-server log fsck` in several processes: it finds what one finds, and a lost one is no silent pass."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from scripts.benchmark.stored_post import ORIGIN, fill
from server.storage.log_connection import driver_url
from tests.integration.transparency.conftest import PATIENCE_SECONDS
from tests.integration.transparency.test_tiles_commands import SETTINGS, run
from tests.postgres import finish
from tests.waiting import until

LEAVES = 1600
START_SECONDS = 240.0
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'log_queue'::regclass AND NOT granted"

SOME = "mailbox_id = (SELECT mailbox_id FROM mailbox_heads ORDER BY mailbox_id LIMIT 1 OFFSET {})"
WITH_LINKS = LEAVES // 32 * 10 // 50 - 1
DAMAGES = (
    *(
        f"UPDATE mailbox_links SET nonce = sha256('x') WHERE sequence = 2 AND {SOME.format(n)}"
        for n in (2, 7)
    ),
    *(
        f"UPDATE deliveries SET submitted_at = submitted_at - interval '1 us' WHERE {SOME.format(n)}"
        for n in (0, 4, 8)
    ),
    f"DELETE FROM openings WHERE {SOME.format(6)}",
    "UPDATE log_entries SET entry = sha256('x') WHERE leaf_index = 700",
    "UPDATE deliveries SET sender = 'x@src.am' WHERE sequence = 3",
    "INSERT INTO log_queue (evidence_id, entry) VALUES (gen_random_uuid(), sha256('x'))",
    "DELETE FROM evidence WHERE id IN (SELECT evidence_id FROM log_entries WHERE leaf_index IN (30, 1400))",
    (
        "UPDATE evidence SET entry = sha256('x') WHERE id IN"
        " (SELECT evidence_id FROM log_entries WHERE leaf_index IN (31, 900))"
    ),
    f"DELETE FROM mailbox_links WHERE {SOME.format(9)}",
    f"DELETE FROM mailbox_links WHERE sequence = 50 AND {SOME.format(1)}",
    f"DELETE FROM mailbox_heads WHERE {SOME.format(3)}",
)
"""In several mailboxes, and in what is of none."""


async def stored(url: str) -> None:
    await fill(url, LEAVES)


@pytest.fixture(scope="module")
def settings(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A post of ten mailboxes."""
    finish(stored(module_database_url))
    directory = tmp_path_factory.mktemp("processes")
    (directory / "file").touch()
    path = directory / "namak-server.toml"
    path.write_text(SETTINGS.format(database=module_database_url, origin=ORIGIN))
    return path


@contextlib.asynccontextmanager
async def checking(settings: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Has the command check in three processes of a session of their own."""
    command = [sys.executable, "-m", "server", "log", "fsck", "--processes", "3", *arguments]
    process = await asyncio.create_subprocess_exec(
        *(*command, "--config", str(settings)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    told, wrong = await asyncio.wait_for(process.communicate(), START_SECONDS)
    return process.returncode, told.decode(), wrong.decode()


def helpers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in children if "spawn_main" in Path(f"/proc/{each}/cmdline").read_text()]


def is_gone(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


@pytest.mark.parametrize("lost", [True, False], ids=["one is killed", "SIGTERM"])
async def test_a_lost_process_or_a_signal_ends_it_without_a_pass_and_leaves_nobody(
    settings: Path, module_database_url: str, lost: bool
) -> None:
    holder = await asyncpg.connect(driver_url(module_database_url))
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE log_queue")
    async with checking(settings, "--only", "evidence") as process:
        await until(lambda: holder.fetchval(WAITING), seconds=START_SECONDS)
        helpers = helpers_of(process.pid)
        assert len(helpers) == 1
        for each in helpers if lost else [process.pid]:
            os.kill(each, signal.SIGKILL if lost else signal.SIGTERM)
        code, told, wrong = await ended(process)
        await until(lambda: all(map(is_gone, helpers)), seconds=PATIENCE_SECONDS)
    await transaction.rollback()
    await holder.close()
    assert (code, "Traceback" in wrong) == (1, False)
    why = "the process that checked part evidence ended with -9" if lost else "it was interrupted"
    assert f"NOT ALL WAS CHECKED: {why}; not checked to the end: evidence.\n" in told


PARTS = ("tree", "evidence", "tokens", "mailboxes", "effects", "usage")
ONLY = tuple(word for part in PARTS for word in ("--only", part))


def without_times(told: str) -> Any:
    report = json.loads(told)
    for part in report["parts"].values():
        del part["seconds"], part["per_second"]
    return report


async def test_several_processes_find_what_one_finds_in_the_same_order(
    settings: Path, module_database_url: str
) -> None:
    connection = await asyncpg.connect(driver_url(module_database_url))
    for table in ("mailbox_links", "mailbox_heads", "deliveries", "openings", "log_entries", "evidence"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry")
    for damage in DAMAGES:
        assert not (await connection.execute(damage)).endswith(" 0")
    await connection.close()
    alone = await run(settings, "fsck", *ONLY, "--json", "--processes", "1")
    async with checking(settings, *ONLY, "--json") as process:
        code, told, wrong = await ended(process)
    # How far it is goes there too, where it takes long.
    assert (code, alone.exit_code, "Traceback" in wrong) == (4, 4, False)
    report = without_times(told)
    assert (report["complete"], list(report["parts"])) == (True, list(PARTS))
    assert (report["checked"]["leaves"], report["checked"]["mailboxes"]) == (LEAVES, WITH_LINKS)
    assert report == without_times(alone.stdout)
    assert {each["part"] for each in report["findings"]} == {*PARTS} - {"tokens"}
