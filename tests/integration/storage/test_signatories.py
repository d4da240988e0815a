"""Signatories that the release before entered, one a mailbox, beside what this one keeps."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from server.domain.delegations import KnownSignatories, Signatory
from server.domain.mailboxes import HolderKind
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.delegation_ports import RightAct
from tests.contracts import examples
from tests.contracts.examples import at
from tests.contracts.signatory_contract import entry_in

_ENTER = text(
    "INSERT INTO signatories (mailbox_id, person_number, register_time, evidence_id, digest)"
    " VALUES (:mailbox, :person, :time, :evidence, :digest)"
)
_WHO = text("SELECT person_number FROM signatories WHERE mailbox_id = :mailbox")


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=3)
    yield SqlUnitOfWork(database)
    assert database.connections_in_use == 0
    await database.dispose()


@pytest.fixture
async def before(module_database_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that writes as the release before does."""
    engine = create_async_engine(module_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
async def entry(uow: SqlUnitOfWork, before: AsyncConnection) -> Signatory:
    """An entity's only signatory, entered by the release before."""
    mailbox = examples.mailbox(HolderKind.ENTITY)
    async with uow.writing() as tx:
        assert await tx.mailboxes.add(mailbox)
        await tx.commit()
    made = entry_in(mailbox, 1)
    values = {
        "mailbox": mailbox.id,
        "person": made.person_number,
        "time": made.register_time,
        "evidence": made.evidence_id,
        "digest": made.digest,
    }
    await before.execute(_ENTER, values)
    return made


async def test_what_the_release_before_entered_counts_and_becomes_one_of_the_entries(
    uow: SqlUnitOfWork, entry: Signatory
) -> None:
    concerned = RightAct(entry.mailbox_id, entry.person_number)
    async with uow.writing() as tx:
        assert await tx.signatories.known(entry.mailbox_id) == KnownSignatories(
            entry.mailbox_id, entry.register_time, (entry,)
        )
        assert await tx.signatories.act(entry.evidence_id) == concerned
        for seconds in (5, 6):
            await tx.signatories.said(entry.mailbox_id, at(seconds))
        assert await tx.signatories.known(entry.mailbox_id) == KnownSignatories(
            entry.mailbox_id, at(6), (entry,)
        )


async def test_the_release_before_lets_nobody_in_whose_entry_has_ended(
    uow: SqlUnitOfWork, before: AsyncConnection, entry: Signatory
) -> None:
    ending = examples.new_id()
    async with uow.writing() as tx:
        await tx.signatories.said(entry.mailbox_id, at(5))
        await tx.signatories.end(entry, at(5), ending)
        await tx.commit()

    assert await before.scalar(_WHO, {"mailbox": entry.mailbox_id}) is None
    async with uow.reading() as tx:
        known = await tx.signatories.known(entry.mailbox_id)
        assert known is not None
        assert known.entries == ()
        # What was signed under the entry is judged by its act for ever.
        for evidence_id in (entry.evidence_id, ending):
            act = await tx.signatories.act(evidence_id)
            assert act == RightAct(entry.mailbox_id, entry.person_number)


async def test_its_end_waits_for_what_is_done_by_what_the_release_before_entered(
    uow: SqlUnitOfWork, entry: Signatory
) -> None:
    order: list[str] = []

    async def end() -> None:
        async with uow.writing() as tx:
            await tx.signatories.said(entry.mailbox_id, at(5))
            await tx.signatories.end(entry, at(5), examples.new_id())
            order.append("ended")
            await tx.commit()

    async with uow.writing() as tx:
        assert await tx.signatories.known(entry.mailbox_id, shared=True)
        ending = asyncio.create_task(end())
        # The other one has every opportunity to go first.
        async with uow.reading() as beside:
            assert await beside.signatories.known(entry.mailbox_id)
        order.append("done")
        await tx.commit()
    await ending
    assert order == ["done", "ended"]
