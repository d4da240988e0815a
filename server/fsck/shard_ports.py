"""What checking how shards follow each other needs of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A shard's row, its head's, and what they point at.

    Attributes:
        announcement, document: the evidence that announced it, by its row, and its bytes.
        announced_in, announced_at_leaf: where that stands in the log.
        opening, opened_by: the evidence that is its first leaf, by its row, and its bytes; None for the first
            shards, and for those that the release before announced.
        opened_in, opened_at_leaf: where that stands in the log.
        integrated_size, published_size: of its head; None where there is none.
        grown_at: when its last tree was integrated; None where that is not recorded.
        successor, ending: the shard after it and the announcement of that, by its head.
        last_evidence: that of its last leaf.
        note: the newest published one.
    """

    origin: str
    position: int
    vkey: str
    predecessor: str | None
    announcement: UUID | None
    document: bytes | None
    announced_in: str | None
    announced_at_leaf: int | None
    integrated_size: int | None
    published_size: int | None
    successor: str | None
    ending: UUID | None
    frozen_at: datetime | None
    grown_at: datetime | None
    note: bytes | None
    opening: UUID | None = None
    opened_by: bytes | None = None
    opened_in: str | None = None
    opened_at_leaf: int | None = None


class ShardInspection(Protocol):
    """Reads the shards; each answer is of one moment. All raise `ServiceUnavailable`."""

    async def shards(self) -> Sequence[StoredShard]:
        """Returns the shards that the database knows, by position."""
        ...

    async def unlisted(self) -> Sequence[str]:
        """Returns the heads of which the database knows no shard."""
        ...
