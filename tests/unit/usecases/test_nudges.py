"""A step of a ladder tells a holder's own addresses that a message waits to be read, and nothing else."""

import pytest

from namak.evidence import events, notification_policy
from namak.evidence.details_outside import LetterPostedDetails
from namak.evidence.policy_rules import NotificationPolicy, Rule
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.delivery_reports import ReportedFailure
from server.domain.forwarding import Result
from server.domain.jobs import NUDGE, SEND_NUDGE, JobFailed
from server.domain.ladder import StepState
from server.domain.nudge_texts import TEXTS, nudge_text
from server.domain.nudges import NO_GATEWAY, NO_VERIFIED_TARGET, NOBODY_REACHED, NudgeState
from server.domain.sign_in_effects import OutstandingSignIn
from server.domain.sms import segment_count
from server.domain.sms_texts import MOST_SEGMENTS
from server.jurisdictions.am import AM
from server.usecases.forwarding import OfTarget
from server.usecases.outside_facts import OutsideFacts
from server.usecases.reading import OpenMessage
from server.usecases.returned_mails import Awaited
from server.usecases.sms_ports import SmsNotSent
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.forwarding_world import BUSY, HOME, REFUSED
from tests.unit.usecases.nudge_world import DAY, POLICIES, Nudging

LAST = SEND_NUDGE.retries.attempts
SENT, FAILED = "ConsignmentNotification", "ConsignmentNotificationFailure"


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Nudging:
    monkeypatch.setattr(notification_policy, "POLICIES", POLICIES)
    return Nudging()


async def withdraw(scene: Nudging, delivery: Delivery) -> None:
    desk = Withdrawal(uow=scene.uow, clock=scene.clock, entropy=scene.entropy, log=scene.log, profile=AM)
    await desk.withdraw(WithdrawDelivery(scene.agency, "w", delivery.id, 0))


async def test_each_verified_target_is_told_once_in_its_language_and_nothing_of_the_message(
    scene: Nudging,
) -> None:
    await scene.verified(language="ru")
    await scene.phone("hy")
    await scene.add("not-yet@example.am")
    delivery = await scene.reminded()
    assert await scene.run(NUDGE) == 1
    assert await scene.run(SEND_NUDGE) == 2

    mail, text = scene.text(), scene.texted()
    (sent,) = scene.mail.sent
    assert sent.to == HOME
    assert sent.message["Content-Language"] == "ru"
    assert sent.message["Subject"] == TEXTS["ru"].subject
    assert sent.message["Auto-Submitted"] == "auto-generated"
    for said in (mail, text):
        assert "22.11.2026" in said
        assert "https://post.example.am" in said
        for kept_back in (delivery.subject, delivery.sender, delivery.organisation_name, str(delivery.id)):
            assert kept_back not in said
    assert delivery.recipient in mail
    assert delivery.recipient not in text
    assert scene.told() == [(SENT, "EMAIL", "REMINDER", None, False), (SENT, "SMS", "REMINDER", None, False)]
    assert [(each.state, each.segments) for each in scene.asked()] == [
        (NudgeState.SENT, 0),
        (NudgeState.SENT, 2),
    ]
    assert scene.step(delivery) == (StepState.ORDERED, None)
    assert scene.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_the_facts_are_the_holders_alone(scene: Nudging) -> None:
    await scene.verified()
    await scene.reminded()
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)

    (fact,) = [each for each in scene.uow.committed.queue if each.event.name == SENT]
    assert fact.event.audience is events.Audience.HOLDER
    assert await scene.last() == (Result.SENT, "")


async def test_jobs_that_run_again_send_and_record_nothing_twice(scene: Nudging) -> None:
    await scene.verified()
    await scene.phone()
    delivery = await scene.reminded()
    for _ in range(3):
        await scene.run(NUDGE, keep=True)
    for _ in range(3):
        assert await scene.run(SEND_NUDGE, keep=True) == 2

    assert len(scene.mail.sent) == 1
    assert len(scene.asked()) == 2
    assert len(scene.told()) == 2
    assert scene.step(delivery) == (StepState.ORDERED, None)


@pytest.mark.parametrize("lost", LostCommit)
async def test_a_lost_commit_loses_and_doubles_nothing(scene: Nudging, lost: LostCommit) -> None:
    await scene.verified()
    await scene.reminded()
    scene.uow.next_commit = lost
    with pytest.raises(Exception, match="database"):
        await scene.run(NUDGE)
    await scene.run(NUDGE)
    scene.uow.next_commit = lost
    with pytest.raises(Exception, match="database"):
        await scene.run(SEND_NUDGE)
    await scene.run(SEND_NUDGE)

    assert len({mail.message["Message-ID"] for mail in scene.mail.sent}) == 1
    assert len(scene.told()) == 1


async def test_without_a_verified_target_the_step_fails_and_the_ladder_goes_on(
    scene: Nudging,
) -> None:
    await scene.add()
    delivery = await scene.reminded()
    await scene.run(NUDGE)

    assert scene.step(delivery) == (StepState.FAILED, NO_VERIFIED_TARGET)
    assert scene.asked() == []
    assert scene.told() == []
    scene.clock.move(2 * DAY)
    await scene.due.work_off()
    assert scene.step(delivery, "LETTER")[1] == "NOT_CONFIGURED"


async def test_without_a_way_to_any_of_its_targets_the_step_fails_visibly(scene: Nudging) -> None:
    await scene.phone()
    scene.routes.clear()
    delivery = await scene.reminded()
    await scene.run(NUDGE)

    assert scene.step(delivery) == (StepState.FAILED, NO_GATEWAY)


async def test_a_refusal_is_a_fact_with_its_cause_and_one_that_was_reached_is_enough(scene: Nudging) -> None:
    await scene.verified()
    await scene.phone()
    scene.mail.failing = REFUSED
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)

    assert scene.told() == [
        (FAILED, "EMAIL", "REMINDER", "REFUSED", False),
        (SENT, "SMS", "REMINDER", None, False),
    ]
    assert scene.step(delivery) == (StepState.ORDERED, None)
    assert scene.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_who_is_busy_is_asked_again_and_at_last_given_up(scene: Nudging) -> None:
    await scene.verified()
    scene.mail.failing = BUSY
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    with pytest.raises(JobFailed, match="BUSY"):
        await scene.run(SEND_NUDGE)
    assert scene.told() == []
    await scene.run(SEND_NUDGE, attempt=LAST)

    assert scene.told() == [(FAILED, "EMAIL", "REMINDER", "BUSY", False)]
    assert scene.step(delivery) == (StepState.FAILED, NOBODY_REACHED)
    assert await scene.last() == (Result.FAILED, "BUSY")


async def test_a_step_that_waits_for_a_nudge_that_failed_is_taken_after_it(scene: Nudging) -> None:
    await scene.verified()
    scene.mail.failing = REFUSED
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)
    await scene.due.work_off()

    assert scene.step(delivery, "AFTER-FAILURE") == (StepState.FAILED, "NOT_CONFIGURED")


async def test_a_step_of_which_nobody_was_reached_can_be_carried_out_again_and_keeps_its_first_attempt(
    scene: Nudging,
) -> None:
    await scene.verified()
    scene.mail.failing = REFUSED
    delivery = await scene.reminded()
    await scene.run(NUDGE, keep=True)
    await scene.run(SEND_NUDGE)
    await scene.run(NUDGE)  # the job again, though nobody asked for another attempt
    assert len(scene.asked()) == 1

    scene.mail.failing = None
    await scene.ladder.retry(delivery.id, "REMINDER")
    await scene.run(NUDGE, keep=True)
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)

    assert [(each.attempt, each.state) for each in scene.asked()] == [
        (1, NudgeState.FAILED),
        (2, NudgeState.SENT),
    ]
    assert [event for event, *_ in scene.told()] == [FAILED, SENT]
    assert scene.step(delivery) == (StepState.ORDERED, None)


async def test_what_the_network_reports_is_a_fact_once(scene: Nudging) -> None:
    await scene.phone("en")
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)
    await scene.report("1")
    await scene.report("1", "EXPIRED")

    assert scene.told()[1:] == [(SENT, "SMS", "REMINDER", None, True)]
    assert await scene.last() == (Result.DELIVERED, "")
    assert scene.step(delivery) == (StepState.ORDERED, None)


async def test_that_the_only_phone_did_not_get_it_fails_the_step(scene: Nudging) -> None:
    await scene.phone("en")
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)
    await scene.report("1", "UNDELIVERABLE")

    assert scene.told()[1:] == [(FAILED, "SMS", "REMINDER", "UNDELIVERABLE", True)]
    assert await scene.last() == (Result.BOUNCED, "UNDELIVERABLE")
    assert scene.step(delivery) == (StepState.FAILED, NOBODY_REACHED)
    assert [each.segments for each in scene.asked()] == [1]


async def test_a_mail_that_comes_back_is_a_failure_once_and_fails_the_step(scene: Nudging) -> None:
    await scene.verified()
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    back, returned = ReportedFailure("NO_SUCH_ADDRESS", "5.1.1", "no such user"), scene.returned_mails
    (nudge,) = scene.asked()
    assert await returned.awaited(nudge.id) is Awaited.NOT_YET
    await scene.run(SEND_NUDGE)
    (mail,) = scene.mail.sent
    assert mail.bounces_to == f"bounces+{nudge.id.hex}@post.example.am"
    assert nudge.id.hex not in mail.message.as_string().replace("-", "")

    assert await returned.awaited(nudge.id) is Awaited.YES
    assert await returned.failed(nudge.id, back) is not None
    assert await returned.failed(nudge.id, back) is None
    assert scene.told()[1:] == [(FAILED, "EMAIL", "REMINDER", "NO_SUCH_ADDRESS", False)]
    assert scene.step(delivery) == (StepState.FAILED, NOBODY_REACHED)
    assert await scene.last() == (Result.BOUNCED, "NO_SUCH_ADDRESS")
    scene.clock.move(31 * DAY)
    assert await returned.awaited(nudge.id) is Awaited.NO
    assert await returned.awaited(scene.entropy.new_id()) is Awaited.NO


async def test_a_report_before_the_record_is_told_again(scene: Nudging) -> None:
    await scene.phone("hy")
    await scene.reminded()
    await scene.run(NUDGE)
    scene.sms.answers = ["1", SmsNotSent("LINK_LOST", for_good=False)]
    with pytest.raises(JobFailed, match="LINK_LOST"):
        await scene.run(SEND_NUDGE)
    assert not await scene.nudges.reported(scene.asked()[0].id, "")
    await scene.run(SEND_NUDGE)

    assert [segment.number for _, segment in scene.sms.taken] == [1, 2]
    assert await scene.nudges.reported(scene.asked()[0].id, "")
    assert [each[-1] for each in scene.told()] == [False, True]


@pytest.mark.parametrize("between", ["before the step's job", "before the nudge's job"])
@pytest.mark.parametrize(
    "what", ["opened", "withdrawn", "notified by lapse", "notified by lapse, as recorded"]
)
async def test_nobody_is_told_once_there_is_no_need(scene: Nudging, what: str, between: str) -> None:
    await scene.verified()
    delivery = await scene.reminded()
    if between == "before the nudge's job":
        await scene.run(NUDGE)
    if what == "opened":
        await scene.reading.open_message(OpenMessage(scene.ani, delivery.id))
    elif what == "withdrawn":
        await withdraw(scene, delivery)
    else:
        await posted(scene, delivery)
        scene.clock.move(9 * DAY)
        if what == "notified by lapse, as recorded":
            await scene.due.work_off()
            assert scene.delivery(delivery.id).state is DeliveryState.NOTIFIED
    await scene.run(NUDGE)
    await scene.run(SEND_NUDGE)

    assert scene.mail.sent == []
    assert scene.told() == []
    # What was asked for before is skipped; afterwards nothing is.
    expected = [NudgeState.SKIPPED] if between == "before the nudge's job" else []
    assert [each.state for each in scene.asked()] == expected
    assert scene.step(delivery) == (StepState.ORDERED, None)


async def test_a_step_that_nobody_needs_does_not_fail_for_want_of_a_target(scene: Nudging) -> None:
    delivery = await scene.reminded()
    await scene.reading.open_message(OpenMessage(scene.ani, delivery.id))
    await scene.run(NUDGE)
    assert scene.step(delivery) == (StepState.ORDERED, None)


async def test_a_sign_in_that_is_not_wholly_recorded_is_waited_for(scene: Nudging) -> None:
    await scene.verified()
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    mark = OutstandingSignIn(scene.entropy.new_id(), delivery.mailbox_id, scene.clock.now(), 0, 1)
    async with scene.uow.writing() as tx:
        await tx.outstanding_sign_ins.add(mark)
        await tx.commit()

    with pytest.raises(JobFailed, match="SIGN_IN_PENDING"):
        await scene.run(SEND_NUDGE)
    assert scene.mail.sent == []


async def test_a_target_that_was_removed_is_not_told_and_the_last_one_fails_the_step(scene: Nudging) -> None:
    target = await scene.verified()
    delivery = await scene.reminded()
    await scene.run(NUDGE)
    await scene.forwarding.remove_target(OfTarget(scene.ani, None, target, request_id="gone"))
    await scene.run(SEND_NUDGE)

    assert scene.mail.sent == []
    assert scene.step(delivery) == (StepState.FAILED, NOBODY_REACHED)


@pytest.mark.parametrize(
    "event",
    [
        events.CONSIGNMENT_NOTIFICATION,
        events.CONSIGNMENT_NOTIFICATION_FAILURE,
        events.RELAY_TO_NON_ERDS,
        events.RELAY_TO_NON_ERDS_FAILURE,
    ],
)
def test_no_policy_may_rest_an_effect_on_what_becomes_of_a_nudge_or_a_copy(event: events.Event) -> None:
    with pytest.raises(ValueError, match="POST-7"):
        NotificationPolicy("wrong", 1, (Rule("TOLD", event, (events.CONTENT_CONSIGNMENT,)),))
    with pytest.raises(ValueError, match="POST-7"):
        NotificationPolicy("wrong", 1, (Rule("READ", events.READING_CONFIRMED, (event,)),))


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("link", ["", "https://post.example.am", "https://post.example.am/" + "a" * 200])
def test_a_short_message_never_takes_a_third_segment(language: str, link: str) -> None:
    said = nudge_text(language, time="22.11.2026", link=link)
    assert segment_count(said) <= MOST_SEGMENTS
    assert "22.11.2026" in said
    assert (link in said) == (len(link) < 200)


async def posted(scene: Nudging, delivery: Delivery) -> None:
    outside = OutsideFacts(entropy=scene.entropy, profile=AM)
    async with scene.uow.writing() as tx:
        await outside.record(
            tx,
            delivery.mailbox_id,
            delivery.id,
            events.LETTER_POSTED,
            lambda consignment: LetterPostedDetails(consignment, tracking="RR123456785AM"),
            scene.clock.now(),
        )
        await tx.commit()
