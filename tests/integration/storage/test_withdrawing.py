"""Withdrawing and opening at the same moment on PostgreSQL; and closing a mailbox while mail comes in."""

import asyncio
import itertools
import math
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from namak.evidence import events
from server.domain import evidence_building
from server.domain.caller import Connection, Holder, Sender
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxState
from server.domain.refusals import DeliveryWithdrawn, MessageOpened, Refused
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.reading import OpenedMessage, OpenMessage, Reading
from server.usecases.records import LoggedReceipt, PublishedCheckpoint, VerifiedSigner
from server.usecases.stamps import Stamps
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery, Withdrawn
from tests.contracts import examples
from tests.integration.storage.test_concurrency import until_waiting

TRIES = 1000
AT_ONCE = 6
HERE = Connection(bytes(32), ip_address("198.51.100.1"))


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Random:
    def new_id(self) -> UUID:
        return uuid4()

    def random(self, count: int) -> bytes:
        return secrets.token_bytes(count)


class Unread:
    """A log that nobody asks for receipts."""

    def vkey_of(self, origin: str) -> str:
        return ""

    def wake(self) -> None:
        pass

    def mark(self) -> int:
        return 0

    async def receipts(
        self,
        evidence: Mapping[UUID, bytes],
        *,
        wait_seconds: float,
        reply_by: float = math.inf,
        since: int | None = None,
    ) -> Mapping[UUID, LoggedReceipt]:
        return {}

    async def checkpoint(self, origin: str | None = None) -> PublishedCheckpoint | None:
        return None


class NoSignatures:
    async def verify(self, cms: bytes, statement: bytes, at: datetime) -> VerifiedSigner:
        raise AssertionError("nothing is signed here")


@pytest.fixture
async def database(module_database_url: str) -> AsyncIterator[Database]:
    database = Database(module_database_url, pool_size=2 * AT_ONCE)
    yield database
    assert database.connections_in_use == 0
    await database.dispose()


@pytest.fixture
def uow(database: Database) -> SqlUnitOfWork:
    return SqlUnitOfWork(database)


@pytest.fixture
async def observer(module_database_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that looks at the others."""
    engine = create_async_engine(module_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def consigned(uow: SqlUnitOfWork, count: int) -> tuple[Mailbox, Sequence[Delivery]]:
    """Lays so many messages into one mailbox, with their evidence."""
    organisation, mailbox = examples.organisation(), examples.mailbox()
    address = examples.address(organisation)
    deliveries = [examples.delivery(mailbox, address, number, []) for number in range(1, count + 1)]
    stamps = Stamps(AM, Random())
    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        await tx.sender_addresses.add(address)
        await tx.mailboxes.add(mailbox)
        await tx.deliveries.add([(delivery, []) for delivery in deliveries])
        await tx.evidence.record(
            [
                evidence_building.content_consignment(stamps.at(examples.NOON), delivery, bytes(32))
                for delivery in deliveries
            ]
        )
        await tx.commit()
    return mailbox, deliveries


async def test_of_an_opening_and_a_withdrawal_at_the_same_moment_exactly_one_comes_about(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    mailbox, deliveries = await consigned(uow, TRIES)
    withdrawal = Withdrawal(uow=uow, clock=Now(), entropy=Random(), log=Unread(), profile=AM)
    reading = Reading(
        uow=uow, clock=Now(), entropy=Random(), log=Unread(), signatures=NoSignatures(), profile=AM
    )
    holder = Holder(HERE, mailbox.holder_number)
    sender = Sender(HERE, deliveries[0].organisation_id, None, (ip_network("198.51.100.0/24"),))
    line = asyncio.Semaphore(AT_ONCE)
    turns = itertools.count()

    async def opening(delivery: Delivery, head_start: int) -> OpenedMessage | Refused:
        # The withdrawal has more to do before it comes to the delivery: it gets a head start of some reads.
        for _ in range(head_start):
            async with uow.reading() as tx:
                await tx.mailboxes.get(mailbox.id)
        try:
            return await reading.open_message(OpenMessage(holder, delivery.id))
        except Refused as refused:
            return refused

    async def withdrawing(delivery: Delivery) -> Withdrawn | Refused:
        try:
            return await withdrawal.withdraw(WithdrawDelivery(sender, f"w-{delivery.id}", delivery.id, 0))
        except Refused as refused:
            return refused

    async def one_try(delivery: Delivery) -> str:
        async with line:
            opened, withdrawn = await asyncio.gather(
                opening(delivery, next(turns) % 4), withdrawing(delivery)
            )
        if isinstance(opened, OpenedMessage):
            assert isinstance(withdrawn, MessageOpened)
            return "opened"
        assert isinstance(opened, DeliveryWithdrawn)
        assert isinstance(withdrawn, Withdrawn)
        return "withdrawn"

    ends = dict(
        zip(
            [each.id for each in deliveries],
            await asyncio.gather(*(one_try(each) for each in deliveries)),
            strict=True,
        )
    )

    async with uow.reading() as tx:
        facts = await tx.evidence.of_deliveries(deliveries)
        stored = await tx.deliveries.sent(sender.organisation_id, list(ends))
    openings = text("SELECT delivery_id, evidence_id FROM openings WHERE mailbox_id = :mailbox")
    opened_rows = {row.delivery_id: row for row in await observer.execute(openings, {"mailbox": mailbox.id})}
    for delivery in deliveries:
        consignment, second = facts[delivery.id]
        assert consignment.event == events.CONTENT_CONSIGNMENT
        if ends[delivery.id] == "opened":
            assert second.event == events.CONTENT_ACCESS_TRACKING
            assert opened_rows[delivery.id].evidence_id == second.id
            assert stored[delivery.id].state is DeliveryState.CONSIGNED
        else:
            assert second.event == events.WITHDRAWN
            assert delivery.id not in opened_rows
            assert stored[delivery.id].state is DeliveryState.WITHDRAWN
            assert stored[delivery.id].withdrawn_at == second.recorded_at
    # Otherwise the two never met.
    assert set(ends.values()) == {"opened", "withdrawn"}


async def test_what_waits_for_a_mailbox_that_is_being_closed_finds_it_closed(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    mailbox = examples.mailbox()
    async with uow.writing() as tx:
        await tx.mailboxes.add(mailbox)
        await tx.commit()

    async def found() -> Mapping[str, tuple[Mailbox, MailboxHead]]:
        async with uow.writing() as tx:
            return await tx.mailboxes.lock([mailbox.address])

    async with uow.writing() as tx:
        await tx.mailboxes.lock([mailbox.address])
        await tx.mailboxes.set_state(mailbox.id, MailboxState.CLOSED)
        waiting = asyncio.create_task(found())
        await until_waiting(observer)
        await tx.commit()
    closed = replace(mailbox, state=MailboxState.CLOSED)
    assert await waiting == {mailbox.address: (closed, MailboxHead(0, bytes(32)))}


async def test_closing_waits_for_what_is_being_laid_in(uow: SqlUnitOfWork, observer: AsyncConnection) -> None:
    mailbox = examples.mailbox()
    async with uow.writing() as tx:
        await tx.mailboxes.add(mailbox)
        await tx.commit()
    head = MailboxHead(1, bytes([1] * 32))

    async def close() -> MailboxHead:
        async with uow.writing() as tx:
            locked = await tx.mailboxes.lock([mailbox.address])
            await tx.mailboxes.set_state(mailbox.id, MailboxState.CLOSED)
            await tx.commit()
            return locked[mailbox.address][1]

    async with uow.writing() as tx:
        await tx.mailboxes.lock([mailbox.address])
        await tx.mailboxes.advance({mailbox.id: head}, [])
        waiting = asyncio.create_task(close())
        await until_waiting(observer)
        await tx.commit()
    assert await waiting == head
