"""Several replicas work off ladders on PostgreSQL, are killed, and clocks jump: every step once, in its
order, and every effect at its time.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from namak.evidence import events
from namak.evidence.details import EffectDetails
from namak.evidence.details_outside import NoticeDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.notification_policy import AM_2025_LADDER
from server.bootstrap_machine import SystemEntropy
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.refusals import ServiceUnavailable
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.ladder import DueSteps
from server.usecases.outside_facts import OutsideFacts
from server.usecases.reading import OpenMessage, Reading
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from tests.contracts.ladder_contract import LadderContract
from tests.fakes.ladders import FakeActions
from tests.unit.usecases.test_ladder import EFFECTIVE, LETTER_DUE, NOTICE_DUE, PUBLISHED, UNDER_LADDER
from tests.unit.usecases.world import START, FixedClock, MemoryLog, NamedHosts, World, letter

MANY = 24
REPLICAS = 3


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=2)
    yield SqlUnitOfWork(database)
    await database.dispose()


class TestSqlLadders(LadderContract):
    """The contract, on PostgreSQL."""


class Replicas:
    """Workers on replicas of their own over one database, with one clock."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.databases = [Database(url, pool_size=3) for _ in range(REPLICAS)]
        self.units = [SqlUnitOfWork(each) for each in self.databases]
        self.entropy, self.clock, self.log = SystemEntropy(), FixedClock(), MemoryLog()
        self.actions = FakeActions()
        self.world = World()
        self.workers = [
            DueSteps(
                uow=each,
                clock=self.clock,
                entropy=self.entropy,
                log=self.log,
                profile=AM,
                actions=self.actions,
                most_at_once=5,
            )
            for each in self.units
        ]
        self.reading = Reading(
            uow=self.units[0],
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            signatures=self.world.cards,
            profile=AM,
        )

    async def submitted(self) -> list[Delivery]:
        """Submits letters under the policy with the ladder."""
        world = self.world
        async with self.units[0].writing() as tx:
            for organisation in (world.src, world.other):
                await tx.organisations.add(organisation)
            for binding in world.uow.committed.bindings.values():
                owner = binding.organisation_id
                await tx.bindings.add(binding, owner.bytes if owner else b"")
            await tx.sender_addresses.add(world.notices)
            await tx.mailboxes.add(world.ani_box)
            await tx.commit()
        desk = SubmissionDesk(
            uow=self.units[0],
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=UNDER_LADDER,
            host_names=NamedHosts(world.uow),
            refusals_per_minute=600,
        )
        letters = [letter(str(number), contents=(b"letter",)) for number in range(MANY)]
        outcomes = await desk.submit_many(SubmitMany(world.agency, letters, 0))
        await desk.drain()
        return [each.delivery for each in outcomes if isinstance(each, Accepted)]

    async def round(self, chance: random.Random) -> None:
        """Has all replicas work at once, and kills one of them, or its connection, somewhere on its way."""
        tasks = [asyncio.create_task(worker.work_off()) for worker in self.workers]
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            tasks[chance.randrange(REPLICAS)].cancel()
        else:
            await self.end_connections()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                assert isinstance(outcome, ServiceUnavailable), outcome

    async def end_connections(self) -> None:
        """Has the server end one of the connections to this database that are in a transaction."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                    "AND state LIKE '%in transaction%' LIMIT 1"
                )
            )
        await engine.dispose()

    async def all_done(self) -> None:
        await asyncio.gather(*(worker.work_off() for worker in self.workers))


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[Replicas]:
    made = Replicas(database_url)
    yield made
    for database in made.databases:
        await database.dispose()


async def test_kills_and_jumps_leave_every_step_taken_once_and_every_effect_at_its_time(
    replicas: Replicas,
) -> None:
    deliveries = await replicas.submitted()
    assert len(deliveries) == MANY
    chance = random.Random(7)
    published, opened = deliveries[: MANY // 2], deliveries[MANY // 2 : MANY // 2 + 4]

    for moment in (LETTER_DUE, START, NOTICE_DUE, LETTER_DUE):
        replicas.clock.time = moment
        await replicas.round(chance)
    replicas.clock.time = NOTICE_DUE + timedelta(minutes=1)
    await replicas.all_done()
    outside = OutsideFacts(entropy=replicas.entropy, profile=AM)
    replicas.clock.time = PUBLISHED
    for delivery in published:
        async with replicas.units[0].writing() as tx:
            await outside.record(
                tx,
                delivery.mailbox_id,
                delivery.id,
                events.NOTICE_PUBLISHED,
                lambda consignment: NoticeDetails(consignment, file="ab" * 32),
                PUBLISHED,
            )
            await tx.commit()
    for delivery in opened:
        await replicas.reading.open_message(OpenMessage(replicas.world.ani, delivery.id))
    for moment in (EFFECTIVE, PUBLISHED, EFFECTIVE + timedelta(days=2)):
        replicas.clock.time = moment
        await replicas.round(chance)
    await replicas.all_done()

    async with replicas.units[0].reading() as tx:
        facts = await tx.evidence.of_deliveries(deliveries)
        steps = {each.id: await tx.ladders.steps_of(each.mailbox_id, each.id) for each in deliveries}
        now = {
            each.id: each
            for each in (await tx.deliveries.sent(deliveries[0].organisation_id, list(facts))).values()
        }
        assert await tx.ladders.take_due(datetime(2100, 1, 1, tzinfo=UTC), limit=99) == []
    order = [step.id for step in AM_2025_LADDER.steps]
    for delivery in deliveries:
        assert [each.step for each in steps[delivery.id]] == order
        assert all(each.due_at <= each.taken_at for each in steps[delivery.id])
        names = [fact.event.name for fact in facts[delivery.id]][2:]
        if delivery in published:
            assert names == ["NoticePublished", "NotificationEffected"]
            document = EvidenceDocument.parse(facts[delivery.id][-1].data)
            assert isinstance(document.details, EffectDetails)
            assert document.details.effective_time == EFFECTIVE == now[delivery.id].notified_at
            assert document.event_time >= EFFECTIVE
        elif delivery in opened:
            assert names == ["ContentAccessTracking", "NotificationEffected"]
        else:
            assert names == []
            assert now[delivery.id].state is DeliveryState.CONSIGNED


async def test_of_replicas_at_the_same_moment_each_takes_other_deliveries(replicas: Replicas) -> None:
    deliveries = await replicas.submitted()
    replicas.clock.time = LETTER_DUE

    counts = await asyncio.gather(*(worker.work_off() for worker in replicas.workers))

    assert sum(counts) == len(deliveries)
    assert len({each.delivery_id for each in replicas.actions.handed}) == len(replicas.actions.handed)
