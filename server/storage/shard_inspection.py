"""Reads how the log's shards follow each other, for who checks that."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from namak.evidence.lost_key import LOST_ACT
from namak.evidence.tiles import TileId
from server.fsck.shard_ports import StoredGivenUp, StoredShard
from server.storage.log_inspection import PostgresLogInspection

_SHARDS = """
SELECT s.origin, s.position, s.vkey, s.predecessor, s.announcement,
    (SELECT document FROM evidence WHERE id = s.announcement LIMIT 1) AS document,
    l.origin AS announced_in, l.leaf_index AS announced_at_leaf,
    h.integrated_size, h.published_size, h.successor, h.announcement AS ending, h.frozen_at,
    t.integrated_at AS grown_at, c.note,
    s.opening, (SELECT document FROM evidence WHERE id = s.opening LIMIT 1) AS opened_by,
    o.origin AS opened_in, o.leaf_index AS opened_at_leaf,
    (SELECT e.document FROM log_entries f JOIN evidence e ON e.id = f.evidence_id
        WHERE f.origin = s.origin AND f.leaf_index = 0 LIMIT 1) AS first_leaf,
    EXISTS (SELECT FROM log_given_up g WHERE g.origin = s.origin) AS given_up
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

_GIVEN_UP = """
SELECT g.origin, g.size, g.root, g.unsigned_size, g.unsigned_root, g.evidence_id,
    (SELECT document FROM evidence WHERE id = g.evidence_id) AS document
FROM log_given_up g ORDER BY g.origin
"""
# Each is looked up by its own key: in a later shard, or on its way there.
_UNSIGNED = """
SELECT u.origin, u.leaf_index, u.entry, EXISTS (
    SELECT FROM log_entries l JOIN log_shards old ON old.origin = u.origin
    JOIN log_shards later ON later.origin = l.origin AND later.position > old.position
    WHERE l.evidence_id = u.evidence_id AND l.entry = u.entry
) OR EXISTS (
    SELECT FROM log_queue q WHERE q.evidence_id = u.evidence_id AND q.entry = u.entry
) AS placed
FROM log_unsigned u ORDER BY u.origin, u.leaf_index
"""
_UNLISTED_ACTS = """
SELECT evidence_id FROM administrative_acts a WHERE act = $1
AND NOT EXISTS (SELECT FROM log_given_up g WHERE g.evidence_id = a.evidence_id) ORDER BY evidence_id
"""
_TILES = (
    "SELECT level, tile_index, hashes FROM log_tiles WHERE origin = $1 AND level = $2 AND tile_index = $3"
)


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

    async def given_up(self) -> Sequence[StoredGivenUp]:
        """See `GivenUpInspection`."""
        entries: dict[str, dict[int, bytes]] = defaultdict(dict)
        unplaced: dict[str, int] = defaultdict(int)
        rows = await self._log.rows(_GIVEN_UP)
        for leaf in await self._log.rows(_UNSIGNED) if rows else ():
            entries[leaf["origin"]][leaf["leaf_index"]] = leaf["entry"]
            unplaced[leaf["origin"]] += not leaf["placed"]
        return [
            StoredGivenUp(**row, entries=entries[row["origin"]], unplaced=unplaced[row["origin"]])
            for row in rows
        ]

    async def unlisted_acts(self) -> Sequence[UUID]:
        """See `GivenUpInspection`."""
        return [row["evidence_id"] for row in await self._log.rows(_UNLISTED_ACTS, LOST_ACT)]

    async def tiles(self, origin: str, wanted: frozenset[TileId]) -> Mapping[TileId, bytes]:
        """See `GivenUpInspection`."""
        found = {}
        for tile in wanted:
            for row in await self._log.rows(_TILES, origin, tile.level, tile.index):
                found[tile] = row["hashes"]
        return found
