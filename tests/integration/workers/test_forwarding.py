"""From a submission to a mail at the holder's own server, and what is recorded of it: nothing faked."""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from server.bootstrap_machine import SystemClock, SystemEntropy
from server.domain.caller import Connection, Sender
from server.domain.deliveries import Delivery
from server.domain.forwarding import ForwardedContent, ForwardingTarget, Result, TargetKind
from server.domain.jobs import SEND_COPY, SPREAD, Backoff, JobKind, JobState
from server.domain.mailboxes import Mailbox
from server.domain.senders import BindingRole, CertificateBinding, ContractState
from server.gateways.forwarded_mails import ForwardedMails
from server.gateways.smtp import SmtpRoute, SmtpSettings
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.forwarded_mail import ForwardingWork
from server.usecases.intake import Accepted, Intake
from server.usecases.mailed_copies import MailedCopies
from server.workers.workers import Workers, WorkerSettings
from tests.contracts import examples
from tests.integration.storage.test_submitting_together import NoHostNames
from tests.unit.usecases.forwarding_world import NAMES
from tests.unit.usecases.world import letter

AT_ONCE = Backoff(3, timedelta(milliseconds=10), 1, timedelta(milliseconds=10))
DEADLINE = 60.0


class SlowClock:
    """A clock that is slow by an hour: what is to be done in a minute by it is due."""

    def now(self) -> datetime:
        return SystemClock().now() - timedelta(hours=1)


class HomeServer:
    """A mail server that puts the first mail off, and takes what comes then."""

    def __init__(self) -> None:
        self.tries = 0
        self.taken: list[Envelope] = []
        self.has_taken = asyncio.Event()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.tries += 1
        if self.tries == 1:
            return "451 4.7.1 greylisted"
        self.taken.append(envelope)
        self.has_taken.set()
        return "250 OK"


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=6)
    yield SqlUnitOfWork(database)
    await database.dispose()


@pytest.fixture
async def home() -> AsyncIterator[tuple[HomeServer, int]]:
    rules, loop = HomeServer(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(rules, loop=loop), "127.0.0.1", 0)
    yield rules, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def registered(
    uow: SqlUnitOfWork, kind: TargetKind = TargetKind.EMAIL, to: str = "ani@example.am"
) -> tuple[Sender, str, Mailbox, ForwardingTarget]:
    """Registers an agency and a mailbox with one verified target."""
    organisation = replace(examples.organisation(), contract_state=ContractState.IN_FORCE)
    address = replace(examples.address(organisation), networks=(ipaddress.ip_network("127.0.0.1/32"),))
    digest = hashlib.sha256(organisation.id.bytes).digest()
    now, mailbox = SystemClock().now(), examples.mailbox()
    target = ForwardingTarget(
        examples.new_id(),
        mailbox.id,
        kind,
        to,
        "hy",
        ForwardedContent.WHOLE,
        now,
    )
    bound = CertificateBinding(
        digest, BindingRole.SENDER, organisation.id, None, now + timedelta(days=1), now, None
    )
    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        await tx.sender_addresses.add(address)
        await tx.bindings.add(bound, organisation.id.bytes)
        await tx.mailboxes.add(mailbox)
        await tx.forwarding_targets.add(target)
        await tx.forwarding_targets.verify(mailbox.id, target.id, now)
        await tx.commit()
    connection = Connection(digest, ipaddress.ip_address("127.0.0.1"))
    return Sender(connection, organisation.id, None, ()), address.address, mailbox, target


async def submitted(uow: SqlUnitOfWork, sender: Sender, address: str, mailbox: Mailbox) -> Delivery:
    intake = Intake(
        uow=uow, clock=SystemClock(), entropy=SystemEntropy(), profile=AM, host_names=NoHostNames()
    )
    asked = letter("forwarded", sender=address, recipient=mailbox.address)
    (outcome,) = await intake.take_in(intake.asked(sender, [asked]))
    assert isinstance(outcome, Accepted)
    return outcome.delivery


async def test_a_submission_is_forwarded_though_the_home_server_puts_it_off_once(
    uow: SqlUnitOfWork, home: tuple[HomeServer, int], module_database_url: str
) -> None:
    server, port = home
    sender, address, mailbox, target = await registered(uow)
    work = ForwardingWork(
        uow=uow,
        clock=SlowClock(),
        entropy=SystemEntropy(),
        log=None,
        profile=AM,
        routes={
            TargetKind.EMAIL: MailedCopies(
                ForwardedMails(NAMES, SystemClock()),
                SmtpRoute(SmtpSettings("127.0.0.1", port, "none", None, "post.example.am"), None),
            )
        },
    )

    def soon(kind: JobKind) -> JobKind:
        return replace(kind, retries=AT_ONCE)

    delivery = await submitted(uow, sender, address, mailbox)
    workers = Workers(
        module_database_url,
        {soon(SPREAD): work.spread, soon(SEND_COPY): work.send_copy},
        uow,
        SystemClock(),
        WorkerSettings(poll=timedelta(milliseconds=20)),
    )
    working = asyncio.create_task(workers.run())
    await asyncio.wait_for(server.has_taken.wait(), DEADLINE)
    workers.stop()
    await asyncio.wait_for(working, DEADLINE)

    async with uow.reading() as tx:
        facts = await tx.evidence.of_delivery(mailbox.id, delivery.id)
        found = await tx.forwarding_targets.get(mailbox.id, target.id)
        left = await tx.jobs.listed(list(JobState), None, after=0, limit=10)
    (envelope,) = server.taken
    assert (server.tries, envelope.rcpt_tos) == (2, ["ani@example.am"])
    assert [fact.event.name for fact in facts][2:] == ["RelayToNonERDS"]
    assert found is not None
    assert found.last is not None
    assert found.last.result is Result.SENT
    assert left == []
