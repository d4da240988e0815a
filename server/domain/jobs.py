"""Jobs: what is done outside, after the transaction that causes it, as often as it takes.

A job names its kind and, by identifiers alone, what it is about; whoever runs it reads the rest. Kinds are
data. Each has a queue of its own, of its name, so that a worker of the release before never takes a job that
it does not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

Arguments = Mapping[str, UUID | int]
"""What a job is about: identifiers, and numbers of things (an attempt, a step). Never a person's number,
address or
words: jobs are shown to operators, and kept by a library of its own.
"""

LARGEST_NUMBER: Final = 1_000_000
"""Above what any thing is numbered with, and below every person's number and phone."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """When a job that failed is tried again, and when it is given to the operator.

    Attributes:
        attempts: how often it is tried at most; after that it is a dead letter.
        first: the wait after the first failure.
        factor: by what the wait grows each time.
        longest: the longest wait.
        spread: by what share of itself a wait varies at most, so that what failed together does not come back
            together; 0 to 1.
    """

    attempts: int
    first: timedelta
    factor: float
    longest: timedelta
    spread: float = 0.2

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.factor < 1 or not 0 <= self.spread <= 1:
            raise ValueError("attempts and factor are at least 1, spread is 0 to 1")
        if not timedelta(0) < self.first <= self.longest:
            raise ValueError("first is more than 0 and at most longest")

    def wait(self, failed: int, draw: float) -> timedelta | None:
        """Returns how long to wait after the attempt of this number, from 1, has failed; None: never again.

        `draw` is drawn evenly from 0 to 1.
        """
        if failed >= self.attempts:
            return None
        longest = self.longest / self.first
        grown = min(self.factor ** min(failed - 1, 64), longest)
        return self.first * (grown * (1 + self.spread * (2 * draw - 1)))


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    Attributes:
        name: its name, and that of its queue: `room.what`.
        does: what it does, for operators.
        twice: what a second run of the same job does; it may run twice when a worker is killed.
        retries: when it is tried again.
    """

    name: str
    does: str
    twice: str
    retries: Backoff


_AT_ONCE = Backoff(12, timedelta(seconds=1), 2, timedelta(minutes=10))
_BY_MAIL = Backoff(14, timedelta(minutes=1), 2, timedelta(hours=6))
"""Greylisting ends within minutes; a server that is away for two days is not waited for."""

SEND_CODE: Final = JobKind(
    "forwarding.code",
    "Sends the code that verifies a holder's forwarding target.",
    "Sends another code, which alone counts.",
    Backoff(6, timedelta(seconds=10), 2, timedelta(minutes=5)),
)
SPREAD: Final = JobKind(
    "forwarding.spread",
    "Sends a new message to each verified target of its mailbox, or has jobs of their own do that.",
    "Sends again what was not recorded as sent, with the same Message-ID.",
    _AT_ONCE,
)
SEND_COPY: Final = JobKind(
    "forwarding.copy",
    "Sends one copy of a message to one target, and records what became of it.",
    "Nothing once that is recorded; where a worker died before, another mail with the same Message-ID.",
    _BY_MAIL,
)
_IN_PUBLIC = Backoff(120, timedelta(minutes=1), 2, timedelta(hours=2))
"""For nine days and a half: somebody's right waits for it, and a site may be away for days."""
PUBLISH_NOTICE: Final = JobKind(
    "notices.publish",
    "Publishes the public notice of a delivery, and records that it did.",
    "Nothing once that is recorded; before, the same notice in its own place.",
    _IN_PUBLIC,
)
WITHDRAW_NOTICE: Final = JobKind(
    "notices.withdraw",
    "Takes a public notice back.",
    "Nothing: what is not there is withdrawn.",
    _IN_PUBLIC,
)

PREPARE_LETTER: Final = JobKind(
    "letters.prepare",
    "Sets the paper letter that a step of a ladder has ordered, for print houses to fetch.",
    "Nothing: a step has one letter.",
    Backoff(10, timedelta(seconds=10), 3, timedelta(hours=1)),
)
SEND_SMS: Final = JobKind(
    "sms.send",
    "Sends a sender's own short message to one phone, and records what became of it.",
    "Nothing once that is recorded; where a worker died before, segments may come twice.",
    Backoff(10, timedelta(seconds=10), 3, timedelta(hours=2)),
)
NUDGE: Final = JobKind(
    "ladder.nudge",
    "Has each verified target of a mailbox told that a message waits to be read, as a step of a ladder asks.",
    "Nothing: a step has one nudge to each target.",
    _AT_ONCE,
)
SEND_NUDGE: Final = JobKind(
    "ladder.tell",
    "Sends the nudge of a step of a ladder to one target, and records what became of it.",
    "Nothing once that is recorded; where a worker died before, another mail with the same Message-ID, or "
    "segments of a short message again.",
    _BY_MAIL,
)
PRINT_ANSWER: Final = JobKind(
    "letters.answer",
    "Sets the paper of a holder's answer to a letter that came on paper, for print houses to fetch.",
    "Nothing: an answer has one letter.",
    Backoff(10, timedelta(seconds=10), 3, timedelta(hours=1)),
)
SMS_REPORT: Final = JobKind(
    "sms.report",
    "Finds the short message that a phone network's report is about, and records what became of it.",
    "Nothing: what is recorded stays.",
    Backoff(8, timedelta(seconds=1), 4, timedelta(minutes=10)),
)

MAIL_RECEIPT: Final = JobKind(
    "receipts.mail",
    "Mails a sender the receipt of a message that came in by mail.",
    "Another mail with the same Message-ID.",
    _BY_MAIL,
)

KINDS: Final[Sequence[JobKind]] = (
    SEND_CODE,
    SPREAD,
    SEND_COPY,
    SEND_SMS,
    SMS_REPORT,
    NUDGE,
    SEND_NUDGE,
    PREPARE_LETTER,
    PRINT_ANSWER,
    PUBLISH_NOTICE,
    WITHDRAW_NOTICE,
    MAIL_RECEIPT,
)
"""All kinds of this release."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job to be done, not before a time where one is given."""

    kind: JobKind
    arguments: Arguments
    not_before: datetime | None = None

    def __post_init__(self) -> None:
        for value in self.arguments.values():
            if isinstance(value, int) and not 0 <= value <= LARGEST_NUMBER:
                raise ValueError("a job's arguments are identifiers, and small numbers")


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job as whoever runs it gets it.

    Attributes:
        id: which job it is; the same each time it is tried.
        arguments: what it is about.
        attempt: the how manieth try this is, from 1.
        is_last: whether it becomes a dead letter if this fails.
    """

    id: int
    arguments: Arguments
    attempt: int
    is_last: bool


class JobFailed(Exception):
    """A job could not be done now.

    Attributes:
        reason: why, in a word for operators, in capitals; says nothing about anybody.
        for_good: whether trying again is of no use.
        wait: how long to wait at least before it is tried again.
    """

    def __init__(self, reason: str, *, for_good: bool = False, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
        self.wait = wait


class JobState(StrEnum):
    """How far a job is. One that was done is deleted."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DEAD = "DEAD"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True)
class JobFailure:
    """One failed attempt: its number from 1, when, and why."""

    attempt: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as operators see it.

    Attributes:
        id: its number.
        kind: the name of its kind, which another release may know alone.
        arguments: what it is about.
        state: how far it is.
        attempts: how often it was tried, since an operator last had it tried again.
        due: since when, or from when, it may run; None: since it was deferred.
        deferred_at: when it was deferred.
        failure: the last failed attempt.
    """

    id: int
    kind: str
    arguments: Arguments
    state: JobState
    attempts: int
    due: datetime | None
    deferred_at: datetime
    failure: JobFailure | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What of one kind there is.

    Attributes:
        kind: its name.
        due: how many wait to be run now.
        later: how many wait for their time.
        running: how many are being run.
        dead: how many wait for an operator.
        oldest: since when the oldest of those that are due waits.
        next: when the first of those that wait for their time is due.
    """

    kind: str
    due: int = 0
    later: int = 0
    running: int = 0
    dead: int = 0
    oldest: datetime | None = None
    next: datetime | None = None
