"""What the running log asks of storage and of the key.

All methods raise `ServiceUnavailable` when the database does not answer; a session that did so once is lost,
and the leadership with it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from namak.evidence.tiles import Extension, TileId
from server.domain.log_shards import RegisteredShard
from server.transparency.cosigned_ports import CosignedNotes
from server.transparency.timestamp_ports import LogTimestamps, TimestampedTrees
from server.usecases.records import PublishedCheckpoint


class HeadMoved(Exception):
    """Somebody else moved the shard's head since it was read: this process is no longer the leader."""


class SignedByAnother(Exception):
    """What is published of `shard` was signed with another key than the one that it is to have."""

    def __init__(self, shard: RegisteredShard) -> None:
        super().__init__(shard.origin)
        self.shard = shard


class OrderContradicted(Exception):
    """The database's own evidence has `origin` come after `follows`, and it is to be entered otherwise."""

    def __init__(self, origin: str, follows: str) -> None:
        super().__init__(origin)
        self.origin = origin
        self.follows = follows


@dataclass(frozen=True, slots=True)
class Head:
    """How far a shard has come: its newest committed tree, and the size of the newest published one.

    Attributes:
        successor: the shard that is announced to come after it, if one is.
        announcement: the evidence that announces it: the shard's last leaf, unless the settings named the
            successor before the database did.
        frozen: whether the shard has its last leaf.
    """

    origin: str
    integrated_size: int
    root: bytes
    published_size: int
    successor: str | None = None
    announcement: UUID | None = None
    frozen: bool = False

    @property
    def unpublished(self) -> bool:
        """Whether a committed tree waits to be signed and published."""
        return self.integrated_size > self.published_size


@dataclass(frozen=True, slots=True)
class QueuedEntry:
    """The entry of a recorded fact that is not in the log yet, and whose deliveries the fact is about."""

    evidence_id: UUID
    entry: bytes
    organisation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a fact's entry stands in the log."""

    evidence_id: UUID
    origin: str
    index: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a fact concerns: the organisation that sent the delivery, and the mailbox."""

    organisation_id: UUID
    owner_id: UUID


@dataclass(frozen=True, slots=True)
class ShardRow:
    """How far a shard has come, and its newest published note, if there is one."""

    origin: str
    integrated_size: int
    published_size: int
    note: bytes | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShardInLine:
    """A shard where it stands among the others, and how far it has come.

    Attributes:
        frozen: whether it has its last leaf.
        successor: the shard that is announced to come after it, if one is.
        announcement: the evidence that announces that one.
        frozen_at: when it was frozen, if it is.
        given_up, relogged: the evidence that its key is lost, and how many leaves that key never signed.
    """

    shard: RegisteredShard
    integrated_size: int
    published_size: int
    frozen: bool = False
    successor: str | None = None
    announcement: UUID | None = None
    frozen_at: datetime | None = None
    given_up: UUID | None = None
    relogged: int = 0

    @property
    def origin(self) -> str:
        """Its name."""
        return self.shard.origin

    @property
    def complete(self) -> bool:
        """Whether it has its last leaf, and all of it is published."""
        return self.frozen and self.integrated_size == self.published_size


class Integration(Protocol):
    """One transaction that moves queued entries into the log; leaving it without `commit` rolls back."""

    async def head(self, origin: str) -> Head:
        """Locks and returns the shard's head, that of the empty tree for a new shard."""
        ...

    async def take_opening(self, origin: str) -> Sequence[QueuedEntry]:
        """Removes the entry that opens the shard from the queue, and returns it; nothing where the queue does
        not have it, and for a shard that was opened without one.
        """
        ...

    async def take(self, limit: int, *, up_to: UUID | None = None) -> Sequence[QueuedEntry]:
        """Removes up to `limit` entries from the queue and returns them in the order of recording.

        With `up_to`, none that stands behind the entry of that evidence; none at all where the queue does not
        have it.
        """
        ...

    async def tiles(self, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
        """Returns the stored rows of these tiles."""
        ...

    async def append(
        self,
        head: Head,
        entries: Sequence[QueuedEntry],
        extension: Extension,
        at: datetime,
        *,
        frozen: bool = False,
    ) -> None:
        """Writes the entries from index `head.integrated_size` on, the changed tiles, the tree and the head;
        with `frozen` they are the shard's last.

        Raises:
            HeadMoved: the stored head is not `head`, or is frozen.
        """
        ...

    async def freeze(self, head: Head, at: datetime) -> None:
        """Freezes the shard as it is.

        Raises:
            HeadMoved: the stored head is not `head`, or is frozen.
        """
        ...

    async def commit(self) -> None:
        """Commits, synchronously to disk."""
        ...


class LeaderSession(Protocol):
    """One database connection; the leader's lock is held on it, and all that the leader writes goes over it.

    The database ends it after about two seconds of silence, so that a frozen leader loses the lock. Its
    methods may be called by several tasks: each has the connection for itself.
    """

    async def try_lead(self) -> bool:
        """Takes the lock if it is free. It is held until the session closes or is ended."""
        ...

    async def ping(self) -> None:
        """Says something, lest the database ends the session."""
        ...

    async def heads(self) -> Sequence[Head]:
        """Returns the committed heads of all shards."""
        ...

    async def shards(self) -> Sequence[RegisteredShard]:
        """Returns the shards that the database knows, the oldest first."""
        ...

    async def register(self, shards: Sequence[RegisteredShard], at: datetime) -> None:
        """Enters the shards, the oldest first, into a database that knows none yet, and freezes all but the
        last one; where it knows some already nothing happens.

        Raises `SignedByAnother` where what is published of one of them was signed with another key, or
        another one was announced, and `OrderContradicted` where they began, or were announced, in
        another order.
        """
        ...

    async def tiles(self, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
        """Returns the committed rows of these tiles."""
        ...

    async def waiting(self) -> bool:
        """Says whether there are entries to take: costs less than an integration that takes none."""
        ...

    def integration(self) -> AbstractAsyncContextManager[Integration]:
        """Opens the transaction of an integration."""
        ...

    async def publish(self, head: Head, note: bytes, at: datetime) -> None:
        """Stores the note for the tree of `head` by compare-and-set on the published size, and commits.

        Raises:
            HeadMoved: a tree of this or a greater size was published meanwhile.
        """
        ...

    async def announce(self) -> None:
        """Tells all replicas that there is a new checkpoint."""
        ...

    async def close(self) -> None:
        """Ends the session and lets go of the lock; never fails, takes bounded time."""
        ...


class LeaderSessions(Protocol):
    """Opens sessions for would-be leaders."""

    async def open(self) -> LeaderSession: ...


class LogReader(Protocol):
    """Reads what is committed; used by every replica."""

    async def leaves(self, evidence_ids: Collection[UUID]) -> Sequence[Leaf]:
        """Returns where these facts stand, if they have been integrated (published or not)."""
        ...

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        """Returns the newest published checkpoint of each of these shards that has one."""
        ...

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        """Returns the stored rows of these tiles of these shards."""
        ...

    async def shards(self, origins: Collection[str]) -> Mapping[str, ShardRow]:
        """Returns how far each of these shards has come; those without a single leaf are missing."""
        ...

    async def line(self) -> Sequence[ShardInLine]:
        """Returns the shards that the database knows, the oldest first, those that are announced too."""
        ...

    async def owners(self, origin: str, first: int, end: int) -> Collection[Owner]:
        """Returns whom the facts at the leaves from `first` up to but not with `end` concern, each once."""
        ...

    async def entries(self, origin: str, first: int, count: int) -> Sequence[bytes]:
        """Returns the entries of so many leaves from `first` on, those that there are."""
        ...

    async def oldest_queued(self) -> datetime | None:
        """Returns when the first of the facts in the queue was recorded; None where none waits."""
        ...

    async def queued(self) -> int:
        """Returns how many facts wait in the queue; more than a hundred thousand count as that many."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WitnessedTree:
    """A published checkpoint that the quorum cosigned: the note with the log's signature and the witnesses',
    and when it was there.
    """

    origin: str
    size: int
    note: bytes
    witnessed_at: datetime


class WitnessedTrees(Protocol):
    """Keeps witnessed checkpoints; every replica reads them."""

    async def keep(self, tree: WitnessedTree) -> None:
        """Stores one; where one of that size is stored already, that stays."""
        ...

    async def newest(self, origins: Collection[str]) -> Mapping[str, WitnessedTree]:
        """Returns the largest witnessed tree of each of these shards that has one."""
        ...

    async def renew(self, tree: WitnessedTree) -> None:
        """Stores the largest witnessed tree with newer cosignatures, beside the first ones over it; where
        what is stored is larger or newer, that stays.
        """
        ...

    async def freshest(self, origins: Collection[str]) -> Mapping[str, WitnessedTree]:
        """Returns the largest witnessed tree of each of these shards that has one, with its newest
        cosignatures.
        """
        ...

    async def first_over(self, origin: str, index: int) -> WitnessedTree | None:
        """Returns the smallest witnessed tree that has a leaf: its witnesses saw the leaf first."""
        ...

    async def integrated_beyond(self, origin: str, size: int) -> datetime | None:
        """Returns when the first leaf that is not in the tree of that size was integrated."""
        ...


class Announcements(Protocol):
    """What announced the next shard."""

    async def of(self, origin: str) -> bytes | None:
        """Returns the evidence that announced the shard after this one, as it was recorded; None while this
        one may get more leaves, or not all of it is published. Raises `ServiceUnavailable`.
        """
        ...


class Signal(StrEnum):
    """What replicas tell each other through the database. Signals may be lost and may come without cause."""

    RECORDED = "namak_recorded"
    """Facts were committed."""
    PUBLISHED = "namak_published"
    """A checkpoint was published."""


class SignalSender(Protocol):
    """Sends signals over a connection of its own."""

    async def send(self, signal: Signal) -> None: ...

    async def close(self) -> None: ...


class SignalListener(Protocol):
    """Hears signals over a connection of its own."""

    async def listen(self, heard: Callable[[Signal], None], ready: Callable[[], None]) -> None:
        """Calls `ready` once it listens, then `heard` for each signal, until cancelled.

        Raises:
            ServiceUnavailable: the connection can't be made or is lost.
        """
        ...


@dataclass(frozen=True, slots=True)
class LogStorage:
    """What storage gives the log."""

    sessions: LeaderSessions
    reader: LogReader
    witnessed: WitnessedTrees
    cosigned: CosignedNotes
    announcements: Announcements
    timestamps: LogTimestamps
    timestamped: TimestampedTrees
    sender: SignalSender
    listener: SignalListener
