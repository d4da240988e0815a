"""`python -m scripts.benchmark.worker_memory`: whether a worker's memory stays flat over 100,000 jobs.

It runs a durable PostgreSQL of its own and a real `namak-server work`, and gives it jobs of forwarding for a
mailbox that has no targets: each is taken, looks into the database and is done. It prints the resident
memory of the worker's process at the start and after some thousands of jobs.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from scripts.benchmark.forwarding import sink, until_done, worker, worker_settings_in
from server.bootstrap_machine import SystemEntropy
from server.dev.world import World
from server.domain.jobs import SPREAD, Job
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import embedded_postgres
from server.storage.embedded_place import remove
from server.storage.unit_of_work import SqlUnitOfWork

JOBS: Final = 100_000
PIECE: Final = 10_000
PLACE: Final = Path(__file__).resolve().parents[2] / "var" / "bench"
AT_ONCE: Final = 2000
"""Jobs that one transaction defers."""


async def measure(turn: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
    """Gives the worker its jobs in pieces, each within a `turn` at the machine, and prints its memory."""
    remove(PLACE)
    with turn():
        world = World.create(PLACE)
    async with embedded_postgres(PLACE / "database", durable=True) as postgres:
        await migrate.upgrade(postgres.url)
        database = Database(postgres.url, pool_size=2)
        with sink() as (port, _):
            settings = worker_settings_in(world, postgres.url, port, signed=False)
            async with worker(settings, PLACE / "worker.log") as pid:
                async for done, seconds in _pieces(SqlUnitOfWork(database), postgres.url, turn):
                    speed = f", {PIECE / seconds:.0f}/s" if seconds else ""
                    _say(f"{done:>7,} jobs: {resident_mib(pid):6.1f} MiB{speed}")
        await database.dispose()


async def _pieces(
    uow: SqlUnitOfWork, url: str, turn: Callable[[], AbstractContextManager[object]]
) -> AsyncIterator[tuple[int, float]]:
    yield 0, 0.0
    for done in range(0, JOBS, PIECE):
        with turn():
            took = await piece(uow, url, PIECE)
        yield done + PIECE, took


async def piece(uow: SqlUnitOfWork, url: str, jobs: int) -> float:
    """Gives the workers so many jobs, and returns in how many seconds they did them."""
    began = time.monotonic()
    for left in range(jobs, 0, -AT_ONCE):
        async with uow.writing() as tx:
            await tx.jobs.defer([_job() for _ in range(min(left, AT_ONCE))])
            await tx.commit()
    await until_done(url)
    return time.monotonic() - began


def _job() -> Job:
    entropy = SystemEntropy()
    return Job(SPREAD, {"mailbox": entropy.new_id(), "delivery": entropy.new_id()})


def resident_mib(pid: int) -> float:
    """Returns how much of a process lies in memory, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("no VmRSS")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(measure())
