"""Notices to holders' phones, what networks report of them, and that nothing of it touches a delivery."""

import re
from dataclasses import replace
from uuid import UUID

import pytest

from namak.evidence.details_outside import NudgeDetails, NudgeFailureDetails
from namak.evidence.document import RecordedFact
from server.domain.deliveries import DeliveryState
from server.domain.forwarding import CopyState, ForwardedContent, Result, TargetKind
from server.domain.jobs import SEND_CODE, SEND_COPY, SMS_REPORT, SPREAD, JobFailed
from server.domain.sms import Alphabet, DeliveryReport
from server.usecases.copy_records import RESULT_EVENTS
from server.usecases.forwarding import OfTarget
from server.usecases.sms_ports import SmsNotSent
from tests.unit.usecases.forwarding_world import Forwarding

PHONE = "+37491123456"
BUSY = SmsNotSent("BUSY", for_good=False)
LOST = SmsNotSent("LINK_LOST", for_good=False)
NO_PHONE = SmsNotSent("INVALID_PHONE", for_good=True)


@pytest.fixture
def scene() -> Forwarding:
    world = Forwarding()
    world.forwarding = world.forwarding_by(frozenset(TargetKind))
    return world


def said(scene: Forwarding, since: int = 0) -> str:
    """Returns what the phone shows of the segments that were taken."""
    pieces = [segment for _, segment in scene.sms.taken[since:]]
    octets = b"".join(each.octets[6 if each.has_header else 0 :] for each in pieces)
    return octets.decode("utf-16-be" if pieces[0].alphabet is Alphabet.UCS2 else "latin-1")


async def with_phone(scene: Forwarding, language: str = "hy") -> UUID:
    target = await scene.add(PHONE, kind=TargetKind.PHONE, content=ForwardedContent.NOTICE, language=language)
    await scene.run(SEND_CODE)
    code = re.search(r"\d{6}", said(scene))
    assert code is not None
    await scene.forwarding.verify_target(OfTarget(scene.ani, None, target, code=code.group()))
    scene.sms.taken.clear()
    return target


async def report(scene: Forwarding, segment_id: str, failure: str = "", *, attempt: int = 1) -> None:
    await scene.reports.take(DeliveryReport(segment_id, PHONE, failure))
    await scene.run(SMS_REPORT, attempt=attempt)


def channels(scene: Forwarding) -> list[tuple[str, str, bool]]:
    """Returns what was recorded: the event, its channel, and whether the network said so."""
    found = []
    for fact in scene.uow.committed.queue:
        if fact.event in RESULT_EVENTS.values():
            details = RecordedFact.parse(fact.data).document.details
            assert isinstance(details, NudgeDetails | NudgeFailureDetails)
            found.append((fact.event.name, details.channel, details.reported_time is not None))
    return found


@pytest.mark.parametrize("language", ["hy", "ru", "en"])
async def test_a_phone_is_verified_by_a_code_and_told_of_a_message_without_anything_of_it(
    scene: Forwarding, language: str
) -> None:
    await with_phone(scene, language)
    delivery = await scene.sent()
    await scene.run(SPREAD)
    await scene.run(SEND_COPY, keep=True)
    await scene.run(SEND_COPY)

    told = said(scene)
    assert {to for to, _ in scene.sms.taken} == {PHONE}
    assert "https://post.example.am" in told
    assert delivery.subject not in told
    assert delivery.sender not in told
    assert channels(scene) == [("ConsignmentNotification", "SMS", False)]
    assert await scene.last() == (Result.SENT, "")


async def test_what_the_network_reports_is_a_fact_once_and_changes_no_delivery(scene: Forwarding) -> None:
    await with_phone(scene)
    delivery = await scene.sent()
    await scene.run(SPREAD)
    await scene.run(SEND_COPY)
    count = len(scene.sms.taken)
    assert count == 2
    await report(scene, "2")
    assert await scene.last() == (Result.SENT, "")  # half of it is not there
    await report(scene, "2")
    await report(scene, "1")
    await report(scene, "1")
    await report(scene, "1", "EXPIRED")  # late, and of what was delivered

    assert channels(scene) == [
        ("ConsignmentNotification", "SMS", False),
        ("ConsignmentNotification", "SMS", True),
    ]
    assert await scene.last() == (Result.DELIVERED, "")
    async with scene.uow.writing() as tx:
        found = await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
    assert found is not None
    assert found.state is DeliveryState.CONSIGNED
    assert scene.uow.committed.sms_reports == {}


async def test_that_a_phone_did_not_get_it_is_a_failure_with_its_cause(scene: Forwarding) -> None:
    await with_phone(scene)
    await scene.sent()
    await scene.run(SPREAD)
    await scene.run(SEND_COPY)
    await report(scene, "1", "UNDELIVERABLE")
    await report(scene, "2", "EXPIRED")
    await report(scene, "2", "")

    assert channels(scene)[1:] == [("ConsignmentNotificationFailure", "SMS", True)]
    assert scene.results()[-1] == ("ConsignmentNotificationFailure", "UNDELIVERABLE")
    assert await scene.last() == (Result.BOUNCED, "UNDELIVERABLE")


async def test_a_report_waits_until_it_is_known_what_was_sent(scene: Forwarding) -> None:
    await with_phone(scene)
    await scene.sent()
    await scene.run(SPREAD)
    await scene.reports.take(DeliveryReport("1", PHONE, ""))
    with pytest.raises(JobFailed, match="UNKNOWN_MESSAGE"):
        await scene.run(SMS_REPORT)
    scene.sms.answers = ["1", LOST]  # a segment was taken, and the copy is not sent yet
    with pytest.raises(JobFailed, match="LINK_LOST"):
        await scene.run(SEND_COPY)
    await scene.run(SMS_REPORT, keep=True)
    assert channels(scene) == []
    await scene.run(SEND_COPY)
    await report(scene, "2")
    assert await scene.last() == (Result.DELIVERED, "")


async def test_a_report_that_comes_between_is_told_again_when_the_copy_is_sent(scene: Forwarding) -> None:
    await with_phone(scene, "en")
    await scene.sent()
    await scene.run(SPREAD)
    await scene.run(SEND_COPY)
    ((key, sent),) = scene.uow.committed.forwarded_copies.items()
    scene.uow.committed.forwarded_copies[key] = replace(sent, state=CopyState.WAITING)
    for each in range(1, len(scene.sms.taken) + 1):
        await scene.reports.take(DeliveryReport(str(each), PHONE, "EXPIRED"))
    with pytest.raises(JobFailed, match="NOT_SENT_YET"):
        await scene.run(SMS_REPORT)
    scene.uow.committed.forwarded_copies[key] = sent
    await scene.run(SMS_REPORT)
    assert await scene.last() == (Result.BOUNCED, "EXPIRED")


async def test_a_report_of_nothing_that_is_known_ends(scene: Forwarding) -> None:
    await report(scene, "4711", "EXPIRED", attempt=SMS_REPORT.retries.attempts)
    assert scene.uow.committed.sms_reports == {}
    assert channels(scene) == []


async def test_segments_that_were_taken_are_not_sent_again(scene: Forwarding) -> None:
    await with_phone(scene)
    await scene.sent()
    await scene.run(SPREAD)
    scene.sms.answers = [LOST, "a"]
    with pytest.raises(JobFailed, match="LINK_LOST"):
        await scene.run(SEND_COPY)
    scene.sms.answers = [BUSY]
    with pytest.raises(JobFailed, match="BUSY"):
        await scene.run(SEND_COPY)
    await scene.run(SEND_COPY)
    assert [segment.number for _, segment in scene.sms.taken] == [2, 1]
    assert len({segment.octets[3] for _, segment in scene.sms.taken}) == 1  # one reference
    assert channels(scene) == [("ConsignmentNotification", "SMS", False)]


@pytest.mark.parametrize(("answer", "cause"), [(NO_PHONE, "INVALID_PHONE"), (BUSY, "BUSY")])
async def test_what_no_centre_takes_is_a_failure(scene: Forwarding, answer: SmsNotSent, cause: str) -> None:
    await with_phone(scene)
    await scene.sent()
    await scene.run(SPREAD)
    scene.sms.answers = [BUSY, answer]
    await scene.run(SEND_COPY, attempt=SEND_COPY.retries.attempts)
    assert scene.results() == [("ConsignmentNotificationFailure", cause)]
    assert await scene.last() == (Result.FAILED, cause)
    (copy,) = scene.uow.committed.forwarded_copies.values()
    assert copy.state is CopyState.FAILED
