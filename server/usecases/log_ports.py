"""What following the log and asking about it need of the rings around, and the values that pass between.

`server.transparency` and `server.storage` implement these. All methods raise `ServiceUnavailable` when the
database does not answer.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from namak.evidence.events import Event
from namak.evidence.tiles import TileId
from server.domain.facts import Fact
from server.domain.log_standing import Standing, Wait
from server.usecases.records import LoggedReceipt


@dataclass(frozen=True, slots=True)
class LogCursor:
    """A place in the log: the shard, and the index of the next leaf to look at."""

    origin: str
    index: int


@dataclass(frozen=True, slots=True)
class SentBy:
    """The facts of an organisation's deliveries; with an address, only of those from it."""

    organisation_id: UUID
    sender_address_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LaidInto:
    """The facts of the messages in a mailbox."""

    mailbox_id: UUID


Followed = SentBy | LaidInto


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact stands in its shard, and how many bytes its document has."""

    leaf_index: int
    evidence_id: UUID
    event: Event
    delivery_id: UUID
    size: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found, by leaf. Every place before `end` that belongs to what is followed is among them."""

    places: Sequence[Place]
    end: int


class PublishedFacts(Protocol):
    """Finds facts by their places in the log."""

    async def look(self, followed: Followed, origin: str, first: int, end: int, *, limit: int) -> Looked:
        """Finds what is followed among the leaves from `first` up to but not with `end`.

        It looks at no more than `limit` leaves of the followed organisation or mailbox, whatever lies between
        them, and says how far it came; that is always further than `first`.
        """
        ...

    async def facts(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        """Returns those of the facts that there are."""
        ...


class Subscription(Protocol):
    """Tells one follower that something of what it follows may have been published.

    Of leaves before the horizon at the time the subscription was made nothing is told: whoever follows looks
    at them itself, and from then on looks again whenever it was told.
    """

    async def ready(self) -> None:
        """Waits until the horizon is known."""
        ...

    def horizon(self, origin: str) -> int:
        """Returns up to where the shard's published leaves have been gone through on this replica."""
        ...

    def successor(self, origin: str) -> str | None:
        """Returns the shard after this one, once this one is complete and published to its end."""
        ...

    def take(self) -> bool:
        """Returns whether it was told since this was last asked."""
        ...

    async def told(self, seconds: float) -> None:
        """Waits until there is something to `take`, at most so long."""
        ...


class Subscriptions(Protocol):
    """Goes through what is newly published, once for all followers of this replica."""

    def subscribe(self, followed: Followed) -> AbstractContextManager[Subscription]:
        """Subscribes until the context is left.

        Raises:
            Overloaded: there are as many followers already as this replica takes on.
        """
        ...

    @property
    def current(self) -> str:
        """The origin of the shard that new facts go to."""
        ...

    async def first(self) -> str:
        """Returns the origin of the oldest shard of this log."""
        ...

    async def size(self, origin: str) -> int | None:
        """Returns how many leaves of a shard are published, as the database has it now; None for no shard of
        this log.
        """
        ...


@dataclass(frozen=True, slots=True)
class ShardState:
    """How far a shard is published: nothing yet where `root` is empty.

    Attributes:
        vkey: the verifier key as it is configured now.
        published_at: when the newest checkpoint was.
        pending: facts recorded and not under a published checkpoint; of the queue at most a hundred thousand
            are counted.
        healthy: whether this replica sees the log running well.
        witnessed_size, witnessed_at: the largest tree that the quorum of witnesses cosigned, and when that
            was there; 0 and None where there is none.
        unwitnessed: facts recorded and not under it yet: the evidence debt.
        unwitnessed_since: since when the oldest of them waits: when it got its leaf, or where none has one,
            when it was recorded.
        integrated_size: how many leaves the shard has, published or not.
        successor, announcement: the shard that is announced to come after it, and the evidence that says so.
        frozen_at: when it got its last leaf; None while it may get more.
        given_up: the evidence by which it was given up, if its key is lost.
        relogged: how many leaves that key never signed, which stand in a later shard.
        owed_since: since when the oldest waits that witnesses are still to vouch for: nothing in a shard of
            the time before there were witnesses.
        standing: how it fares, once that is judged.
    """

    origin: str
    vkey: str
    size: int
    root: bytes
    published_at: datetime | None
    pending: int
    healthy: bool
    witnessed_size: int = 0
    witnessed_at: datetime | None = None
    unwitnessed: int = 0
    unwitnessed_since: datetime | None = None
    integrated_size: int = 0
    successor: str | None = None
    announcement: UUID | None = None
    frozen_at: datetime | None = None
    given_up: UUID | None = None
    relogged: int = 0
    owed_since: datetime | None = None
    standing: Standing = Standing.WELL


@dataclass(frozen=True, slots=True)
class AuthorityState:
    """How far a time-stamping authority has stamped a shard.

    Attributes:
        authority: its name in the settings, or that of one that is not in them any more.
        size, at: the largest tree with a token of it, and the token's time; 0 and None where there is none.
        trouble: what keeps this replica from having tokens of it (`AUTHORITY_…`); None where all is well, or
            another replica asks.
    """

    authority: str
    size: int
    at: datetime | None
    trouble: str | None = None


class TimestampView(Protocol):
    """Tells how far the log is stamped."""

    async def states(self, origins: Collection[str]) -> Mapping[str, Sequence[AuthorityState]]:
        """Returns, by shard, the authorities that are asked and those that stamped something, by name."""
        ...

    async def waits(self, shards: Sequence[ShardState]) -> Mapping[str, Wait]:
        """Returns, by shard, what is not stamped as often as receipts need; nothing where nobody is asked."""
        ...


@dataclass(frozen=True, slots=True)
class WitnessState:
    """How far a witness has cosigned a shard.

    Attributes:
        witness: the name of its key.
        size, at: the largest tree that it is known to have cosigned, and the time in the cosignature; 0 and
            None where none is known.
        trouble: what keeps this replica from having cosignatures of it (`WITNESS_…`); None where all is well,
            or another replica asks.
        troubled_since: since when, as far as this replica asked.
    """

    witness: str
    size: int
    at: datetime | None
    trouble: str | None = None
    troubled_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShardWitnesses:
    """The witnesses of a shard in the order of the policy.

    Attributes:
        states: how far each has cosigned.
        needed: how many the quorum takes at least.
        cosigned: how many have cosigned the checkpoint that lacks a quorum; None where none is known to.
        usual: so long it takes at most while all is well.
    """

    states: Sequence[WitnessState]
    needed: int
    cosigned: int | None
    usual: timedelta


class WitnessView(Protocol):
    """Tells how far the log is witnessed, and by whom."""

    async def states(self, origins: Collection[str]) -> Mapping[str, ShardWitnesses]:
        """Returns, by shard, the witnesses that are asked; nothing where nobody is."""
        ...


class WitnessedLog(Protocol):
    """Gives receipts that witnesses vouch for as well."""

    @property
    def active(self) -> bool:
        """Whether checkpoints are witnessed now; if not, nobody waits: what is witnessed already is all."""
        ...

    async def checkpoint(self, origin: str) -> bytes | None:
        """Returns the note of the largest witnessed tree of a shard, with its newest cosignatures; None while
        there is none.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        ...

    async def successor(self, origin: str) -> bytes | None:
        """Returns the receipt by which a shard that is complete leads to the next one; None for others.

        Raises:
            ServiceUnavailable: the database does not answer, or contradicts itself; alarmed.
        """
        ...

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float
    ) -> LoggedReceipt | None:
        """Returns the receipt of evidence under the first checkpoint that has it and that the quorum of
        witnesses cosigned.

        Waits for it at most `wait_seconds` and never beyond `reply_by` on the event loop's clock; then
        returns None. Looks at least once.

        Raises:
            EvidenceCorrupt: the log holds another entry than the document's, or contradicts itself.
        """
        ...


class TimestampedLog(Protocol):
    """Gives receipts that time-stamping authorities vouch for as well."""

    @property
    def active(self) -> bool:
        """Whether checkpoints are stamped now; if not, nobody waits: what is stamped already is all."""
        ...

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float, witnessed: bool
    ) -> LoggedReceipt | None:
        """Returns the receipt of evidence, with its timestamps, under the first checkpoint over it that has
        tokens from as many authorities as the settings want, and that is witnessed if there are witnesses.

        Waits and raises like `WitnessedLog.receipt`; `witnessed` takes no other even where there are none.
        """
        ...


class PublicLog(Protocol):
    """What everybody may see of the log: everything but the evidence itself."""

    async def states(self) -> Sequence[ShardState]:
        """Returns the shards, the current one first; how each fares is not judged."""
        ...

    @property
    def leading(self) -> bool:
        """Whether this replica leads the log, and so knows what troubles those who are to vouch for it."""
        ...

    async def published(self, origin: str) -> tuple[int, bytes] | None:
        """Returns size and root of a shard's published tree, size 0 where there is none yet; None for an
        origin that is no shard of this log. The empty origin is the current one.
        """
        ...

    async def tiles(self, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
        """Returns the stored rows of these tiles."""
        ...

    async def entries(self, origin: str, first: int, count: int) -> Sequence[bytes]:
        """Returns so many entries from an index on, those that there are."""
        ...

    def forget(self) -> None:
        """Forgets what is remembered of tiles, for it was contradicted."""
        ...

    @property
    def current(self) -> str:
        """The origin of the current shard."""
        ...
