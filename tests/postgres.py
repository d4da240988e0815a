"""PostgreSQL for tests: one server for each process that runs tests, a fresh migrated database for each test
that asks.

Every process takes a free slot, a directory with a lock and an embedded PostgreSQL in it, so that processes
(and whole test runs) side by side do not meet. What a killed run left behind, a server and its databases, the
next one in the slot takes over and clears. NAMAK_TEST_DATABASE_URL names another PostgreSQL, 15 or newer, on
which databases are made instead; its role must be allowed to.
"""

import asyncio
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.storage import migrate
from server.storage.embedded import EmbeddedPostgres

_NAMES = "namak_test_"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database from which others can be made."""
    if named := os.environ.get("NAMAK_TEST_DATABASE_URL"):
        yield named
        return
    with _slot() as directory:
        server = EmbeddedPostgres.start(directory / "postgres", durable=False)
        try:
            finish(_drop_leftovers(server.url))
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    name = _NAMES + uuid4().hex
    finish(_run(postgres_url, f"CREATE DATABASE {name}"))
    finish(migrate.upgrade(database_called(postgres_url, name)))
    yield name
    finish(_run(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a fresh migrated database, dropped after the test."""
    with _database(postgres_url, f"TEMPLATE {template_database}") as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a migrated database that the tests of one module share."""
    with _database(postgres_url, f"TEMPLATE {template_database}") as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """The URL of a database without any table."""
    with _database(postgres_url, "TEMPLATE template0") as url:
        yield url


@contextlib.contextmanager
def copied_database(server: str, original: str) -> Iterator[str]:
    """Makes a database that is a copy of another one, to which nobody may be connected; drops it at the end.

    `server` and `original` are URLs, and so is what it yields.
    """
    with _database(server, f"TEMPLATE {make_url(original).database}") as url:
        yield url


@contextlib.contextmanager
def _database(server: str, how: str) -> Iterator[str]:
    name = _NAMES + uuid4().hex
    finish(_run(server, f"CREATE DATABASE {name} {how}"))
    try:
        yield database_called(server, name)
    finally:
        finish(_run(server, f"DROP DATABASE {name} WITH (FORCE)"))


@contextlib.contextmanager
def _slot() -> Iterator[Path]:
    """Holds a directory of this machine's tests that no other process holds; a machine's restart begins with
    new ones.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    root = Path(tempfile.gettempdir()) / f"namak-tests-{os.geteuid()}-{boot}"
    root.mkdir(exist_ok=True)
    assert root.lstat().st_uid == os.geteuid(), f"{root} is somebody else's"
    root.chmod(0o711)
    for number in range(1000):
        directory = root / str(number)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o711)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        try:
            yield directory
        finally:
            os.close(lock)
        return
    raise AssertionError("a thousand processes run tests already")


async def _drop_leftovers(server: str) -> None:
    engine = create_async_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        query = text("SELECT datname FROM pg_database WHERE datname LIKE :names")
        found = await connection.execute(query, {"names": _NAMES + "%"})
        for name in found.scalars().all():
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await engine.dispose()


async def _run(server: str, statement: str) -> None:
    engine = create_async_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def database_called(server: str, name: str) -> str:
    """Returns the URL of another database of the same server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def finish(work: Coroutine[Any, Any, None]) -> None:
    """Runs work to its end on a loop of its own, whichever loop the test has."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
