"""Invented policies and stories for the properties of the derivation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.calendars import Counted, Span
from namak.evidence.details_outside import LetterHandedOverDetails, NoticeDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.notification_policy import NotificationPolicy, Rule
from namak.evidence.notification_steps import Action, Since, SinceStep, Step, TimeOf, Wait
from tests.unit.evidence_documents.documents import DIGEST, ONE_OF_EACH, OUTSIDE

BEGIN = datetime(2026, 11, 2, 6, tzinfo=UTC)
KEY = ("xx-invented", 1)

_TEMPLATES = {document.event: document for document in (*ONE_OF_EACH, *OUTSIDE)}
_HAPPENING = (
    events.CONTENT_ACCESS_TRACKING,
    events.HOLDER_SIGNED_IN,
    events.LETTER_POSTED,
    events.LETTER_HANDED_OVER,
    events.LETTER_REFUSED,
    events.NOTICE_PUBLISHED,
)
_spans = st.builds(
    Span, st.integers(0, 9), st.sampled_from([Counted.CALENDAR, Counted.WORKING, Counted.ELAPSED])
)
_times = st.sampled_from(TimeOf)
_hours = st.integers(0, 24 * 25).map(lambda hours: timedelta(hours=hours))


_REQUIRED = (
    (events.CONTENT_CONSIGNMENT,),
    (),
    (events.CONTENT_CONSIGNMENT, events.LETTER_POSTED),
)


def _waits(steps: list[Step]) -> st.SearchStrategy[Wait]:
    """Draws a wait from the consignment, or from a step."""
    starts: list[Since | SinceStep] = [
        Since(events.CONTENT_CONSIGNMENT),
        *(SinceStep(each.id) for each in steps),
    ]
    return st.builds(Wait, st.sampled_from(starts), _spans)


@st.composite
def policies(draw: st.DrawFn) -> NotificationPolicy:
    """Draws a policy whose rules and steps are anything that the data can say."""
    steps: list[Step] = []
    for number in range(draw(st.integers(0, 4))):
        starts: list[Since | SinceStep] = [SinceStep(step.id) for step in steps]
        starts += [Since(event, draw(_times)) for event in (events.CONTENT_CONSIGNMENT, *_HAPPENING)]
        since = draw(st.sampled_from(starts))
        unless = draw(st.lists(st.sampled_from(_HAPPENING), max_size=1).map(tuple))
        steps.append(Step(f"STEP-{number}", draw(st.sampled_from(Action)), Wait(since, draw(_spans)), unless))
    rules = [
        Rule(
            id=f"R-{number}",
            fact=draw(st.sampled_from(_HAPPENING)),
            requires=draw(st.sampled_from(_REQUIRED)),
            wait=draw(_spans),
            time=draw(_times),
            not_before=draw(st.none() | _waits(steps)),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    return NotificationPolicy(*KEY, tuple(rules), tuple(steps))


def fact(document: EvidenceDocument, at: datetime, number: int) -> RecordedFact:
    """Returns the fact recorded at ``at`` under the invented policy."""
    changed = replace(
        document,
        event_time=at,
        evidence_id=UUID(int=number + 1),
        notification_policy=f"{KEY[0]}@{KEY[1]}",
    )
    return RecordedFact.parse(changed.encode())


@st.composite
def stories(draw: st.DrawFn) -> list[RecordedFact]:
    """Draws the facts of one delivery in the order of recording: a consignment, then anything; perhaps a
    withdrawal among it.
    """
    offsets = sorted(draw(st.lists(_hours, max_size=6)))
    moments = [timedelta(0), *offsets]
    for number, (before, after) in enumerate(pairwise(moments), 1):
        # One after the other, as recording does it.
        if after <= before:
            moments[number] = before + timedelta(microseconds=1)
    found = [fact(_TEMPLATES[events.CONTENT_CONSIGNMENT], BEGIN, 0)]
    for number, moment in enumerate(moments[1:], 1):
        event = draw(st.sampled_from(_HAPPENING))
        found.append(fact(_with_report(draw, _TEMPLATES[event], BEGIN + moment), BEGIN + moment, number))
    return found


def withdrawal(at: datetime) -> RecordedFact:
    return fact(_TEMPLATES[events.WITHDRAWN], at, 99)


def _with_report(draw: st.DrawFn, document: EvidenceDocument, at: datetime) -> EvidenceDocument:
    reported = draw(st.none() | st.integers(-200, 60).map(lambda hours: at + timedelta(hours=hours)))
    match document.event:
        case events.LETTER_HANDED_OVER:
            return replace(document, details=LetterHandedOverDetails(DIGEST, None, reported))
        case events.NOTICE_PUBLISHED:
            return replace(document, details=NoticeDetails(DIGEST, None, reported, file=DIGEST))
    return document
