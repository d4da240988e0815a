"""What going over to another shard of the log asks of storage. `server.usecases.ports` makes a part of
transactions of it.
"""

from collections.abc import Sequence
from typing import Protocol

from server.domain.log_shards import GivenUpShard, RegisteredShard, ShardEnd, ShardTrees


class LogShards(Protocol):
    """The log's shards."""

    async def lock(self, origin: str) -> ShardEnd | None:
        """Locks how a shard ends until the transaction does: the log's leader appends nothing to it
        meanwhile. Returns None for no shard of this log.
        """
        ...

    async def end(self, origin: str) -> ShardEnd | None:
        """Returns how a shard ends, without locking it; None for no shard of this log."""
        ...

    async def all(self) -> Sequence[RegisteredShard]:
        """Returns the shards, the oldest first; none before a leader of this log has begun."""
        ...

    async def add(self, shard: RegisteredShard) -> None:
        """Adds an empty shard, and notes at the end of its predecessor, which is locked, that it comes next.

        Raises LookupError: its predecessor is not there, or another one comes after that.
        """
        ...

    async def trees(self, origin: str) -> ShardTrees | None:
        """Returns how far a shard has come, which must be locked; None for no shard of this log."""
        ...

    async def give_up(self, shard: GivenUpShard) -> None:
        """Ends a shard with the last tree that its key signed. Its leaves beyond that are queued for the log
        again, in their order, and noted as what it once had. The shard must be locked, and have a successor.

        Raises LookupError: it has another size, or is published further, than is said.
        """
        ...


class RotationTransaction(Protocol):
    """The part of a transaction that deals with the log's shards."""

    @property
    def log_shards(self) -> LogShards: ...
