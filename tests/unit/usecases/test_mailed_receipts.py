"""Receipts by mail: of what came in by mail, of what is proved, and to nobody else."""

from dataclasses import replace
from email.message import EmailMessage
from typing import cast
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.document import RecordedFact
from server.domain.deliveries import Delivery
from server.domain.jobs import MAIL_RECEIPT, JobFailed, RunningJob
from server.domain.mail_origins import MailChecks, MailOrigin
from server.domain.receipt_texts import TEXTS
from server.gateways.receipt_mails import ReceiptMails
from server.jurisdictions import PROFILES
from server.jurisdictions.am import AM
from server.usecases.forwarding_ports import MailNotSent
from server.usecases.mailed_receipts import MailedReceipts
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage
from server.usecases.submission import Accepted
from tests.fakes.mail import FakeMailRoute
from tests.unit.usecases.forwarding_world import NAMES
from tests.unit.usecases.world import ANI, ANI_ADDRESS, World, letter

MESSAGE_ID = f"<{'x' * 200}@src.am>"


class Post(World):
    """A post that mails receipts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mail = FakeMailRoute()
        self.receipts = MailedReceipts(
            uow=self.uow, log=self.log, composer=ReceiptMails(NAMES, AM.languages), route=self.mail
        )

    async def mailed(self, request_id: str = "1", *, receipts: bool = True) -> Delivery:
        asked = replace(letter(request_id), mail=MailOrigin(MESSAGE_ID), receipts_by_mail=receipts)
        (outcome,) = await self.submit(asked)
        assert isinstance(outcome, Accepted)
        return outcome.delivery

    async def run(self, *, keep: bool = False) -> None:
        for job in list(self.uow.committed.jobs.values()):
            assert job.kind == MAIL_RECEIPT.name
            await self.receipts.send(RunningJob(job.id, job.arguments, 1, False))
            if not keep:
                del self.uow.committed.jobs[job.id]

    async def confirmed(self, delivery: Delivery) -> None:
        await self.reading.open_message(OpenMessage(self.ani, delivery.id))
        statement = await self.reading.issue_statement(IssueStatement(self.ani, delivery.id))
        cms = self.cards.sign(ANI, statement.text)
        await self.reading.confirm_reading(ConfirmReading(self.ani, delivery.id, statement.id, cms))


@pytest.fixture
def post() -> Post:
    return Post()


def attached(mail: EmailMessage) -> dict[str, bytes]:
    """Returns what a mail carries, by name, each checked to be evidence."""
    found = {str(part.get_filename()): cast(bytes, part.get_content()) for part in mail.iter_attachments()}
    for content in found.values():
        RecordedFact.parse(content)
    return found


async def test_the_sender_gets_what_proves_acceptance_and_consignment_in_answer_to_the_mail(
    post: Post,
) -> None:
    delivery = await post.mailed()
    await post.run()
    (sent,) = post.mail.sent
    assert (sent.bounces_to, sent.to) == ("", "notices@src.am")
    mail = sent.message
    assert (mail["To"], mail["In-Reply-To"], mail["References"]) == ("notices@src.am", MESSAGE_ID, MESSAGE_ID)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert delivery.subject not in mail.as_string()
    subject = TEXTS["hy"].subjects["ContentConsignment"].format(recipient=delivery.recipient)
    assert mail["Subject"] == subject
    names = ("SubmissionAcceptance", "ContentConsignment")
    wanted = [f"{delivery.id}-{name}.{end}" for name in names for end in ("tlog-proof", "json")]
    assert list(attached(mail)) == wanted
    said = mail.get_body()
    assert said is not None
    text = said.get_content()
    for words in (ANI_ADDRESS, str(delivery.id), "22.11.2026 03:42:45", "accepted", "принято", "ընդունվել"):
        assert words in text


async def test_nobody_gets_receipts_by_mail_who_did_not_send_by_mail_or_is_a_program(post: Post) -> None:
    await post.confirmed(await post.delivered("by-API"))
    by_program = await post.mailed("by-program", receipts=False)
    await post.confirmed(by_program)
    assert not post.uow.committed.jobs
    assert post.uow.committed.mail_origins == {(by_program.mailbox_id, by_program.id): MailOrigin(MESSAGE_ID)}


async def test_what_was_found_of_the_mail_stands_in_receipts_that_are_written_after_it_is_known(
    post: Post,
) -> None:
    delivery = await post.mailed()
    await post.run()
    async with post.uow.writing() as tx:
        key = delivery.mailbox_id, delivery.id
        await tx.mail_origins.set_checks([key], MailChecks("none", "", "softfail", "src.am"))
        await tx.commit()
    await post.confirmed(delivery)
    await post.run()
    bodies = [sent.message.get_body() for sent in post.mail.sent]
    before, after = (body.get_content() for body in bodies if body is not None)
    assert "SPF" not in before
    assert "DKIM none, SPF softfail (src.am)" in after
    assert "DKIM — none, SPF — softfail (src.am)" in after


async def test_a_repeated_mail_has_no_receipts_again(post: Post) -> None:
    await post.mailed()
    await post.run()
    await post.mailed()
    assert not post.uow.committed.jobs


async def test_a_confirmation_that_notifies_is_one_mail_and_an_opening_none(post: Post) -> None:
    delivery = await post.mailed()
    await post.run()
    await post.confirmed(delivery)
    await post.run()
    _, sent = post.mail.sent
    names = {name.rpartition(".")[0].removeprefix(f"{delivery.id}-") for name in attached(sent.message)}
    assert names == {events.READING_CONFIRMED.name, events.NOTIFICATION_EFFECTED.name}
    assert sent.message["Subject"] == TEXTS["hy"].subjects["NotificationEffected"].format(
        recipient=ANI_ADDRESS
    )


async def test_a_mail_that_is_sent_twice_is_the_same_one_and_each_receipt_another(post: Post) -> None:
    delivery = await post.mailed()
    await post.run(keep=True)
    await post.run()
    await post.confirmed(delivery)
    await post.run()
    first, again, other = (sent.message["Message-ID"] for sent in post.mail.sent)
    assert first == again != other


async def test_what_is_not_proved_yet_is_not_told(post: Post) -> None:
    await post.mailed()
    post.log.withheld = {fact.id for fact in post.uow.committed.evidence.values()}
    with pytest.raises(JobFailed, match="NOT_PROVED_YET") as failed:
        await post.run()
    assert not failed.value.for_good
    assert not post.mail.sent
    post.log.withheld = set()
    await post.run()
    assert len(post.mail.sent) == 1


async def test_who_can_not_be_reached_is_tried_again_and_who_takes_no_mail_is_let_be(post: Post) -> None:
    await post.mailed()
    post.mail.failing = MailNotSent("BUSY", for_good=False)
    with pytest.raises(JobFailed, match="BUSY"):
        await post.run()
    post.mail.failing = MailNotSent("REFUSED", for_good=True)
    await post.run()
    assert not post.uow.committed.jobs
    assert not post.mail.sent


async def test_a_mail_without_a_message_id_is_answered_without_naming_it(post: Post) -> None:
    (outcome,) = await post.submit(replace(letter(), mail=MailOrigin(None), receipts_by_mail=True))
    assert isinstance(outcome, Accepted)
    await post.run()
    assert post.mail.sent[0].message["In-Reply-To"] is None


def test_every_jurisdiction_has_texts_in_all_its_languages_for_the_same_things() -> None:
    assert {each for profile in PROFILES.values() for each in profile.languages} <= TEXTS.keys()
    wanted = TEXTS["en"]
    for texts in TEXTS.values():
        assert (texts.subjects.keys(), texts.said.keys()) == (wanted.subjects.keys(), wanted.said.keys())
        for name in wanted.said:
            assert texts.said[name].format(sender="S", recipient="R", time="T").count("R") >= 1
            assert "R" in texts.subjects[name].format(recipient="R")
        assert str(UUID(int=1)) in texts.delivery.format(delivery=UUID(int=1))
