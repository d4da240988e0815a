"""The log's shards in their table, and at the heads where one follows the other."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, insert, select, update

from namak.evidence.tree import EMPTY_ROOT
from server.domain.log_shards import GivenUpShard, RegisteredShard, ShardEnd, ShardTrees
from server.storage.log_giving_up import give_up, trees_of
from server.storage.log_tables import log_heads, log_shards
from server.storage.statements import Statements

_ALL = select(
    log_shards.c.origin,
    log_shards.c.position,
    log_shards.c.vkey,
    log_shards.c.predecessor,
    log_shards.c.announcement,
    log_shards.c.announced_at,
    log_shards.c.opening,
).order_by(log_shards.c.position)
_GET = select(log_heads.c.successor, log_heads.c.announcement, log_heads.c.frozen_at).where(
    log_heads.c.origin == bindparam("key")
)
# What it reads of a row that another transaction held is what that one left: only the head's own columns are.
_LOCK = _GET.with_for_update()
_ADD = insert(log_shards)
_BEGIN = insert(log_heads)
_END = (
    update(log_heads)
    .where(log_heads.c.origin == bindparam("key"), log_heads.c.successor.is_(None))
    .values(successor=bindparam("next"), announcement=bindparam("by"))
)


class SqlLogShards:
    """`LogShards` of one transaction."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def lock(self, origin: str) -> ShardEnd | None:
        """See `LogShards`."""
        row = await self._statements.first(_LOCK, {"key": origin})
        return None if row is None else ShardEnd(*row)

    async def end(self, origin: str) -> ShardEnd | None:
        """See `LogShards`."""
        row = await self._statements.first(_GET, {"key": origin})
        return None if row is None else ShardEnd(*row)

    async def all(self) -> Sequence[RegisteredShard]:
        """See `LogShards`."""
        return [
            RegisteredShard(
                origin=row.origin,
                position=row.position,
                vkey=row.vkey,
                predecessor=row.predecessor,
                announcement=row.announcement,
                announced_at=row.announced_at,
                opening=row.opening,
            )
            for row in await self._statements.rows(_ALL)
        ]

    async def add(self, shard: RegisteredShard) -> None:
        """See `LogShards`."""
        await self._statements.run(_ADD, asdict(shard))
        head = {"origin": shard.origin, "integrated_size": 0, "root": EMPTY_ROOT, "published_size": 0}
        await self._statements.run(_BEGIN, head)
        end = {"key": shard.predecessor, "next": shard.origin, "by": shard.announcement}
        if shard.predecessor is not None and await self._statements.changed(_END, end) != 1:
            raise LookupError("the shard before it is not there, or another one comes after it")

    async def trees(self, origin: str) -> ShardTrees | None:
        """See `LogShards`."""
        return await trees_of(self._statements, origin)

    async def give_up(self, shard: GivenUpShard) -> None:
        """See `LogShards`."""
        await give_up(self._statements, shard)
