"""What announced the next shard, for those who are complete."""

from server.storage.reading_pool import ReadingPool

_OF = """
SELECT e.document FROM log_heads h
CROSS JOIN LATERAL (SELECT document FROM evidence WHERE id = h.announcement OFFSET 0) e
WHERE h.origin = $1 AND h.frozen_at IS NOT NULL AND h.published_size = h.integrated_size
"""


class PostgresAnnouncements:
    """`Announcements` over the connections that read the log."""

    def __init__(self, pool: ReadingPool) -> None:
        self._pool = pool

    async def of(self, origin: str) -> bytes | None:
        """See `Announcements`."""
        rows = await self._pool.rows(_OF, origin)
        return rows[0]["document"] if rows else None
