"""How far the log has come in going over to its next shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier
from namak.evidence.tlog_policy import TlogPolicy
from server.transparency.guard import verified


class Step(StrEnum):
    """What happens one after the other, in words for who waits for it."""

    ANNOUNCED = "the next shard is announced"
    FROZEN = "the old shard has its last leaf"
    PUBLISHED = "its last tree is published"
    WITNESSED = "its last tree is witnessed"
    BEGUN = "the first checkpoint of the new shard is published"


@dataclass(frozen=True, slots=True)
class Published:
    """A published note of a shard, and when it was there."""

    note: bytes
    at: datetime

    def verified(self, vkey: str) -> Checkpoint:
        """Returns what it says. Raises EvidenceError: it is not signed by the shard's key."""
        return verified(self.note, Verifier.parse(vkey)).checkpoint


@dataclass(frozen=True, slots=True)
class Witness:
    """Who cosigned a tree, with their verifier key, and when by their own clock."""

    name: str
    vkey: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known of a log that goes over to its next shard."""

    origin: str
    vkey: str
    successor: str
    successor_vkey: str
    announcement: UUID
    announced_at: datetime
    frozen_at: datetime | None = None
    last_leaf: int | None = None
    """The announcement's index: that of the old shard's last leaf."""
    last: Published | None = None
    """The old shard's last tree."""
    witnessed: Published | None = None
    """The same, with the cosignatures of a quorum."""
    witnesses: Sequence[Witness] = ()
    policy: TlogPolicy | None = None
    """The witnesses' policy, if the settings name one."""
    line: Sequence[str] = ()
    """The verifier keys of all shards up to the new one, the oldest first."""
    first: Published | None = None
    """The new shard's first tree."""
    followed: bool = False
    """Whether a quorum cosigned a tree of the new shard."""
    opening: UUID | None = None
    """The evidence that is the new shard's first leaf; None where the release before announced the shard."""
    first_leaf: int | None = None
    """The opening's index in the new shard: 0, unless a server of the release before led then."""
    waiting: int = 0
    """Facts that wait for the log."""

    @property
    def wants_witnesses(self) -> bool:
        """Whether the settings ask for witnesses."""
        return self.policy is not None and self.policy.quorum is not None

    def at(self, step: Step) -> datetime | None:
        """Returns when a step was done; None where it is still to come, or nobody asks for it."""
        match step:
            case Step.ANNOUNCED:
                return self.announced_at
            case Step.FROZEN:
                return self.frozen_at
            case Step.PUBLISHED:
                return None if self.last is None else self.last.at
            case Step.WITNESSED:
                return None if self.witnessed is None else self.witnessed.at
            case Step.BEGUN:
                return None if self.first is None else self.first.at

    @property
    def next_step(self) -> Step | None:
        """What is to come; None once all is done."""
        if self.frozen_at is None:
            return Step.FROZEN
        if self.last is None:
            return Step.PUBLISHED
        if self.wants_witnesses and self.witnessed is None:
            return Step.WITNESSED
        return Step.BEGUN if self.first is None else None

    @property
    def lacks_followers(self) -> bool:
        """Whether the witnesses that the settings ask for don't follow the new shard, as far as is seen."""
        return self.wants_witnesses and not self.followed

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is missing but a first fact for the new shard, and none is there: nothing shows
        then whether anybody can lead it. Not where the shard has an opening, which is such a fact.
        """
        return self.next_step is Step.BEGUN and self.opening is None and not self.waiting
