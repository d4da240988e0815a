"""What comes next on a delivery's ladder (LADDER-1): a pure function of its facts, the steps taken, and the
time.

A step taken is state and no fact: it changes nobody's right. What comes of it (a letter posted, a notice
published) is a fact, and an effect rests on facts alone, so that a verifier needs to know of no step.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from namak.evidence.document import RecordedFact
from namak.evidence.notification_policy import policy_named
from namak.evidence.notification_steps import Action, DueStep
from namak.evidence.policy_rules import Effect
from server.domain.facts import Fact


@dataclass(frozen=True, slots=True)
class Wake:
    """When a delivery is looked at again, at the latest; what is due then its facts tell."""

    mailbox_id: UUID
    delivery_id: UUID
    at: datetime


class StepState(StrEnum):
    """How far a step that was taken has come."""

    ORDERED = "ORDERED"
    """Its action was handed on."""
    FAILED = "FAILED"
    """Its action can't be carried out; `reason` says why. The ladder goes on."""


@dataclass(frozen=True, slots=True)
class TakenStep:
    """A step of a delivery's ladder that was taken, once and for ever.

    Attributes:
        step: its name in the delivery's policy.
        due_at, taken_at: when it was due, and when it was taken.
        reason: why it failed, in a word; None unless it did.
        again_at: when an operator last had it carried out again, after it had failed.
    """

    mailbox_id: UUID
    delivery_id: UUID
    step: str
    action: Action
    due_at: datetime
    taken_at: datetime
    state: StepState = StepState.ORDERED
    reason: str | None = None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailedSteps:
    """Which failed steps are meant: all, or those of an action, of a name in their policy, or that failed for
    a reason.
    """

    action: Action | None = None
    step: str | None = None
    reason: str | None = None


ALL_FAILED: Final = FailedSteps()


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done with a delivery now: record `effect`, or take `steps` in their order; and when it is
    looked at again, None where nothing comes by itself.
    """

    effect: Effect | None
    steps: Sequence[DueStep]
    wake_at: datetime | None

    def look_at(self, now: datetime) -> datetime | None:
        """Returns when a delivery is looked at with which nothing is done yet: at once where there is
        something to do, by a step that waits for nothing, say.
        """
        return now if self.effect is not None or self.steps else self.wake_at


def turn_of(facts: Sequence[Fact], taken: Collection[str], now: datetime) -> Turn:
    """Returns it for a delivery that is neither notified nor withdrawn, by its facts in their order.

    An effect goes before steps: none is taken at the moment at which somebody is notified, or afterwards.

    Raises:
        UnknownPolicy, UnknownCalendar: this release can't say; nothing is guessed.
    """
    recorded = [RecordedFact.parse(fact.data) for fact in facts]
    policy = policy_named(recorded[0].document.notification_policy)
    if not policy.goes_on_by_itself:
        return Turn(None, (), None)
    effect = policy.effect_at(recorded, now)
    if effect is not None:
        return Turn(effect, (), None)
    left = policy.steps_left(recorded, taken)
    later = [step.due for step in left if step.due > now]
    lapse = policy.lapses_at(recorded)
    moments = [*later, *([lapse] if lapse is not None else [])]
    return Turn(None, [step for step in left if step.due <= now], min(moments, default=None))
