"""What is found out about a mail behind its answer: kept beside its deliveries, and never in the way."""

import asyncio
from typing import Any

from aiosmtpd.smtp import Envelope

from server.domain.inbound_mail import SignatureResult
from server.domain.mail_origins import MailChecks, MailOrigin
from server.jurisdictions.am import AM
from server.smtp.desk import MailDesk
from server.usecases.mail_checks import KeptMailChecks
from tests.unit.usecases.test_mail_intake import BOB_ADDRESS, Desk
from tests.unit.usecases.world import ANI_ADDRESS

MAIL = b"From: notices@src.am\r\nSubject: s\r\nMessage-ID: <1@src.am>\r\n\r\nText"


class Signatures:
    """Finds what it is told to find, when it is told to."""

    def __init__(self, result: str, domain: str) -> None:
        self.found = SignatureResult(result, domain)
        self.may_look = asyncio.Event()

    async def of(self, mail: bytes) -> SignatureResult:
        assert mail == MAIL
        await self.may_look.wait()
        return self.found


async def answered(post: Desk, signatures: Signatures) -> tuple[str, MailDesk]:
    """Returns the answer to a mail to two recipients, which comes before anybody looks."""
    desk = MailDesk(post.intake, signatures, KeptMailChecks(post.world.uow), AM, 10)
    envelope: Any = Envelope()
    envelope.sender, envelope.rcpt_tos = await post.sender(), [ANI_ADDRESS, BOB_ADDRESS]
    return await desk.take(envelope, MAIL), desk


async def looked(desk: MailDesk, signatures: Signatures) -> None:
    signatures.may_look.set()
    await asyncio.gather(*desk._looking)


async def test_a_signature_is_kept_for_every_delivery_of_its_mail() -> None:
    post, signatures = Desk(), Signatures("pass", "src.am")
    answer, desk = await answered(post, signatures)
    assert answer.startswith("250")
    await looked(desk, signatures)
    origin = MailOrigin("<1@src.am>", MailChecks("pass", "src.am"))
    assert list(post.world.uow.committed.mail_origins.values()) == [origin] * 2


async def test_without_a_signature_nothing_is_written() -> None:
    post, signatures = Desk(), Signatures("none", "")
    _, desk = await answered(post, signatures)
    commits = post.world.uow.commits
    await looked(desk, signatures)
    assert post.world.uow.commits == commits


async def test_a_database_that_does_not_answer_costs_the_note_alone() -> None:
    post, signatures = Desk(), Signatures("fail", "src.am")
    answer, desk = await answered(post, signatures)
    post.world.uow.unavailable = True
    await looked(desk, signatures)
    assert answer.startswith("250")
    assert {each.checks for each in post.world.uow.committed.mail_origins.values()} == {None}
