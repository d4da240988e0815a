"""Parts of the measurement that leave the post: letters that are set for print, and a worker's memory."""

import asyncio
from typing import Final

from scripts.benchmark import forwarding, printing, worker_memory
from scripts.benchmark.parts import Bench, Figures
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork

PRINTERS: Final = 2
"""Processes that set letters: one for each of the two cores that the aim names."""

JOBS_A_SECOND: Final = 1000
"""So many jobs for each second that is to be measured; `scripts.benchmark.worker_memory` does 100,000."""


async def letters(bench: Bench) -> Figures:
    """Letters on paper: a covering page and a short text, in the languages of all profiles."""
    measured = await printing.measure(PRINTERS, bench.seconds, None)
    return {
        "letters_per_s": round(measured["letters_a_minute"] / 60, 1),
        "letters_a_minute": measured["letters_a_minute"],
        "letters_processors": measured["processors_used"],
        "letters_processor_ms": measured["processor_ms_a_letter"],
    }


async def memory(bench: Bench) -> Figures:
    """A worker's memory over jobs that are taken, look into the database and are done."""
    pieces = 5
    piece = max(1, round(JOBS_A_SECOND * bench.seconds / pieces))
    database = Database(bench.office.database_url, pool_size=2)
    sizes, seconds = list[float](), 0.0
    with forwarding.sink() as (port, _):
        settings = forwarding.worker_settings(bench.office, port, signed=False)
        log = bench.office.world.directory / "worker.log"
        async with forwarding.worker(settings, log) as pid:
            for _ in range(pieces):
                took = await worker_memory.piece(SqlUnitOfWork(database), bench.office.database_url, piece)
                seconds += took
                sizes.append(await asyncio.to_thread(worker_memory.resident_mib, pid))
    await database.dispose()
    return {
        "jobs_per_s": round(piece * pieces / seconds, 1),
        "jobs_of_memory": piece * pieces,
        "worker_mib_after_a_fifth": round(sizes[0], 1),
        "worker_mib_at_end": round(sizes[-1], 1),
    }


WORDS = {
    "letters": f"letters on paper, two pages each, set by {PRINTERS} processes",
    "jobs": "jobs of one worker that come to nothing",
}
