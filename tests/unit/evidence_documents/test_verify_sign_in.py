from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence import events
from namak.evidence.details import EffectDetails, SignInDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.report import Verdict
from tests.unit.evidence_documents.documents import document
from tests.unit.evidence_documents.reading import failures, last
from tests.unit.evidence_documents.world import Story

POLICY = "am-2025@1"


class SignInStory:
    """A delivery under the policy of 2025, whose recipient signs in."""

    def __init__(self) -> None:
        self.story = Story()
        self.consignment = self.record(self.story.consignment.document)
        self.signed_in = self.record(self.sign_in())

    def record(self, evidence: EvidenceDocument) -> RecordedFact:
        return self.story.world.record(replace(evidence, notification_policy=POLICY))

    def sign_in(self, **changes: str) -> EvidenceDocument:
        details = SignInDetails(self.consignment.digest, "CERTIFICATE", "ab" * 32)
        return document(
            events.HOLDER_SIGNED_IN, replace(details, **changes), after=timedelta(minutes=5), number=8
        )

    def effect(
        self, of: RecordedFact, rule: str = "LADDER-1-SIGN-IN", later: timedelta = timedelta(0)
    ) -> RecordedFact:
        at = of.document.event_time
        details = EffectDetails(of.digest, rule, at + later)
        return self.record(replace(document(events.NOTIFICATION_EFFECTED, details, number=9), event_time=at))


@pytest.fixture
def scene() -> SignInStory:
    return SignInStory()


def test_a_sign_in_notifies_and_the_verifier_derives_the_same(scene: SignInStory) -> None:
    report = scene.story.verify(scene.consignment, scene.signed_in, scene.effect(scene.signed_in))

    assert report.verdict is Verdict.VALID
    assert "signed in at a portal" in report.files[1].proves


def test_without_the_receipt_of_the_consignment_it_is_not_accepted(scene: SignInStory) -> None:
    file = last(scene.story.verify(scene.signed_in, scene.effect(scene.signed_in)))

    assert failures(file).keys() == {"derivation"}


@pytest.mark.parametrize(
    ("rule", "later"), [("LADDER-1-OPENING", timedelta(0)), ("LADDER-1-SIGN-IN", timedelta(seconds=1))]
)
def test_another_rule_or_time_than_the_policys_is_not_accepted(
    scene: SignInStory, rule: str, later: timedelta
) -> None:
    effect = scene.effect(scene.signed_in, rule, later)

    file = last(scene.story.verify(scene.consignment, scene.signed_in, effect))

    assert failures(file).keys() == {"derivation"}


def test_a_sign_in_that_names_another_consignment_notifies_nobody(scene: SignInStory) -> None:
    elsewhere = scene.record(scene.sign_in(consignment="cd" * 32))

    file = last(scene.story.verify(scene.consignment, elsewhere, scene.effect(elsewhere)))

    assert failures(file).keys() == {"derivation"}


def test_under_the_policy_of_2015_a_sign_in_notifies_nobody(scene: SignInStory) -> None:
    story = scene.story
    details = SignInDetails(story.consignment.digest, "CERTIFICATE", "ab" * 32)
    signed_in = story.world.record(
        document(events.HOLDER_SIGNED_IN, details, after=timedelta(minutes=5), number=10)
    )
    effect = story.world.record(story.effect(signed_in))

    file = last(story.verify(story.consignment, signed_in, effect))

    assert "derivation" in failures(file)
