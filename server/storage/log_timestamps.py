"""The timestamps over checkpoints, read and written by every replica."""

from collections.abc import Mapping

from server.storage.reading_pool import ReadingPool
from server.transparency.timestamp_ports import LogTimestamp, TimestampedTree
from server.usecases.records import ReceiptTimestamp

# It may be repeated like a reading one: the second time changes nothing.
_KEEP = """
INSERT INTO log_timestamps (origin, size, authority, note_digest, token, gen_time, stored_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
# Each authority's newest by two steps down the primary key, however many tokens there are.
_NEWEST = """
WITH RECURSIVE names (authority) AS (
    (SELECT authority FROM log_timestamps WHERE origin = $1 ORDER BY authority LIMIT 1)
    UNION ALL
    SELECT (
        SELECT n.authority FROM log_timestamps n WHERE n.origin = $1 AND n.authority > names.authority
        ORDER BY n.authority LIMIT 1
    ) FROM names WHERE names.authority IS NOT NULL
)
SELECT t.* FROM names CROSS JOIN LATERAL (
    SELECT origin, size, authority, note_digest, token, gen_time, stored_at FROM log_timestamps
    WHERE origin = $1 AND authority = names.authority ORDER BY size DESC, stored_at DESC LIMIT 1
) t
"""

# Steps from stamped note to stamped note in the order of the index until one has enough tokens. What is
# compared with the note's digest is no join: it would be planned to begin with all notes there are.
_FIRST_OVER = """
SELECT n.note, t.size, t.authority, t.token, t.gen_time
FROM (
    SELECT size, note_digest FROM log_timestamps s
    WHERE origin = $1 AND size > $2 AND note_digest = (
        SELECT sha256(note) FROM {notes} WHERE origin = s.origin AND size = s.size
    )
    GROUP BY size, note_digest HAVING count(*) >= $3 ORDER BY size LIMIT 1
) first
JOIN {notes} n ON n.origin = $1 AND n.size = first.size
JOIN log_timestamps t ON t.origin = $1 AND t.size = first.size AND t.note_digest = first.note_digest
ORDER BY t.authority
"""
_FIRST_WITNESSED_OVER = _FIRST_OVER.format(notes="log_witnessed")
_FIRST_PUBLISHED_OVER = _FIRST_OVER.format(notes="log_checkpoints")


class PostgresLogTimestamps:
    """`LogTimestamps` and `TimestampedTrees` over the connections that read the log."""

    def __init__(self, pool: ReadingPool) -> None:
        self._pool = pool

    async def keep(self, timestamp: LogTimestamp) -> None:
        """See `LogTimestamps`."""
        it = timestamp
        values = (it.origin, it.size, it.authority, it.note_digest, it.token, it.gen_time, it.stored_at)
        await self._pool.rows(_KEEP, *values)

    async def newest(self, origin: str) -> Mapping[str, LogTimestamp]:
        """See `LogTimestamps`."""
        return {row["authority"]: LogTimestamp(*row) for row in await self._pool.rows(_NEWEST, origin)}

    async def first_over(
        self, origin: str, index: int, authorities: int, *, witnessed: bool
    ) -> TimestampedTree | None:
        """See `TimestampedTrees`."""
        query = _FIRST_WITNESSED_OVER if witnessed else _FIRST_PUBLISHED_OVER
        rows = await self._pool.rows(query, origin, index, authorities)
        if not rows:
            return None
        tokens = tuple(ReceiptTimestamp(row["authority"], row["token"], row["gen_time"]) for row in rows)
        return TimestampedTree(origin, rows[0]["size"], rows[0]["note"], witnessed, tokens)
