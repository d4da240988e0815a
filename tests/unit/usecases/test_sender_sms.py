"""Senders' own short messages: who may send them, what is recorded, and that they notify nobody (ADMIN-3)."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence import events
from namak.evidence.details_sms import SmsAcceptedDetails
from namak.evidence.document import EvidenceDocument
from server.domain.caller import Sender
from server.domain.deliveries import DeliveryState
from server.domain.jobs import SEND_SMS, SMS_REPORT, JobFailed, RunningJob
from server.domain.reasons import REASONS, Reason
from server.domain.refusals import Refused, RequestIdReused, SenderNotPermitted, TooManyRefusals
from server.domain.sender_sms import TEXTS_KEPT, SenderSms, SmsFilter, SmsState, SmsText
from server.domain.senders import ContractState
from server.domain.sms import DeliveryReport, TextKind
from server.domain.usage import Usage
from server.jurisdictions.am import AM
from server.usecases.billing import AskUsage, Billing
from server.usecases.evidence import GetReceipt
from server.usecases.forgetting import Forgetting
from server.usecases.sender_sms import ListSms, SenderSmsDesk, SendSms
from server.usecases.sender_sms_work import SenderSmsWork
from server.usecases.sms_ports import SmsNotSent
from server.usecases.sms_reports import SmsReportDesk
from server.usecases.submission import Accepted
from server.usecases.texting import Texting
from server.usecases.usage_audit import UsageAudit
from tests.fakes.sms import FakeSmsRoute
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.world import World, letter

ANIS, BOBS = "+37491123456", "+37493654321"
TEXT = SmsText("Ձեզ նամակ կա", (ANIS, BOBS))
BUSY, NO_PHONE = SmsNotSent("BUSY", for_good=False), SmsNotSent("INVALID_PHONE", for_good=True)


class Post(World):
    """A world whose agency may send SMS."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.notices = replace(self.notices, sms_permitted=True)
        self.uow.committed.sender_addresses[self.notices.id] = self.notices
        self.sms = FakeSmsRoute()
        self.desk_of_sms = self.new_desk()
        self.work = SenderSmsWork(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=AM,
            texting=Texting(uow=self.uow, clock=self.clock, route=self.sms),
        )
        self.reports = SmsReportDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            told={TextKind.SENDER: self.work.reported},
        )

    def new_desk(
        self, *, offered: bool = True, refusals_per_minute: int = 600, a_day: int = 10_000
    ) -> SenderSmsDesk:
        return SenderSmsDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=AM,
            host_names=self.host_names,
            offered=offered,
            refusals_per_minute=refusals_per_minute,
            a_day=a_day,
        )

    async def send(
        self,
        request_id: str = "1",
        *,
        caller: Sender | None = None,
        sender: str = "notices@src.am",
        sms: SmsText = TEXT,
    ) -> Sequence[SenderSms]:
        return await self.desk_of_sms.send(SendSms(caller or self.agency, request_id, sender, sms))

    async def run(self, *, attempt: int = 1, keep: bool = False) -> None:
        """Does the jobs there are."""
        handlers = {SEND_SMS: self.work.send, SMS_REPORT: self.reports.look_at}
        for kind, handler in handlers.items():
            for job in [each for each in self.uow.committed.jobs.values() if each.kind == kind.name]:
                is_last = attempt >= kind.retries.attempts
                await handler(RunningJob(job.id, job.arguments, attempt, is_last))
                if not keep:
                    self.uow.committed.jobs.pop(job.id)

    async def report(self, segment_id: str, failure: str = "") -> None:
        await self.reports.take(DeliveryReport(segment_id, "", failure))
        await self.run()

    async def listed(self, caller: Sender | None = None, **wanted: object) -> list[SenderSms]:
        chosen = SmsFilter(**wanted)  # type: ignore[arg-type]
        page = await self.desk_of_sms.list_sms(ListSms(caller or self.agency, 0, "", chosen))
        return list(page.items)

    async def seen(self, sms: SenderSms, caller: Sender) -> list[str]:
        """Returns the events of a short message's evidence as a sender may see it."""
        names = []
        for evidence_id in (sms.acceptance_id, *sms.later_evidence):
            await self.evidence.receipt(GetReceipt(caller, evidence_id, 0))
            names.append(self.fact(evidence_id).event.name)
        return names

    def recorded(self) -> list[EvidenceDocument]:
        own = (events.SMS_ACCEPTED, events.SMS_SENT, events.SMS_DELIVERED, events.SMS_FAILED)
        return [EvidenceDocument.parse(each.data) for each in self.uow.committed.queue if each.event in own]


@pytest.fixture
def post() -> Post:
    return Post()


async def test_a_text_goes_to_each_phone_alone_and_its_results_are_evidence(post: Post) -> None:
    sent = await post.send()
    assert post.log.wakes == 1
    await post.run(keep=True)
    await post.run()  # a second run sends nothing
    assert [to for to, _ in post.sms.taken] == [ANIS, BOBS]
    await post.report("1")
    await post.report("1", "EXPIRED")
    await post.report("2", "UNDELIVERABLE")

    found = {each.phone: each for each in await post.listed()}
    assert [each.id for each in sent] == [found[ANIS].id, found[BOBS].id]
    assert (found[ANIS].state, found[ANIS].why) == (SmsState.DELIVERED, "")
    assert (found[BOBS].state, found[BOBS].why) == (SmsState.FAILED, "UNDELIVERABLE")
    assert await post.seen(found[ANIS], post.agency) == ["SmsAccepted", "SmsSent", "SmsDelivered"]
    assert await post.seen(found[BOBS], post.agency) == ["SmsAccepted", "SmsSent", "SmsFailed"]
    accepted = post.recorded()[0]
    assert isinstance(accepted.details, SmsAcceptedDetails)
    assert (accepted.recipient.identifier, accepted.delivery_id, accepted.details.consignment) == (
        ANIS, None, None,
    )  # fmt: skip
    assert accepted.parts[0].digest == hashlib.sha256(TEXT.text.encode()).digest()
    assert accepted.details.segments == 1
    assert TEXT.text.encode() not in accepted.encode()


async def test_a_text_goes_with_a_submission_in_one_transaction_and_notifies_nobody(post: Post) -> None:
    post.uow.next_commit = LostCommit.DROPPED
    with pytest.raises(Refused):
        await post.submit(replace(letter("lost"), sms=TEXT))
    assert post.uow.committed.sender_texts == {}

    (outcome,) = await post.submit(replace(letter(), sms=TEXT))
    assert isinstance(outcome, Accepted)
    assert [fact.event for fact in outcome.evidence] == [
        events.SUBMISSION_ACCEPTANCE,
        events.CONTENT_CONSIGNMENT,
    ]
    (again,) = await post.submit(replace(letter(), sms=TEXT))
    assert again == outcome
    (other,) = await post.submit(replace(letter(), sms=replace(TEXT, text="Another")))
    assert isinstance(other, RequestIdReused)
    await post.run()
    await post.report("1")

    found = await post.listed(delivery_id=outcome.delivery.id)
    assert {each.state for each in found} == {SmsState.DELIVERED, SmsState.SENT}
    details = [each.details for each in post.recorded() if each.event is events.SMS_ACCEPTED]
    digest = outcome.evidence[1].entry.hex()
    assert [each.consignment for each in details if isinstance(each, SmsAcceptedDetails)] == [digest] * 2
    assert post.delivery(outcome.delivery.id).state is DeliveryState.CONSIGNED
    async with post.uow.reading() as tx:
        facts = await tx.evidence.of_delivery(outcome.delivery.mailbox_id, outcome.delivery.id)
    assert [fact.event for fact in facts] == [fact.event for fact in outcome.evidence]


async def test_a_submission_without_sms_writes_nothing_more(post: Post) -> None:
    await post.delivered()
    assert post.uow.committed.sender_texts == {}
    assert post.uow.committed.jobs == {}
    assert len(post.uow.committed.queue) == 2


def forbidding(post: Post, what: str) -> None:
    match what:
        case "flag":
            post.uow.committed.sender_addresses[post.notices.id] = replace(post.notices, sms_permitted=False)
        case "suspended":
            post.suspend(post.notices)
        case "contract":
            post.contract(post.src, ContractState.ENDED)
        case "gateway":
            post.desk_of_sms = post.new_desk(offered=False)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("flag", Reason.SMS_NOT_PERMITTED),
        ("suspended", Reason.SENDER_SUSPENDED),
        ("contract", Reason.CONTRACT_NOT_IN_FORCE),
        ("gateway", Reason.SMS_NOT_OFFERED),
        ("network", Reason.NETWORK_NOT_PERMITTED),
        ("address", Reason.SENDER_NOT_PERMITTED),
    ],
)
async def test_a_refusal_leaves_evidence_and_stays(post: Post, what: str, reason: Reason) -> None:
    forbidding(post, what)
    caller = post.sender(post.src, at="127.0.0.9") if what == "network" else post.agency
    sender = "post@cadastre.am" if what == "address" else "notices@src.am"
    with pytest.raises(Refused) as told:
        await post.send(caller=caller, sender=sender)
    with pytest.raises(Refused) as again:
        await post.send(caller=caller, sender=sender)
    assert (told.value.reason, again.value.reason) == (reason, reason)
    assert again.value.evidence_id == told.value.evidence_id
    assert REASONS[reason].recorded
    (fact,) = post.uow.committed.queue
    document = EvidenceDocument.parse(fact.data)
    assert told.value.evidence_id == fact.id
    assert (document.event, document.reason) == (events.SUBMISSION_REJECTION, reason.value)
    assert document.recipient.identifier == ANIS
    listed = f"{ANIS}\n{BOBS}\n".encode()
    assert document.parts[1].digest == hashlib.sha256(listed).digest()
    assert (await post.listed(), post.uow.committed.jobs) == ([], {})


@pytest.mark.parametrize("what", ["flag", "suspended", "contract"])
async def test_a_submission_whose_sms_is_not_permitted_is_refused_as_a_whole(post: Post, what: str) -> None:
    forbidding(post, what)
    (outcome,) = await post.submit(replace(letter(), sms=TEXT))
    assert isinstance(outcome, Refused)
    assert outcome.evidence_id is not None
    assert post.uow.committed.deliveries == {}
    assert await post.listed() == []


async def test_refusals_over_the_limit_leave_nothing(post: Post) -> None:
    forbidding(post, "flag")
    post.desk_of_sms = post.new_desk(refusals_per_minute=1)
    with pytest.raises(Refused):
        await post.send("1")
    with pytest.raises(TooManyRefusals):
        await post.send("2")
    assert len(post.uow.committed.queue) == 1


async def test_one_request_id_has_one_outcome(post: Post) -> None:
    first = await post.send()
    assert await post.send() == first
    with pytest.raises(RequestIdReused):
        await post.send(sms=replace(TEXT, phones=(ANIS,)))
    await post.delivered("letter")
    with pytest.raises(RequestIdReused):
        await post.send("letter")
    assert len(post.uow.committed.sender_texts) == 2


async def test_only_who_sent_it_sees_it(post: Post) -> None:
    (sms, _) = await post.send()
    colleague = post.sender(post.src, post.info, at="127.0.0.2")
    for caller in (post.sender(post.other), colleague):
        assert await post.listed(caller) == []
        with pytest.raises(Refused):
            await post.seen(sms, caller)
    with pytest.raises(SenderNotPermitted):
        await post.send(caller=colleague)
    assert await post.seen(sms, post.sender(post.src, post.notices)) == ["SmsAccepted"]


async def test_what_no_centre_takes_is_tried_again_and_fails_in_the_end(post: Post) -> None:
    await post.send(sms=replace(TEXT, phones=(ANIS,)))
    post.sms.answers = [BUSY, NO_PHONE]
    with pytest.raises(JobFailed, match="BUSY"):
        await post.run()
    await post.run()
    (sms,) = await post.listed(states=frozenset({SmsState.FAILED}))
    assert sms.why == "INVALID_PHONE"
    assert post.recorded()[-1].event is events.SMS_FAILED


async def test_words_are_forgotten_and_what_has_none_any_more_fails(post: Post) -> None:
    await post.send(sms=replace(TEXT, phones=(ANIS,)))
    post.clock.move(TEXTS_KEPT + timedelta(seconds=1))
    assert await Forgetting(uow=post.uow, clock=post.clock, retention=AM.retention).work_off()
    await post.run()
    (sms,) = await post.listed()
    assert (sms.text, sms.state, sms.why) == (None, SmsState.FAILED, "TOO_LATE")


async def test_pages_lead_through_all(post: Post) -> None:
    for number in range(3):
        await post.send(str(number))
    found: list[SenderSms] = []
    token = ""
    while True:
        page = await post.desk_of_sms.list_sms(ListSms(post.agency, 4, token, SmsFilter()))
        found += page.items
        if not (token := page.next_page_token):
            break
    assert [each.request_id for each in found] == ["2", "2", "1", "1", "0", "0"]
    assert len(await post.listed(request_id="1")) == 2


async def test_they_are_billed_apart_and_recounted_from_the_evidence(post: Post) -> None:
    await post.send("1")
    await post.submit(replace(letter("2"), sms=replace(TEXT, text="ա" * 71)))
    await post.run()
    await post.report("1", "EXPIRED")  # whatever becomes of them
    post.clock.move(timedelta(minutes=2))
    today = post.clock.now().date()
    days = (today - timedelta(days=1), today + timedelta(days=1))

    billing = Billing(uow=post.uow, profile=AM)
    report = await billing.usage(AskUsage(post.agency, None, None, *days))
    assert report.total == Usage(accepted=1, sms=4, sms_segments=6)

    audit = UsageAudit(uow=post.uow, clock=post.clock, profile=AM)
    assert (await audit.run(*days)).differences == ()
    kept = post.uow.committed.sender_texts
    sms_id = next(iter(kept))
    kept[sms_id] = replace(kept[sms_id], segments=5)
    (difference,) = (await audit.run(*days)).differences
    assert (difference.billed.sms_segments, difference.evidenced.sms_segments) == (10, 6)
