"""Ends a shard whose key is lost, and has what that key never signed logged again.

Leaves beyond the last published checkpoint have no proof, and nobody outside has seen them: so they may leave
the shard, and stand in a later one. All of it is one transaction that holds the head's lock.
"""

from dataclasses import asdict

from sqlalchemy import TextClause, text

from server.domain.log_shards import GivenUpShard, ShardTrees
from server.storage.statements import Statements

_TREES = text("""
SELECT h.integrated_size AS size, h.root, h.published_size, c.note,
    coalesce((SELECT max(size) FROM log_witnessed w WHERE w.origin = h.origin), 0) AS witnessed_size,
    EXISTS (SELECT FROM log_given_up g WHERE g.origin = h.origin) AS given_up
FROM log_heads h LEFT JOIN log_checkpoints c ON c.origin = h.origin AND c.size = h.published_size
WHERE h.origin = :origin
""")
_GIVE_UP = text("""
INSERT INTO log_given_up (origin, size, root, unsigned_size, unsigned_root, evidence_id, given_up_at)
VALUES (:origin, :size, :root, :unsigned_size, :unsigned_root, :evidence_id, :at)
""")
_KEEP = text("""
INSERT INTO log_unsigned (origin, leaf_index, entry, evidence_id)
SELECT origin, leaf_index, entry, evidence_id FROM log_entries WHERE origin = :origin AND leaf_index >= :size
""")
_QUEUE = text("""
INSERT INTO log_queue (evidence_id, entry, organisation_id)
SELECT evidence_id, entry, organisation_id FROM log_entries
WHERE origin = :origin AND leaf_index >= :size ORDER BY leaf_index
""")
# A level has one hash for 256 of the level below: so many of them belong to the tree that stays.
_REST: tuple[TextClause, ...] = (
    text("DELETE FROM log_entries WHERE origin = :origin AND leaf_index >= :size"),
    text("DELETE FROM log_trees WHERE origin = :origin AND size > :size"),
    text(
        "DELETE FROM log_tiles"
        " WHERE origin = :origin AND tile_index * 256 >= CAST(:size AS bigint) >> (8 * level)"
    ),
    text(
        "UPDATE log_tiles SET hashes = substring(hashes FOR CAST("
        "32 * ((CAST(:size AS bigint) >> (8 * level)) - tile_index * 256) AS integer))"
        " WHERE origin = :origin AND (tile_index + 1) * 256 > CAST(:size AS bigint) >> (8 * level)"
    ),
)
# As it was found, for the lock was held since.
_END = text("""
UPDATE log_heads SET integrated_size = :size, root = :root, frozen_at = coalesce(frozen_at, :at)
WHERE origin = :origin AND integrated_size = :unsigned_size AND published_size = :size
    AND successor IS NOT NULL
""")


async def trees_of(statements: Statements, origin: str) -> ShardTrees | None:
    """Returns how far a shard has come; None for no shard of this log."""
    row = await statements.first(_TREES, {"origin": origin})
    if row is None:
        return None
    signed = (row.published_size, row.note, row.witnessed_size)
    return ShardTrees(row.size, row.root, *signed, row.given_up)


async def give_up(statements: Statements, shard: GivenUpShard) -> None:
    """See `LogShards.give_up`."""
    values = asdict(shard)
    await statements.run(_GIVE_UP, values)
    place = {"origin": shard.origin, "size": shard.size}
    kept = await statements.changed(_KEEP, place)
    if kept != shard.unsigned_size - shard.size:
        raise LookupError("the shard does not have the leaves that are given up")
    await statements.run(_QUEUE, place)
    for statement in _REST:
        await statements.run(statement, place)
    if await statements.changed(_END, values) != 1:
        raise LookupError("the shard has another size, or no successor")
