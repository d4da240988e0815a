"""The log's shards in memory."""

from collections.abc import Sequence
from dataclasses import replace

from server.domain.log_shards import RegisteredShard, ShardEnd
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
