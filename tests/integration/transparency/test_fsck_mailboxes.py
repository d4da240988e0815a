"""`namak-server log fsck` over mailboxes: each kind of damage is found, and nothing else is told."""

import os
from uuid import UUID

import asyncpg
import pytest

from namak.evidence import mailbox_link
from server.domain import evidence_building
from server.domain.mailboxes import MailboxHead, MailboxLink
from server.fsck.findings import Part, Report
from server.fsck.mailboxes import MailboxCheck
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.mailbox_inspection import PostgresMailboxInspection
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.stamps import Stamps
from tests.contracts import examples
from tests.integration.transparency.damages import MAILBOX_DAMAGES
from tests.postgres import finish

LINKS = (5, 3)
"""How many messages lie in each mailbox; a third one is empty."""


class Random:
    def new_id(self) -> UUID:
        return examples.new_id()

    def random(self, count: int) -> bytes:
        return os.urandom(count)


async def laid(url: str) -> None:
    """Lays messages into mailboxes as the server does."""
    database = Database(url, pool_size=1)
    organisation = examples.organisation()
    address, stamps = examples.address(organisation), Stamps(AM, Random())
    mailboxes = [examples.mailbox() for _ in range(len(LINKS) + 1)]
    async with SqlUnitOfWork(database).writing() as tx:
        await tx.organisations.add(organisation)
        await tx.sender_addresses.add(address)
        for mailbox in mailboxes:
            await tx.mailboxes.add(mailbox)
        for mailbox, count in zip(mailboxes, LINKS, strict=False):
            links, previous = [], mailbox_link.GENESIS
            for sequence in range(1, count + 1):
                delivery, nonce = examples.delivery(mailbox, address, sequence, []), os.urandom(32)
                link = mailbox_link.link(nonce, mailbox.address, sequence, delivery.id, previous)
                links.append(MailboxLink(mailbox.id, sequence, delivery.id, nonce, previous, link))
                previous = link
                consigned = evidence_building.content_consignment(stamps.at(examples.NOON), delivery, link)
                await tx.deliveries.add([(delivery, [])])
                await tx.evidence.record([consigned])
            await tx.mailboxes.advance({mailbox.id: MailboxHead(count, previous)}, links)
        await tx.commit()
    await database.dispose()


@pytest.fixture(scope="module")
def url(module_database_url: str) -> str:
    finish(laid(module_database_url))
    return module_database_url


async def checked(connection: object, at_once: int) -> Report:
    report = Report()
    mailboxes = PostgresMailboxInspection(PostgresLogInspection(connection))
    await MailboxCheck(mailboxes, report, at_once=at_once).run()
    return report


@pytest.mark.parametrize("at_once", [1, 4, 5, 8, 100])
async def test_sound_mailboxes_are_sound_however_they_are_read(url: str, at_once: int) -> None:
    connection = await asyncpg.connect(driver_url(url))
    report = await checked(connection, at_once)
    await connection.close()
    assert (report.findings, report.checked) == ([], {"links": sum(LINKS), "mailboxes": len(LINKS)})


@pytest.mark.parametrize("damage", MAILBOX_DAMAGES)
async def test_damage_to_a_chain_is_found_and_names_nobody(url: str, damage: str) -> None:
    statement, expected = MAILBOX_DAMAGES[damage]
    connection = await asyncpg.connect(driver_url(url))
    transaction = connection.transaction()
    await transaction.start()
    for table in ("mailbox_links", "mailbox_heads", "evidence", "deliveries"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    changed = await connection.execute(statement)
    assert not changed.endswith(" 0")
    report = await checked(connection, 4)
    addresses = [row[0] for row in await connection.fetch("SELECT holder_number FROM mailboxes")]
    await transaction.rollback()
    await connection.close()
    assert {str(kind) for kind in report.counts} == expected
    assert {each.part for each in report.findings} == {Part.MAILBOXES}
    assert not any(address in each.where for each in report.findings for address in addresses)
