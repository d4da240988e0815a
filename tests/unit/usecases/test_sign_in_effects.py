"""What a sign-in means for the deliveries that are open then: a fact under policies that ask for it, and only
then (LADDER-1).
"""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence import events
from namak.evidence.details import SignInDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.notification_policy import POLICIES
from namak.evidence.report import Verdict
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.verify import Trust, verify_receipts
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.refusals import DeliveryNotified, SessionActive
from server.jurisdictions.am import AM
from server.usecases.reading import OpenMessage, Reading
from server.usecases.sign_in import SignedIn
from server.usecases.sign_in_effects import ASKING
from server.usecases.submission import SubmissionDesk
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.unit.evidence_documents.world import Log
from tests.unit.usecases.sign_in_world import SignInWorld, at
from tests.unit.usecases.world import ANI, BOB

UNDER_2025 = replace(AM, notification_policy="am-2025@1")
EFFECT = ["HolderSignedIn", "NotificationEffected"]


class Scene(SignInWorld):
    """A post whose new deliveries are under the policy of 2025."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.submissions = SubmissionDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.world.log,
            profile=UNDER_2025,
            host_names=self.world.host_names,
            refusals_per_minute=600,
        )

    def facts(self, delivery: Delivery) -> list[Fact]:
        found = [each for each in self.uow.committed.evidence.values() if each.delivery_id == delivery.id]
        return sorted(found, key=lambda fact: (fact.recorded_at, fact.id))

    def events(self, delivery: Delivery) -> list[str]:
        """Returns what was recorded of a delivery after it was laid into the mailbox."""
        return [fact.event.name for fact in self.facts(delivery)][2:]


async def test_a_sign_in_notifies_of_every_delivery_that_is_open_then() -> None:
    scene = Scene()
    first, second = await scene.world.delivered("1"), await scene.world.delivered("2")
    scene.clock.move(timedelta(hours=1))
    wakes = scene.world.log.wakes

    signed_in = await scene.sign_in()

    for delivery in (first, second):
        assert scene.events(delivery) == EFFECT
        notified = scene.world.delivery(delivery.id)
        assert (notified.state, notified.notified_at) == (DeliveryState.NOTIFIED, scene.clock.now())
        *_, fact, _effect = scene.facts(delivery)
        document = EvidenceDocument.parse(fact.data)
        consignment = scene.facts(delivery)[1]
        text = scene.uow.committed.sign_ins[signed_in.session.sign_in_id].text
        assert document.details == SignInDetails(
            consignment.entry.hex(), "CERTIFICATE", hashlib.sha256(text).hexdigest()
        )
        assert fact.event.audience is events.Audience.BOTH
    assert scene.world.log.wakes == wakes + 1


async def test_a_delivery_of_later_is_not_touched_by_a_sign_in_of_before() -> None:
    scene = Scene()
    await scene.sign_in()

    later = await scene.world.delivered()

    assert scene.events(later) == []
    assert scene.world.delivery(later.id).state is DeliveryState.CONSIGNED


async def test_under_a_policy_that_does_not_ask_nobody_learns_of_a_sign_in() -> None:
    scene = SignInWorld()
    delivery = await scene.world.delivered()
    assert delivery.notification_policy not in ASKING
    recorded = len(scene.uow.committed.evidence)

    await scene.sign_in()

    assert len(scene.uow.committed.evidence) == recorded
    assert scene.world.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_each_delivery_follows_the_policy_that_it_was_accepted_under() -> None:
    scene = Scene()
    new = await scene.world.delivered("new")
    scene.world.submissions = scene.world.new_submissions()
    old = await scene.world.delivered("old")

    await scene.sign_in()

    assert scene.events(new) == EFFECT
    assert scene.events(old) == []


async def test_only_the_holders_own_deliveries_are_meant() -> None:
    scene = Scene()
    bobs = await scene.world.delivered(recipient=f"{BOB}@e-citizen.am")

    await scene.sign_in()

    assert scene.events(bobs) == []


async def test_a_second_sign_in_records_nothing_of_what_is_notified_already() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.sign_in()

    await scene.sign_in(ends_others=True)

    assert scene.events(delivery) == EFFECT


async def test_a_withdrawn_delivery_is_not_touched_and_a_notified_one_not_withdrawn() -> None:
    scene = Scene()
    withdrawal = Withdrawal(
        uow=scene.uow, clock=scene.clock, entropy=scene.entropy, log=scene.world.log, profile=UNDER_2025
    )
    withdrawn, kept = await scene.world.delivered("1"), await scene.world.delivered("2")
    await withdrawal.withdraw(WithdrawDelivery(scene.world.agency, "w1", withdrawn.id, 0))

    await scene.sign_in()

    assert scene.events(withdrawn) == ["Withdrawn"]
    with pytest.raises(DeliveryNotified):
        await withdrawal.withdraw(WithdrawDelivery(scene.world.agency, "w2", kept.id, 0))


async def test_a_sign_in_that_was_refused_notifies_nobody() -> None:
    scene = Scene()
    await scene.sign_in()
    delivery = await scene.world.delivered()

    with pytest.raises(SessionActive):
        await scene.sign_in(by=scene.elsewhere)

    assert scene.events(delivery) == []


async def test_a_password_is_no_fact_and_the_signature_that_raises_it_is() -> None:
    scene = Scene()
    scene.know_login()
    delivery = await scene.world.delivered()

    session = (await scene.by_password()).session
    assert scene.events(delivery) == []

    holder = at(scene.portal, session)
    started = await scene.start(by=holder)
    assert isinstance(await scene.desk.complete(scene.proof(started, by=holder)), SignedIn)
    assert scene.events(delivery) == EFFECT


async def test_the_fact_comes_after_the_consignment_though_this_replica_s_clock_is_behind() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    scene.clock.move(-timedelta(seconds=5))

    await scene.sign_in()

    times = [fact.recorded_at for fact in scene.facts(delivery)]
    assert times == sorted(times)
    assert scene.events(delivery) == EFFECT


async def test_who_has_no_mailbox_signs_in_all_the_same() -> None:
    scene = Scene()

    signed_in = await scene.sign_in(scene.signatures.card("7777777777"))

    assert signed_in.session.person_number == "7777777777"


async def test_opening_with_ones_own_card_notifies_under_the_policy_of_2025_too() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    reading = Reading(
        uow=scene.uow,
        clock=scene.clock,
        entropy=scene.entropy,
        log=scene.world.log,
        signatures=scene.world.cards,
        profile=UNDER_2025,
    )

    opened = await reading.open_message(OpenMessage(scene.world.holder(ANI), delivery.id))

    assert scene.events(delivery) == ["ContentAccessTracking", "NotificationEffected"]
    assert opened.message.delivery.state is DeliveryState.NOTIFIED
    assert opened.evidence.event == events.CONTENT_ACCESS_TRACKING


async def test_opening_does_not_notify_under_the_policy_of_2015() -> None:
    scene = SignInWorld()
    delivery = await scene.world.opened()

    assert scene.world.delivery(delivery.id).state is DeliveryState.CONSIGNED


def test_the_policies_that_ask_are_told_by_their_rules() -> None:
    assert {"am-2025@1", "am-2025@2"} == ASKING
    assert set(POLICIES) > ASKING


async def test_whoever_relies_on_it_verifies_the_effect_from_the_receipts_alone() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.sign_in()
    log = Log()
    facts = [RecordedFact.parse(fact.data) for fact in scene.facts(delivery)]
    for fact in facts:
        log.append(fact)
    files = {f"{index}.tlog-proof": log.proof(fact.data, index).encode() for index, fact in enumerate(facts)}
    trust = Trust(TlogPolicy.parse(f"log {log.key.vkey}\nquorum none\n".encode()), [])

    whole = verify_receipts(files, trust)
    without_sign_in = verify_receipts({name: files[name] for name in ("1.tlog-proof", "3.tlog-proof")}, trust)

    assert [fact.document.event.name for fact in facts][2:] == EFFECT
    assert whole.verdict is Verdict.VALID
    assert without_sign_in.verdict is Verdict.INVALID
