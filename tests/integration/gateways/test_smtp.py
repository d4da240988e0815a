"""Mail over a real SMTP server: taken, refused, put off, and never sent where it could be read on the way."""

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import dkim
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.domain.forwarding import ForwardedContent, ForwardingTarget, TargetKind
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.gateways import smtp
from server.gateways.dkim_key import DkimKey
from server.gateways.forwarded_mails import ForwardedMails, MailNames
from server.gateways.smtp import SmtpRoute, SmtpSettings
from server.usecases.forwarding_ports import MailNotSent
from tests.contracts import examples
from tests.contracts.examples import NOON

NAMES = MailNames(
    "no-reply@post.example.am", "Փոստ", "post.example.am", "bounces@post.example.am", "", "Asia/Yerevan"
)
TO = "ani@example.am"
SECONDS = 60.0


class Clock:
    def now(self) -> Any:
        return NOON


class Post:
    """A mail server's rules: what it answers, and what it took."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.connections: list[Connection] = []
        self.taken: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.silent = asyncio.Event()
        self.farewell = ""
        self.stays = False
        self.leaving = asyncio.Event()
        self.left = asyncio.Event()

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "silence":
            await self.silent.wait()
        if answer.startswith("2"):
            self.taken.append(envelope)
            self.encrypted.append(session.ssl is not None)
        return answer

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        self.leaving.set()
        if self.stays:
            await self.silent.wait()
        return "221 Bye"

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.farewell:
            answer, self.farewell = self.farewell, ""
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address.startswith("grey"):
            return "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Connection(SMTP):
    """A connection whose end is told."""

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self.event_handler is not None:
            self.event_handler.left.set()


@pytest.fixture
def post() -> Post:
    return Post()


@contextlib.asynccontextmanager
async def serving(post: Post, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        post.connections.append(Connection(post, tls_context=context, enable_SMTPUTF8=True, loop=loop))
        return post.connections[-1]

    server = await loop.create_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        post.silent.set()
        server.close()
        await server.wait_closed()


def route(port: int, trusted: Path | None, key: DkimKey | None = None, **changes: Any) -> SmtpRoute:
    context = ssl.create_default_context(cafile=None if trusted is None else str(trusted))
    settings = SmtpSettings("127.0.0.1", port, "starttls", context, "post.example.am", timeout=SECONDS)
    return SmtpRoute(replace(settings, **changes), key)


@contextlib.asynccontextmanager
async def kept(sender: SmtpRoute) -> AsyncIterator[SmtpRoute]:
    try:
        yield sender
    finally:
        sender.close()


def mail() -> bytes:
    target = ForwardingTarget(
        examples.new_id(), examples.new_id(), TargetKind.EMAIL, TO, "hy", ForwardedContent.NOTICE, NOON
    )
    mailbox = Mailbox(
        target.mailbox_id,
        "5001950015@e-citizen.am",
        HolderKind.PERSON,
        "5001950015",
        MailboxState.OPEN,
        NOON,
    )
    return ForwardedMails(NAMES, Clock()).code(target, mailbox, "012345")


async def refused(sender: SmtpRoute, to: str = TO) -> tuple[str, bool]:
    with pytest.raises(MailNotSent) as failed:
        await sender.send(mail(), bounces_to="", to=to)
    return failed.value.reason, failed.value.for_good


async def test_mail_is_handed_over_encrypted_and_signed(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    path, context = certificate
    async with serving(post, context) as port:
        signed = DkimKey("post.example.am", "2026", pem)
        await route(port, path, signed).send(mail(), bounces_to="bounces+1@post.example.am", to=TO)

    (envelope,) = post.taken
    content = envelope.original_content
    assert content is not None
    assert post.encrypted == [True]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bounces+1@post.example.am", [TO])

    def record(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"2026._domainkey.post.example.am."
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    assert dkim.verify(content, dnsfunc=record)
    assert not dkim.verify(content.replace(b"Subject:", b"Subject: not"), dnsfunc=record)
    read = message_from_bytes(content)
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Message-ID"].endswith("@post.example.am>")


async def test_a_server_puts_off_or_refuses(post: Post, certificate: tuple[Path, ssl.SSLContext]) -> None:
    path, context = certificate
    async with serving(post, context) as port:
        sender = route(port, path)
        post.answers = ["451 4.3.0 later", "554 5.7.1 no", "552 5.3.4 too big", "250 OK"]
        found = [await refused(sender), await refused(sender), await refused(sender)]
        await sender.send(mail(), bounces_to="", to=TO)
        found += [await refused(sender, "nobody@example.am"), await refused(sender, "grey@example.am")]

    assert found == [
        ("BUSY", False),
        ("REFUSED", True),
        ("TOO_LARGE", True),
        ("REFUSED", True),
        ("BUSY", False),
    ]
    assert len(post.taken) == 1
    assert post.taken[0].mail_from == "<>"


async def test_mails_share_a_connection_until_it_had_its_share(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    async with serving(post, context) as port, kept(route(port, path, mails=3)) as sender:
        post.answers = ["250 OK", "554 5.7.1 no", "451 4.3.0 later", "250 OK"]
        await sender.send(mail(), bounces_to="", to=TO)
        refusals = [await refused(sender), await refused(sender, "nobody@example.am"), await refused(sender)]
        await sender.send(mail(), bounces_to="", to=TO)
        connections = len(post.connections)

    assert refusals == [("REFUSED", True), ("REFUSED", True), ("BUSY", False)]
    assert (connections, len(post.taken)) == (2, 2)


async def test_a_kept_connection_that_the_server_has_closed_costs_no_mail(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    async with serving(post, context) as port, kept(route(port, path)) as sender:
        await sender.send(mail(), bounces_to="", to=TO)
        (connection,) = post.connections
        assert connection.transport is not None
        connection.transport.close()
        await sender.send(mail(), bounces_to="", to=TO)
        # A server that says goodbye in answer to the next mail.
        post.farewell = "421 4.3.2 going away"
        await sender.send(mail(), bounces_to="", to=TO)
        connections = len(post.connections)

    assert (connections, len(post.taken)) == (3, 3)


async def test_a_new_connection_whose_server_says_goodbye_is_not_tried_twice(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    async with serving(post, context) as port, kept(route(port, path)) as sender:
        post.farewell = "421 4.3.2 going away"
        found = await refused(sender)
        connections = len(post.connections)

    assert found == ("BUSY", False)
    assert (connections, post.taken) == (1, [])


async def test_a_mail_that_was_taken_is_sent_whatever_becomes_of_the_goodbye(
    post: Post, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    post.stays = True
    monkeypatch.setattr(smtp, "_QUIT_SECONDS", 3600.0)
    loop = asyncio.get_running_loop()
    time = loop.time
    async with serving(post, context) as port, kept(route(port, path, mails=1)) as sender:
        sending = asyncio.create_task(sender.send(mail(), bounces_to="", to=TO))
        await post.leaving.wait()
        # All the time that the mail itself may take is over.
        monkeypatch.setattr(loop, "time", lambda: time() + 4 * SECONDS + 1)
        for _ in range(3):
            await asyncio.sleep(0)
        post.silent.set()
        await sending

    assert len(post.taken) == 1


async def test_a_connection_that_has_nothing_to_do_is_closed(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    async with serving(post, context) as port:
        await route(port, path, idle=0.0).send(mail(), bounces_to="", to=TO)
        await asyncio.wait_for(post.left.wait(), 60)


async def test_nothing_is_sent_where_it_could_be_read_on_the_way(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    async with serving(post, None) as port:
        without = await refused(route(port, path))
    async with serving(post, context) as port:
        untrusted = await refused(route(port, None))

    assert without == untrusted == ("TLS_FAILED", False)
    assert post.taken == []


async def test_a_server_that_is_away_or_silent_is_asked_again(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = await refused(route(taken.getsockname()[1], path))
    async with serving(post, context) as port:
        post.answers = ["silence"]
        silent = await refused(route(port, path, timeout=0.3))

    assert away == silent == ("UNREACHABLE", False)


async def test_a_mail_that_is_too_large_is_not_offered(
    post: Post, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, context = certificate
    async with serving(post, context) as port:
        assert await refused(route(port, path, size_limit=100)) == ("TOO_LARGE", True)
    assert post.taken == []
