"""Reads how the log's shards follow each other, for who checks that."""

from collections.abc import Sequence

from server.fsck.shard_ports import StoredShard
from server.storage.log_inspection import PostgresLogInspection

_SHARDS = """
SELECT s.origin, s.position, s.vkey, s.predecessor, s.announcement,
    (SELECT document FROM evidence WHERE id = s.announcement) AS document,
    l.origin AS announced_in, l.leaf_index AS announced_at_leaf,
    h.integrated_size, h.published_size, h.successor, h.announcement AS ending, h.frozen_at,
    t.integrated_at AS grown_at, c.note,
    s.opening, (SELECT document FROM evidence WHERE id = s.opening) AS opened_by,
    o.origin AS opened_in, o.leaf_index AS opened_at_leaf
FROM log_shards s LEFT JOIN log_heads h ON h.origin = s.origin
LEFT JOIN log_entries l ON l.evidence_id = s.announcement
LEFT JOIN log_entries o ON o.evidence_id = s.opening
LEFT JOIN log_trees t ON t.origin = s.origin AND t.size = h.integrated_size
LEFT JOIN log_checkpoints c ON c.origin = s.origin AND c.size = h.published_size
ORDER BY s.position
"""
_UNLISTED = """
SELECT origin FROM log_heads h WHERE NOT EXISTS (SELECT FROM log_shards s WHERE s.origin = h.origin)
ORDER BY origin
"""


class PostgresShardInspection:
    """A `ShardInspection` on the connection of who reads the log."""

    def __init__(self, log: PostgresLogInspection) -> None:
        self._log = log

    async def shards(self) -> Sequence[StoredShard]:
        """See `ShardInspection`."""
        return [StoredShard(**row) for row in await self._log.rows(_SHARDS)]

    async def unlisted(self) -> Sequence[str]:
        """See `ShardInspection`."""
        return [row["origin"] for row in await self._log.rows(_UNLISTED)]
