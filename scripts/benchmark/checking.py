"""How fast `namak-server log fsck` checks a stored log: `python -m scripts.benchmark.checking`.

Fills a database of its own by SQL with leaves, evidence of an acceptance's usual length, tiles, and a tree
for every hundred leaves, and checks it as the command does, in one process beside PostgreSQL.
"""

import argparse
import asyncio
import hashlib
import resource
import tempfile
import time
from pathlib import Path

import asyncpg
import uvloop

from namak.evidence.tiles import TileId, extend, tiles_for_root
from namak.evidence.tree import EMPTY_ROOT, leaf_hash
from server.bootstrap_fsck import opened
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.jurisdictions.am import AM
from server.storage import migrate
from server.storage.embedded import EmbeddedPostgres
from server.storage.log_connection import driver_url

ORIGIN = "log.example.am/2026"
DOCUMENT = "convert_to(repeat(md5(leaf::text), 47), 'UTF8')"
"""1,504 bytes, all different."""
LEAVES_A_TREE = 100
# Identifiers that grow as those of evidence do.
_EVIDENCE = f"""
INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry, recorded_at)
SELECT gen_random_uuid(), lpad(to_hex(leaf), 32, '0')::uuid, 'urn:event', gen_random_uuid(), {DOCUMENT},
    sha256({DOCUMENT}), now()
FROM generate_series(1, $1::bigint) leaf
"""  # noqa: S608
_LEAVES = f"""
INSERT INTO log_entries (origin, leaf_index, entry, evidence_id)
SELECT '{ORIGIN}', leaf - 1, sha256({DOCUMENT}), lpad(to_hex(leaf), 32, '0')::uuid
FROM generate_series(1, $1::bigint) leaf
"""  # noqa: S608


async def fill(url: str, leaves: int) -> None:
    """Writes a log of so many leaves."""
    connection = await asyncpg.connect(driver_url(url))
    for statement in (_EVIDENCE, _LEAVES):
        await connection.execute(statement, leaves)
    edge: dict[TileId, bytes] = {}
    tiles: dict[TileId, bytes] = {}
    trees, size, root = [], 0, EMPTY_ROOT
    while size < leaves:
        end = min(size + LEAVES_A_TREE, leaves)
        documents = (hashlib.md5(b"%d" % leaf).hexdigest() * 47 for leaf in range(size + 1, end + 1))  # noqa: S324
        entries = [hashlib.sha256(document.encode()).digest() for document in documents]
        grown = extend(edge, size, [leaf_hash(entry) for entry in entries])
        size, root = grown.new_size, grown.root
        trees.append((ORIGIN, size, root))
        tiles.update(grown.changed)
        edge = {tile: tiles[tile] for tile in tiles_for_root(size)}
    await connection.executemany("INSERT INTO log_trees VALUES ($1, $2, $3, now())", trees)
    rows = [(ORIGIN, tile.level, tile.index, row) for tile, row in tiles.items()]
    await connection.executemany("INSERT INTO log_tiles VALUES ($1, $2, $3, $4)", rows)
    await connection.execute("INSERT INTO log_heads VALUES ($1, $2, $3, 0)", ORIGIN, size, root)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def measure(url: str) -> Report:
    """Checks all of it."""
    report = Report()
    async with opened(url, AM) as stored:
        await LogCheck(stored, {}, Trusted({}), report).run(Asked(frozenset(Part), ORIGIN))
    return report


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=200_000)
    leaves: int = parser.parse_args().leaves
    with tempfile.TemporaryDirectory(prefix="namak-fsck-") as place:
        Path(place).chmod(0o711)
        postgres = EmbeddedPostgres.start(Path(place) / "postgres", durable=False)
        try:
            asyncio.run(migrate.upgrade(postgres.url))
            asyncio.run(fill(postgres.url, leaves))
            began = time.process_time()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                report = runner.run(measure(postgres.url))
            processor = time.process_time() - began
        finally:
            postgres.stop()
    if not report.sound:
        raise SystemExit(f"not sound: {report.findings[:3]}")
    for part, seconds in report.seconds.items():
        print(f"{part}: {seconds:.2f} s, {leaves / seconds:,.0f} leaves/s")
    whole = sum(report.seconds.values())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"this process: {processor / leaves * 1e6:.1f} µs of processor a leaf")
    print(
        f"all: {whole:.2f} s, {leaves / whole:,.0f} leaves/s; {grown / 1024:.0f} MiB more at most than before"
    )


if __name__ == "__main__":
    main()
