"""The log's shards in memory."""

from collections.abc import Sequence
from dataclasses import replace

from namak.evidence.tree import EMPTY_ROOT
from server.domain.log_shards import GivenUpShard, RegisteredShard, ShardEnd, ShardTrees
from tests.fakes.state import State


class FakeLogShards:
    """Shards of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def lock(self, origin: str) -> ShardEnd | None:
        return await self.end(origin)

    async def end(self, origin: str) -> ShardEnd | None:
        return self._state.shard_ends.get(origin)

    async def all(self) -> Sequence[RegisteredShard]:
        return sorted(self._state.log_shards.values(), key=lambda shard: shard.position)

    async def add(self, shard: RegisteredShard) -> None:
        kept, ends = self._state.log_shards, self._state.shard_ends
        taken = {(each.position, each.vkey) for each in kept.values()}
        self._state.require(shard.origin not in ends, "log_heads_pkey")
        self._state.require(
            all(shard.position != position and shard.vkey != vkey for position, vkey in taken), "log_shards"
        )
        kept[shard.origin], ends[shard.origin] = shard, ShardEnd()
        if shard.predecessor is None:
            return
        if shard.predecessor not in ends or ends[shard.predecessor].successor is not None:
            raise LookupError
        ends[shard.predecessor] = replace(
            ends[shard.predecessor], successor=shard.origin, announcement=shard.announcement
        )

    async def trees(self, origin: str) -> ShardTrees | None:
        """These shards have no leaves."""
        end = await self.end(origin)
        given_up = origin in self._state.given_up
        return None if end is None else ShardTrees(0, EMPTY_ROOT, 0, None, 0, given_up)

    async def give_up(self, shard: GivenUpShard) -> None:
        end = await self.end(shard.origin)
        self._state.require(shard.origin not in self._state.given_up, "log_given_up_pkey")
        if end is None or end.successor is None or shard.unsigned_size:
            raise LookupError
        self._state.given_up[shard.origin] = shard
        self._state.shard_ends[shard.origin] = replace(end, frozen_at=end.frozen_at or shard.at)
