"""What going over to another shard of the log asks of storage. `server.usecases.ports` makes a part of
transactions of it.
"""

from collections.abc import Sequence
from typing import Protocol

from server.domain.log_shards import RegisteredShard, ShardEnd


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


class RotationTransaction(Protocol):
    """The part of a transaction that deals with the log's shards."""

    @property
    def log_shards(self) -> LogShards: ...
