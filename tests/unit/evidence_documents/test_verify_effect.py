from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence.details import EffectDetails
from namak.evidence.document import EvidenceDocument, RecordedFact, subject_part
from namak.evidence.report import FileReport, Verdict
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.reading import failures, last
from tests.unit.evidence_documents.world import Story


def effecting(story: Story, evidence: EvidenceDocument, *others: RecordedFact) -> FileReport:
    fact = story.world.record(evidence)
    return last(story.verify(*others, fact))


def test_an_effect_without_the_receipt_of_its_fact_is_not_accepted(
    story: Story, effected: RecordedFact
) -> None:
    report = story.verify(story.consignment, story.access, effected)

    assert failures(last(report)).keys() == {"fact"}
    assert report.verdict is Verdict.INVALID


def test_an_effect_without_the_receipt_of_the_consignment_is_not_accepted(
    story: Story, confirmed: RecordedFact, effected: RecordedFact
) -> None:
    file = last(story.verify(story.access, confirmed, effected))

    assert failures(file).keys() == {"derivation"}
    assert "ContentConsignment is missing" in failures(file)["derivation"]


def test_an_effect_of_a_confirmation_that_does_not_hold_is_not_accepted(story: Story) -> None:
    neighbour = story.world.issuer.card("PNOAM-5001950016")
    for details in (
        story.confirmation_details(card=neighbour),
        story.confirmation_details(cms=b"nobody"),
    ):
        fact = story.world.record(story.confirmation(details))
        file = effecting(story, story.effect(fact), story.consignment, story.access, fact)

        assert failures(file) == {"fact": "the ReadingConfirmed that it rests on does not hold"}


def test_an_effect_of_something_else_than_a_confirmation_is_not_accepted(story: Story) -> None:
    for fact in (story.acceptance, story.consignment, story.access):
        file = effecting(story, story.effect(fact), story.consignment, story.access, story.acceptance)

        assert "derivation" in failures(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda details: replace(details, rule="POST-3"),
        lambda details: replace(details, effective_time=details.effective_time - timedelta(days=1)),
        lambda details: replace(details, effective_time=details.effective_time + timedelta(microseconds=1)),
    ],
)
def test_an_effect_with_another_rule_or_time_is_not_accepted(
    story: Story, confirmed: RecordedFact, change: Callable[[EffectDetails], EffectDetails]
) -> None:
    right = EffectDetails(confirmed.digest, "POST-2", confirmed.document.event_time)
    evidence = story.effect(confirmed, change(right))

    file = effecting(story, evidence, story.consignment, story.access, confirmed)

    assert failures(file).keys() == {"derivation"}


def test_an_effect_under_another_policy_is_not_accepted(story: Story, confirmed: RecordedFact) -> None:
    for policy in ("am-2025@1", "am-2015@2"):
        evidence = replace(story.effect(confirmed), notification_policy=policy)
        file = effecting(story, evidence, story.consignment, story.access, confirmed)

        assert failures(file).keys() == {"fact", "derivation"}


def test_an_effect_of_another_delivery_is_not_accepted(story: Story, confirmed: RecordedFact) -> None:
    for changed in (
        replace(story.effect(confirmed), delivery_id=UUID(int=9)),
        replace(story.effect(confirmed), parts=(subject_part("Something else"),)),
        replace(
            story.effect(confirmed),
            recipient=replace(confirmed.document.recipient, identifier="5001950016@e-citizen.am"),
        ),
    ):
        file = effecting(story, changed, story.consignment, story.access, confirmed)

        assert failures(file).keys() == {"fact"}


def test_an_effect_recorded_before_its_fact_is_not_accepted(story: Story, confirmed: RecordedFact) -> None:
    early = replace(
        story.effect(confirmed), event_time=confirmed.document.event_time - timedelta(microseconds=1)
    )

    assert failures(effecting(story, early, story.consignment, story.access, confirmed)).keys() == {"fact"}


def test_two_effects_of_one_delivery_accuse_the_operator(story: Story, confirmed: RecordedFact) -> None:
    first = story.world.record(replace(story.effect(confirmed), evidence_id=UUID(int=21)))
    second = story.world.record(replace(story.effect(confirmed), evidence_id=UUID(int=22)))
    files = story.files(story.consignment, story.access, confirmed)
    files |= {"first": story.world.receipt(first), "second": story.world.receipt(second)}

    report = verify_receipts(files, story.world.trust())

    assert failures(report.files[-1]).keys() == failures(report.files[-2]).keys() == {"once"}
