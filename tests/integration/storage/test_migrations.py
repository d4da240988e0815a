"""The schema: migrations give what the tables say, once, and refuse every change of what is insert-only."""

import asyncio
from uuid import RFC_4122

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from server.domain.refusals import ServiceUnavailable
from server.storage import insert_only, migrate
from server.storage.database import Database
from server.storage.metadata import METADATA
from server.storage.unit_of_work import SqlUnitOfWork


async def _run(url: str, *statements: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def test_an_upgrade_from_nothing_gives_exactly_the_tables_of_this_release(
    empty_database_url: str,
) -> None:
    assert await migrate.current(empty_database_url) is None
    await migrate.upgrade(empty_database_url)
    assert await migrate.current(empty_database_url) == migrate.newest()
    assert await migrate.check(empty_database_url) == []


async def test_an_upgrade_runs_from_any_directory(
    empty_database_url: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    await migrate.upgrade(empty_database_url)
    assert await migrate.current(empty_database_url) == migrate.newest()


async def test_upgrades_at_the_same_moment_end_as_one(empty_database_url: str) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_database_url) for _ in range(4)))
    assert await migrate.check(empty_database_url) == []


async def test_an_upgrade_of_an_upgraded_database_changes_nothing(database_url: str) -> None:
    await migrate.upgrade(database_url)
    assert await migrate.check(database_url) == []


async def test_a_database_that_was_never_migrated_is_behind(empty_database_url: str) -> None:
    assert await migrate.is_behind(empty_database_url)
    await migrate.upgrade(empty_database_url)
    assert not await migrate.is_behind(empty_database_url)


async def test_a_database_of_a_later_release_is_not_behind_and_is_left_alone(database_url: str) -> None:
    await _run(database_url, "UPDATE alembic_version SET version_num = 'later'")
    assert not await migrate.is_behind(database_url)
    await migrate.upgrade(database_url)
    assert await migrate.current(database_url) == "later"


async def test_check_says_that_nothing_was_migrated(empty_database_url: str) -> None:
    (difference,) = await migrate.check(empty_database_url)
    assert "revision None" in difference


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE mailboxes DROP COLUMN holder_number", "holder_number"),
        ("ALTER TABLE mailboxes ADD COLUMN surplus text", "surplus"),
        ("ALTER TABLE parts DROP CONSTRAINT ck_parts_digest", "ck_parts_digest"),
        ("ALTER TABLE parts ADD CONSTRAINT surplus CHECK (number < 9)", "surplus"),
        ("DROP INDEX ix_evidence_id", "ix_evidence_id"),
        ("DROP TRIGGER refuse_change ON evidence", "evidence"),
        ("ALTER TABLE log_entries DISABLE TRIGGER refuse_truncate", "log_entries"),
    ],
)
async def test_check_names_what_differs(database_url: str, change: str, named: str) -> None:
    await _run(database_url, change)
    differences = await migrate.check(database_url)
    assert any(named in difference for difference in differences)


ADMIT_A_ROW_OF_NULLS = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT conname FROM pg_constraint
        WHERE conrelid = '{table}'::regclass AND contype IN ('c', 'f', 'p') LOOP
        EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I CASCADE', name);
    END LOOP;
    FOR name IN SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 LOOP
        EXECUTE format('ALTER TABLE {table} ALTER COLUMN %I DROP NOT NULL', name);
    END LOOP;
    INSERT INTO {table} DEFAULT VALUES;
END
$$
"""


@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_what_was_recorded_is_neither_changed_nor_deleted(database_url: str, role: str) -> None:
    await _run(database_url, *(ADMIT_A_ROW_OF_NULLS.format(table=table) for table in insert_only.TABLES))
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.connect() as connection:
        for table in insert_only.TABLES:
            column = METADATA.tables[table].c[0].name
            for statement in (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):
                await connection.execute(text(f"SET session_replication_role = {role}"))
                with pytest.raises(DBAPIError, match=f"rows of {table} are never changed nor deleted"):
                    await connection.execute(text(statement))
                await connection.rollback()
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1
    await engine.dispose()


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable):
        await migrate.current("postgresql+asyncpg://postgres@/postgres?host=/nonexistent")


async def test_portals_are_filled_from_their_certificates_in_the_order_of_the_first(
    empty_database_url: str,
) -> None:
    await migrate.upgrade(empty_database_url, to="0009")
    bind = """
        INSERT INTO certificate_bindings
            (certificate_sha256, role, certificate, expires_at, bound_at, portal_name)
        VALUES (sha256('{der}'), '{role}', '{der}', '2030-01-01Z', '2026-01-01T00:00:{second}Z', '{name}')
    """
    bound = (
        ("b", "PORTAL", 40, "second.am"),
        ("a", "PORTAL", 20, "first.am"),
        ("c", "PORTAL", 30, "first.am"),
    )
    for der, role, second, name in (*bound, ("d", "OPERATOR", 10, "")):
        await _run(empty_database_url, bind.format(der=der, role=role, second=second, name=name))

    await migrate.upgrade(empty_database_url)

    database = Database(empty_database_url, pool_size=1)
    async with SqlUnitOfWork(database).reading() as tx:
        portals = await tx.portals.list_newest(before=None, limit=9)
    await database.dispose()
    assert [each.name for each in portals] == ["second.am", "first.am"]
    assert [each.registered_at.second for each in portals] == [40, 20]
    for each in portals:
        assert (each.id.version, each.id.variant) == (7, RFC_4122)
        assert each.id.int >> 80 == each.registered_at.timestamp() * 1000
