"""What is found out about a mail behind its answer: kept beside its deliveries, and never in the way."""

import asyncio
import ipaddress
from typing import Any

import pytest
import structlog
from aiosmtpd.smtp import Envelope

from server.domain.caller import IpAddress
from server.domain.inbound_mail import SignatureResult
from server.domain.mail_origins import MailChecks, MailOrigin
from server.domain.spf import SpfResult
from server.jurisdictions.am import AM
from server.smtp.desk import MailDesk
from server.usecases import mail_checks
from server.usecases.mail_checks import KeptMailChecks, MailLooks
from server.usecases.spf_check import SpfIdentity
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


class Policies:
    """Say what they are told to say; keep who asked."""

    def __init__(self, said: SpfResult = SpfResult.SOFTFAIL) -> None:
        self.said = said
        self.asked: list[tuple[IpAddress, SpfIdentity]] = []

    async def of(self, client: IpAddress, identity: SpfIdentity) -> SpfResult:
        self.asked.append((client, identity))
        return self.said


async def answered(post: Desk, signatures: Signatures, policies: Policies | None) -> tuple[str, MailLooks]:
    """Returns the answer to a mail to two recipients, which comes before anybody looks."""
    looks = MailLooks(signatures, policies, KeptMailChecks(post.world.uow))
    envelope: Any = Envelope()
    envelope.sender, envelope.rcpt_tos = await post.sender(), [ANI_ADDRESS, BOB_ADDRESS]
    envelope.identity = SpfIdentity.of("notices@src.am", "mail.src.am")
    answer = await MailDesk(post.intake, looks, AM, 10).take(envelope, MAIL)
    return answer, looks


async def looked(looks: MailLooks, signatures: Signatures) -> None:
    signatures.may_look.set()
    await looks.settle()


async def test_what_is_found_is_kept_for_every_delivery_of_its_mail() -> None:
    post, signatures, policies = Desk(), Signatures("pass", "src.am"), Policies()
    answer, looks = await answered(post, signatures, policies)
    assert answer.startswith("250")
    assert {each.checks for each in post.world.uow.committed.mail_origins.values()} == {None}
    await looked(looks, signatures)
    origin = MailOrigin("<1@src.am>", MailChecks("pass", "src.am", "softfail", "src.am"))
    assert list(post.world.uow.committed.mail_origins.values()) == [origin] * 2
    assert policies.asked == [
        (ipaddress.ip_address("127.0.0.1"), SpfIdentity("notices", "src.am", "mail.src.am"))
    ]


async def test_where_spf_is_not_looked_at_nothing_stands_for_it() -> None:
    post, signatures = Desk(), Signatures("none", "")
    _, looks = await answered(post, signatures, None)
    await looked(looks, signatures)
    origin = MailOrigin("<1@src.am>", MailChecks("none", "", "", ""))
    assert list(post.world.uow.committed.mail_origins.values()) == [origin] * 2


async def test_what_is_found_of_many_mails_at_once_is_written_together() -> None:
    post, signatures = Desk(), Signatures("none", "")
    _, looks = await answered(post, signatures, Policies())
    for _ in range(9):
        await answered_again(post, looks)
    commits = post.world.uow.commits
    await looked(looks, signatures)
    assert commits < post.world.uow.commits <= commits + 2


async def answered_again(post: Desk, looks: MailLooks) -> None:
    envelope: Any = Envelope()
    envelope.sender, envelope.rcpt_tos = await post.sender(), [ANI_ADDRESS]
    envelope.identity = SpfIdentity.of("notices@src.am", "")
    assert (await MailDesk(post.intake, looks, AM, 10).take(envelope, MAIL)).startswith("250")


async def test_each_answer_is_told_for_counting() -> None:
    post, signatures, told = Desk(), Signatures("none", ""), list[str]()
    looks = MailLooks(signatures, None, KeptMailChecks(post.world.uow))
    desk = MailDesk(post.intake, looks, AM, 10, answered=told.append)
    envelope: Any = Envelope()
    envelope.sender, envelope.rcpt_tos = await post.sender(), [ANI_ADDRESS]
    envelope.identity = SpfIdentity.of("notices@src.am", "")
    answers = [await desk.take(envelope, content) for content in (MAIL, b"no mail")]
    await looked(looks, signatures)
    assert told == answers
    assert [answer[:3] for answer in told] == ["250", "554"]


async def test_a_database_that_does_not_answer_costs_the_note_alone() -> None:
    post, signatures = Desk(), Signatures("fail", "src.am")
    answer, looks = await answered(post, signatures, Policies())
    post.world.uow.unavailable = True
    await looked(looks, signatures)
    assert answer.startswith("250")
    assert {each.checks for each in post.world.uow.committed.mail_origins.values()} == {None}


async def test_more_than_can_be_held_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_checks, "_BYTES", 2 * len(MAIL))
    post, signatures, policies = Desk(), Signatures("none", ""), Policies()
    _, looks = await answered(post, signatures, policies)
    await answered_again(post, looks)
    with structlog.testing.capture_logs() as told:
        await answered_again(post, looks)
    assert told[-1]["event"] == "mail not looked at"
    await looked(looks, signatures)
    assert len(policies.asked) == 2
    await answered_again(post, looks)
    await looked(looks, signatures)
    assert len(policies.asked) == 3


async def test_what_is_left_at_the_end_is_let_be() -> None:
    post, signatures = Desk(), Signatures("none", "")
    _, looks = await answered(post, signatures, Policies())
    await looks.close()
    assert {each.checks for each in post.world.uow.committed.mail_origins.values()} == {None}
