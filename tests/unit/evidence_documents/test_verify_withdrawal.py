"""Withdrawals among other receipts: what holds of them, and what they do to effects."""

import itertools
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.details import WithdrawalDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.report import Outcome, Verdict
from tests.unit.evidence_documents.documents import DIGEST, document
from tests.unit.evidence_documents.reading import failures, last
from tests.unit.evidence_documents.world import Story

EARLY, LATE = timedelta(minutes=1), timedelta(hours=1)


_numbers = itertools.count(100)


def withdrawal(story: Story, *, after: timedelta, consignment: str | None = None) -> EvidenceDocument:
    """Returns a withdrawal that was never logged before: the tests of this module share the log."""
    details = WithdrawalDetails(consignment or story.consignment.digest)
    return document(events.WITHDRAWN, details, after=after, number=next(_numbers))


def test_a_withdrawal_before_any_opening_holds_and_says_so(story: Story) -> None:
    fact = story.world.record(withdrawal(story, after=EARLY))

    report = story.verify(story.acceptance, story.consignment, fact)

    assert report.verdict is Verdict.VALID
    assert last(report).proves == (
        "Withdrawn: at 2026-11-21T20:01:00.123456Z the sender withdrew message "
        "0192f0c3-0000-7000-8000-000000000001 from notices@src.am to 5001950015@e-citizen.am, unopened as "
        "the operator recorded."
    )


def test_a_withdrawal_holds_without_the_receipt_of_its_consignment(story: Story) -> None:
    fact = story.world.record(withdrawal(story, after=EARLY))

    file = last(story.verify(fact))

    assert file.verdict is Verdict.VALID
    assert [check.outcome for check in file.checks if check.name == "consignment"] == [Outcome.NOT_GIVEN]


def test_a_withdrawal_of_what_had_been_opened_is_refused(story: Story) -> None:
    fact = story.world.record(withdrawal(story, after=LATE))

    file = last(story.verify(story.consignment, story.access, fact))

    assert failures(file) == {
        "unopened": "the ContentAccessTracking of this delivery had been recorded before"
    }


def test_a_withdrawal_of_what_had_been_notified_is_refused(story: Story, effected: RecordedFact) -> None:
    fact = story.world.record(withdrawal(story, after=LATE))

    assert failures(last(story.verify(effected, fact))).keys() == {"unopened"}


@pytest.mark.parametrize("named", ["access", "acceptance"])
def test_a_withdrawal_that_names_something_else_is_refused(story: Story, named: str) -> None:
    other: RecordedFact = getattr(story, named)
    fact = story.world.record(withdrawal(story, after=EARLY, consignment=other.digest))

    assert "consignment" in failures(last(story.verify(other, fact)))


def test_two_withdrawals_of_one_delivery_accuse_the_operator(story: Story) -> None:
    first = story.world.record(withdrawal(story, after=EARLY))
    second = story.world.record(replace(withdrawal(story, after=EARLY), evidence_id=UUID(int=31)))
    files = {"1": story.world.receipt(first), "2": story.world.receipt(second)}
    report = story.verify_files(files)

    assert [failures(file).keys() for file in report.files] == [{"once"}, {"once"}]


def test_an_effect_after_a_withdrawal_is_not_accepted(story: Story) -> None:
    withdrawn = story.world.record(withdrawal(story, after=EARLY))
    confirmed = story.world.record(story.confirmation())
    effect = story.world.record(story.effect(confirmed))

    report = story.verify(story.consignment, withdrawn, confirmed, effect)

    assert failures(last(report)) == {"derivation": "the sender had withdrawn the message before"}
    # The person signed all the same; only nothing follows from it.
    assert report.files[2].verdict is Verdict.VALID


def test_an_effect_between_the_confirmation_and_a_later_withdrawal_stands(
    story: Story, confirmed: RecordedFact, effected: RecordedFact
) -> None:
    withdrawn = story.world.record(withdrawal(story, after=LATE))

    report = story.verify(story.consignment, story.access, confirmed, withdrawn, effected)

    assert last(report).verdict is Verdict.VALID
    assert failures(report.files[3]).keys() == {"unopened"}


def test_another_deliverys_withdrawal_changes_nothing(story: Story, confirmed: RecordedFact) -> None:
    other = replace(withdrawal(story, after=EARLY, consignment=DIGEST), delivery_id=UUID(int=7))
    withdrawn = story.world.record(other)
    effect = story.world.record(story.effect(confirmed))

    report = story.verify(story.consignment, story.access, confirmed, withdrawn, effect)

    assert report.verdict is Verdict.VALID
