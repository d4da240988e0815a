"""The ladder goes on by itself: steps in their order, each once, and effects by lapse of time (LADDER-1)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namak.evidence import events, notification_policy
from namak.evidence.calendars import NO_WAIT
from namak.evidence.details import Details, EffectDetails
from namak.evidence.details_outside import LetterHandedOverDetails, LetterRefusedDetails, NoticeDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.events import Event
from namak.evidence.notification_steps import Action, Since, Step, Wait
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.jobs import Backoff, JobKind
from server.domain.ladder import StepState
from server.domain.refusals import DeliveryNotified, ServiceUnavailable
from server.domain.sign_in_effects import OutstandingSignIn
from server.jurisdictions.am import AM
from server.usecases.ladder import AGAIN_AFTER, NOT_CONFIGURED, DueSteps
from server.usecases.ladder_jobs import JobActions
from server.usecases.outside_facts import OutsideFacts
from server.usecases.reading import OpenMessage
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.fakes.ladders import FakeActions
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.world import World

UNDER_LADDER = replace(AM, notification_policy="am-2025@2")
# The world begins on 22 November 2026, 03:42 in Yerevan.
LETTER_DUE = datetime(2026, 11, 25, 20, tzinfo=UTC)
NOTICE_DUE = datetime(2026, 12, 2, 20, tzinfo=UTC)
PUBLISHED = datetime(2026, 12, 3, 9, tzinfo=UTC)
EFFECTIVE = datetime(2026, 12, 10, 20, tzinfo=UTC)
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)


class Scene:
    """A post whose new deliveries are under the policy with the ladder."""

    def __init__(self, actions: FakeActions | JobActions | None = None) -> None:
        self.world = World()
        self.world.submissions = self.world.new_submissions(profile=UNDER_LADDER)
        self.clock = self.world.clock
        self.actions = actions or FakeActions()
        self.outside = OutsideFacts(entropy=self.world.entropy, profile=AM)
        self.due = self.worker()

    def worker(self, most_at_once: int = 50) -> DueSteps:
        return DueSteps(
            uow=self.world.uow,
            clock=self.clock,
            entropy=self.world.entropy,
            log=self.world.log,
            profile=AM,
            actions=self.actions,
            most_at_once=most_at_once,
        )

    async def at(self, moment: datetime) -> int:
        self.clock.time = moment
        return await self.due.work_off()

    async def record(self, delivery: Delivery, event: Event, make: type[Details], **values: object) -> None:
        async with self.world.uow.writing() as tx:
            await self.outside.record(
                tx,
                delivery.mailbox_id,
                delivery.id,
                event,
                lambda consignment: make(consignment, **values),  # type: ignore[arg-type]
                self.clock.now(),
            )
            await tx.commit()

    async def published(self, delivery: Delivery, moment: datetime = PUBLISHED) -> None:
        self.clock.time = moment
        await self.record(delivery, events.NOTICE_PUBLISHED, NoticeDetails, file="ab" * 32)

    def facts(self, delivery: Delivery) -> list[Fact]:
        found = [e for e in self.world.uow.committed.evidence.values() if e.delivery_id == delivery.id]
        return sorted(found, key=lambda fact: (fact.recorded_at, fact.id))

    def events(self, delivery: Delivery) -> list[str]:
        return [fact.event.name for fact in self.facts(delivery)][2:]

    def effect(self, delivery: Delivery) -> EffectDetails:
        details = EvidenceDocument.parse(self.facts(delivery)[-1].data).details
        assert isinstance(details, EffectDetails)
        return details

    def steps(self, delivery: Delivery) -> Sequence[tuple[str, datetime, datetime]]:
        found = self.world.uow.committed.ladder_steps.values()
        return [
            (step.step, step.due_at, step.taken_at)
            for step in sorted(found, key=lambda step: step.due_at)
            if step.delivery_id == delivery.id
        ]

    @property
    def is_waiting(self) -> bool:
        return bool(self.world.uow.committed.ladder_wakes)


async def test_each_step_is_taken_when_it_is_due_and_not_before() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()

    assert await scene.at(LETTER_DUE - TICK) == 0
    assert await scene.at(LETTER_DUE) == 1
    assert scene.steps(delivery) == [("LETTER", LETTER_DUE, LETTER_DUE)]
    assert await scene.at(NOTICE_DUE - TICK) == 0
    assert await scene.at(NOTICE_DUE + timedelta(minutes=1)) == 1
    assert scene.steps(delivery)[1:] == [("NOTICE", NOTICE_DUE, NOTICE_DUE + timedelta(minutes=1))]
    assert isinstance(scene.actions, FakeActions)
    assert [each.action for each in scene.actions.handed] == [Action.LETTER, Action.NOTICE]
    assert not scene.is_waiting, "what comes next is a publication, and not a matter of time"


async def test_a_step_that_waits_for_nothing_is_taken_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_once = Step("NUDGE", Action.NUDGE, Wait(Since(events.CONTENT_CONSIGNMENT), NO_WAIT))
    policy = replace(notification_policy.AM_2025_LADDER, name="at-once", rules=(), steps=(at_once,))
    monkeypatch.setattr(notification_policy, "POLICIES", {policy.key: policy})
    scene = Scene()
    scene.world.submissions = scene.world.new_submissions(profile=replace(AM, notification_policy=policy.key))
    delivery = await scene.world.delivered()

    assert await scene.at(scene.clock.now()) == 1
    assert [step for step, _, _ in scene.steps(delivery)] == ["NUDGE"]
    assert not scene.is_waiting


async def test_under_a_policy_without_steps_a_delivery_has_no_row() -> None:
    scene = Scene()
    scene.world.submissions = scene.world.new_submissions()
    await scene.world.delivered()

    assert not scene.is_waiting


async def test_a_published_notice_notifies_when_its_days_are_over() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.at(NOTICE_DUE)
    await scene.published(delivery)
    wakes = scene.world.log.wakes

    await scene.at(EFFECTIVE - TICK)
    assert scene.events(delivery) == ["NoticePublished"]
    await scene.at(EFFECTIVE + timedelta(hours=2))

    assert scene.events(delivery) == ["NoticePublished", "NotificationEffected"]
    effect = scene.effect(delivery)
    assert (effect.rule, effect.effective_time) == ("LADDER-1-NOTICE", EFFECTIVE)
    assert effect.fact == scene.facts(delivery)[2].entry.hex()
    notified = scene.world.delivery(delivery.id)
    assert (notified.state, notified.notified_at) == (DeliveryState.NOTIFIED, EFFECTIVE)
    assert scene.world.log.wakes == wakes + 1
    assert not scene.is_waiting
    assert await scene.at(EFFECTIVE + timedelta(days=99)) == 0


async def test_after_an_outage_all_is_caught_up_in_its_order_and_with_its_own_times() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()

    await scene.at(NOTICE_DUE + timedelta(days=30))

    assert [step[:2] for step in scene.steps(delivery)] == [("LETTER", LETTER_DUE), ("NOTICE", NOTICE_DUE)]
    assert isinstance(scene.actions, FakeActions)
    assert [each.step for each in scene.actions.handed] == ["LETTER", "NOTICE"]


async def test_a_clock_that_goes_back_makes_nothing_happen_twice() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.at(LETTER_DUE)

    assert await scene.at(LETTER_DUE - timedelta(days=2)) == 0
    assert await scene.at(LETTER_DUE + timedelta(days=1)) == 0
    assert len(scene.steps(delivery)) == 1


async def test_an_opening_ends_the_ladder() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.world.reading.open_message(OpenMessage(scene.world.ani, delivery.id))

    await scene.at(NOTICE_DUE + timedelta(days=9))

    assert scene.steps(delivery) == []
    assert scene.events(delivery) == ["ContentAccessTracking", "NotificationEffected"]
    assert not scene.is_waiting


async def test_a_withdrawal_ends_the_ladder() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await withdraw(scene, delivery)

    await scene.at(NOTICE_DUE)

    assert scene.steps(delivery) == []
    assert not scene.is_waiting


async def test_who_opens_when_the_time_has_come_was_notified_by_lapse() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.published(delivery)
    scene.clock.time = EFFECTIVE + timedelta(seconds=1)

    await scene.world.reading.open_message(OpenMessage(scene.world.ani, delivery.id))

    assert scene.events(delivery) == ["NoticePublished", "ContentAccessTracking", "NotificationEffected"]
    assert scene.effect(delivery).rule == "LADDER-1-NOTICE"
    assert scene.world.delivery(delivery.id).notified_at == EFFECTIVE


async def test_what_has_come_to_be_notified_by_lapse_is_withdrawn_no_more() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.published(delivery)
    scene.clock.time = EFFECTIVE

    with pytest.raises(DeliveryNotified):
        await withdraw(scene, delivery)
    await scene.due.work_off()

    assert scene.effect(delivery).effective_time == EFFECTIVE


async def test_a_letter_handed_over_notifies_at_the_reported_time() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    reported = LETTER_DUE + timedelta(days=2)
    scene.clock.time = LETTER_DUE + timedelta(days=4)
    await scene.record(delivery, events.LETTER_HANDED_OVER, LetterHandedOverDetails, reported_time=reported)

    assert scene.effect(delivery).effective_time == reported
    assert scene.world.delivery(delivery.id).state is DeliveryState.NOTIFIED
    await scene.at(NOTICE_DUE)
    assert scene.steps(delivery) == []


async def test_a_refused_letter_is_a_fact_and_lets_nobody_escape() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.at(LETTER_DUE)
    scene.clock.time = LETTER_DUE + timedelta(days=1)
    await scene.record(delivery, events.LETTER_REFUSED, LetterRefusedDetails, cause="REFUSED")

    await scene.at(NOTICE_DUE)

    assert [step for step, *_ in scene.steps(delivery)] == ["LETTER", "NOTICE"]
    assert scene.events(delivery) == ["LetterRefused"]


async def test_a_late_fact_is_recorded_and_changes_nothing() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.published(delivery)
    await scene.at(EFFECTIVE)
    await scene.record(delivery, events.LETTER_HANDED_OVER, LetterHandedOverDetails, reported_time=LETTER_DUE)

    assert scene.events(delivery) == ["NoticePublished", "NotificationEffected", "LetterHandedOver"]
    assert scene.world.delivery(delivery.id).notified_at == EFFECTIVE


async def test_a_sign_in_that_is_not_wholly_recorded_goes_before_the_lapse() -> None:
    scene = Scene()
    delivery = await scene.world.delivered()
    await scene.published(delivery)
    mark = OutstandingSignIn(scene.world.entropy.new_id(), delivery.mailbox_id, EFFECTIVE - TICK, 0, 1)
    async with scene.world.uow.writing() as tx:
        await tx.outstanding_sign_ins.add(mark)
        await tx.commit()

    assert await scene.at(EFFECTIVE) == 0
    assert scene.world.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_a_step_whose_gateway_is_not_configured_fails_visibly_and_the_ladder_goes_on() -> None:
    scene = Scene(JobActions({}))
    delivery = await scene.world.delivered()
    await scene.at(LETTER_DUE)
    (failed,) = scene.world.uow.committed.ladder_steps.values()

    assert (failed.state, failed.reason) == (StepState.FAILED, NOT_CONFIGURED)
    await scene.at(NOTICE_DUE)
    assert [step for step, *_ in scene.steps(delivery)] == ["LETTER", "NOTICE"]


async def test_a_step_defers_the_job_of_its_action_in_its_own_transaction() -> None:
    kind = JobKind("ladder.letter", "orders a letter", "orders none twice", Backoff(3, HOUR, 2, HOUR))
    scene = Scene(JobActions({Action.LETTER: kind}))
    delivery = await scene.world.delivered()

    await scene.at(NOTICE_DUE)

    (job,) = scene.world.uow.committed.jobs.values()
    assert job.kind == "ladder.letter"
    assert job.arguments == {"mailbox": delivery.mailbox_id, "delivery": delivery.id, "step": 0}
    states = {each.step: each.state for each in scene.world.uow.committed.ladder_steps.values()}
    assert states == {"LETTER": StepState.ORDERED, "NOTICE": StepState.FAILED}


async def test_a_delivery_that_cannot_be_gone_on_with_holds_up_no_other() -> None:
    scene = Scene()
    bad, good = await scene.world.delivered("1"), await scene.world.delivered("2")
    evidence = scene.world.uow.committed.evidence
    for key, fact in list(evidence.items()):
        if fact.delivery_id == bad.id:
            evidence[key] = replace(fact, data=fact.data.replace(b"am-2025@2", b"am-2025@9"))

    assert await scene.at(LETTER_DUE) == 2

    assert len(scene.steps(good)) == 1
    assert scene.steps(bad) == []
    assert scene.world.uow.committed.ladder_wakes[bad.mailbox_id, bad.id] == LETTER_DUE + AGAIN_AFTER


@pytest.mark.parametrize("lost", LostCommit)
async def test_what_a_lost_commit_left_is_gone_on_with_and_nothing_twice(lost: LostCommit) -> None:
    scene = Scene()
    deliveries = [await scene.world.delivered(str(number)) for number in range(5)]
    scene.clock.time = LETTER_DUE
    scene.world.uow.next_commit = lost
    with pytest.raises(ServiceUnavailable):
        await scene.worker(most_at_once=2).work_off()

    await scene.worker(most_at_once=2).work_off()

    assert [len(scene.steps(each)) for each in deliveries] == [1] * 5


async def withdraw(scene: Scene, delivery: Delivery) -> None:
    world = scene.world
    withdrawal = Withdrawal(
        uow=world.uow, clock=world.clock, entropy=world.entropy, log=world.log, profile=AM
    )
    await withdrawal.withdraw(WithdrawDelivery(world.agency, "w", delivery.id, 0))
