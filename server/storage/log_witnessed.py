"""The witnessed checkpoints, read and written by every replica."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from server.storage.reading_pool import ReadingPool
from server.transparency.ports import WitnessedTree

NOTES_LOOKED_THROUGH = 1000
"""For a witness's line, of a shard's witnessed checkpoints: a quarter of an hour of a busy log."""

# It may be repeated like a reading one: the second time changes nothing.
_KEEP = """
INSERT INTO log_witnessed (origin, size, note, witnessed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_NEWEST = """
SELECT w.origin, w.size, w.note, w.witnessed_at FROM unnest($1::text[]) AS wanted (origin)
CROSS JOIN LATERAL (
    SELECT origin, size, note, witnessed_at FROM log_witnessed
    WHERE origin = wanted.origin ORDER BY size DESC LIMIT 1
) w
"""
_RENEW = """
INSERT INTO log_rewitnessed AS old (origin, size, note, witnessed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (origin) DO UPDATE
SET size = excluded.size, note = excluded.note, witnessed_at = excluded.witnessed_at
WHERE (excluded.size, excluded.witnessed_at) > (old.size, old.witnessed_at)
"""
_FRESHEST = """
SELECT w.origin, w.size, w.note, w.witnessed_at FROM unnest($1::text[]) AS wanted (origin)
CROSS JOIN LATERAL (
    (
        SELECT origin, size, note, witnessed_at FROM log_witnessed
        WHERE origin = wanted.origin ORDER BY size DESC LIMIT 1
    ) UNION ALL (
        SELECT origin, size, note, witnessed_at FROM log_rewitnessed WHERE origin = wanted.origin
    )
    ORDER BY size DESC, witnessed_at DESC LIMIT 1
) w
"""
_LAST_WITH = """
SELECT wanted.line, w.note FROM unnest($2::bytea[]) AS wanted (line)
CROSS JOIN LATERAL (
    SELECT size, note, witnessed_at FROM (
        (SELECT size, note, witnessed_at FROM log_witnessed WHERE origin = $1 ORDER BY size DESC LIMIT $3)
        UNION ALL
        (SELECT size, note, witnessed_at FROM log_rewitnessed WHERE origin = $1)
    ) newest
    WHERE position('\\x0a'::bytea || wanted.line IN note) > 0
    ORDER BY size DESC, witnessed_at DESC LIMIT 1
) w
"""
_FIRST_OVER = """
SELECT origin, size, note, witnessed_at FROM log_witnessed
WHERE origin = $1 AND size > $2 ORDER BY size LIMIT 1
"""
_INTEGRATED_BEYOND = """
SELECT integrated_at FROM log_trees WHERE origin = $1 AND size > $2 ORDER BY size LIMIT 1
"""


class PostgresWitnessedTrees:
    """`WitnessedTrees` and `CosignedNotes` over the connections that read the log."""

    def __init__(self, pool: ReadingPool) -> None:
        self._pool = pool

    async def keep(self, tree: WitnessedTree) -> None:
        """See `WitnessedTrees`."""
        await self._pool.rows(_KEEP, tree.origin, tree.size, tree.note, tree.witnessed_at)

    async def newest(self, origins: Collection[str]) -> Mapping[str, WitnessedTree]:
        """See `WitnessedTrees`."""
        rows = await self._pool.rows(_NEWEST, list(origins))
        return {row["origin"]: WitnessedTree(*row) for row in rows}

    async def renew(self, tree: WitnessedTree) -> None:
        """See `WitnessedTrees`."""
        await self._pool.rows(_RENEW, tree.origin, tree.size, tree.note, tree.witnessed_at)

    async def freshest(self, origins: Collection[str]) -> Mapping[str, WitnessedTree]:
        """See `WitnessedTrees`."""
        rows = await self._pool.rows(_FRESHEST, list(origins))
        return {row["origin"]: WitnessedTree(*row) for row in rows}

    async def last_with(self, origin: str, starts: Collection[bytes]) -> Mapping[bytes, bytes]:
        """See `CosignedNotes`."""
        rows = await self._pool.rows(_LAST_WITH, origin, list(starts), NOTES_LOOKED_THROUGH)
        return {row["line"]: row["note"] for row in rows}

    async def first_over(self, origin: str, index: int) -> WitnessedTree | None:
        """See `WitnessedTrees`."""
        return next((WitnessedTree(*row) for row in await self._pool.rows(_FIRST_OVER, origin, index)), None)

    async def integrated_beyond(self, origin: str, size: int) -> datetime | None:
        """See `WitnessedTrees`."""
        rows: Sequence[Any] = await self._pool.rows(_INTEGRATED_BEYOND, origin, size)
        return rows[0][0] if rows else None
