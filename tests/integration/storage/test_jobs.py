"""Jobs in Procrastinate's tables keep the contract, and the tables are those that our migrations make."""

from collections.abc import AsyncIterator
from importlib import resources

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.domain.jobs import Job
from server.storage import job_schema
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.contracts.job_contract import JobContract, Kill, kind


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=3)
    yield SqlUnitOfWork(database)
    assert database.connections_in_use == 0
    await database.dispose()


@pytest.fixture
async def engine(module_database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(module_database_url, poolclass=NullPool)
    yield made
    await made.dispose()


@pytest.fixture
def kill(engine: AsyncEngine) -> Kill:
    async def dies(job_id: int) -> None:
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE jobs.procrastinate_jobs SET status = 'doing' WHERE id = :job"), {"job": job_id}
            )
            await connection.execute(
                text("SELECT jobs.procrastinate_finish_job_v1(:job, 'failed', false)"), {"job": job_id}
            )

    return dies


class TestSqlJobs(JobContract):
    """The contract, on PostgreSQL."""


def test_every_step_of_the_installed_package_is_taken_by_a_migration() -> None:
    assert job_schema.missing() == []


async def test_the_replayed_steps_end_where_the_package_s_own_schema_does(
    engine: AsyncEngine,
) -> None:
    schema = resources.files("procrastinate.sql").joinpath("schema.sql").read_text(encoding="utf-8")
    async with engine.connect() as connection:
        await connection.execute(text("CREATE SCHEMA theirs"))
        await connection.execute(text("SET LOCAL search_path TO theirs, pg_catalog"))
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(schema)
        await connection.execute(text("SET LOCAL search_path TO pg_catalog"))
        shape = text("""
            SELECT table_name, column_name, udt_name, is_nullable, replace(column_default, :schema, '')
            FROM information_schema.columns WHERE table_schema = :schema AND table_name <> 'failures'
            ORDER BY 1, 2
        """)
        routines = text("""
            SELECT proname, replace(pg_get_function_identity_arguments(oid), :schema || '.', ''), md5(prosrc)
            FROM pg_proc WHERE pronamespace = CAST(:schema AS regnamespace) ORDER BY 1, 2
        """)
        found = {
            schema: [
                (await connection.execute(query, {"schema": schema})).all() for query in (shape, routines)
            ]
            for schema in ("jobs", "theirs")
        }
    (columns, functions), (their_columns, their_functions) = found["jobs"], found["theirs"]
    assert [row[:4] for row in columns] == [row[:4] for row in their_columns]
    assert {row[0] for row in functions} >= {row[0] for row in their_functions}


async def test_deferring_notifies_nobody(engine: AsyncEngine, uow: SqlUnitOfWork) -> None:
    # A notification takes a lock at commit that all commits of the database share.
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        heard: list[object] = []
        await raw.add_listener("procrastinate_any_queue_v1", lambda *told: heard.append(told))
        async with uow.writing() as tx:
            await tx.jobs.defer([Job(kind(), {})])
            await tx.commit()
        # Notifications come before the answer of whatever is asked next.
        await connection.execute(text("NOTIFY procrastinate_any_queue_v1"))
        await connection.commit()
        await connection.execute(text("SELECT 1"))
    assert len(heard) == 1
