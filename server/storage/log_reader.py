"""Reads the published log, on every replica."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from namak.evidence.tiles import TileId
from server.storage.log_registration import LINE, in_line
from server.storage.reading_pool import ReadingPool
from server.transparency.ports import Leaf, Owner, ShardInLine, ShardRow
from server.usecases.records import PublishedCheckpoint

_LEAVES = """
SELECT evidence_id, origin, leaf_index, entry FROM log_entries WHERE evidence_id = ANY($1::uuid[])
"""
_NEWEST = """
SELECT c.origin, c.size, c.note FROM log_heads h
JOIN log_checkpoints c ON c.origin = h.origin AND c.size = h.published_size
WHERE h.origin = ANY($1::text[])
"""
_TILES = """
SELECT t.origin, t.level, t.tile_index, t.hashes FROM log_tiles t
JOIN unnest($1::text[], $2::smallint[], $3::bigint[]) AS wanted (origin, level, tile_index)
USING (origin, level, tile_index)
"""
_SHARDS = """
SELECT h.origin, h.integrated_size, h.published_size, c.note, c.published_at FROM log_heads h
LEFT JOIN log_checkpoints c ON c.origin = h.origin AND c.size = h.published_size
WHERE h.origin = ANY($1::text[])
"""
# Evidence is looked up leaf by leaf: a plan made while the tables were small must do for large ones.
_OWNERS = """
SELECT DISTINCT e.organisation_id, e.owner_id
FROM (SELECT evidence_id FROM log_entries WHERE origin = $1 AND leaf_index >= $2 AND leaf_index < $3) l
CROSS JOIN LATERAL (
    SELECT organisation_id, owner_id FROM evidence WHERE id = l.evidence_id OFFSET 0
) e
"""
_ENTRIES = """
SELECT entry FROM log_entries
WHERE origin = $1 AND leaf_index >= $2 AND leaf_index < $3 ORDER BY leaf_index
"""
_QUEUED_AT_MOST = 100_000
_OLDEST_QUEUED = """
SELECT e.recorded_at FROM (SELECT evidence_id FROM log_queue ORDER BY position LIMIT 1) first
JOIN evidence e ON e.id = first.evidence_id
"""
_QUEUED = "SELECT count(*) FROM (SELECT 1 FROM log_queue LIMIT $1) queued"


class PostgresLogReader:
    """A `LogReader` with a few connections of its own, made when needed."""

    def __init__(self, url: str, *, connections: int) -> None:
        """Takes the database's URL and how many connections it may hold."""
        self._pool = ReadingPool(url, connections=connections, application="namak log reader")

    @property
    def pool(self) -> ReadingPool:
        """Its connections, for what else is read of the log; it closes them."""
        return self._pool

    async def leaves(self, evidence_ids: Collection[UUID]) -> Sequence[Leaf]:
        """See `LogReader`."""
        rows = await self._pool.rows(_LEAVES, list(evidence_ids))
        return [
            Leaf(UUID(int=row["evidence_id"].int), row["origin"], row["leaf_index"], row["entry"])
            for row in rows
        ]

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        """See `LogReader`."""
        found = {}
        for row in await self._pool.rows(_NEWEST, list(origins)):
            root = Checkpoint.parse(parse_note(row["note"]).text).root
            found[row["origin"]] = PublishedCheckpoint(row["origin"], row["size"], root, row["note"])
        return found

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        """See `LogReader`."""
        columns = (
            [origin for origin, _ in wanted],
            [tile.level for _, tile in wanted],
            [tile.index for _, tile in wanted],
        )
        rows = await self._pool.rows(_TILES, *columns)
        return {(row["origin"], TileId(row["level"], row["tile_index"])): row["hashes"] for row in rows}

    async def shards(self, origins: Collection[str]) -> Mapping[str, ShardRow]:
        """See `LogReader`."""
        return {row["origin"]: ShardRow(*row) for row in await self._pool.rows(_SHARDS, list(origins))}

    async def line(self) -> Sequence[ShardInLine]:
        """See `LogReader`."""
        return [in_line(row) for row in await self._pool.rows(LINE)]

    async def owners(self, origin: str, first: int, end: int) -> Collection[Owner]:
        """See `LogReader`."""
        rows = await self._pool.rows(_OWNERS, origin, first, end)
        return [Owner(UUID(int=row[0].int), UUID(int=row[1].int)) for row in rows]

    async def entries(self, origin: str, first: int, count: int) -> Sequence[bytes]:
        """See `LogReader`."""
        return [row["entry"] for row in await self._pool.rows(_ENTRIES, origin, first, first + count)]

    async def oldest_queued(self) -> datetime | None:
        """See `LogReader`."""
        rows = await self._pool.rows(_OLDEST_QUEUED)
        return rows[0][0] if rows else None

    async def queued(self) -> int:
        """See `LogReader`."""
        ((count,),) = await self._pool.rows(_QUEUED, _QUEUED_AT_MOST)
        return int(count)

    async def close(self) -> None:
        """Closes the connections, not waiting for queries under way."""
        await self._pool.close()
