"""The words that a notification policy's ladder is written in: where waits start, and what its steps do."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto

from namak.evidence.calendars import Span
from namak.evidence.document import RecordedFact
from namak.evidence.events import Event


class TimeOf(Enum):
    """Which time of a fact counts."""

    RECORDED = auto()
    """Its EventTime: when the server recorded it, which witnesses bound."""
    REPORTED = auto()
    """The time that others say it happened at (``reportedTime``); its EventTime where they say none."""

    def of(self, fact: RecordedFact) -> datetime:
        """Returns that time of a fact."""
        reported: datetime | None = getattr(fact.document.details, "reported_time", None)
        if self is TimeOf.RECORDED or reported is None:
            return fact.document.event_time
        return reported


@dataclass(frozen=True, slots=True)
class Since:
    """A wait starts with the first fact of this event."""

    event: Event
    time: TimeOf = TimeOf.RECORDED


@dataclass(frozen=True, slots=True)
class SinceStep:
    """A wait starts when an earlier step is due, whether or not it could be taken then."""

    step: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A span of time, and what it starts from."""

    since: Since | SinceStep
    span: Span


class Action(StrEnum):
    """What a step has done. A gateway does it; what comes of it is recorded as facts."""

    NUDGE = "nudge"
    """The holder is told by e-mail or SMS that something lies in the mailbox."""
    LETTER = "letter"
    """A registered paper letter with the message goes to the holder's postal address (BOX-11)."""
    NOTICE = "notice"
    """A public notice says that there is something for the holder, and not what."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder: ``action`` once ``wait`` is over, ``unless`` a fact of one of these events is
    there by then. ``id`` names it for ever, in evidence too. An action that can't be carried out is told to
    the operator, and holds up no later step: those wait for what they name, and for nothing else.
    """

    id: str
    action: Action
    wait: Wait
    unless: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step of one delivery, and the instant from which it is to be taken."""

    step: Step
    due: datetime


@dataclass(frozen=True, slots=True)
class SourceText:
    """What a policy's data rests on: who said so and when, where it can be read, and what of it was taken."""

    by: str
    where: str
    says: str
