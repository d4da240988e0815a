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
import functools
import os
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from server.storage import migrate
from server.storage.embedded import EmbeddedPostgres
from server.workers.connection_string import libpq_url

_NAMES = "namak_test_"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database from which others can be made."""
    if named := os.environ.get("NAMAK_TEST_DATABASE_URL"):
        yield named
        _disconnect(named)
        return
    with _slot() as directory:
        server = EmbeddedPostgres.start(directory / "postgres", durable=False)
        try:
            _drop_leftovers(server.url)
            yield server.url
        finally:
            _disconnect(server.url)
            server.stop()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    name = _NAMES + uuid4().hex
    _run(postgres_url, f"CREATE DATABASE {name}")
    finish(migrate.upgrade(database_called(postgres_url, name)))
    yield name
    _run(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


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
    # The other strategy writes all that it copies to the log as well.
    _run(server, f"CREATE DATABASE {name} {how} STRATEGY FILE_COPY")
    try:
        yield database_called(server, name)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


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


def _drop_leftovers(server: str) -> None:
    query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
    for (name,) in _connected(server).execute(query, (_NAMES + "%",)).fetchall():
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _run(server: str, statement: str) -> None:
    _connected(server).execute(statement)


@functools.cache
def _connected(server: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Returns a connection that stays: connecting took as long as half of a database's copy."""
    return psycopg.connect(libpq_url(server), autocommit=True)


def _disconnect(server: str) -> None:
    _connected(server).close()
    _connected.cache_clear()


def database_called(server: str, name: str) -> str:
    """Returns the URL of another database of the same server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def finish(work: Coroutine[Any, Any, None]) -> None:
    """Runs work to its end on a loop of its own, whichever loop the test has."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
