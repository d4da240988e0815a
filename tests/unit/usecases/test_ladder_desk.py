"""The operator sees a delivery's ladder, and has failed steps carried out again (LADDER-1)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence import events, notification_policy
from namak.evidence.details_outside import LetterHandedOverDetails
from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery
from server.domain.jobs import Backoff, JobKind
from server.domain.ladder import FailedSteps, StepState
from server.domain.sign_in_effects import OutstandingSignIn
from server.usecases.ladder import NOT_CONFIGURED
from server.usecases.ladder_desk import LadderDesk, NotCarriedOut, Obstacle
from server.usecases.ladder_jobs import JobActions
from server.usecases.reading import OpenMessage
from tests.unit.usecases.test_ladder import EFFECTIVE, LETTER_DUE, NOTICE_DUE, Scene, withdraw

HOUR = timedelta(hours=1)
KIND = JobKind("ladder.letter", "orders a letter", "orders none twice", Backoff(3, HOUR, 2, HOUR))


class Office:
    """A post whose letters can't be sent yet, and the operator's desk once they can."""

    def __init__(self) -> None:
        self.scene = Scene(JobActions({}))
        self.desk = self.configured(Action.LETTER)

    def configured(self, *actions: Action) -> LadderDesk:
        jobs = JobActions(dict.fromkeys(actions, KIND))
        return LadderDesk(uow=self.scene.world.uow, clock=self.scene.clock, actions=jobs)

    async def with_a_failed_letter(self) -> Delivery:
        delivery = await self.scene.world.delivered()
        await self.scene.at(LETTER_DUE)
        return delivery

    @property
    def jobs(self) -> list[object]:
        return list(self.scene.world.uow.committed.jobs.values())

    async def refused(self, delivery: Delivery, step: str = "LETTER") -> Obstacle:
        before = self.scene.world.uow.committed.copy()
        with pytest.raises(NotCarriedOut) as raised:
            await self.desk.retry(delivery.id, step)
        assert self.scene.world.uow.committed == before
        return raised.value.obstacle


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_failed_step_is_ordered_again_with_its_job_and_once(office: Office) -> None:
    delivery = await office.with_a_failed_letter()
    office.scene.clock.move(HOUR)

    before = await office.desk.retry(delivery.id, "LETTER")

    assert (before.state, before.reason) == (StepState.FAILED, NOT_CONFIGURED)
    (step,) = office.scene.world.uow.committed.ladder_steps.values()
    assert (step.state, step.reason, step.taken_at) == (StepState.ORDERED, None, LETTER_DUE)
    assert step.again_at == LETTER_DUE + HOUR
    (job,) = office.scene.world.uow.committed.jobs.values()
    assert job.arguments == {"mailbox": delivery.mailbox_id, "delivery": delivery.id, "step": 0}
    assert await office.refused(delivery) is Obstacle.ORDERED


async def test_a_dry_run_changes_nothing(office: Office) -> None:
    delivery = await office.with_a_failed_letter()
    before = office.scene.world.uow.committed.copy()

    assert (await office.desk.retry(delivery.id, "LETTER", dry_run=True)).step == "LETTER"

    assert office.scene.world.uow.committed == before


async def test_what_nothing_is_configured_for_stays_failed(office: Office) -> None:
    delivery = await office.with_a_failed_letter()
    office.desk = office.configured(Action.NOTICE)

    assert await office.refused(delivery) is Obstacle.NOT_CONFIGURED


async def test_nothing_is_carried_out_once_somebody_is_notified_or_it_is_withdrawn(office: Office) -> None:
    read, withdrawn = await office.with_a_failed_letter(), await office.scene.world.delivered("2")
    await withdraw(office.scene, withdrawn)
    await office.scene.world.reading.open_message(OpenMessage(office.scene.world.ani, read.id))

    assert await office.refused(read) is Obstacle.OVER
    assert await office.refused(withdrawn) is Obstacle.OVER


async def test_nothing_is_carried_out_once_an_effect_has_come_that_is_not_recorded_yet(
    office: Office,
) -> None:
    delivery = await office.with_a_failed_letter()
    await office.scene.published(delivery)
    office.scene.clock.time = EFFECTIVE

    assert await office.refused(delivery) is Obstacle.LAPSED


async def test_a_sign_in_that_is_not_wholly_recorded_is_waited_for(office: Office) -> None:
    delivery = await office.with_a_failed_letter()
    mark = OutstandingSignIn(
        office.scene.world.entropy.new_id(), delivery.mailbox_id, office.scene.clock.now(), 0, 1
    )
    async with office.scene.world.uow.writing() as tx:
        await tx.outstanding_sign_ins.add(mark)
        await tx.commit()

    assert await office.refused(delivery) is Obstacle.SIGNED_IN


async def test_what_was_not_taken_or_is_not_there_is_told_apart(office: Office) -> None:
    delivery = await office.with_a_failed_letter()

    assert await office.refused(delivery, "NOTICE") is Obstacle.NOT_DUE
    assert await office.refused(delivery, "letter") is Obstacle.NO_STEP
    assert await office.refused(replace(delivery, id=delivery.mailbox_id)) is Obstacle.NO_DELIVERY


async def test_what_a_step_is_for_may_have_happened_otherwise(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = notification_policy.AM_2025_LADDER
    letter = replace(policy.steps[0], unless=(events.LETTER_HANDED_OVER,))
    # Where a letter handed over notifies nobody, there is still no need of another one.
    changed = replace(policy, rules=policy.rules[:2], steps=(letter, policy.steps[1]))
    monkeypatch.setattr(notification_policy, "POLICIES", {policy.key: changed})
    delivery = await office.with_a_failed_letter()
    await office.scene.record(delivery, events.LETTER_HANDED_OVER, LetterHandedOverDetails)

    assert await office.refused(delivery) is Obstacle.NEEDLESS


async def test_failed_steps_are_listed_while_their_deliveries_are_open(office: Office) -> None:
    first = await office.with_a_failed_letter()
    second = await office.scene.world.delivered("2")
    await office.scene.at(NOTICE_DUE + timedelta(days=9))

    found = await office.desk.failed(after=None, limit=9)
    assert [(each.delivery_id, each.step) for each in found] == [
        (first.id, "LETTER"),
        *((each.id, step) for each, step in ((first, "NOTICE"), (second, "LETTER"), (second, "NOTICE"))),
    ]
    assert (await office.desk.failed(after=found[0], limit=1)) == found[1:2]
    await office.scene.world.reading.open_message(OpenMessage(office.scene.world.ani, first.id))
    assert {each.delivery_id for each in await office.desk.failed(after=None, limit=9)} == {second.id}


async def test_a_ladder_is_shown_with_what_was_taken_and_what_comes(office: Office) -> None:
    delivery = await office.with_a_failed_letter()

    view = await office.desk.show(delivery.id)

    assert view is not None
    letter, notice = view.rungs
    assert letter.taken is not None
    assert (letter.due, letter.taken.reason) == (LETTER_DUE, NOT_CONFIGURED)
    assert (notice.due, notice.taken) == (NOTICE_DUE, None)
    assert (view.looked_at, view.lapses_at, view.notified_by) == (NOTICE_DUE, None, None)


async def test_a_ladder_is_shown_to_its_end(office: Office) -> None:
    delivery = await office.with_a_failed_letter()
    await office.scene.at(NOTICE_DUE)
    await office.scene.published(delivery)
    waiting = await office.desk.show(delivery.id)
    await office.scene.at(EFFECTIVE)
    over = await office.desk.show(delivery.id)

    assert waiting is not None
    assert over is not None
    assert (waiting.lapses_at, waiting.looked_at) == (EFFECTIVE, EFFECTIVE)
    assert (over.lapses_at, over.looked_at, over.notified_by) == (None, None, "LADDER-1-NOTICE")
    assert await office.desk.show(delivery.mailbox_id) is None


async def test_all_failed_steps_that_are_meant_are_carried_out_again_once(office: Office) -> None:
    first = await office.with_a_failed_letter()
    second = await office.scene.world.delivered("2")
    await office.scene.at(NOTICE_DUE + timedelta(days=9))
    letters = FailedSteps(action=Action.LETTER)

    async def done(wanted: FailedSteps, **how: bool) -> list[tuple[UUID, str, Obstacle | None]]:
        found = office.desk.retry_all(wanted, limit=None, **how)
        return [(each.delivery_id, each.step, obstacle) async for each, obstacle in found]

    both = [(each.id, "LETTER", None) for each in (first, second)]
    assert await done(letters, dry_run=True) == both
    assert office.jobs == []
    assert await done(replace(letters, reason="NOBODY_REACHED")) == []
    assert [each async for each in office.desk.retry_all(letters, limit=1, dry_run=True)] != []
    assert await done(letters) == both
    assert len(office.jobs) == 2
    assert await done(letters) == []
    assert await done(FailedSteps(step="NOTICE")) == [
        (each.id, "NOTICE", Obstacle.NOT_CONFIGURED) for each in (first, second)
    ]


async def test_one_that_this_release_does_not_know_holds_up_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.with_a_failed_letter()
    monkeypatch.setattr(notification_policy, "POLICIES", {})

    found = [obstacle async for _, obstacle in office.desk.retry_all(FailedSteps(), limit=None)]
    assert found == [Obstacle.UNKNOWN]
