"""Brings a database to the schema of this release, and tells whether it has it.

The migrations stand in `migrations/` beside the package `server`. Each runs in its own transaction with its
own time-outs.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, NullPool, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import server
from server.domain.refusals import ServiceUnavailable
from server.storage import (
    forwarding_tables,
    insert_only,
    ladder_tables,
    letter_tables,
    log_tables,
    mail_tables,
    notice_tables,
    outage_tables,
    phone_tables,
    sender_sms_tables,
    session_tables,
    sms_tables,
    tables,
)
from server.storage.failures import answering
from server.storage.metadata import METADATA

_SCRIPTS = Path(server.__file__).resolve().parent.parent / "migrations"
Result = TypeVar("Result")

_UPGRADE_LOCK = 0x6E616D616B  # "namak"; any number that nothing else in the database locks
_LOCK_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.1

CONTEXT_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "target_metadata": METADATA,
        "compare_type": True,
        "compare_server_default": True,
        "transaction_per_migration": True,
    }
)
"""How `migrations/env.py` and the comparison below look at the database."""

assert tables.MailboxRow.metadata is METADATA is log_tables.log_entries.metadata
assert ladder_tables.LadderWakeRow.metadata is METADATA
assert letter_tables.LetterOrderRow.metadata is METADATA
assert outage_tables.OutageRow.metadata is METADATA
assert forwarding_tables.ForwardingTargetRow.metadata is METADATA is notice_tables.NoticeRow.metadata
assert sms_tables.SmsSegmentRow.metadata is METADATA is mail_tables.MailOriginRow.metadata
assert sender_sms_tables.SenderSmsRow.metadata is METADATA
assert session_tables.SessionRow.metadata is METADATA is phone_tables.PhoneConfirmationRow.metadata


async def upgrade(url: str, *, to: str = "head") -> None:
    """Runs what is missing, as a rule all of it. Replicas may do so at the same moment: one works, the others
    wait and find nothing to do. A database that a later release has migrated is left alone.

    The connection must be a direct one, for the lock belongs to its session.

    Raises:
        ServiceUnavailable: the database does not answer, or another upgrade takes more than two minutes.
    """
    async with _connected(url) as connection:
        await _take_upgrade_lock(connection)
        await connection.run_sync(_upgrade, to)


async def check(url: str) -> Sequence[str]:
    """Returns how the database differs from the tables of this release, in words; nothing when it does not.

    Raises:
        ServiceUnavailable: the database does not answer.
    """
    return await on_connection(url, _differences)


async def current(url: str) -> str | None:
    """Returns the revision that the database is at; None before the first.

    Raises:
        ServiceUnavailable: the database does not answer.
    """
    return await on_connection(url, _revision)


async def is_behind(url: str) -> bool:
    """Tells whether the database lacks a migration of this release.

    A revision that this release does not know is a later one's, and each migration runs under the release
    before: a replica of that must be able to start again while the others are being replaced.

    Raises:
        ServiceUnavailable: the database does not answer.
    """
    return await on_connection(url, _is_behind)


def newest() -> str:
    """Returns the revision that this release needs."""
    revision = _scripts().get_current_head()
    assert revision is not None, "there is no migration"
    return revision


async def on_connection(url: str, work: Callable[[Connection], Result]) -> Result:
    """Runs blocking work on a connection of its own and closes it."""
    async with _connected(url) as connection:
        return await connection.run_sync(work)


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        with answering():
            async with engine.connect() as connection:
                yield connection
    finally:
        await engine.dispose()


def _configuration() -> Config:
    configuration = Config()
    # A per cent sign in the path would be interpolated.
    configuration.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


def _upgrade(connection: Connection, to: str) -> None:
    if not _is_behind(connection):
        return
    # Looking began a transaction, in which all migrations would run as one; indexes are built outside of any.
    connection.rollback()
    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, to)
    connection.commit()


async def _take_upgrade_lock(connection: AsyncConnection) -> None:
    """Takes the lock that the session holds until its connection closes: each migration commits by itself.

    It is asked for again and again and not waited for inside the database: who waits there holds a snapshot,
    and an index that is built beside the writers waits for everybody who holds one.
    """
    end = time.monotonic() + _LOCK_WAIT_SECONDS
    while not await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _UPGRADE_LOCK}):
        await connection.rollback()
        if time.monotonic() > end:
            raise ServiceUnavailable("database")
        await asyncio.sleep(_POLL_SECONDS)
    await connection.commit()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_configuration())


def _is_behind(connection: Connection) -> bool:
    revision = _revision(connection)
    older = {script.revision for script in _scripts().walk_revisions()} - {newest()}
    return revision is None or revision in older


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _differences(connection: Connection) -> Sequence[str]:
    found = _revision(connection)
    if found != newest():
        return [f"the database is at revision {found}, this release needs {newest()}"]
    context = MigrationContext.configure(connection, opts=dict(CONTEXT_OPTIONS))
    differences = [_in_words(difference) for difference in compare_metadata(context, METADATA)]
    return [*differences, *_differing_checks(connection), *insert_only.missing_triggers(connection)]


def _in_words(difference: Any) -> str:
    # A changed column comes as a list of one tuple, everything else as a tuple.
    kind, *about = difference[0] if isinstance(difference, list) else difference
    return f"{kind}: {', '.join(str(what) for what in about)}"


def _differing_checks(connection: Connection) -> Sequence[str]:
    """Compares CHECK constraints by name, which Alembic does not."""
    inspector = inspect(connection)
    differences = []
    for table in METADATA.sorted_tables:
        expected = {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint)}
        found = {each["name"] for each in inspector.get_check_constraints(table.name)}
        differences += [
            f"table {table.name} lacks the constraint {name}" for name in sorted(expected - found)
        ]
        differences += [
            f"table {table.name} has the foreign constraint {name}"
            for name in sorted(found - expected, key=str)
        ]
    return differences
