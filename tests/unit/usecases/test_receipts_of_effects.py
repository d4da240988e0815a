"""Whatever notifies of a delivery that came in by mail has its sender told by mail, and only then."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from namak.evidence import events
from namak.evidence.details_outside import LetterHandedOverDetails
from server.domain.deliveries import Delivery
from server.domain.jobs import MAIL_RECEIPT
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.test_ladder import LETTER_DUE, PUBLISHED
from tests.unit.usecases.test_ladder import Scene as LadderScene
from tests.unit.usecases.test_sign_in_effects import Scene as SignInScene


def by_mail(uow: FakeUnitOfWork, delivery: Delivery) -> Delivery:
    """Has a delivery be one that came in by mail."""
    key = delivery.mailbox_id, delivery.id
    uow.committed.deliveries[key] = replace(delivery, receipts_by_mail=True)
    return delivery


def told(uow: FakeUnitOfWork) -> list[tuple[UUID, list[str]]]:
    """Returns what mails are about, and what they carry."""
    facts = {fact.id: fact.event.name for fact in uow.committed.evidence.values()}
    jobs = [job for job in uow.committed.jobs.values() if job.kind == MAIL_RECEIPT.name]
    wanted = ("first", "second")
    return [
        (job.arguments["delivery"], [facts[job.arguments[name]] for name in wanted if name in job.arguments])  # type: ignore[misc,index]
        for job in jobs
    ]


async def test_a_sign_in_that_notifies_is_told() -> None:
    scene = SignInScene()
    mailed = by_mail(scene.uow, await scene.world.delivered("1"))
    await scene.world.delivered("2")
    scene.clock.move(timedelta(hours=1))
    await scene.sign_in()
    assert told(scene.uow) == [(mailed.id, ["HolderSignedIn", "NotificationEffected"])]


async def test_an_effect_by_lapse_of_time_is_told_and_the_notice_before_it_is_not() -> None:
    scene = LadderScene()
    uow = scene.world.uow
    mailed = by_mail(uow, await scene.world.delivered("1"))
    other = await scene.world.delivered("2")
    for delivery in (mailed, other):
        await scene.published(delivery)
    assert not told(uow)
    await scene.at(PUBLISHED + timedelta(days=30))
    assert scene.events(mailed)[-1] == scene.events(other)[-1] == events.NOTIFICATION_EFFECTED.name
    assert told(uow) == [(mailed.id, ["NotificationEffected"])]


async def test_a_letter_that_is_handed_over_is_told_with_its_effect() -> None:
    scene = LadderScene()
    uow = scene.world.uow
    mailed = by_mail(uow, await scene.world.delivered("1"))
    await scene.at(LETTER_DUE)
    scene.clock.time = LETTER_DUE + timedelta(days=1)
    await scene.record(
        mailed, events.LETTER_HANDED_OVER, LetterHandedOverDetails, reported_time=scene.clock.time
    )
    assert told(uow) == [(mailed.id, ["LetterHandedOver", "NotificationEffected"])]
