"""Evidence may name any moment from the year 1 to 9999: it is judged like all other, and nothing breaks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from namak.evidence import events
from namak.evidence.calendars import Counted, Span
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.custody import CustodyFault, custody_problems
from namak.evidence.details import EffectDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.failures import UnsettledCalendar
from namak.evidence.notification_policy import POLICIES
from namak.evidence.report import Verdict
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.documents import ONE_OF_EACH, OUTSIDE, PAPER, TEXTS, document
from tests.unit.evidence_documents.papers import SCANS, paper_details
from tests.unit.evidence_documents.world import Key, Log, Story

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
MOMENTS = pytest.mark.parametrize("moment", [FIRST, LAST], ids=["the first", "the last"])


def told(story: Story, moment: datetime, policy: str) -> Sequence[EvidenceDocument]:
    """Returns all kinds of evidence of that moment, and the effects that the policy's rules make of it."""
    found: list[EvidenceDocument] = []
    for each in (*ONE_OF_EACH, *OUTSIDE, PAPER, *TEXTS, story.confirmation()):
        details: Any = each.details
        if hasattr(details, "reported_time"):
            details = replace(details, reported_time=moment)
        found.append(
            replace(
                each,
                details=details,
                event_time=moment,
                submission_time=moment,
                notification_policy=policy,
            )
        )
    for rule in POLICIES[policy].rules:
        for cause in [each for each in found if each.event == rule.fact]:
            effect = EffectDetails(RecordedFact.parse(cause.encode()).digest, rule.id, moment)
            evidence = document(events.NOTIFICATION_EFFECTED, effect, number=len(found) + 100)
            found.append(replace(evidence, event_time=moment, notification_policy=policy))
    return found


@MOMENTS
@pytest.mark.parametrize("policy", POLICIES)
def test_evidence_of_any_moment_is_judged(story: Story, policy: str, moment: datetime) -> None:
    log, witness = Log(story.world.log.key), Key("witness.example", COSIGNATURE)
    facts = [RecordedFact.parse(each.encode()) for each in told(story, moment, policy)]
    for fact in facts:
        log.append(fact)
    files = {
        str(place): log.proof(fact.data, place, [(witness, 2**63 - 1)]).encode()
        for place, fact in enumerate(facts)
    }
    lines = f"log {log.key.vkey}\nwitness w {witness.vkey}\nquorum w\n"

    report = verify_receipts(files, story.world.trust(lines))

    assert len(report.files) == len(facts) > len(POLICIES[policy].rules)
    assert report.verdict is Verdict.INVALID


@MOMENTS
def test_a_chain_of_custody_of_any_moment_is_judged(moment: datetime) -> None:
    problems = custody_problems(paper_details().custody, SCANS, moment)
    late = [each for each in problems if each.fault is CustodyFault.TIME_IN_FUTURE]
    assert bool(late) is (moment == FIRST)


@pytest.mark.parametrize("counted", Counted)
def test_a_span_beyond_the_years_that_are_counted_is_not_settled(counted: Counted) -> None:
    for start in (LAST, LAST - timedelta(days=2), FIRST, FIRST + timedelta(days=1)):
        if counted is Counted.ELAPSED and start < LAST - timedelta(days=3):
            assert Span(3, counted).after(start, "namak:am:1") - start == timedelta(days=3)
            continue
        with pytest.raises(UnsettledCalendar):
            Span(3, counted).after(start, "namak:am:1")
