"""Where a log is measured: a database of its own in a running PostgreSQL, and who signs."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import make_url

from server.dev.tokens import TokenStore
from server.hsm.pkcs11 import Pkcs11LogSigner
from server.hsm.token_link import TokenKey
from server.storage import migrate
from server.storage.log_connection import driver_url

ORIGIN = "log.example.am/2026"
KEY = "log"


class WallClock:
    """Tells the time."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)


@contextlib.asynccontextmanager
async def database_beside(url: str) -> AsyncIterator[str]:
    """Makes a database with the post's tables beside that of `url`, and removes it afterwards."""
    name = f"log_{uuid4().hex}"
    connection = await asyncpg.connect(driver_url(url))
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        try:
            beside = make_url(url).set(database=name).render_as_string(hide_password=False)
            await migrate.upgrade(beside)
            yield beside
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def token_signer(place: Path) -> AsyncIterator[Pkcs11LogSigner]:
    """Makes a SoftHSM2 token with a log key in `place`, and opens it as the server does."""
    token = TokenStore.create(place).new_token("namak-log", "2468")
    token.generate_log_key(KEY)
    where = TokenKey(token.module, token.label, KEY, token.pin_file, token.environment)
    signer = await Pkcs11LogSigner.open(where)
    try:
        yield signer
    finally:
        await signer.close()


async def size_of(url: str, tables: str) -> float:
    """Returns how many MiB the tables whose names are like this have, with their indexes."""
    connection = await asyncpg.connect(driver_url(url))
    try:
        found = await connection.fetchval(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
            " WHERE relkind = 'r' AND relname LIKE $1",
            tables,
        )
    finally:
        await connection.close()
    return float(found) / 2**20
