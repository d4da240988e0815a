"""The timestamps over checkpoints, read and written by every replica."""

from collections.abc import Mapping

from server.storage.reading_pool import ReadingPool
from server.transparency.timestamp_ports import LogTimestamp

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
    WHERE origin = $1 AND authority = names.authority ORDER BY size DESC LIMIT 1
) t
"""


class PostgresLogTimestamps:
    """`LogTimestamps` over the connections that read the log."""

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
