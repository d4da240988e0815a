"""What a long log costs its readers: `python -m scripts.benchmark.long_log --leaves 10000000`.

A log grows in PostgreSQL to 10^4, 10^5 … leaves: its tiles are computed in one pass and copied, and stand in
a database of their own that is removed afterwards (400 MiB for 10^7 leaves). Of `log_entries` only those
leaves have rows that are asked for. At each size a process of its own, new and with nothing kept, makes
inclusion and consistency proofs as the server does, and verifies them; then it leads the log over some more
leaves.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, note_from, signature_line
from namak.evidence.tiles import TileId, extend, tiles_for_extend
from namak.evidence.tree import leaf_hash
from scripts.benchmark.integrating import fill_queue, integrate_all, resident
from scripts.benchmark.log_place import ORIGIN, database_beside, size_of
from server.bootstrap_machine import SystemClock
from server.storage.embedded import embedded_postgres
from server.storage.log import log_storage
from server.storage.log_connection import driver_url
from server.transparency.guard import FileGuard, SignedTree
from server.transparency.ports import LogReader
from server.transparency.proofs import ProofFinder, Proven
from server.transparency.public_log import ShardsInPublic
from server.transparency.shard import Shard
from server.transparency.shard_directory import ShardDirectory
from server.usecases.log_queries import AskConsistency, LogQueries

SIZES = (10**4, 10**5, 10**6, 10**7)
PROOFS = 400
"""Of each kind at each size."""
LED = 20_000
"""Leaves that are integrated after the proofs at each size."""
_CHUNK = 1 << 16
_NOTHING = b"\x00" * 32


class FileKey:
    """A `LogSigner` in memory: what is measured here does not sign."""

    def __init__(self, secret: bytes) -> None:
        """Takes the key."""
        self._key = Ed25519PrivateKey.from_private_bytes(secret)

    @property
    def public_key(self) -> bytes:
        """See `LogSigner`."""
        return self._key.public_key().public_bytes_raw()

    async def sign(self, message: bytes) -> bytes:
        """See `LogSigner`."""
        return self._key.sign(message)

    async def close(self) -> None:
        """See `LogSigner`."""


@dataclass
class LongLog:
    """A log that grows by itself."""

    url: str
    secret: bytes
    guard: Path

    def __post_init__(self) -> None:
        """Nothing is in it yet but what others put there."""
        self._chance = random.Random(6)  # noqa: S311 - leaves, no secrets
        self.known: list[UUID] = []

    async def grow(self, size: int) -> float:
        """Lets it have so many leaves, some of which are known; publishes; returns the seconds."""
        began = time.monotonic()
        connection = await asyncpg.connect(driver_url(self.url))
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO log_heads (origin, integrated_size, root, published_size) VALUES ($1, 0, $2, 0)"
                " ON CONFLICT DO NOTHING",
                ORIGIN,
                _NOTHING,
            )
            first: int = await connection.fetchval("SELECT integrated_size FROM log_heads")
            known = {index: self._chance.randbytes(32) for index in self._chosen(first, size)}
            root = await self._append(connection, first, size, known)
            rows = [(ORIGIN, index, entry, UUID(int=index + 1), None) for index, entry in known.items()]
            await connection.copy_records_to_table("log_entries", records=rows)
            self.known += [row[3] for row in rows]
            await self._publish(connection, Checkpoint(ORIGIN, size, root))
        await connection.execute("VACUUM ANALYZE log_tiles, log_entries")
        await connection.close()
        return time.monotonic() - began

    def _chosen(self, first: int, end: int) -> Collection[int]:
        return self._chance.sample(range(first, end), min(PROOFS, end - first))

    async def _append(self, connection: Any, first: int, end: int, known: Mapping[int, bytes]) -> bytes:
        root = b""
        for start in range(first, end, _CHUNK):
            stop = min(start + _CHUNK, end)
            wanted = tiles_for_extend(start)
            rows = await connection.fetch(
                "SELECT level, tile_index, hashes FROM log_tiles"
                " JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, tile_index)"
                " USING (level, tile_index)",
                [tile.level for tile in wanted],
                [tile.index for tile in wanted],
            )
            edge = {TileId(level, index): hashes for level, index, hashes in rows}
            leaves = [
                leaf_hash(known[index]) if index in known else self._chance.randbytes(32)
                for index in range(start, stop)
            ]
            grown = extend(edge, start, leaves)
            root = grown.root
            await connection.executemany(
                "DELETE FROM log_tiles WHERE level = $1 AND tile_index = $2",
                [(tile.level, tile.index) for tile in edge],
            )
            kept = {tile: row for tile, row in edge.items() if tile not in grown.changed}
            await connection.copy_records_to_table(
                "log_tiles",
                records=[
                    (ORIGIN, tile.level, tile.index, row) for tile, row in {**kept, **grown.changed}.items()
                ],
            )
        return root

    async def _publish(self, connection: Any, checkpoint: Checkpoint) -> None:
        signer, now = FileKey(self.secret), datetime.now(UTC)
        text = checkpoint.text()
        verifier = Verifier(ORIGIN, signer.public_key)
        note = note_from(text, [signature_line(ORIGIN, verifier.key_id, await signer.sign(text))])
        size, root = checkpoint.size, checkpoint.root
        await connection.execute("INSERT INTO log_trees VALUES ($1, $2, $3, $4)", ORIGIN, size, root, now)
        await connection.execute(
            "INSERT INTO log_checkpoints VALUES ($1, $2, $3, $4)", ORIGIN, size, note, now
        )
        await connection.execute(
            "UPDATE log_heads SET integrated_size = $1, root = $2, published_size = $1", size, root
        )
        guard = FileGuard(self.guard, verifier)
        await guard.advance(await guard.read(), SignedTree(checkpoint, note))


class CountingReader:
    """A `LogReader` that counts the tiles it is asked for."""

    def __init__(self, reader: LogReader) -> None:
        """Takes the real one."""
        self._reader = reader
        self.tiles_read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        """See `LogReader`."""
        self.tiles_read += len(wanted)
        return await self._reader.tiles(wanted)


@dataclass(frozen=True)
class Cost:
    """What proofs of one kind took: milliseconds in the middle and at the 99th percentile, and for each those
    of this process's processor and tiles.
    """

    p50_ms: float
    p99_ms: float
    processor_ms: float
    tiles: float

    @classmethod
    def of(cls, seconds: Sequence[float], processor: float, tiles: int) -> "Cost":
        """Returns the cost of so many proofs, which had so many seconds of the processor together."""
        cuts = statistics.quantiles(seconds, n=100)
        count = len(seconds)
        return cls(1000 * cuts[49], 1000 * cuts[98], 1000 * processor / count, tiles / count)


@dataclass(frozen=True)
class Found:
    """What was found at one size. Memory of the reading process is in MiB: at its start, after the proofs,
    after it led the log.
    """

    size: int
    cold: Cost
    kept: Cost
    consistency: Cost
    mib: tuple[float, float, float]
    leaves_per_s: float


async def _inclusion(reader: CountingReader, verifier: Verifier, ids: Iterable[UUID], *, cold: bool) -> Cost:
    verifiers = {ORIGIN: verifier}.get
    finder, seconds, before = ProofFinder(reader, verifiers), [], reader.tiles_read
    spent = time.process_time()
    for each in ids:
        began = time.perf_counter()
        if cold:
            finder = ProofFinder(reader, verifiers)
        outcome = (await finder.find([each]))[each]
        seconds.append(time.perf_counter() - began)
        if not isinstance(outcome, Proven):
            raise RuntimeError(f"a proof is contradicted: {outcome.cause}")
    return Cost.of(seconds, time.process_time() - spent, reader.tiles_read - before)


async def _consistency(reader: CountingReader, directory: ShardDirectory, witnessed: Any, size: int) -> Cost:
    chance, seconds, before = random.Random(size), [], reader.tiles_read  # noqa: S311 - sizes, no secrets
    nobody: Any = None  # no outage is asked about
    spent = time.process_time()
    for _ in range(PROOFS):
        first = chance.randrange(1, size)
        began = time.perf_counter()
        public = ShardsInPublic(directory, reader, witnessed, healthy=lambda: True)
        await LogQueries(public, nobody, clock=SystemClock()).consistency(AskConsistency(ORIGIN, first, size))
        seconds.append(time.perf_counter() - began)
    return Cost.of(seconds, time.process_time() - spent, reader.tiles_read - before)


async def _read(url: str, secret: bytes, guard: Path, ids: Sequence[UUID], size: int) -> Found:
    signer = FileKey(secret)
    shard = Shard(ORIGIN, signer, FileGuard(guard, Verifier(ORIGIN, signer.public_key)))
    storage = log_storage(url)
    reader = CountingReader(storage.reader)
    directory = ShardDirectory([shard.verifier], storage.reader)
    await directory.refresh()
    await _inclusion(reader, shard.verifier, ids[:5], cold=True)  # connects
    began = resident()
    cold = await _inclusion(reader, shard.verifier, ids, cold=True)
    kept = await _inclusion(reader, shard.verifier, ids, cold=False)
    consistency = await _consistency(reader, directory, storage.witnessed, size)
    proved = resident()
    await storage.reader.close()
    await fill_queue(url, LED)
    led = await integrate_all(url, signer, guard, LED)
    return Found(size, cold, kept, consistency, (began, proved, led.mib_after), led.per_s)


def read(url: str, secret: bytes, guard: Path, ids: Sequence[UUID], size: int) -> Found:
    """Measures in this process, which MUST be new."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_read(url, secret, guard, ids, size))


async def measure(url: str, place: Path, leaves: int) -> Sequence[Found]:
    """Measures at each size up to so many leaves; prints how long growing took."""
    async with database_beside(url) as own:
        log = LongLog(own, random.Random(1).randbytes(32), place / "guard" / "note")  # noqa: S311 - signs no log
        found, seconds = [], 0.0
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            for size in itertools.takewhile(lambda size: size <= leaves, SIZES):
                seconds += await log.grow(size)
                ids = random.Random(size).sample(log.known, min(PROOFS, len(log.known)))  # noqa: S311 - no secrets
                arguments = (own, log.secret, log.guard, ids, size)
                found.append(await asyncio.to_thread(pool.apply, read, arguments))
        mib = await size_of(own, "log\\_tiles")
    print(f"growing took {seconds:.1f} s; the tiles have {mib:.0f} MiB")
    return found


async def _measured(leaves: int) -> Sequence[Found]:
    with tempfile.TemporaryDirectory(prefix="namak-long-log-") as place:
        await asyncio.to_thread(Path(place).chmod, 0o711)
        async with embedded_postgres(Path(place) / "postgres", durable=True) as postgres:
            return await measure(postgres.url, Path(place), leaves)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmark.long_log", description=__doc__)
    parser.add_argument("--leaves", type=int, default=SIZES[-1], help="the last size")
    asked = parser.parse_args()
    for found in asyncio.run(_measured(asked.leaves)):
        costs = (("cold", found.cold), ("kept", found.kept), ("consistency", found.consistency))
        words = "; ".join(
            f"{name} p50 {cost.p50_ms:.2f} p99 {cost.p99_ms:.2f} ms "
            f"({cost.processor_ms:.2f} of the processor), {cost.tiles:.2f} tiles"
            for name, cost in costs
        )
        memory = ", ".join(f"{mib:.1f}" for mib in found.mib)
        print(f"{found.size:>10,}: {words}; {memory} MiB; then {found.leaves_per_s:,.0f} leaves/s")


if __name__ == "__main__":
    main()
