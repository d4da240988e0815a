"""What PostgreSQL alone does here: transactions that insert what a message's would, and nothing else."""

import secrets
import uuid
from collections.abc import Sequence

import asyncpg
from sqlalchemy.engine import make_url

from scripts.benchmark.load import Measured, under_load

CONNECTIONS = 10
"""As many as the server has (`[database] pool_size`)."""

_TABLES = """
create schema benchmark;
create table benchmark.delivery (id uuid primary key, request_id text unique, subject text, state text);
create table benchmark.part (delivery_id uuid, number int, content bytea, primary key (delivery_id, number));
create table benchmark.fact (id uuid primary key, delivery_id uuid, document bytea);
create table benchmark.queue (position bigint generated always as identity primary key, entry bytea);
"""
_FACT_BYTES = 1000
_ENTRY_BYTES = 32


async def insert(url: str, content: bytes, *, in_flight: int, seconds: float) -> tuple[Measured, Measured]:
    """Inserts one row a transaction, and then the rows of one message a transaction: a delivery, two parts,
    two facts, two places in the queue.
    """
    # asyncpg takes no URL of SQLAlchemy's form.
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(_TABLES)

        async def row() -> int:
            await pool.execute(_PART, uuid.uuid4(), 1, content)
            return 1

        async def message() -> int:
            async with pool.acquire() as connection, connection.transaction():
                for statement, *values in _rows(content):
                    await connection.execute(statement, *values)
            return 1

        try:
            rows = await under_load(row, in_flight=in_flight, seconds=seconds)
            return rows, await under_load(message, in_flight=in_flight, seconds=seconds)
        finally:
            await pool.execute("drop schema benchmark cascade")


_DELIVERY = "insert into benchmark.delivery values ($1, $2, $3, $4)"
_PART = "insert into benchmark.part values ($1, $2, $3)"
_FACT = "insert into benchmark.fact values ($1, $2, $3)"
_QUEUE = "insert into benchmark.queue (entry) values ($1)"


def _rows(content: bytes) -> Sequence[tuple[object, ...]]:
    delivery = uuid.uuid4()
    return [
        (_DELIVERY, delivery, str(uuid.uuid4()), "subject", "CONSIGNED"),
        (_PART, delivery, 0, b"subject"),
        (_PART, delivery, 1, content),
        *((_FACT, uuid.uuid4(), delivery, secrets.token_bytes(_FACT_BYTES)) for _ in range(2)),
        *((_QUEUE, secrets.token_bytes(_ENTRY_BYTES)) for _ in range(2)),
    ]
