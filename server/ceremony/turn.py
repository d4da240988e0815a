"""How far the log has come in going over to its next shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier
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
    """Who cosigned a tree, and when by their own clock."""

    name: str
    key: str
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
    wants_witnesses: bool = False
    """Whether the settings name witnesses."""
    first: Published | None = None
    """The new shard's first tree."""
    waiting: int = 0
    """Facts that wait for the log."""

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
    def is_quiet(self) -> bool:
        """Whether nothing is missing but a first fact for the new shard, and none is there."""
        return self.next_step is Step.BEGUN and not self.waiting
