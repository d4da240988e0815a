"""`namak-server log fsck` over deliveries: each kind of damage is found, and nothing else is told."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from namak.evidence import events
from namak.evidence.details_outside import NoticeDetails
from server.bootstrap_machine import SystemEntropy
from server.domain.deliveries import Delivery
from server.fsck.deliveries import DeliveryCheck
from server.fsck.findings import Part, Report
from server.fsck.ours import acceptance_in
from server.fsck.usage import UsageCheck
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.delivery_inspection import PostgresDeliveryInspection
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.ladder import DueSteps
from server.usecases.outside_facts import OutsideFacts
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage, Reading
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from server.usecases.usage_audit import UsageAudit
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.fakes.ladders import FakeActions
from tests.integration.transparency.delivery_damages import DELIVERY_DAMAGES, USAGE_DAMAGES
from tests.postgres import finish
from tests.unit.usecases.test_ladder import EFFECTIVE, NOTICE_DUE, PUBLISHED
from tests.unit.usecases.world import ANI, FixedClock, MemoryLog, NamedHosts, World, letter

NOW = EFFECTIVE + timedelta(days=3)
NAMES = ("opened", "confirmed", "withdrawn", "plain", "published", "signed_in")
FACTS = 2 * len(NAMES) + 1 + 3 + 1 + 2 + 2
TABLES = ("evidence", "deliveries", "openings", "confirmations", "mailbox_links", "revocation_lists")

Known = Mapping[str, UUID]


class Post:
    """A post on PostgreSQL, with a clock that is moved."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, pool_size=2)
        self.uow = SqlUnitOfWork(self.database)
        self.world, self.clock, self.entropy, self.log = World(), FixedClock(), SystemEntropy(), MemoryLog()
        self.world.cards.revocation_lists = (bytes(70_000),)
        self.reading = Reading(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            signatures=self.world.cards,
            profile=AM,
        )

    async def furnish(self) -> None:
        world = self.world
        async with self.uow.writing() as tx:
            for organisation in (world.src, world.other):
                await tx.organisations.add(organisation)
            for binding in world.uow.committed.bindings.values():
                owner = binding.organisation_id
                await tx.bindings.add(binding, owner.bytes if owner else b"")
            await tx.sender_addresses.add(world.notices)
            await tx.mailboxes.add(world.ani_box)
            await tx.commit()

    async def submitted(self, policy: str, *names: str) -> dict[str, Delivery]:
        desk = SubmissionDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=replace(AM, notification_policy=policy),
            host_names=NamedHosts(self.world.uow),
            refusals_per_minute=600,
        )
        outcomes = await desk.submit_many(SubmitMany(self.world.agency, [letter(name) for name in names], 0))
        await desk.drain()
        return {each.request_id: each.delivery for each in outcomes if isinstance(each, Accepted)}

    async def open(self, delivery: Delivery) -> None:
        await self.reading.open_message(OpenMessage(self.world.ani, delivery.id))

    async def confirm(self, delivery: Delivery) -> None:
        await self.open(delivery)
        statement = await self.reading.issue_statement(IssueStatement(self.world.ani, delivery.id))
        cms = self.world.cards.sign(ANI, statement.text)
        await self.reading.confirm_reading(ConfirmReading(self.world.ani, delivery.id, statement.id, cms))

    async def publish(self, delivery: Delivery) -> None:
        async with self.uow.writing() as tx:
            await OutsideFacts(entropy=self.entropy, profile=AM).record(
                *(tx, delivery.mailbox_id, delivery.id, events.NOTICE_PUBLISHED),
                lambda consignment: NoticeDetails(consignment, file="ab" * 32),
                self.clock.now(),
            )
            await tx.commit()


async def filled(url: str) -> Known:
    """Has a post do what it does, as the server does it."""
    post = Post(url)
    await post.furnish()
    known = await post.submitted("am-2015@1", "opened", "confirmed", "withdrawn", "plain")
    known |= await post.submitted("am-2025@2", "published", "signed_in")
    await post.open(known["opened"])
    await post.confirm(known["confirmed"])
    await post.open(known["signed_in"])
    post.clock.move(timedelta(minutes=1))
    withdrawal = Withdrawal(uow=post.uow, clock=post.clock, entropy=post.entropy, log=post.log, profile=AM)
    await withdrawal.withdraw(WithdrawDelivery(post.world.agency, "w", known["withdrawn"].id, 0))
    due = DueSteps(
        uow=post.uow,
        clock=post.clock,
        entropy=post.entropy,
        log=post.log,
        profile=AM,
        actions=FakeActions(),
    )
    for moment in (NOTICE_DUE, PUBLISHED, EFFECTIVE):
        post.clock.time = moment
        if moment == PUBLISHED:
            await post.publish(known["published"])
        await due.work_off()
    await post.database.dispose()
    return {name: delivery.id for name, delivery in known.items()}


@pytest.fixture(scope="module")
def known(module_database_url: str) -> Known:
    found: list[Known] = []

    async def fill() -> None:
        found.append(await filled(module_database_url))

    finish(fill())
    return found[0]


async def checked(connection: object, at_once: int = 3, facts_at_once: int = 7) -> Report:
    report = Report()
    deliveries = PostgresDeliveryInspection(PostgresLogInspection(connection), facts_at_once=facts_at_once)
    await DeliveryCheck(deliveries, report, now=lambda: NOW, at_once=at_once).run()
    return report


@pytest.fixture
async def connection(module_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(driver_url(module_database_url))
    yield made
    await made.close()


@pytest.mark.parametrize(("at_once", "facts_at_once"), [(1, 1), (2, 3), (6, 7), (100, 100)])
async def test_sound_deliveries_are_sound_however_they_are_read(
    known: Known, connection: asyncpg.Connection, at_once: int, facts_at_once: int
) -> None:
    report = await checked(connection, at_once, facts_at_once)
    assert (report.findings, report.unchecked) == ([], [])
    assert report.checked == {"deliveries": len(NAMES), "facts": FACTS}
    assert set(known) == set(NAMES)


@pytest.mark.parametrize("damage", DELIVERY_DAMAGES)
async def test_damage_to_a_delivery_is_found_for_what_it_is_and_names_nobody(
    known: Known, connection: asyncpg.Connection, damage: str
) -> None:
    statement, expected = DELIVERY_DAMAGES[damage]
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in TABLES:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry")
    changed = await connection.execute(statement.format(**known))
    assert not changed.endswith(" 0")
    report = await checked(connection)
    await transaction.rollback()
    assert {str(kind) for kind in report.counts} == expected
    assert {each.part for each in report.findings} == {Part.EFFECTS}
    assert not any(ANI in each.where for each in report.findings)


async def test_what_follows_under_a_policy_of_another_release_is_not_guessed(
    known: Known, connection: asyncpg.Connection
) -> None:
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in TABLES:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry")
    await connection.execute(
        "UPDATE evidence SET document = convert_to(replace(convert_from(document, 'UTF8'), 'am-2015@1',"
        " 'am-2031@1'), 'UTF8') WHERE delivery_id = $1",
        known["plain"],
    )
    await connection.execute(
        "UPDATE deliveries SET notification_policy = 'am-2031@1' WHERE id = $1", known["plain"]
    )
    report = await checked(connection)
    await transaction.rollback()
    assert report.sound
    assert report.unchecked == ["effects of 1 deliveries: no notification policy 'am-2031@1'"]


@pytest.mark.parametrize("damage", USAGE_DAMAGES)
async def test_a_bill_that_differs_from_the_evidence_is_found(
    known: Known, module_database_url: str, connection: asyncpg.Connection, damage: str
) -> None:
    database = Database(module_database_url, pool_size=1)
    clock = FixedClock()
    clock.time = NOW

    async def recounted() -> Report:
        report = Report()
        audit = UsageAudit(uow=SqlUnitOfWork(database), clock=clock, profile=AM, recognise=acceptance_in)
        log = PostgresLogInspection(connection)
        await UsageCheck(audit, log, ZoneInfo(AM.time_zone), clock.now, report).run()
        return report

    sound = await recounted()
    assert (sound.findings, sound.checked["billed"]) == ([], len(NAMES) + 1)
    statement, expected = USAGE_DAMAGES[damage]
    tables = ("evidence", "deliveries", "log_entries")
    kept = [await connection.fetch(f"SELECT * FROM {table}") for table in tables]
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry")
    try:
        await connection.execute(
            "INSERT INTO log_entries (origin, leaf_index, entry, evidence_id) SELECT 'log', 0, entry, id"
            " FROM evidence WHERE delivery_id = $1 ORDER BY id LIMIT 1",
            known["plain"],
        )
        changed = await connection.execute(statement.format(**known))
        assert not changed.endswith(" 0")
        report = await recounted()
    finally:
        for table, rows in zip(tables, kept, strict=True):
            await connection.execute(f"DELETE FROM {table}")
            await connection.copy_records_to_table(
                table, records=rows, columns=list(rows[0].keys()) if rows else None
            )
        await connection.execute(
            "ALTER TABLE evidence ADD CONSTRAINT ck_evidence_entry CHECK (entry = sha256(document))"
        )
        await database.dispose()
    assert {str(kind) for kind in report.counts} == expected
    assert {each.part for each in report.findings} == {Part.USAGE}
