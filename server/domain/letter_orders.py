"""How far a letter on paper has come, and what print houses may report of it: states and steps as data.

A letter waits until a print house leases it, for a time. Who leased it may print it while the lease lasts;
once printed it is theirs for good, for only they know what became of the paper. Every report that is taken is
a fact of the delivery (docs/architecture.md), which the policy's rules read (LADDER-1).

A letter that can't be made is kept too, as one that failed, so that the operator sees why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from namak.evidence import events
from namak.evidence.events import Event
from server.domain.deliveries import DeliveryState


class LetterState(StrEnum):
    """How far a letter has come."""

    WAITING = "WAITING"
    """Nobody has printed it; it is to be leased, or is leased."""
    PRINTED = "PRINTED"
    POSTED = "POSTED"
    HANDED_OVER = "HANDED_OVER"
    REFUSED = "REFUSED"
    """Whoever should have taken it would not."""
    RETURNED = "RETURNED"
    """The paper is back at the sender's or the print house."""
    CANCELLED = "CANCELLED"
    """Nobody had printed it when the message was withdrawn, or its recipient notified."""
    FAILED = "FAILED"
    """It could not be made; there is nothing to print."""


class Report(StrEnum):
    """What a print house says has happened."""

    PRINTED = "PRINTED"
    POSTED = "POSTED"
    HANDED_OVER = "HANDED_OVER"
    REFUSED = "REFUSED"
    RETURNED = "RETURNED"


STEPS: Mapping[tuple[LetterState, Report], LetterState] = MappingProxyType(
    {
        (LetterState.WAITING, Report.PRINTED): LetterState.PRINTED,
        (LetterState.PRINTED, Report.POSTED): LetterState.POSTED,
        (LetterState.POSTED, Report.HANDED_OVER): LetterState.HANDED_OVER,
        (LetterState.POSTED, Report.REFUSED): LetterState.REFUSED,
        (LetterState.POSTED, Report.RETURNED): LetterState.RETURNED,
        # What was refused comes back.
        (LetterState.REFUSED, Report.RETURNED): LetterState.RETURNED,
    }
)
"""The state that a report leads to. Where none stands, the report is in the wrong order."""

EVENTS: Mapping[Report, Event] = MappingProxyType(
    {
        Report.PRINTED: events.LETTER_PRINTED,
        Report.POSTED: events.LETTER_POSTED,
        Report.HANDED_OVER: events.LETTER_HANDED_OVER,
        Report.REFUSED: events.LETTER_REFUSED,
        Report.RETURNED: events.LETTER_RETURNED,
    }
)
"""The fact that each report leaves."""


class ReportRefusal(StrEnum):
    """Why a report isn't taken; nothing is recorded of it."""

    NOT_YOURS = "NOT_YOURS"
    """Another house has the letter, or nobody, or there is none. These get one answer: who has no right to a
    letter doesn't learn of it."""
    LEASE_ENDED = "LEASE_ENDED"
    """The house leased it, for a time that is over; what it printed must not be posted."""
    CANCELLED = "CANCELLED"
    """It is not needed any more, and must not be printed; what of it was printed must not be posted."""
    OUT_OF_ORDER = "OUT_OF_ORDER"
    """The letter has come less far than the report says, or further already."""
    OTHER_FILE = "OTHER_FILE"
    """What was printed isn't what was to be printed."""
    OTHER_TRACKING = "OTHER_TRACKING"
    """The post's number isn't the one on the letter."""


class ReportRefused(Exception):
    """A report isn't taken.

    Attributes:
        refusal: why.
        state: how far the letter has come, where the house may know; else None.
    """

    def __init__(self, refusal: ReportRefusal, state: LetterState | None = None) -> None:
        super().__init__(refusal.value if state is None else f"{refusal.value}: the letter is {state.value}")
        self.refusal = refusal
        self.state = state


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may print a letter, and until when (exclusive)."""

    house_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class LetterOrder:
    """A letter that was ordered, once.

    Attributes:
        id: its own, UUIDv7.
        mailbox_id, delivery_id, step: whose message, and for what: a step of its policy, or another name in
            the form of those; unique together.
        by_ladder: whether a step of the delivery's ladder ordered it. Such a letter is of no use once the
            recipient is notified; others are needed until the message is withdrawn.
        ordered_at: when it was made.
        tracking: the post's number, which is printed on it; empty where it failed.
        file: the SHA-256 of the PDF that is to be printed, 32 bytes; empty where it failed.
        file_size, pages: the PDF's bytes, and its pages, an even number.
        lease: of whoever leased it last; None before the first.
        reason: why it failed, in a word; empty unless it did.
    """

    id: UUID
    mailbox_id: UUID
    delivery_id: UUID
    step: str
    by_ladder: bool
    ordered_at: datetime
    tracking: str
    file: bytes
    file_size: int
    pages: int
    state: LetterState = LetterState.WAITING
    lease: Lease | None = None
    reason: str = ""

    @property
    def sheets(self) -> int:
        """How many sheets go into the envelope, printed on both sides."""
        return self.pages // 2

    def is_needed(self, delivery: DeliveryState) -> bool:
        """Whether it is of use while the delivery is in this state."""
        if self.by_ladder:
            return delivery is DeliveryState.CONSIGNED
        return delivery is not DeliveryState.WITHDRAWN

    def cancelled(self) -> "LetterOrder":
        """Returns it as one that nobody needs any more. Raises ValueError where it was printed, or failed."""
        if self.state is not LetterState.WAITING:
            raise ValueError("only a letter that waits is cancelled")
        return replace(self, state=LetterState.CANCELLED)

    def may_be_leased(self, now: datetime) -> bool:
        """Whether nobody has printed it, or may at the moment."""
        return self.state is LetterState.WAITING and (self.lease is None or self.lease.until <= now)

    def leased(self, house_id: UUID, now: datetime, until: datetime) -> "LetterOrder":
        """Returns it leased to a house. Raises ValueError where it may not be."""
        if not self.may_be_leased(now) or until <= now:
            raise ValueError("the letter may not be leased")
        return replace(self, lease=Lease(house_id, until))

    def after(
        self,
        report: Report,
        house_id: UUID,
        now: datetime,
        delivery: DeliveryState,
        *,
        file: bytes | None = None,
        tracking: str | None = None,
    ) -> "LetterOrder":
        """Returns the letter after what a house reports.

        Args:
            delivery: how far its delivery is.
            file: the SHA-256 of what was printed; with PRINTED.
            tracking: the post's number, with the other reports; None where the house gives none.

        Raises `ReportRefused`, most of all where it isn't the house's.
        """
        self.check_printable(house_id, now, delivery)
        reached = STEPS.get((self.state, report))
        if reached is None:
            raise ReportRefused(ReportRefusal.OUT_OF_ORDER, self.state)
        if report is Report.PRINTED and file != self.file:
            raise ReportRefused(ReportRefusal.OTHER_FILE, self.state)
        if tracking is not None and tracking != self.tracking:
            raise ReportRefused(ReportRefusal.OTHER_TRACKING, self.state)
        return replace(self, state=reached)

    def check_printable(self, house_id: UUID, now: datetime, delivery: DeliveryState) -> None:
        """Checks that the letter is a house's now, and still needed unless it is printed. Raises
        `ReportRefused` (NOT_YOURS, CANCELLED, LEASE_ENDED).
        """
        if self.lease is None or self.lease.house_id != house_id:
            raise ReportRefused(ReportRefusal.NOT_YOURS)
        if self.state is LetterState.CANCELLED:
            raise ReportRefused(ReportRefusal.CANCELLED, self.state)
        if self.state is LetterState.WAITING:
            if not self.is_needed(delivery):
                raise ReportRefused(ReportRefusal.CANCELLED, LetterState.CANCELLED)
            if self.lease.until <= now:
                raise ReportRefused(ReportRefusal.LEASE_ENDED, self.state)


@dataclass(frozen=True, slots=True)
class LetterReport:
    """A report that was taken.

    Attributes:
        evidence_id: of the fact that it left.
        reported_at: when it happened, as the print house says.
        recorded_at: when it was recorded.
    """

    letter_id: UUID
    report: Report
    evidence_id: UUID
    reported_at: datetime
    recorded_at: datetime


class WrongTime(StrEnum):
    """What is wrong with the time at which something happened, as a house says."""

    IN_FUTURE = "IN_FUTURE"
    BEFORE_LETTER = "BEFORE_LETTER"
    """There was no letter then."""
    BEFORE_EARLIER_REPORT = "BEFORE_EARLIER_REPORT"
    """What it reported before came about later."""


def wrong_time(
    letter: LetterOrder, earlier: Sequence[LetterReport], reported_at: datetime, now: datetime
) -> WrongTime | None:
    """Returns what is wrong with a report's time, after the letter's earlier reports; None for nothing.

    An effect may be counted from it (LADDER-1), so no clock that goes fast is made allowance for.
    """
    if reported_at > now:
        return WrongTime.IN_FUTURE
    if reported_at < letter.ordered_at:
        return WrongTime.BEFORE_LETTER
    if any(reported_at < each.reported_at for each in earlier):
        return WrongTime.BEFORE_EARLIER_REPORT
    return None
