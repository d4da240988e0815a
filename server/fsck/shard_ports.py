"""What checking how shards follow each other needs of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from namak.evidence.tiles import TileId


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A shard's row, its head's, and what they point at.

    Attributes:
        announcement, document: the evidence that announced it, by its row, and its bytes.
        announced_in, announced_at_leaf: where that stands in the log.
        opening, opened_by: the evidence that is its first leaf, by its row, and its bytes; None for the first
            shards, and for those that the release before announced.
        opened_in, opened_at_leaf: where that stands in the log.
        first_leaf: the evidence of its first leaf, whatever its row says.
        integrated_size, published_size: of its head; None where there is none.
        grown_at: when its last tree was integrated; None where that is not recorded.
        successor, ending: the shard after it and the announcement of that, by its head.
        last_evidence: that of its last leaf.
        note: the newest published one.
        given_up: whether its key is lost, and what it never signed was logged again.
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
    given_up: bool = False
    first_leaf: bytes | None = None


class ShardInspection(Protocol):
    """Reads the shards; each answer is of one moment. All raise `ServiceUnavailable`."""

    async def shards(self) -> Sequence[StoredShard]:
        """Returns the shards that the database knows, by position."""
        ...

    async def unlisted(self) -> Sequence[str]:
        """Returns the heads of which the database knows no shard."""
        ...


@dataclass(frozen=True, slots=True)
class StoredGivenUp:
    """The row of a shard that was given up, and what it points at.

    Attributes:
        size, root: the last tree that its key signed.
        unsigned_size, unsigned_root: the tree that was recorded and never signed.
        evidence_id, document: the act that says so, by the row, and its bytes.
        entries: the entries of the leaves that were never signed, by their old indexes.
        unplaced: how many of them are neither a leaf of a later shard nor queued, with the same entry.
    """

    origin: str
    size: int
    root: bytes
    unsigned_size: int
    unsigned_root: bytes
    evidence_id: UUID
    document: bytes | None
    entries: Mapping[int, bytes]
    unplaced: int


class GivenUpInspection(Protocol):
    """Reads the shards that were given up. All raise `ServiceUnavailable`."""

    async def given_up(self) -> Sequence[StoredGivenUp]:
        """Returns them, by name."""
        ...

    async def unlisted_acts(self) -> Sequence[UUID]:
        """Returns acts by which a shard was given up that has no row."""
        ...

    async def tiles(self, origin: str, wanted: frozenset[TileId]) -> Mapping[TileId, bytes]:
        """Returns the stored rows of these tiles."""
        ...


class ShardsAndLostKeys(ShardInspection, GivenUpInspection, Protocol):
    """Both, for who checks the shards."""
