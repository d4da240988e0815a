"""Copies of messages, and that nothing of them touches a delivery."""

import asyncio
import re
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.details_outside import NudgeDetails, NudgeFailureDetails
from namak.evidence.document import RecordedFact
from namak.evidence.notification_policy import effect_of
from server.domain import evidence_building
from server.domain.deliveries import PartInfo
from server.domain.forwarding import CopyState, ForwardedContent, ForwardedCopy, Result
from server.domain.jobs import SEND_COPY, SPREAD, JobFailed
from server.gateways.forwarded_mails import ForwardedMails
from server.jurisdictions.am import AM
from server.usecases.copy_records import RESULT_EVENTS
from server.usecases.evidence import ListFacts
from server.usecases.forwarding import OfTarget
from server.usecases.forwarding_ports import Letter
from server.usecases.stamps import Stamps
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.unit.usecases.forwarding_world import BUSY, HOME, NAMES, REFUSED, Forwarding
from tests.unit.usecases.world import ANI_ADDRESS, BOB


@pytest.fixture
def scene() -> Forwarding:
    return Forwarding()


async def test_a_submission_to_a_mailbox_without_targets_defers_nothing(scene: Forwarding) -> None:
    await scene.add()  # not verified
    scene.uow.committed.jobs.clear()

    await scene.sent()

    assert scene.uow.committed.jobs == {}


async def test_a_message_is_forwarded_whole_with_its_parts(scene: Forwarding) -> None:
    await scene.verified()
    await scene.verified("work@example.am", content=ForwardedContent.NOTICE, language="en")
    scene.mail.sent.clear()

    delivery = await scene.sent()
    assert await scene.run(SPREAD, keep=True) == 1
    assert await scene.run(SPREAD) == 1  # a second run sends nothing
    assert await scene.run(SEND_COPY) == 0

    whole, notice = sorted(scene.mail.sent, key=lambda mail: mail.to)
    parts = list(whole.message.iter_attachments())
    assert (whole.to, notice.to) == (HOME, "work@example.am")
    assert delivery.subject in whole.message["Subject"]
    assert [part.get_filename() for part in parts] == [part.name for part in delivery.parts]
    assert [part.get_payload(decode=True) for part in parts] == [b"first part", b"second part"]
    assert re.fullmatch(r"bounces\+[0-9a-f]{32}@post\.example\.am", whole.bounces_to)
    assert whole.message["Message-ID"] != notice.message["Message-ID"]
    told = str(notice.message.get_content())
    assert delivery.organisation_name in told
    assert delivery.sender in told
    assert delivery.subject not in notice.message.as_string()
    assert delivery.subject not in told
    assert scene.results() == [("RelayToNonERDS", None), ("ConsignmentNotification", None)]


@pytest.mark.parametrize(
    ("media_type", "content", "charset"),
    [
        ("text/plain", "Ծանուցում".encode(), "utf-8"),
        ("Text/HTML", b"<p>", "utf-8"),
        ("text/plain", b"\xff\xfe", None),
        ("text/plain; charset=windows-1251", "Повестка".encode("cp1251"), "windows-1251"),
        ("application/pdf", b"%PDF", None),
    ],
)
async def test_a_text_of_a_copy_names_its_charset_where_it_is_known(
    scene: Forwarding, media_type: str, content: bytes, charset: str | None
) -> None:
    await scene.verified()
    delivery = await scene.sent()
    async with scene.uow.reading() as tx:
        (target,) = await tx.forwarding_targets.of_mailbox(delivery.mailbox_id)
    part = PartInfo("letter", media_type, len(content), b"")
    copy = ForwardedCopy(delivery.mailbox_id, delivery.id, target.id, uuid4())

    written = ForwardedMails(NAMES, scene.clock).copy(target, copy, Letter(delivery, [(part, content)]))

    (sent,) = message_from_bytes(written, policy=policy.SMTP).iter_attachments()
    assert sent.get_content_type() == media_type.partition(";")[0].lower()
    assert sent.get_content_charset() == charset
    assert sent.get_payload(decode=True) == content


async def test_a_message_that_is_too_large_is_a_notice_that_says_so(scene: Forwarding) -> None:
    target = await scene.verified(language="en")
    scene.mail.size_limit = 65_536
    delivery = await scene.sent()
    await scene.run(SPREAD)

    mail = scene.mail.sent[-1].message
    assert not list(mail.iter_attachments())
    assert "too large" in str(mail.get_content())
    assert delivery.subject not in mail["Subject"]
    # Nothing was relayed, and the evidence does not say so.
    token = scene.uow.committed.forwarded_copies[delivery.id, target].token
    assert await scene.came_back(token)
    assert scene.results() == [
        ("ConsignmentNotification", None),
        ("ConsignmentNotificationFailure", "NO_SUCH_ADDRESS"),
    ]


async def test_a_server_that_is_busy_is_asked_again_and_a_refusal_is_told_to_the_holder(
    scene: Forwarding,
) -> None:
    await scene.verified()
    await scene.sent()
    scene.mail.failing = BUSY
    await scene.run(SPREAD)
    (job,) = scene.uow.committed.jobs.values()
    with pytest.raises(JobFailed) as failed:
        await scene.run(SEND_COPY)
    waiting = await scene.last()
    await scene.run(SEND_COPY, attempt=SEND_COPY.retries.attempts, keep=True)
    given_up = await scene.last()
    await scene.run(SEND_COPY)  # once that is recorded, nothing
    await scene.sent()
    scene.mail.failing = REFUSED
    await scene.run(SPREAD)

    assert job.due is not None
    assert job.due > scene.clock.now()
    assert (failed.value.reason, failed.value.for_good, waiting) == ("BUSY", False, None)
    assert given_up == (Result.FAILED, "BUSY")
    assert await scene.last() == (Result.FAILED, "REFUSED")
    assert scene.results() == [("RelayToNonERDSFailure", "BUSY"), ("RelayToNonERDSFailure", "REFUSED")]


async def test_a_message_that_was_withdrawn_is_not_sent(scene: Forwarding) -> None:
    target = await scene.verified()
    delivery = await scene.sent()
    scene.mail.failing = BUSY
    await scene.run(SPREAD)
    scene.mail.failing = None
    scene.mail.sent.clear()
    withdrawal = Withdrawal(
        uow=scene.uow, clock=scene.clock, entropy=scene.entropy, log=scene.log, profile=AM
    )
    await withdrawal.withdraw(WithdrawDelivery(scene.agency, "w-1", delivery.id, 0))
    await scene.run(SEND_COPY)

    assert scene.mail.sent == []
    assert scene.results() == []
    assert scene.uow.committed.forwarded_copies[delivery.id, target].state is CopyState.SKIPPED


async def test_a_message_that_was_withdrawn_before_anything_was_tried_is_not_sent(scene: Forwarding) -> None:
    target = await scene.verified()
    delivery = await scene.sent()
    scene.mail.sent.clear()
    withdrawal = Withdrawal(
        uow=scene.uow, clock=scene.clock, entropy=scene.entropy, log=scene.log, profile=AM
    )
    await withdrawal.withdraw(WithdrawDelivery(scene.agency, "w-1", delivery.id, 0))
    await scene.run(SPREAD)

    assert scene.mail.sent == []
    assert scene.results() == []
    assert scene.uow.committed.forwarded_copies[delivery.id, target].state is CopyState.SKIPPED


async def test_of_two_outcomes_of_a_copy_at_the_same_time_the_first_counts(scene: Forwarding) -> None:
    await scene.verified()
    await scene.sent()
    scene.mail.failing = BUSY
    await scene.run(SPREAD, keep=True)
    scene.mail.failing = None
    await asyncio.gather(scene.run(SPREAD), scene.run(SEND_COPY))

    assert scene.results() == [("RelayToNonERDS", None)]
    # Sent twice, for two jobs were at it; whoever gets both sees one Message-ID.
    assert len({mail.message["Message-ID"] for mail in scene.mail.sent[-2:]}) == 1


async def test_what_one_target_refuses_does_not_keep_a_copy_from_another(scene: Forwarding) -> None:
    await scene.verified()
    await scene.verified("work@example.am")
    await scene.sent()
    scene.mail.refusing[HOME] = BUSY
    await scene.run(SPREAD)
    first = scene.results()
    scene.mail.refusing.clear()
    await scene.run(SEND_COPY)

    assert first == [("RelayToNonERDS", None)]
    assert scene.results() == [("RelayToNonERDS", None), ("RelayToNonERDS", None)]
    assert [mail.to for mail in scene.mail.sent[-2:]] == ["work@example.am", HOME]


async def test_a_message_whose_target_was_removed_is_not_sent(scene: Forwarding) -> None:
    target = await scene.verified()
    delivery = await scene.sent()
    scene.mail.failing = BUSY
    await scene.run(SPREAD)
    scene.mail.failing = None
    scene.mail.sent.clear()
    await scene.forwarding.remove_target(OfTarget(scene.ani, None, target, request_id="gone"))
    await scene.run(SEND_COPY)

    assert scene.mail.sent == []
    assert scene.results() == []
    assert scene.uow.committed.forwarded_copies[delivery.id, target].state is CopyState.SKIPPED
    mailbox = scene.uow.committed.mailboxes[delivery.mailbox_id]
    assert not mailbox.forwards


async def test_what_becomes_of_a_copy_is_the_holder_s_alone_to_see(scene: Forwarding) -> None:
    await scene.verified()
    delivery = await scene.sent()
    await scene.run(SPREAD)
    await scene.grant(scene.ani, BOB)

    seen = {}
    for who, mailbox in ((scene.ani, None), (scene.agency, None), (scene.bob, ANI_ADDRESS)):
        page = await scene.evidence.list_facts(ListFacts(who, delivery.id, 0, "", mailbox))
        seen[type(who).__name__, mailbox] = {fact.event.name for fact in page.items}
    assert ["RelayToNonERDS" in names for names in seen.values()] == [True, False, False]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(sorted(RESULT_EVENTS.values(), key=lambda event: event.name)), max_size=5))
async def test_facts_of_forwarding_have_no_effect_and_change_none(
    recorded: list[events.Event],
) -> None:
    """POST-7."""
    scene = Forwarding()
    delivery = await scene.sent()
    before = scene.uow.committed.deliveries[delivery.mailbox_id, delivery.id]
    (consignment,) = [
        f
        for f in scene.uow.committed.queue
        if f.event == events.CONTENT_CONSIGNMENT and f.delivery_id == delivery.id
    ]
    facts = [RecordedFact.parse(consignment.data)]
    stamps = Stamps(AM, scene.entropy)
    for event in recorded:
        why = "REFUSED" if event.name.endswith("Failure") else ""
        fact = evidence_building.forwarded(
            stamps.at(scene.clock.now()), event, delivery, consignment, "EMAIL", why
        )
        read = RecordedFact.parse(fact.data)
        assert isinstance(read.document.details, NudgeDetails | NudgeFailureDetails)
        assert effect_of(read, facts) is None
        facts.append(read)
    holder = await scene.confirm(scene.ani, delivery, None)
    confirmed = RecordedFact.parse(holder.evidence[0].data)

    assert scene.uow.committed.deliveries[delivery.mailbox_id, delivery.id].parts == before.parts
    assert effect_of(confirmed, facts) == effect_of(confirmed, facts[:1])
