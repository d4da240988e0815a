"""How fast a full queue comes under signed, published checkpoints: `python -m scripts.benchmark.integrating`.

The log's own service leads over a durable PostgreSQL, with its usual pace, a key in SoftHSM2 and a guard on
the disk; PostgreSQL and the leader share the processors.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvloop

from namak.evidence.note import Verifier
from scripts.benchmark.log_place import ORIGIN, WallClock, database_beside, size_of, token_signer
from server.hsm.keys import LogSigner
from server.storage.embedded import embedded_postgres
from server.storage.log import log_storage
from server.storage.log_connection import driver_url
from server.transparency.guard import FileGuard
from server.transparency.service import TransparencyService
from server.transparency.settings import DEFAULT_PACE, Pace
from server.transparency.shard import Shard
from server.transparency.steps import Step

LEAVES = 200_000
_QUEUE = """
INSERT INTO log_queue (evidence_id, entry, organisation_id)
SELECT gen_random_uuid(), sha256(leaf::text::bytea), lpad(to_hex(leaf % 100), 32, '0')::uuid
FROM generate_series(1, $1::bigint) leaf
"""


@dataclass(frozen=True)
class Integrated:
    """What came of it: leaves in how many checkpoints and seconds, the seconds between the steps by the step
    that ended them, the processor's seconds of this process, and its memory in MiB before and after.
    """

    leaves: int
    checkpoints: int
    seconds: float
    steps: Mapping[Step, float]
    processor: float
    mib_before: float
    mib_after: float

    @property
    def per_s(self) -> float:
        """Leaves a second."""
        return self.leaves / self.seconds


async def fill_queue(url: str, leaves: int) -> None:
    """Puts so many entries into the queue, of a hundred organisations."""
    connection = await asyncpg.connect(driver_url(url))
    await connection.execute(_QUEUE, leaves)
    await connection.execute("VACUUM ANALYZE log_queue")
    await connection.execute("CHECKPOINT")
    await connection.close()


async def integrate_all(
    url: str, signer: LogSigner, guard: Path, leaves: int, pace: Pace = DEFAULT_PACE
) -> Integrated:
    """Leads the log until all so many leaves of the queue are published."""
    steps: dict[Step, float] = defaultdict(float)
    published = asyncio.Event()
    checkpoints, reached, at = 0, 0, time.monotonic()
    connection = await asyncpg.connect(driver_url(url))
    before: int = await connection.fetchval("SELECT coalesce(sum(published_size), 0)::bigint FROM log_heads")

    async def on_step(step: Step) -> None:
        nonlocal checkpoints, reached, at
        now = time.monotonic()
        steps[step] += now - at
        at = now
        if step is Step.PUBLISHED:
            checkpoints += 1
            reached = await connection.fetchval("SELECT sum(published_size)::bigint FROM log_heads")
            if reached - before >= leaves:
                published.set()

    shard = Shard(ORIGIN, signer, guard=FileGuard(guard, _verifier(signer)))
    service = TransparencyService(
        [shard], log_storage(url, pace=pace), clock=WallClock(), pace=pace, on_step=on_step
    )
    mib_before, spent, began = resident(), time.process_time(), time.monotonic()
    await service.start()
    try:
        await published.wait()
        took, spent = time.monotonic() - began, time.process_time() - spent
    finally:
        await service.stop(5.0)
        await connection.close()
    return Integrated(leaves, checkpoints, took, steps, spent, mib_before, resident())


def _verifier(signer: LogSigner) -> Verifier:
    return Verifier(ORIGIN, signer.public_key)


def resident() -> float:
    """Returns how much of this process lies in memory, in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("no VmRSS")


async def measure(leaves: int, pace: Pace) -> Integrated:
    """Measures in a PostgreSQL of its own, and prints what the tables have then."""
    with tempfile.TemporaryDirectory(prefix="namak-integrating-") as place:
        await asyncio.to_thread(Path(place).chmod, 0o711)
        async with (
            embedded_postgres(Path(place) / "postgres", durable=True) as postgres,
            token_signer(Path(place) / "token") as signer,
            database_beside(postgres.url) as url,
        ):
            await fill_queue(url, leaves)
            found = await integrate_all(url, signer, Path(place) / "guard" / "note", leaves, pace)
            for table in ("log_queue", "log_entries", "log_tiles"):
                print(f"{table}: {await size_of(url, table):.1f} MiB")
    return found


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmark.integrating", description=__doc__)
    parser.add_argument("--leaves", type=int, default=LEAVES)
    parser.add_argument("--batch", type=int, default=DEFAULT_PACE.batch)
    parser.add_argument("--most", type=int, default=DEFAULT_PACE.batch_most, help="where the queue is long")
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(
            measure(asked.leaves, Pace(batch=asked.batch, batch_most=max(asked.batch, asked.most)))
        )
    for step, seconds in found.steps.items():
        print(f"{step}: {1000 * seconds / found.checkpoints:.1f} ms a checkpoint")
    print(
        f"{found.per_s:,.0f} leaves/s, {found.checkpoints} checkpoints in {found.seconds:.1f} s; "
        f"{1e6 * found.processor / found.leaves:.1f} µs of this process's processor a leaf; "
        f"{found.mib_before:.0f} MiB before, {found.mib_after:.0f} after, "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} at most"
    )


if __name__ == "__main__":
    main()
