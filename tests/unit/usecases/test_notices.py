"""Public notices: published until it is so, recorded once and truly, taken back when they are over."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence import notification_policy
from namak.evidence.calendars import Counted, Span
from namak.evidence.details import EffectDetails
from namak.evidence.document import EvidenceDocument
from server.domain.deliveries import DeliveryState
from server.domain.jobs import PUBLISH_NOTICE
from server.domain.notices import Ending, NoticeState, digest_of, read_document
from server.domain.state_records import Fault, PersonRecord, PersonState
from server.jurisdictions.am import AM
from server.usecases.notice_desk import Decision
from server.usecases.notice_ports import NoticeTrouble
from server.usecases.reading import OpenMessage
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.fakes.notice_place import nothing
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.notice_world import DAY, DEADLINE, NAME, PUBLISHED, UNDER_LADDER, NoticeWorld
from tests.unit.usecases.world import ANI, ENTITY_ADDRESS

FAILING = NoticeTrouble("FAILED")


async def test_a_notice_is_published_recorded_and_has_its_effect_on_the_day_that_it_names() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()

    assert await world.run() is None

    notice = world.notice
    document = world.place.shown[notice.id]
    at, details = world.published(delivery)
    said, texts = read_document(document)
    assert (at, details.step, details.file) == (PUBLISHED, "NOTICE", digest_of(document))
    assert details.place == f"https://gazette.example.am/{notice.id}" == notice.place
    assert (said.recipient, said.sender, said.deadline) == (NAME, "State Revenue Committee", DEADLINE)
    assert said.delivery_id == delivery.id
    assert [each.language for each in texts] == list(AM.languages)
    assert all("2026" in each.text and NAME in each.title for each in texts)
    assert (notice.state, notice.deadline) == (NoticeState.PUBLISHED, DEADLINE)

    world.clock.time = DEADLINE
    await world.due.work_off()
    effect = EvidenceDocument.parse(world.facts(delivery)[-1].data).details
    assert isinstance(effect, EffectDetails)
    assert (effect.rule, effect.effective_time) == ("LADDER-1-NOTICE", DEADLINE)


async def test_nobody_s_number_address_or_subject_is_in_it() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    await world.run()

    document = world.place.shown[world.notice.id].decode()
    assert ANI not in document
    assert "@" not in document
    assert str(delivery.mailbox_id) not in document
    assert all(part.name not in document for part in delivery.parts)
    assert set(json.loads(document)) == {
        *("version", "id", "delivery", "recipient", "sender", "deadline", "texts")
    }


async def test_a_site_that_fails_for_days_delays_the_fact_and_makes_none() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.place.trouble = FAILING

    for _ in range(5):
        assert await world.run() == "FAILED"
        assert (world.notice.state, world.notice.reason) == (NoticeState.WAITING, "FAILED")
        assert len(world.facts(delivery)) == 2
        world.clock.move(DAY)
    world.place.trouble = None
    assert await world.run() is None

    at, details = world.published(delivery)
    document = world.place.shown[world.notice.id]
    assert at == PUBLISHED + 5 * DAY
    assert details.file == digest_of(document)
    assert read_document(document)[0].deadline == DEADLINE + 5 * DAY == world.notice.deadline
    assert world.notice.reason is None


async def test_after_the_last_attempt_it_is_the_operators_and_a_retry_publishes_it() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.place.trouble = FAILING
    assert await world.run(is_last=True) == "FAILED"
    assert (world.notice.state, world.notice.reason) == (NoticeState.FAILED, "FAILED")
    view = await world.desk.show(world.notice.id)
    assert view is not None
    assert view.job is not None

    world.place.trouble = None
    assert await world.desk.retry(world.notice.id) is Decision.DONE
    assert world.waiting == [PUBLISH_NOTICE.name], "the dead letter itself is revived"
    assert await world.run() is None
    world.published(delivery)
    assert await world.desk.retry(world.notice.id) is Decision.NOT_NOW


async def test_a_retry_after_the_dead_letter_was_discarded_defers_another_one() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.place.trouble = NoticeTrouble("REJECTED", for_good=True)
    assert await world.run() == "REJECTED"
    assert world.notice.state is NoticeState.FAILED
    world.uow.committed.jobs.clear()

    world.place.trouble = None
    assert await world.desk.retry(world.notice.id) is Decision.DONE
    assert await world.run() is None
    world.published(delivery)


async def test_a_worker_killed_between_publication_and_record_leaves_one_notice_and_then_one_fact() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()

    async def killed() -> None:
        raise ZeroDivisionError

    world.place.after_publishing = killed
    with pytest.raises(ZeroDivisionError):
        await world.run()
    (first,) = world.place.shown.values()
    world.place.after_publishing = nothing
    world.clock.move(timedelta(hours=3))

    assert await world.run() is None
    (second,) = world.place.shown.values()
    assert first == second
    assert world.published(delivery)[1].file == digest_of(first)


@pytest.mark.parametrize("lost", LostCommit)
async def test_a_record_whose_answer_is_lost_is_made_once(lost: LostCommit) -> None:
    world = NoticeWorld()
    delivery = await world.ordered()

    async def lose() -> None:
        world.uow.next_commit = lost

    world.place.after_publishing = lose
    with pytest.raises(Exception, match="database"):
        await world.run()
    world.place.after_publishing = nothing

    assert await world.run() is None
    assert world.published(delivery)[1].file == digest_of(world.place.shown[world.notice.id])


async def test_two_workers_at_once_record_it_once() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    other = world.worker()

    async def meanwhile() -> None:
        world.place.after_publishing = nothing
        world.work = other
        assert await world.run() is None

    job = dict(world.uow.committed.jobs)
    world.place.after_publishing = meanwhile
    with pytest.raises(KeyError):  # the other one's is deleted
        await world.run()
    assert job
    assert world.published(delivery)[1].file == digest_of(world.place.shown[world.notice.id])


async def test_where_midnight_passes_meanwhile_what_is_recorded_is_what_is_true_then() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.clock.time = PUBLISHED.replace(hour=19, minute=59, second=59)

    async def midnight() -> None:
        world.clock.time = PUBLISHED.replace(hour=20, minute=0, second=1)

    world.place.after_publishing = midnight
    assert await world.run() is None

    document = world.place.shown[world.notice.id]
    _, details = world.published(delivery)
    assert world.place.puts == 2
    assert read_document(document)[0].deadline == DEADLINE + DAY == world.notice.deadline
    assert details.file == digest_of(document)


@pytest.mark.parametrize("by", ["opening", "withdrawal"])
async def test_a_delivery_that_was_notified_or_withdrawn_meanwhile_gets_none(by: str) -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    await ended(world, by, delivery.id)

    assert await world.run() is None

    assert world.place.shown == {}
    assert world.notice.state is NoticeState.NOT_NEEDED
    assert world.notice.ending is (Ending.NOTIFIED if by == "opening" else Ending.WITHDRAWN)


async def test_what_may_have_come_through_is_taken_back_though_no_fact_says_so() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.place.trouble, world.place.taken_first = NoticeTrouble("TIMED_OUT"), True
    assert await world.run() == "TIMED_OUT"
    assert world.place.shown
    world.place.trouble = None
    await ended(world, "opening", delivery.id)

    assert await world.run() is None
    states = [world.notice.state]
    assert await world.withdraw() is None
    assert world.place.shown == {}
    assert [*states, world.notice.state] == [NoticeState.WITHDRAWING, NoticeState.WITHDRAWN]


async def test_one_that_was_stopped_while_it_was_published_is_taken_back() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()

    async def stopped() -> None:
        world.place.after_publishing = nothing
        assert await world.desk.withdraw(world.notice.id, despite_effect=False) is Decision.DONE

    world.place.after_publishing = stopped
    assert await world.run() is None
    assert len(world.facts(delivery)) == 2, "nothing is recorded as published that nobody can read"
    assert await world.withdraw() is None
    assert world.place.shown == {}
    assert world.notice.state is NoticeState.WITHDRAWN


async def ended(world: NoticeWorld, by: str, delivery_id: object) -> None:
    """Has the delivery opened by its holder, or withdrawn by its sender."""
    post = world.world
    if by == "opening":
        await post.reading.open_message(OpenMessage(post.ani, delivery_id))  # type: ignore[arg-type]
        return
    withdrawal = Withdrawal(uow=post.uow, clock=post.clock, entropy=post.entropy, log=post.log, profile=AM)
    await withdrawal.withdraw(WithdrawDelivery(post.agency, "w-1", delivery_id, 0))  # type: ignore[arg-type]


async def test_it_is_taken_back_when_its_time_is_over_and_not_before() -> None:
    world = NoticeWorld()
    await world.ordered()
    await world.run()
    world.clock.time = DEADLINE - timedelta(microseconds=1)
    assert await world.sweep.work_off() == 0

    world.clock.time = DEADLINE
    assert await world.sweep.work_off() == 1
    assert await world.sweep.work_off() == 0, "one job takes it back"
    assert (world.notice.state, world.notice.ending) == (NoticeState.WITHDRAWING, Ending.OVER)
    world.place.trouble = NoticeTrouble("CONFLICT")
    assert await world.withdraw() == "CONFLICT"
    assert (world.notice.state, world.notice.reason) == (NoticeState.WITHDRAWING, "CONFLICT")
    world.place.trouble = None
    assert await world.withdraw() is None
    assert (world.notice.state, world.notice.ended_at) == (NoticeState.WITHDRAWN, DEADLINE)
    assert world.notice.reason is None
    assert world.place.shown == {}


@pytest.mark.parametrize("by", ["opening", "withdrawal"])
async def test_it_is_taken_back_when_the_recipient_is_notified_otherwise(by: str) -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    await world.run()
    await ended(world, by, delivery.id)

    assert await world.sweep.work_off() == 1
    assert world.notice.ending is (Ending.NOTIFIED if by == "opening" else Ending.WITHDRAWN)
    assert await world.withdraw() is None
    assert world.place.shown == {}
    assert len(world.uow.committed.notices) == 1


async def test_the_register_s_name_goes_before_and_without_it_that_of_the_registration() -> None:
    world = NoticeWorld()
    await world.ordered(recipient=ENTITY_ADDRESS)
    assert await world.run() is None
    assert read_document(world.place.shown[world.notice.id])[0].recipient == "«Նամակ» ՍՊԸ"


async def test_a_register_that_is_away_is_waited_for_where_nobody_else_knows_the_name() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.registers.fall_silent()

    assert await world.run() == "NAME_NOT_KNOWN_YET"
    assert world.notice.state is NoticeState.WAITING
    world.registers.come_back()
    assert await world.run() is None
    world.published(delivery)


@pytest.mark.parametrize("name", ["", "\x00\x07", "\u202e\u200f", " \n "])
async def test_without_a_name_it_fails_visibly_and_nothing_is_public(name: str) -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.registers.show_person(PersonRecord(ANI, name, PersonState.ALIVE, None, ""))

    assert await world.run() == "NO_NAME"
    assert (world.notice.state, world.notice.reason) == (NoticeState.FAILED, "NO_NAME")
    assert world.place.shown == {}
    assert len(world.facts(delivery)) == 2
    assert world.uow.committed.deliveries[delivery.mailbox_id, delivery.id].state is DeliveryState.CONSIGNED


async def test_without_a_register_and_a_registration_there_is_no_name() -> None:
    world = NoticeWorld()
    await world.ordered()
    world.registers.fall_silent(Fault.NOT_CONFIGURED)

    assert await world.run() == "NO_NAME"


async def test_under_a_policy_by_which_no_effect_follows_none_is_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = replace(notification_policy.AM_2025_LADDER, name="am-no-effect", rules=())
    monkeypatch.setattr(notification_policy, "POLICIES", {policy.key: policy})
    world = NoticeWorld(replace(UNDER_LADDER, notification_policy=policy.key))
    await world.ordered()

    assert await world.run() == "NO_DEADLINE"
    assert world.notice.state is NoticeState.FAILED


async def test_days_off_that_are_not_known_yet_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ladder = notification_policy.AM_2025_LADDER
    rule = replace(ladder.rules[-1], wait=Span(7, Counted.WORKING))
    policy = replace(ladder, name="am-working-days", rules=(rule,))
    monkeypatch.setattr(notification_policy, "POLICIES", {policy.key: policy})
    world = NoticeWorld(replace(UNDER_LADDER, notification_policy=policy.key))
    await world.ordered()
    # The days off of 2029 are not known.
    world.clock.time = PUBLISHED.replace(year=2028, month=12, day=29)

    assert await world.run() == "CALENDAR_UNSETTLED"
    assert world.notice.state is NoticeState.WAITING
    assert world.place.shown == {}


async def test_an_operator_takes_a_published_one_back_only_expressly() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    await world.run()

    assert await world.desk.withdraw(world.notice.id, despite_effect=False) is Decision.EFFECT_GOES_ON
    assert world.notice.state is NoticeState.PUBLISHED
    assert await world.desk.withdraw(world.notice.id, despite_effect=True) is Decision.DONE
    assert await world.withdraw() is None
    assert (world.notice.state, world.notice.ending) == (NoticeState.WITHDRAWN, Ending.OPERATOR)
    world.published(delivery)
    assert await world.desk.withdraw(world.notice.id, despite_effect=True) is Decision.NOT_NOW
    assert await world.desk.withdraw(delivery.id, despite_effect=True) is Decision.NO_NOTICE


async def test_an_operator_stops_one_that_waits() -> None:
    world = NoticeWorld()
    await world.ordered()
    world.registers.fall_silent()
    await world.run()

    assert await world.desk.withdraw(world.notice.id, despite_effect=False) is Decision.DONE
    assert (world.notice.state, world.notice.ending) == (NoticeState.NOT_NEEDED, Ending.OPERATOR)
    world.registers.come_back()
    assert await world.run() is None
    assert world.place.shown == {}
