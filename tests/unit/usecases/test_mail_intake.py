"""Mails on their way into the intake, where a running listener could show it only by chance."""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from server.domain.caller import NO_CERTIFICATE, Caller, IpAddress
from server.domain.inbound_mail import InboundMail, read_mail
from server.domain.mailboxes import MailboxState
from server.domain.refusals import (
    MailboxClosed,
    MailboxUnknown,
    Overloaded,
    RoleNotPermitted,
    SenderNotPermitted,
    ServiceUnavailable,
)
from server.jurisdictions.am import AM
from server.usecases.mail_intake import MailIntake, MailSender, Undecided
from server.usecases.mail_register import MailRegister
from server.usecases.submission import Outcome, SubmissionDesk, SubmitMany
from tests.unit.usecases.world import ANI_ADDRESS, BOB, ENTITY_ADDRESS, World

HERE = ipaddress.ip_address("127.0.0.1")
BOB_ADDRESS = f"{BOB}@e-citizen.am"


class Certificates:
    """Knows who stands behind each certificate."""

    def __init__(self) -> None:
        self.callers: dict[bytes, Caller] = {}

    async def identify(self, certificate: bytes, address: IpAddress) -> Caller:
        return self.callers[certificate]


class Interrupting:
    """Submissions before each of which something happens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.before: list[Outcome | None] = []

    async def submit_many(self, command: SubmitMany) -> Sequence[Outcome]:
        if self.before and (outcome := self.before.pop(0)) is not None:
            raise cast(Exception, outcome)
        return await self._world.submissions.submit_many(command)


class Desk:
    """A mail intake over the post in memory."""

    def __init__(self) -> None:
        self.world = World()
        self.certificates = Certificates()
        self.submissions = Interrupting(self.world)
        self.intake = MailIntake(
            register=MailRegister(self.world.uow, confirmed_only=False),
            submissions=cast(SubmissionDesk, self.submissions),
            identity=self.certificates,
            host_names=self.world.host_names,
            profile=AM,
            receipts=True,
        )

    async def sender(self, *, at: IpAddress = HERE, certificate: bytes | None = None) -> MailSender:
        return await self.intake.sender(certificate, at, "Notices@SRC.am")


def mail(number: str = "1", text: str = "Text") -> InboundMail:
    written = f"From: notices@src.am\r\nSubject: s\r\nMessage-ID: <{number}@src.am>\r\n\r\n{text}"
    return read_mail(written.encode(), "notices@src.am", AM)


async def test_a_mail_without_a_certificate_is_its_registered_organisation_s() -> None:
    desk = Desk()
    sender = await desk.sender()
    assert (sender.address, sender.in_place) == ("notices@src.am", True)
    assert sender.caller.organisation_id == desk.world.src.id
    assert sender.caller.connection.certificate_sha256 == NO_CERTIFICATE
    (accepted,) = await desk.intake.submit(sender, mail(), [ANI_ADDRESS])
    assert accepted.delivery.sender_address_id == desk.world.notices.id


async def test_nobody_sees_from_elsewhere_which_mailboxes_there_are() -> None:
    desk = Desk()
    elsewhere = await desk.sender(at=ipaddress.ip_address("127.0.0.9"))
    assert not elsewhere.in_place
    assert await desk.intake.recipient(elsewhere, "22335589@e-citizen.am") == "22335589@e-citizen.am"
    with pytest.raises(MailboxUnknown):
        await desk.intake.recipient(await desk.sender(), "22335589@e-citizen.am")


async def test_a_host_name_of_the_address_is_looked_up_before_any_recipient() -> None:
    desk = Desk()
    desk.world.named_host(desk.world.notices, "mail.src.am", "127.0.0.9")
    assert (await desk.sender(at=ipaddress.ip_address("127.0.0.9"))).in_place
    desk.world.host_names.failing.add("other.src.am")
    desk.world.named_host(desk.world.notices, "other.src.am", "127.0.0.8")
    assert not (await desk.sender(at=ipaddress.ip_address("127.0.0.8"))).in_place


async def test_a_certificate_of_something_else_than_a_sender_sends_nothing() -> None:
    desk = Desk()
    desk.certificates.callers = {b"ani": desk.world.ani, b"other": desk.world.sender(desk.world.other)}
    with pytest.raises(RoleNotPermitted):
        await desk.sender(certificate=b"ani")
    sender = await desk.sender(certificate=b"other")
    assert not sender.in_place
    with pytest.raises(SenderNotPermitted):
        await desk.intake.submit(sender, mail(), [ANI_ADDRESS])


async def test_a_mail_that_waited_long_needs_no_certificate_all_the_same() -> None:
    desk = Desk()
    sender = await desk.sender()

    async def wait(claimed: set[str], hurried: bool) -> None:
        desk.world.clock.move(timedelta(minutes=1))

    desk.world.uow.after_locks = wait  # type: ignore[method-assign]
    assert len(await desk.intake.submit(sender, mail(), [ANI_ADDRESS])) == 1


async def test_nothing_is_stored_where_one_recipient_can_not_receive_any_more() -> None:
    desk = Desk()
    sender = await desk.sender()
    closed = replace(desk.world.bob_box, state=MailboxState.CLOSED)
    desk.world.uow.committed.mailboxes[closed.id] = closed
    with pytest.raises(MailboxClosed):
        await desk.intake.submit(sender, mail(), [ANI_ADDRESS, BOB_ADDRESS])
    assert not desk.world.uow.committed.deliveries


async def test_where_some_have_it_the_same_mail_again_gives_it_to_the_others_once() -> None:
    desk = Desk()
    sender, large = await desk.sender(), mail(text="x\r\n" * 400_000)
    desk.submissions.before = [None, None, Overloaded("post")]
    to = [ANI_ADDRESS, BOB_ADDRESS, ENTITY_ADDRESS]
    with pytest.raises(Undecided) as caught:
        await desk.intake.submit(sender, large, to)
    assert (caught.value.accepted, len(caught.value.refused), caught.value.passing) == (2, 1, True)
    assert len(await desk.intake.submit(sender, large, to)) == 3
    assert len(desk.world.uow.committed.deliveries) == 3


async def test_another_mail_under_the_same_name_is_refused_for_who_has_the_first() -> None:
    desk = Desk()
    sender = await desk.sender()
    await desk.intake.submit(sender, mail(), [ANI_ADDRESS])
    with pytest.raises(Undecided) as caught:
        await desk.intake.submit(sender, mail(text="Other"), [ANI_ADDRESS, BOB_ADDRESS])
    assert not caught.value.passing


async def test_what_passes_is_told_before_what_does_not() -> None:
    desk = Desk()
    sender, large = await desk.sender(), mail(text="x\r\n" * 400_000)
    desk.submissions.before = [SenderNotPermitted("notices@src.am"), ServiceUnavailable("database")]
    with pytest.raises(ServiceUnavailable):
        await desk.intake.submit(sender, large, [ANI_ADDRESS, BOB_ADDRESS])
