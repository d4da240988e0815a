"""A database that goes away: callers hear that the outcome is unknown, and all is well once it is back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.domain.refusals import ServiceUnavailable
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import EmbeddedPostgres
from server.storage.failures import StorageFault
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.records import Claim
from tests.contracts import examples
from tests.contracts.post_contract import delivered

OWNER = UUID(int=0)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=2, checkout_seconds=1.0, statement_seconds=2.0)
    yield database
    assert database.connections_in_use == 0
    await database.dispose()


@pytest.fixture
def uow(database: Database) -> SqlUnitOfWork:
    return SqlUnitOfWork(database)


async def end_other_sessions(url: str) -> None:
    """Has the server end every other session of this database, as at its own end."""
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    await engine.dispose()


async def test_what_the_server_ended_meanwhile_is_given_back_without_a_word(
    uow: SqlUnitOfWork, database_url: str
) -> None:
    organisation = examples.organisation()
    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        await end_other_sessions(database_url)

    async with uow.reading() as tx:
        assert await tx.organisations.get(organisation.id) is None
        await end_other_sessions(database_url)
    async with uow.reading() as tx:
        assert await tx.organisations.get(organisation.id) is None


async def test_what_was_committed_stays_whatever_becomes_of_the_connection(
    uow: SqlUnitOfWork, database_url: str
) -> None:
    organisation = examples.organisation()
    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        await tx.commit()
        await end_other_sessions(database_url)

    async with uow.reading() as tx:
        assert await tx.organisations.get(organisation.id) == organisation


def claim() -> Claim:
    return Claim(f"lost-{examples.number()}", bytes(32), examples.new_id())


async def test_a_database_that_answers_is_pinged(database: Database) -> None:
    await database.ping()


async def test_a_database_answers_though_all_connections_are_in_use(
    database: Database, uow: SqlUnitOfWork
) -> None:
    async with uow.reading(), uow.reading():
        with pytest.raises(ServiceUnavailable):
            async with uow.reading():
                raise AssertionError("there was another connection")
        await database.ping()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@/postgres?host=/nonexistent",
        "postgresql://postgres@127.0.0.1:1/postgres",
    ],
)
async def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    nowhere = Database(url)
    with pytest.raises(ServiceUnavailable):
        await nowhere.ping()
    with pytest.raises(ServiceUnavailable):
        async with SqlUnitOfWork(nowhere).reading():
            raise AssertionError("it opened")
    await nowhere.dispose()


async def test_a_database_of_another_name_is_unavailable(database_url: str) -> None:
    wrong = Database(database_url.replace("namak_test_", "no_such_"))
    with pytest.raises(ServiceUnavailable):
        await wrong.ping()
    await wrong.dispose()


async def test_a_session_that_ends_in_mid_transaction_is_unavailable_and_the_next_one_is_not(
    database_url: str, uow: SqlUnitOfWork
) -> None:
    mine = claim()
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [mine])
        await end_other_sessions(database_url)
        with pytest.raises(ServiceUnavailable):
            await tx.claims.claim(OWNER, [claim()])
        with pytest.raises(RuntimeError, match="failed"):
            await tx.commit()
    async with uow.writing() as tx:
        assert await tx.claims.claim(OWNER, [mine]) == {}
        await tx.commit()


async def test_a_session_that_ends_before_the_commit_leaves_its_outcome_unknown(
    database_url: str, uow: SqlUnitOfWork
) -> None:
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [claim()])
        await end_other_sessions(database_url)
        with pytest.raises(ServiceUnavailable):
            await tx.commit()


async def test_an_empty_pool_is_unavailable_and_full_again_afterwards(uow: SqlUnitOfWork) -> None:
    async with uow.reading(), uow.reading():
        with pytest.raises(ServiceUnavailable):
            async with uow.reading():
                raise AssertionError("it opened")
    async with uow.reading() as tx:
        assert await tx.organisations.get(examples.new_id()) is None


async def test_a_wait_that_takes_too_long_is_unavailable(uow: SqlUnitOfWork) -> None:
    held = claim()
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [held])
        async with uow.writing() as other:
            with pytest.raises(ServiceUnavailable):
                await other.claims.claim(OWNER, [held])


async def test_an_idle_transaction_is_ended_so_that_it_frees_what_it_holds(database_url: str) -> None:
    frozen = Database(database_url, idle_in_transaction_seconds=1.5)
    alive = Database(database_url)
    held = claim()
    async with SqlUnitOfWork(frozen).writing() as tx:
        await tx.claims.claim(OWNER, [held])
        async with SqlUnitOfWork(alive).writing() as other:
            # Waits until the idle one has been ended.
            assert await other.claims.claim(OWNER, [held]) == {}
        with pytest.raises(ServiceUnavailable):
            await tx.commit()
    await frozen.dispose()
    await alive.dispose()


async def test_a_table_that_a_migration_changes_meanwhile_asks_to_try_again_once(
    database_url: str, uow: SqlUnitOfWork
) -> None:
    organisation = examples.organisation()

    async def read() -> object:
        async with uow.reading() as tx:
            return await tx.organisations.get(organisation.id)

    async with uow.writing() as tx:
        await tx.organisations.add(organisation)
        await tx.commit()
    assert await read() == organisation
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE organisations ALTER COLUMN name TYPE varchar(300)"))
    await engine.dispose()
    try:
        again = await read()
    except ServiceUnavailable:
        again = await read()
    assert again == organisation


async def test_an_error_tells_the_constraint_and_no_content(uow: SqlUnitOfWork) -> None:
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        secret = replace(delivery, id=examples.new_id(), subject="of which nobody may hear", parts=())
        with pytest.raises(StorageFault) as raised:
            await tx.deliveries.add([(secret, [])])
    assert raised.value.constraint == "uq_deliveries_mailbox_id_sequence"
    assert raised.value.sqlstate == "23505"
    assert raised.value.__suppress_context__
    assert "nobody" not in repr(raised.value)


async def test_a_value_that_the_driver_refuses_is_not_told_either(uow: SqlUnitOfWork) -> None:
    async with uow.reading() as tx:
        with pytest.raises(StorageFault) as raised:
            await tx.domains.get(b"secret")  # type: ignore[arg-type] # the mistake under test
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__


async def test_rows_that_a_hurried_transaction_keeps_are_added_with_its_commit_in_their_order(
    uow: SqlUnitOfWork, database_url: str
) -> None:
    async with uow.writing(hurried=True) as tx:
        deliveries = await delivered(tx, 3)
        facts = [examples.fact(delivery) for delivery in deliveries for _ in range(2)][::-1]
        # What is recorded in several goes, too, enters the log in this order.
        await tx.evidence.record(facts[:3])
        await tx.evidence.record(facts[3:])
        await tx.commit()
    async with uow.reading() as tx:
        mailbox_id = deliveries[0].mailbox_id
        sent = await tx.deliveries.sent(deliveries[0].organisation_id, [each.id for each in deliveries])
        assert sent == {each.id: each for each in deliveries}
        assert (await tx.deliveries.read_part(mailbox_id, deliveries[2].id, 2)) is not None
        assert await tx.evidence.get([each.id for each in facts]) == {each.id: each for each in facts}
    engine = create_async_engine(
        database_url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool
    )
    async with engine.connect() as connection:
        queued = await connection.execute(
            text("SELECT evidence_id FROM log_queue WHERE evidence_id = ANY (:ids) ORDER BY position"),
            {"ids": [each.id for each in facts]},
        )
        assert [row.evidence_id for row in queued] == [each.id for each in facts]


async def test_large_contents_of_a_hurried_transaction_are_added_after_what_it_kept_before(
    uow: SqlUnitOfWork,
) -> None:
    large = examples.part(bytes(1024 * 1024 + 1))
    async with uow.writing(hurried=True) as tx:
        (delivery,) = await delivered(tx)
        other = replace(delivery, id=examples.new_id(), sequence=2, parts=(large.info,))
        await tx.deliveries.add([(other, [large])])
        await tx.commit()
    async with uow.reading() as tx:
        assert await tx.deliveries.read_part(other.mailbox_id, other.id, 1) == (large.info, large.content)
        assert await tx.deliveries.sent(other.organisation_id, [delivery.id]) == {delivery.id: delivery}


async def test_a_hurried_transaction_sees_the_rows_it_has_kept(uow: SqlUnitOfWork) -> None:
    async with uow.writing(hurried=True) as tx:
        (delivery,) = await delivered(tx)
        sent = await tx.deliveries.sent(delivery.organisation_id, [delivery.id])
    assert sent == {delivery.id: delivery}


async def test_rows_that_a_hurried_transaction_can_not_add_fail_its_commit_and_tell_no_content(
    uow: SqlUnitOfWork,
) -> None:
    async with uow.writing(hurried=True) as tx:
        (delivery,) = await delivered(tx)
        secret = replace(delivery, id=examples.new_id(), subject="of which nobody may hear", parts=())
        await tx.deliveries.add([(secret, [])])
        with pytest.raises(StorageFault) as raised:
            await tx.commit()
        assert raised.value.constraint == "uq_deliveries_mailbox_id_sequence"
        assert raised.value.__suppress_context__
        assert "nobody" not in repr(raised.value)
        with pytest.raises(RuntimeError):
            await tx.commit()
    async with uow.reading() as tx:
        assert await tx.mailboxes.get(delivery.mailbox_id) is None


async def test_a_value_that_the_driver_refuses_is_no_unavailability_in_a_hurried_transaction(
    uow: SqlUnitOfWork,
) -> None:
    async with uow.writing(hurried=True) as tx:
        (delivery,) = await delivered(tx)
        secret = replace(delivery, id=examples.new_id(), sequence=2, subject="secret \ud800", parts=())
        await tx.deliveries.add([(secret, [])])
        with pytest.raises(StorageFault) as raised:
            await tx.commit()
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.fixture
def own_server(open_directory: Path) -> Iterator[EmbeddedPostgres]:
    """A server that the test may stop, kill and freeze."""
    server = EmbeddedPostgres.start(open_directory / "postgres", durable=False)
    yield server
    EmbeddedPostgres.start(open_directory / "postgres", durable=False).stop()
    server.stop()


async def test_a_server_that_stops_is_unavailable_until_it_is_back(own_server: EmbeddedPostgres) -> None:
    await migrate.upgrade(own_server.url)
    database = Database(own_server.url, pool_size=2)
    uow = SqlUnitOfWork(database)
    kept, lost = claim(), claim()
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [kept])
        await tx.commit()
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [lost])
        await asyncio.to_thread(own_server.stop)
        with pytest.raises(ServiceUnavailable):
            await tx.commit()
    with pytest.raises(ServiceUnavailable):
        await database.ping()
    back = await asyncio.to_thread(EmbeddedPostgres.start, own_server.place.directory, durable=False)
    # At once, without a failure for each connection of before.
    async with uow.reading() as tx, uow.reading() as other:
        assert await tx.claims.claim(OWNER, [kept, lost]) == {kept.request_id: kept}
        assert await other.organisations.get(examples.new_id()) is None
    assert database.connections_in_use == 0
    await database.dispose()
    await asyncio.to_thread(back.stop)


async def test_a_server_that_is_killed_is_unavailable_and_keeps_what_was_committed(
    own_server: EmbeddedPostgres,
) -> None:
    await migrate.upgrade(own_server.url)
    database = Database(own_server.url, pool_size=2)
    uow = SqlUnitOfWork(database)
    kept = claim()
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [kept])
        await tx.commit()
    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [claim()])
        os.kill(int((own_server.place.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
        await asyncio.to_thread(own_server.stop)
        back = await asyncio.to_thread(EmbeddedPostgres.start, own_server.place.directory, durable=False)
        with pytest.raises(ServiceUnavailable):
            await tx.commit()
    async with uow.reading() as tx:
        assert await tx.claims.claim(OWNER, [kept]) == {kept.request_id: kept}
    await database.dispose()
    await asyncio.to_thread(back.stop)


async def test_a_server_that_freezes_is_unavailable_within_its_time(own_server: EmbeddedPostgres) -> None:
    await migrate.upgrade(own_server.url)
    database = Database(own_server.url, pool_size=1, statement_seconds=1.0, connect_seconds=2.0)
    uow = SqlUnitOfWork(database)
    frozen: list[int] = []
    try:
        async with uow.writing() as tx:
            await tx.claims.claim(OWNER, [claim()])
            frozen = freeze(own_server)
            with pytest.raises(ServiceUnavailable):
                await tx.claims.claim(OWNER, [claim()])
        with pytest.raises(ServiceUnavailable):
            await database.ping()
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert database.connections_in_use == 0
    await database.ping()
    await database.dispose()


def freeze(server: EmbeddedPostgres) -> list[int]:
    """Stops every process of the server where it is."""
    working = [each for each in Path("/proc").glob("[0-9]*") if works_in(each, server.place.data)]
    pids = [int(each.name) for each in working]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


def works_in(process: Path, directory: Path) -> bool:
    try:
        return (process / "cwd").readlink() == directory
    except OSError:
        return False
