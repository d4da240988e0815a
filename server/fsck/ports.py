"""What checking needs of the database: rows as they are stored, in ranges."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from namak.evidence.tiles import TileId
from server.transparency.ports import Head


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """Where a shard ends, all seen at one moment.

    Attributes:
        head: how far it has come; None where its head is missing.
        tiles: stored tiles at or behind the end of each level.
        leaves_beyond, trees_beyond, checkpoints_beyond: rows that the head does not cover.
        tree: the recorded root of the integrated size, if there is one.
        checkpointed: whether the published size has a checkpoint, or nothing is published.
    """

    head: Head | None
    tiles: Mapping[TileId, bytes]
    leaves_beyond: int
    trees_beyond: int
    checkpoints_beyond: int
    tree: bytes | None
    checkpointed: bool


class LoggedEvidence(NamedTuple):
    """A leaf and what is stored of its evidence; None where there is none."""

    leaf_index: int
    entry: bytes
    evidence_id: UUID
    document: bytes | None
    digest: bytes | None


class EvidenceStep(NamedTuple):
    """How far a step through the evidence came, and what no leaf names of that, or more than one."""

    until: UUID
    unlogged: Collection[UUID]
    twice: Collection[UUID]


@dataclass(frozen=True, slots=True)
class StoredNote:
    """A note by the size that it is stored under, with the root of the recorded tree of that size."""

    size: int
    note: bytes
    root: bytes | None
    published: bool


class LogInspection(Protocol):
    """Reads the log's rows; each answer is of one moment. All raise `ServiceUnavailable`."""

    async def origins(self) -> Sequence[str]:
        """Returns the shards of which there is any row, sorted."""
        ...

    async def end(self, origin: str) -> ShardEnd:
        """Returns where a shard ends."""
        ...

    async def entries(self, origin: str, first: int, end: int) -> Sequence[tuple[int, bytes]] | bytes:
        """Returns the entries of a range, joined; where leaves are missing, those there are by index."""
        ...

    async def tiles(self, origin: str, level: int, first: int, end: int) -> Mapping[int, bytes]:
        """Returns the stored tiles of a level by index."""
        ...

    async def trees(self, origin: str, after: int, up_to: int) -> Sequence[tuple[int, bytes]]:
        """Returns recorded sizes and roots, by size."""
        ...

    async def logged(self, origin: str, first: int, end: int) -> Sequence[LoggedEvidence]:
        """Returns the leaves of a range with their evidence, in no order."""
        ...

    async def logged_at(self, origin: str, indexes: Sequence[int]) -> Sequence[LoggedEvidence]:
        """Returns the leaves of these indexes with their evidence, in no order."""
        ...

    async def first_evidence(self) -> UUID | None:
        """Returns the smallest identifier of stored evidence."""
        ...

    async def last_evidence(self) -> UUID | None:
        """Returns the largest identifier of stored evidence."""
        ...

    async def evidence_after(self, position: UUID, last: UUID, limit: int) -> EvidenceStep | None:
        """Goes on through the evidence by identifier, by at most `limit`; None behind the last."""
        ...

    async def unqueued(self, evidence_ids: Collection[UUID]) -> Collection[UUID]:
        """Returns those that are stored, and neither queued nor in the log, all at one moment."""
        ...

    async def queue(self, after: int, limit: int) -> Sequence[tuple[int, UUID, bytes, bytes | None, bool]]:
        """Returns queue rows by position: evidence, entry, the evidence's bytes, whether a leaf has it."""
        ...

    async def checkpoints(self, origin: str, after: int, up_to: int, limit: int) -> Sequence[StoredNote]:
        """Returns published notes by size."""
        ...

    async def cosigned(self, origin: str, after: int, limit: int) -> Sequence[StoredNote]:
        """Returns cosigned notes by size."""
        ...

    async def renewed(self, origin: str) -> StoredNote | None:
        """Returns the note of a tree that stands still, cosigned anew, if there is one."""
        ...

    async def root(self, origin: str, size: int) -> bytes | None:
        """Returns the recorded root of a size."""
        ...
