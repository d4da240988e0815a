"""The queue is read from above what was taken, and what becomes visible late is never missed."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from server.storage.log_connection import connect
from server.storage.log_store import PostgresLeaderSession
from server.storage.queue_floor import QueueFloor
from server.transparency.integrator import integrate
from server.transparency.steps import unobserved
from tests.integration.transparency.conftest import ORIGIN, WallClock, World

INSERT = "INSERT INTO log_queue (evidence_id, entry) VALUES ($1, $2) RETURNING position"


@contextlib.asynccontextmanager
async def leading(world: World, floor: QueueFloor) -> AsyncIterator[PostgresLeaderSession]:
    session = PostgresLeaderSession(await connect(world.ledger.url, command_seconds=60.0, settings={}), floor)
    try:
        yield session
    finally:
        await session.close()


async def take_all(session: PostgresLeaderSession, limit: int = 100) -> int:
    """Integrates until nothing waits; returns how many entries that were."""
    count = 0
    while taken := await integrate(session, ORIGIN, limit=limit, clock=WallClock(), on_step=unobserved):
        count += taken.entries
    return count


async def add(connection: Any) -> int:
    """Adds an entry in the connection's transaction; returns its position."""
    document = uuid4().bytes
    position: int = await connection.fetchval(INSERT, uuid4(), hashlib.sha256(document).digest())
    return position


async def test_what_becomes_visible_late_is_taken_whatever_was_taken_before(world: World) -> None:
    floor = QueueFloor(look_seconds=0)
    late = await world.ledger.connect()
    async with leading(world, floor) as session:
        transaction = late.transaction()
        await transaction.start()
        position = await add(late)
        for _ in range(5):
            await world.ledger.record(3)
            assert await take_all(session) == 3
            assert floor.position < position
        await transaction.commit()
        assert await take_all(session) == 1
        for _ in range(4):
            await world.ledger.record(3)
            assert await take_all(session) == 3
        assert floor.position > position
    await late.close()
    assert await world.ledger.value("SELECT count(*) FROM log_queue") == 0


async def test_the_floor_rises_over_what_was_rolled_back(world: World) -> None:
    floor = QueueFloor(look_seconds=0)
    failing = await world.ledger.connect()
    async with leading(world, floor) as session:
        transaction = failing.transaction()
        await transaction.start()
        position = await add(failing)
        await world.ledger.record(3)
        await take_all(session)
        await transaction.rollback()
        for _ in range(4):
            await world.ledger.record(3)
            await take_all(session)
        assert floor.position > position
    await failing.close()


async def test_the_floor_does_not_rise_while_not_everything_is_taken(world: World) -> None:
    floor = QueueFloor(look_seconds=0)
    late = await world.ledger.connect()
    async with leading(world, floor) as session:
        transaction = late.transaction()
        await transaction.start()
        positions = [await add(late) for _ in range(5)]
        await world.ledger.record(6)
        assert await take_all(session, limit=2) == 6
        await transaction.commit()
        for taken in (2, 2, 1):
            assert floor.position < positions[0]
            done = await integrate(session, ORIGIN, limit=2, clock=WallClock(), on_step=unobserved)
            assert done is not None
            assert done.entries == taken
    await late.close()
    assert await world.ledger.value("SELECT count(*) FROM log_queue") == 0


async def test_positions_that_begin_anew_are_taken(world: World) -> None:
    floor = QueueFloor(look_seconds=0)
    async with leading(world, floor) as session:
        for _ in range(4):
            await world.ledger.record(3)
            await take_all(session)
        assert floor.position > 0
        connection = await world.ledger.connect()
        await connection.execute("ALTER TABLE log_queue ALTER COLUMN position RESTART WITH 1")
        await connection.close()
        await world.ledger.record(2)
        async with session.integration():
            pass
        assert floor.position == 0
        assert await take_all(session) == 2


async def test_taking_does_not_become_slower_while_an_old_snapshot_is_held(world: World) -> None:
    floor = QueueFloor(look_seconds=0)
    backup = await world.ledger.connect()
    async with leading(world, floor) as session, backup.transaction(isolation="repeatable_read"):
        await backup.fetchval("SELECT count(*) FROM log_queue")
        for _ in range(5):
            await world.ledger.record(500, at_once=500)
            assert await take_all(session, limit=1000) == 500
        walked = await pages_read(world, 0)
        assert await pages_read(world, floor.position) < walked / 2
    await backup.close()


async def pages_read(world: World, above: int) -> int:
    """Returns how many pages it takes to find the first entry above a position."""
    connection = await world.ledger.connect()
    try:
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetch(
            "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT TEXT)"
            f" SELECT position FROM log_queue WHERE position > {above} ORDER BY position LIMIT 1"
        )
    finally:
        await connection.close()
    shared = next(row[0] for row in plan if "shared hit" in row[0])
    return sum(int(part.partition("=")[2]) for part in shared.split() if part.startswith(("hit=", "read=")))


async def test_many_who_add_at_the_same_time_lose_nothing(world: World) -> None:
    floor = QueueFloor(look_seconds=0)
    done = asyncio.Event()

    async def adding() -> None:
        await asyncio.gather(*(world.ledger.record(200, at_once=3) for _ in range(6)))
        done.set()

    async with leading(world, floor) as session:
        task = asyncio.create_task(adding())
        while not done.is_set():
            await take_all(session, limit=7)
        await task
        # While others add it need not rise; once nobody does it must.
        for _ in range(3):
            await world.ledger.record(1)
            await take_all(session)
    assert await world.ledger.check(ORIGIN) == 1203
    assert floor.position > 0
