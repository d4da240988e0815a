"""Copies leave by a mail server that others wrote, Postfix, and what it can't deliver comes back. Nothing is
faked but the targets' own server.
"""

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import dkim
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from server.bootstrap_machine import SystemClock, SystemEntropy
from server.dev.pki import DevelopmentPki
from server.domain.deliveries import Delivery
from server.domain.forwarding import ForwardingTarget, Result, TargetKind, TargetResult
from server.domain.jobs import SEND_COPY, SPREAD
from server.gateways.dkim_key import DkimKey
from server.gateways.forwarded_mails import ForwardedMails
from server.gateways.smtp import SmtpRoute
from server.gateways.smtp import SmtpSettings as Outgoing
from server.jurisdictions.am import AM
from server.smtp.desk import MailDesk
from server.smtp.listener import SmtpListener
from server.smtp.reports import ReportDesk
from server.smtp.settings import SmtpSettings
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.forwarded_mail import ForwardingWork
from server.usecases.mail_checks import MailLooks
from server.usecases.mail_intake import MailIntake
from server.usecases.mailed_copies import MailedCopies
from server.usecases.returned_copies import ReturnedCopies
from server.workers.workers import Workers, WorkerSettings
from tests import postfix_server
from tests.integration.workers.test_forwarding import registered, submitted, uow
from tests.unit.usecases.forwarding_world import NAMES

pytestmark = pytest.mark.skipif(bool(postfix_server.missing()), reason=postfix_server.missing())
__all__ = ["uow"]

DEADLINE = 60.0
HERE, GONE, GREY = "ani@example.am", "gone@example.am", "grey@example.am"


@dataclass
class Home:
    """The server of all targets: one of them is no more, and one is asked to come again."""

    taken: dict[str, Envelope] = field(default_factory=dict)
    tries: list[str] = field(default_factory=list)
    has_both: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(  # noqa: N802 - the library's names, here and below
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.tries.append(address)
        if address == GONE:
            # Not at once: a report that overtakes the record of sending is put off, which is another test's.
            if self.tries.count(GONE) < 2:
                return "450 4.2.0 greylisted"
            return "550 5.1.1 <gone@example.am>: no such user here"
        if address == GREY and self.tries.count(GREY) < 3:
            return "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.update(dict.fromkeys(envelope.rcpt_tos, envelope))
        if len(self.taken) == 2:
            self.has_both.set()
        return "250 OK"


class Reports(ReportDesk):
    """Keeps what came, and says when it was dealt with."""

    def __init__(self, returned: ReturnedCopies) -> None:
        super().__init__(returned, NAMES.bounces)
        self.taken: list[bytes] = []
        self.has_taken = asyncio.Event()

    async def take(self, token: UUID, content: bytes) -> str:
        answer = await super().take(token, content)
        self.taken.append(content)
        self.has_taken.set()
        return answer


@pytest.fixture
def place() -> Iterator[Path]:
    # No directory of pytest's: other accounts than its own may not go into those.
    with tempfile.TemporaryDirectory(prefix="namak-postfix-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
async def home() -> AsyncIterator[tuple[Home, int]]:
    rules, loop = Home(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(rules, loop=loop), "127.0.0.1", 0)
    yield rules, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    return DevelopmentPki.open(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def listener(uow: SqlUnitOfWork, pki: DevelopmentPki) -> AsyncIterator[tuple[Reports, int]]:
    """The listener that reports come to."""
    reports = Reports(
        ReturnedCopies(uow=uow, clock=SystemClock(), entropy=SystemEntropy(), log=None, profile=AM)
    )
    identity = pki.server_identity()
    assert identity.key_path is not None
    settings = SmtpSettings(
        "127.0.0.1:0", None, "localhost", identity.cert_path, identity.key_path, pki.client_roots_path
    )
    # Who sends letters is not asked for here.
    desk = MailDesk(cast(MailIntake, None), cast(MailLooks, None), AM, 10, reports)
    listening = SmtpListener(desk, settings)
    await listening.open()
    yield reports, listening.ports[0]
    await listening.close()


async def outcome(
    uow: SqlUnitOfWork, delivery: Delivery, target: ForwardingTarget
) -> tuple[list[str], TargetResult]:
    """Returns what the holder sees: the facts since the consignment, and the target's last result."""
    async with uow.reading() as tx:
        facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
        found = await tx.forwarding_targets.get(delivery.mailbox_id, target.id)
    assert found is not None
    assert found.last is not None
    return [fact.event.name for fact in facts][2:], found.last


async def test_copies_leave_by_postfix_and_what_it_can_not_deliver_comes_back(
    uow: SqlUnitOfWork,
    home: tuple[Home, int],
    listener: tuple[Reports, int],
    pki: DevelopmentPki,
    place: Path,
    module_database_url: str,
) -> None:
    (rules, home_port), (reports, listener_port) = home, listener
    signing = rsa.generate_private_key(65537, 2048)
    pem = signing.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    trusted = ssl.create_default_context(cafile=str(pki.server_root_path))
    cases = {}
    for to in (HERE, GONE, GREY):
        sender, address, mailbox, target = await registered(uow, TargetKind.EMAIL, to)
        cases[to] = await submitted(uow, sender, address, mailbox), target

    async with postfix_server.running(
        place,
        pki.server_identity("relay"),
        pki.server_root_path,
        {"example.am": home_port, "post.example.am": listener_port},
        secured=listener_port,
    ) as relay:
        route = SmtpRoute(
            Outgoing("127.0.0.1", relay.port, "starttls", trusted, "post.example.am"),
            DkimKey("post.example.am", "s", pem),
        )
        work = ForwardingWork(
            uow=uow,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            log=None,
            profile=AM,
            routes={TargetKind.EMAIL: MailedCopies(ForwardedMails(NAMES, SystemClock()), route)},
        )
        workers = Workers(
            module_database_url,
            {SPREAD: work.spread, SEND_COPY: work.send_copy},
            uow,
            SystemClock(),
            WorkerSettings(poll=timedelta(milliseconds=20)),
        )
        working = asyncio.create_task(workers.run())
        try:
            async with asyncio.timeout(DEADLINE):
                await rules.has_both.wait()
                await reports.has_taken.wait()
        except TimeoutError:
            pytest.fail(await asyncio.to_thread(relay.log.read_text))
        finally:
            workers.stop()
            await asyncio.wait_for(working, DEADLINE)
            route.close()
        logged = await asyncio.to_thread(relay.log.read_text)

    seen = {to: await outcome(uow, *case) for to, case in cases.items()}
    assert {to: facts for to, (facts, _) in seen.items()} == {
        HERE: ["RelayToNonERDS"],
        GONE: ["RelayToNonERDS", "RelayToNonERDSFailure"],
        GREY: ["RelayToNonERDS"],
    }
    assert {to: (last.result, last.why) for to, (_, last) in seen.items()} == {
        HERE: (Result.SENT, ""),
        GONE: (Result.BOUNCED, "NO_SUCH_ADDRESS"),
        GREY: (Result.SENT, ""),
    }
    assert rules.tries.count(GREY) == 3
    # Both ways over TLS, and the letter did not come back with its report.
    assert "TLS connection established from unknown[127.0.0.1]" in logged
    assert f"Verified TLS connection established to 127.0.0.1[127.0.0.1]:{listener_port}" in logged
    (report,) = reports.taken
    assert b"text/rfc822-headers" in report
    assert b"message/rfc822" not in report
    # What arrives is what was signed.
    public = base64.b64encode(
        signing.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    for envelope in rules.taken.values():
        content = envelope.original_content
        assert content is not None
        assert b"Received: from" in content
        assert dkim.verify(content, dnsfunc=lambda _name, timeout=5: b"v=DKIM1; k=rsa; p=" + public)
