"""The log's shards, as the log itself reads and first enters them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from namak.evidence import EvidenceError
from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.note import Verifier, open_note, parse_note
from namak.evidence.succession import ACT, RESOURCE_KIND
from namak.evidence.tree import EMPTY_ROOT
from server.domain.log_shards import AnnouncementUnreadable, RegisteredShard
from server.transparency.ports import OrderContradicted, ShardInLine, SignedByAnother

SHARDS: Final = """
SELECT origin, position, vkey, predecessor, announcement, announced_at, opening FROM log_shards
ORDER BY position
"""
LINE: Final = """
SELECT s.origin, s.position, s.vkey, s.predecessor, s.announcement, s.announced_at, s.opening,
    h.integrated_size, h.published_size, h.frozen_at IS NOT NULL, h.successor, h.announcement, h.frozen_at,
    g.evidence_id, coalesce(g.unsigned_size - g.size, 0)
FROM log_shards s JOIN log_heads h ON h.origin = s.origin LEFT JOIN log_given_up g ON g.origin = s.origin
ORDER BY s.position
"""
_ADD = "INSERT INTO log_shards (origin, position, vkey, predecessor) VALUES ($1, $2, $3, $4)"
_ADD_HEAD = """
INSERT INTO log_heads (origin, integrated_size, root, published_size) VALUES ($1, 0, $2, 0)
ON CONFLICT DO NOTHING
"""
_NEWEST_NOTE = "SELECT note FROM log_checkpoints WHERE origin = $1 ORDER BY size DESC LIMIT 1"
_BEGAN = "SELECT integrated_at FROM log_trees WHERE origin = $1 ORDER BY size LIMIT 1"
_ANNOUNCED = """
SELECT e.id, e.document FROM administrative_acts a JOIN evidence e ON e.id = a.evidence_id
WHERE a.act = $1 AND a.resource_kind = $2
"""
_FREEZE = "UPDATE log_heads SET successor = $2, frozen_at = $3 WHERE origin = $1"


async def register(connection: Any, shards: Sequence[RegisteredShard], at: datetime) -> None:
    """Enters the shards, within a transaction, unless there are some; freezes all but the last one.

    Raises:
        SignedByAnother: what is published of one of them was signed with another key. Entered once, a key
            stays for ever.
        OrderContradicted: they did not begin in this order, or were announced in another one.
        AnnouncementUnreadable: what is stored of an announcement is not what was recorded.
    """
    # Two of these at once: the second one waits, and finds them.
    await connection.execute("LOCK TABLE log_shards IN SHARE ROW EXCLUSIVE MODE")
    if await connection.fetchval("SELECT EXISTS (SELECT FROM log_shards)"):
        return
    for shard in shards:
        await _check_key(connection, shard)
    await _check_order(connection, shards)
    for shard in shards:
        await connection.execute(_ADD, shard.origin, shard.position, shard.vkey, shard.predecessor)
        await connection.execute(_ADD_HEAD, shard.origin, EMPTY_ROOT)
        if shard.predecessor is not None:
            await connection.execute(_FREEZE, shard.predecessor, shard.origin, at)


async def _check_key(connection: Any, shard: RegisteredShard) -> None:
    note = await connection.fetchval(_NEWEST_NOTE, shard.origin)
    if note is None:
        return
    try:
        open_note(parse_note(note), [Verifier.parse(shard.vkey)])
    except EvidenceError as error:
        raise SignedByAnother(shard) from error


async def _check_order(connection: Any, shards: Sequence[RegisteredShard]) -> None:
    """Checks what can be checked of an order that somebody typed: when each shard's first tree was made, and
    which one was announced after which. One that has neither is believed.
    """
    began = [(shard.origin, await connection.fetchval(_BEGAN, shard.origin)) for shard in shards]
    for (earlier, first), (later, second) in pairwise([each for each in began if each[1] is not None]):
        if second < first:
            raise OrderContradicted(earlier, later)
    following: dict[str, RegisteredShard | None] = {shard.origin: None for shard in shards}
    following.update({shard.predecessor: shard for shard in shards if shard.predecessor is not None})
    for row in await connection.fetch(_ANNOUNCED, ACT, RESOURCE_KIND):
        try:
            details = AdministrativeAct.parse(row["document"]).details
        except EvidenceError as error:
            raise AnnouncementUnreadable(UUID(int=row["id"].int)) from error
        old, after = details.resource.identifier, details.after or {}
        successor, vkey = after.get("successor"), after.get("successor_vkey")
        listed = following.get(old)
        if listed is None or listed.origin != successor:
            raise OrderContradicted(str(successor), old)
        if listed.vkey != vkey:
            raise SignedByAnother(replace(listed, vkey=str(vkey)))


def shard_of(row: Any) -> RegisteredShard:
    """Returns a shard of a row of `SHARDS`."""
    origin, position, vkey, predecessor, announcement, announced_at, opening = row
    announced = (_uuid(announcement), announced_at, _uuid(opening))
    return RegisteredShard(origin, position, vkey, predecessor, *announced)


def in_line(row: Any) -> ShardInLine:
    """Returns a shard of a row of `LINE`."""
    *shard, integrated, published, frozen, successor, announcement, frozen_at, given_up, relogged = row
    end = (frozen, successor, _uuid(announcement), frozen_at, _uuid(given_up), relogged)
    return ShardInLine(shard_of(shard), integrated, published, *end)


def _uuid(value: Any) -> UUID | None:
    # asyncpg gives a subclass of its own, which does not compare with every UUID.
    return None if value is None else UUID(int=value.int)
