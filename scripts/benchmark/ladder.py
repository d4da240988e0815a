"""`python -m scripts.benchmark.ladder`: how long a look for due deliveries takes among a million open ones.

It runs a durable PostgreSQL of its own, adds the rows directly, and prints what it measured, and how
PostgreSQL went about it. No server runs: what is due stays due.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta

import asyncpg
from sqlalchemy.engine import make_url

from scripts.benchmark.__main__ import PLACE
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import embedded_postgres
from server.storage.embedded_place import remove
from server.storage.unit_of_work import SqlUnitOfWork

OPEN, DUE, LOOKS, BATCH = 1_000_000, 1000, 200, 50
MAILBOXES = 1000

_FILL = (
    """
    insert into mailboxes (id, address, holder_kind, holder_number, state, opened_at)
    select cast('a' || lpad(to_hex(n), 31, '0') as uuid), 'm' || n || '@e-citizen.am', 'PERSON',
        'm' || n, 'OPEN', now()
    from generate_series(1, $1) n
    """,
    """
    insert into deliveries (mailbox_id, id, organisation_id, sender_address_id, organisation_code,
        organisation_name, sender, recipient, subject, notification_policy, sequence, submitted_at, state)
    select cast('a' || lpad(to_hex(1 + n % $1), 31, '0') as uuid), cast(lpad(to_hex(n), 32, '0') as uuid),
        cast(lpad('1', 32, '0') as uuid), cast(lpad('1', 32, '0') as uuid), '1', 'Own', 'a@a.am', 'b@b.am',
        's',
        'am-2025@2', n, now(), 'CONSIGNED'
    from generate_series(1, $2) n
    """,
    """
    insert into ladder_wakes (mailbox_id, delivery_id, wake_at)
    select mailbox_id, id, now() + (sequence - $1) * interval '1 second' - interval '1 hour'
        + case when sequence > $1 then interval '2 hours' else interval '0' end
    from deliveries where notification_policy = 'am-2025@2'
    """,
)
_EXPLAIN = """
explain (analyze, buffers, costs off)
select d.id from ladder_wakes w join deliveries d on d.mailbox_id = w.mailbox_id and d.id = w.delivery_id
where w.wake_at <= now()
and not exists (select 1 from outstanding_sign_ins o where o.mailbox_id = w.mailbox_id)
order by w.wake_at, w.delivery_id limit 50 for no key update of w, d skip locked
"""


async def measure() -> None:
    """Fills, looks, and prints."""
    remove(PLACE)
    async with embedded_postgres(PLACE / "database", durable=True) as postgres:
        url = postgres.url
        await migrate.upgrade(url)
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(dsn)
        began = time.monotonic()
        for statement, values in zip(_FILL, ((MAILBOXES,), (MAILBOXES, OPEN), (DUE,)), strict=True):
            await connection.execute(statement, *values, timeout=600)
        await connection.execute("vacuum analyze", timeout=600)
        _say(f"{OPEN:,} open deliveries added in {time.monotonic() - began:.0f} s, {DUE:,} of them due")
        for (line,) in await connection.fetch(_EXPLAIN):
            _say(f"  {line}")
        await connection.close()
        database = Database(url, pool_size=2)
        await _looks(SqlUnitOfWork(database), "with a batch due", datetime.now(UTC))
        await _looks(SqlUnitOfWork(database), "with none due", datetime.now(UTC) - timedelta(days=1))
        await database.dispose()


async def _looks(uow: SqlUnitOfWork, what: str, now: datetime) -> None:
    times, found = [], 0
    for _ in range(LOOKS):
        async with uow.writing() as tx:
            began = time.perf_counter()
            found = len(await tx.ladders.take_due(now, limit=BATCH))
            times.append(time.perf_counter() - began)
    times.sort()
    _say(
        f"a look {what}: {found} found, p50 {1000 * times[LOOKS // 2]:.1f} ms, "
        f"p99 {1000 * times[LOOKS * 99 // 100]:.1f} ms"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    asyncio.run(measure())
