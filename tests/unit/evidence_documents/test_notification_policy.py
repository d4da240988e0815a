from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.calendars import Counted, Span
from namak.evidence.details import EffectDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.failures import UnknownPolicy
from namak.evidence.notification_policy import (
    AM_2015,
    AM_2025,
    AM_2025_LADDER,
    POLICIES,
    NotificationPolicy,
    Rule,
    effect_of,
)
from tests.unit.evidence_documents.documents import ONE_OF_EACH, START

ACCEPTANCE, REJECTION, CONSIGNMENT, ACCESS, CONFIRMATION, EFFECT, WITHDRAWAL, SIGN_IN = ONE_OF_EACH
LATER = START + timedelta(hours=3)


def recorded(document: EvidenceDocument) -> RecordedFact:
    return RecordedFact.parse(document.encode())


FACTS = [recorded(ACCEPTANCE), recorded(CONSIGNMENT), recorded(ACCESS)]
CONFIRMED = recorded(replace(CONFIRMATION, event_time=LATER))


def test_a_confirmed_reading_notifies_at_its_own_time() -> None:
    effect = effect_of(CONFIRMED, FACTS)

    assert effect is not None
    assert (effect.policy, effect.rule, effect.fact_digest, effect.effective_time) == (
        "am-2015@1",
        "POST-2",
        CONFIRMED.digest,
        LATER,
    )


def test_nothing_else_notifies() -> None:
    for document in (ACCEPTANCE, REJECTION, CONSIGNMENT, ACCESS, SIGN_IN):
        fact = recorded(replace(document, event_time=LATER))
        assert effect_of(fact, FACTS) is None


def test_a_delivery_is_notified_once() -> None:
    assert effect_of(CONFIRMED, [*FACTS, recorded(EFFECT)]) is None


def test_what_was_withdrawn_never_notifies() -> None:
    withdrawn = recorded(replace(WITHDRAWAL, event_time=START))

    assert effect_of(CONFIRMED, [*FACTS, withdrawn]) is None
    assert effect_of(CONFIRMED, [withdrawn, *FACTS]) is None
    assert effect_of(withdrawn, FACTS) is None


def test_another_deliverys_withdrawal_changes_nothing() -> None:
    other = recorded(replace(WITHDRAWAL, delivery_id=UUID(int=7)))

    assert effect_of(CONFIRMED, [*FACTS, other]) is not None


def test_a_confirmation_of_what_was_never_consigned_has_no_effect() -> None:
    assert effect_of(CONFIRMED, [recorded(ACCEPTANCE), recorded(ACCESS)]) is None


def test_a_consignment_after_the_confirmation_does_not_count() -> None:
    late = recorded(replace(CONSIGNMENT, event_time=LATER + timedelta(microseconds=1)))

    assert effect_of(CONFIRMED, [late]) is None


@pytest.mark.parametrize(
    "of_another",
    [
        replace(CONSIGNMENT, delivery_id=UUID(int=7)),
        replace(CONSIGNMENT, recipient=replace(CONSIGNMENT.recipient, identifier="5001950016@e-citizen.am")),
        replace(CONSIGNMENT, notification_policy="am-2025@1"),
    ],
)
def test_another_deliverys_consignment_does_not_count(of_another: EvidenceDocument) -> None:
    assert effect_of(CONFIRMED, [recorded(of_another)]) is None


def test_another_deliverys_effect_changes_nothing() -> None:
    other = recorded(replace(EFFECT, delivery_id=UUID(int=7)))

    assert effect_of(CONFIRMED, [*FACTS, other]) is not None


def test_an_unknown_policy_is_not_guessed() -> None:
    with pytest.raises(UnknownPolicy):
        effect_of(recorded(replace(CONFIRMATION, notification_policy="am-2015@2")), FACTS)


def test_a_policy_derives_nothing_for_another_policys_delivery() -> None:
    assert AM_2015.effect_of(recorded(replace(CONFIRMATION, notification_policy="am-2015@2")), FACTS) is None


def test_the_policies_stand_under_their_keys() -> None:
    assert POLICIES == {"am-2015@1": AM_2015, "am-2025@1": AM_2025, "am-2025@2": AM_2025_LADDER}


def test_other_facts_and_waits_are_only_other_data() -> None:
    policy = NotificationPolicy(
        "am-2015",
        1,
        (
            Rule(
                "X-1",
                events.CONTENT_ACCESS_TRACKING,
                (events.CONTENT_CONSIGNMENT,),
                wait=Span(7, Counted.ELAPSED),
            ),
            Rule("X-2", events.WITHDRAWN, ()),
        ),
    )
    access = recorded(ACCESS)

    first = policy.carried_by(access, FACTS)
    second = policy.carried_by(recorded(WITHDRAWAL), [])

    assert policy.effect_of(access, FACTS) is None, "the effect has not come yet"

    assert first is not None
    assert second is not None
    assert (first.rule, first.effective_time) == ("X-1", START + timedelta(days=7))
    assert (second.rule, second.effective_time) == ("X-2", START)


def test_the_effect_can_be_written_as_evidence() -> None:
    effect = effect_of(CONFIRMED, FACTS)
    assert effect is not None

    written = replace(EFFECT, details=EffectDetails(effect.fact_digest, effect.rule, effect.effective_time))

    assert EvidenceDocument.parse(written.encode()) == written


class TestAm2025:
    """Signing in, or opening, counts as notified (LADDER-1)."""

    def under(self, document: EvidenceDocument) -> RecordedFact:
        return recorded(replace(document, notification_policy="am-2025@1"))

    @pytest.mark.parametrize(
        ("document", "rule"), [(SIGN_IN, "LADDER-1-SIGN-IN"), (ACCESS, "LADDER-1-OPENING")]
    )
    def test_a_sign_in_and_an_opening_notify_at_their_own_time(
        self, document: EvidenceDocument, rule: str
    ) -> None:
        fact = self.under(replace(document, event_time=LATER))

        effect = effect_of(fact, [self.under(CONSIGNMENT)])

        assert effect is not None
        assert (effect.policy, effect.rule, effect.fact_digest, effect.effective_time) == (
            "am-2025@1",
            rule,
            fact.digest,
            LATER,
        )

    def test_neither_does_before_the_message_lay_in_the_mailbox(self) -> None:
        late = self.under(replace(CONSIGNMENT, event_time=LATER))

        assert effect_of(self.under(SIGN_IN), []) is None
        assert effect_of(self.under(SIGN_IN), [late]) is None

    def test_what_comes_after_the_effect_has_none(self) -> None:
        fact = self.under(replace(SIGN_IN, event_time=LATER))

        assert effect_of(fact, [self.under(CONSIGNMENT), self.under(EFFECT)]) is None
        assert effect_of(fact, [self.under(CONSIGNMENT), self.under(WITHDRAWAL)]) is None

    def test_the_sign_in_of_a_delivery_under_another_policy_is_no_fact_of_this_one(self) -> None:
        assert effect_of(recorded(SIGN_IN), [self.under(CONSIGNMENT)]) is None


def test_a_policy_asks_for_the_facts_in_its_rules_and_for_no_others() -> None:
    asked = {
        key: {event.name for event in events.EVENTS if policy.asks_for(event)}
        for key, policy in POLICIES.items()
    }

    assert asked == {
        "am-2015@1": {"ReadingConfirmed", "ContentConsignment"},
        "am-2025@1": {"HolderSignedIn", "ContentAccessTracking", "ContentConsignment"},
        "am-2025@2": {
            "HolderSignedIn",
            "ContentAccessTracking",
            "ContentConsignment",
            "LetterHandedOver",
            "NoticePublished",
        },
    }
