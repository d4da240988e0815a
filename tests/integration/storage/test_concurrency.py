"""Several transactions at once on PostgreSQL: who waits, who wins, and that nobody waits for ever."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from server.domain.deliveries import DeliveryState
from server.domain.mailboxes import MailboxHead
from server.domain.refusals import ServiceUnavailable
from server.domain.sessions import TryLimit
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.records import Claim
from server.usecases.tries import password_keys
from tests.contracts import examples
from tests.contracts.post_contract import delivered

OWNER = UUID(int=0)
DEADLINE_SECONDS = 60.0


@pytest.fixture
async def database(module_database_url: str) -> AsyncIterator[Database]:
    database = Database(module_database_url, pool_size=8)
    yield database
    assert database.connections_in_use == 0
    await database.dispose()


@pytest.fixture
def uow(database: Database) -> SqlUnitOfWork:
    return SqlUnitOfWork(database)


@pytest.fixture
async def observer(module_database_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that looks at the others."""
    engine = create_async_engine(module_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def until_waiting(observer: AsyncConnection, count: int = 1) -> None:
    """Returns once so many of this database's sessions wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + DEADLINE_SECONDS
    while await observer.scalar(waiting) != count:
        assert time.monotonic() < deadline, f"{count} sessions do not come to wait"


async def test_a_claim_waits_for_the_open_transaction_that_holds_it_and_then_sees_it(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    first, second = Claim("race", bytes(32), examples.new_id()), Claim("race", bytes(32), examples.new_id())

    async def claim_second() -> Claim | None:
        async with uow.writing() as tx:
            return (await tx.claims.claim(OWNER, [second])).get("race")

    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [first])
        waiting = asyncio.create_task(claim_second())
        await until_waiting(observer)
        await tx.commit()
    assert await waiting == first


async def test_a_claim_that_waited_for_a_rollback_is_the_first(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    async def claim() -> bool:
        async with uow.writing() as tx:
            return await tx.claims.claim(OWNER, [Claim("rolled back", bytes(32), examples.new_id())]) == {}

    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [Claim("rolled back", bytes(32), examples.new_id())])
        waiting = asyncio.create_task(claim())
        await until_waiting(observer)
    assert await waiting


async def test_claims_of_the_same_ids_in_any_order_never_deadlock(uow: SqlUnitOfWork) -> None:
    request_ids = [f"shuffled-{number}" for number in range(40)]

    async def claim(seed: int) -> int:
        mine = [Claim(each, bytes([seed] * 32), examples.new_id()) for each in request_ids]
        random.Random(seed).shuffle(mine)
        async with uow.writing() as tx:
            earlier = await tx.claims.claim(OWNER, mine)
            await tx.commit()
            return len(mine) - len(earlier)

    assert sorted(await asyncio.gather(*(claim(seed) for seed in range(8)))) == [0] * 7 + [40]


async def test_mailboxes_locked_in_any_order_never_deadlock_and_lose_no_place(uow: SqlUnitOfWork) -> None:
    mailboxes = [examples.mailbox() for _ in range(20)]
    async with uow.writing() as tx:
        for mailbox in mailboxes:
            await tx.mailboxes.add(mailbox)
        await tx.commit()
    rounds, writers = 5, 6

    async def advance_all(seed: int) -> None:
        addresses = [mailbox.address for mailbox in mailboxes]
        for _ in range(rounds):
            random.Random(seed).shuffle(addresses)
            async with uow.writing() as tx:
                locked = await tx.mailboxes.lock(addresses)
                heads = {
                    mailbox.id: MailboxHead(head.sequence + 1, head.link) for mailbox, head in locked.values()
                }
                await tx.mailboxes.advance(heads, [])
                await tx.commit()

    await asyncio.gather(*(advance_all(seed) for seed in range(writers)))
    async with uow.reading() as tx:
        locked = await tx.mailboxes.lock([mailbox.address for mailbox in mailboxes])
    assert [head.sequence for _, head in locked.values()] == [rounds * writers] * len(mailboxes)


async def test_of_two_that_notify_a_delivery_at_once_exactly_one_does(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        await tx.commit()

    async def notify(seconds: float) -> bool:
        async with uow.writing() as tx:
            moved = await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, examples.at(seconds))
            await tx.commit()
            return moved

    async with uow.writing() as tx:
        assert await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, examples.at(1))
        late = [asyncio.create_task(notify(2)), asyncio.create_task(notify(3))]
        await until_waiting(observer, 2)
        await tx.commit()
    assert await asyncio.gather(*late) == [False, False]
    async with uow.reading() as tx:
        stored = await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
    assert stored == replace(delivery, state=DeliveryState.NOTIFIED, notified_at=examples.at(1))


async def test_a_locked_delivery_is_waited_for_and_seen_as_it_became(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        await tx.commit()

    async def state() -> DeliveryState | None:
        async with uow.writing() as tx:
            locked = await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
            return None if locked is None else locked.state

    async with uow.writing() as tx:
        await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
        waiting = asyncio.create_task(state())
        await until_waiting(observer)
        await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, examples.at(1))
        await tx.commit()
    assert await waiting is DeliveryState.NOTIFIED


async def test_a_deadlock_ends_in_try_again_for_one_of_the_two(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    async with uow.writing() as tx:
        one, other = await delivered(tx, 2)
        await tx.commit()

    async def lock(first: UUID, second: UUID, both_hold_one: asyncio.Barrier) -> str:
        try:
            async with uow.writing() as tx:
                await tx.deliveries.lock(one.mailbox_id, first)
                await both_hold_one.wait()
                await tx.deliveries.lock(one.mailbox_id, second)
                await tx.commit()
        except ServiceUnavailable:
            return "try again"
        return "done"

    barrier = asyncio.Barrier(2)
    ends = await asyncio.gather(lock(one.id, other.id, barrier), lock(other.id, one.id, barrier))
    assert sorted(ends) == ["done", "try again"]


@pytest.fixture
def request_ids() -> Iterator[str]:
    return (f"cancelled-{examples.number()}" for _ in iter(int, 1))


async def test_a_caller_cancelled_while_it_waits_leaves_nothing_behind(
    module_database_url: str, uow: SqlUnitOfWork, observer: AsyncConnection, request_ids: Iterator[str]
) -> None:
    mine, theirs = next(request_ids), next(request_ids)
    single = Database(module_database_url, pool_size=1)

    async def claim() -> None:
        async with SqlUnitOfWork(single).writing() as tx:
            await tx.claims.claim(OWNER, [Claim(mine, bytes(32), examples.new_id())])
            await tx.claims.claim(OWNER, [Claim(theirs, bytes(32), examples.new_id())])

    async with uow.writing() as tx:
        await tx.claims.claim(OWNER, [Claim(theirs, bytes(32), examples.new_id())])
        waiting = asyncio.create_task(claim())
        await until_waiting(observer)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert single.connections_in_use == 0
        # Its own claim is free again, and its connection in order.
        async with SqlUnitOfWork(single).writing() as after:
            assert await after.claims.claim(OWNER, [Claim(mine, bytes(32), examples.new_id())]) == {}
    await single.dispose()


async def test_a_caller_cancelled_at_any_moment_returns_its_connection(
    module_database_url: str, request_ids: Iterator[str]
) -> None:
    single = Database(module_database_url, pool_size=1)
    uow = SqlUnitOfWork(single)
    request_id = next(request_ids)

    async def claim() -> None:
        async with uow.writing() as tx:
            await tx.claims.claim(OWNER, [Claim(request_id, bytes(32), examples.new_id())])

    cancelled = 0
    for turns in range(60):
        working = asyncio.create_task(claim())
        for _ in range(turns):
            await asyncio.sleep(0)
        working.cancel()
        cancelled += isinstance((await asyncio.gather(working, return_exceptions=True))[0], BaseException)
        assert single.connections_in_use == 0
        async with uow.writing() as tx:
            assert await tx.claims.claim(OWNER, [Claim(request_id, bytes(32), examples.new_id())]) == {}
    assert cancelled > 10
    await single.dispose()


async def test_a_commit_under_way_is_finished_before_its_caller_s_cancellation_is_heard(
    uow: SqlUnitOfWork, request_ids: Iterator[str]
) -> None:
    claim = Claim(next(request_ids), bytes(32), examples.new_id())

    async def claim_and_be_cancelled() -> None:
        async with uow.writing() as tx:
            await tx.claims.claim(OWNER, [claim])
            task = asyncio.current_task()
            assert task is not None
            task.cancel()  # heard at the next wait, which is inside the commit
            await tx.commit()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(claim_and_be_cancelled())
    async with uow.reading() as tx:
        assert await tx.claims.claim(OWNER, [claim]) == {claim.request_id: claim}


async def test_facts_are_queued_for_the_log_in_the_order_of_recording(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        facts = [examples.fact(delivery) for _ in range(300)]
        random.Random(1).shuffle(facts)
        await tx.evidence.record(facts)
        await tx.commit()
    queued = await observer.execute(text("SELECT evidence_id, entry FROM log_queue ORDER BY position"))
    wanted = {fact.id for fact in facts}
    assert [tuple(row) for row in queued if row.evidence_id in wanted] == [
        (fact.id, fact.entry) for fact in facts
    ]


async def test_wrong_and_right_passwords_of_one_login_at_one_portal_wait_for_each_other_in_turn(
    uow: SqlUnitOfWork, observer: AsyncConnection
) -> None:
    limit, now = TryLimit(1000, timedelta(minutes=15)), examples.at(0)
    for number in range(8):
        keys = at_portal, login = password_keys(f"login{number}", [bytes(32)])
        async with uow.writing() as tx:
            # In either order of their rows in the table.
            for key in keys if number % 2 else reversed(keys):
                await tx.tries.take(key, limit, now)
            await tx.commit()

        async def right(keys: Sequence[bytes] = keys) -> None:
            async with uow.writing() as tx:
                await tx.tries.clear(keys)
                await tx.commit()

        async with uow.writing() as tx:
            await tx.tries.take(at_portal, limit, now)
            waiting = asyncio.create_task(right())
            await until_waiting(observer)
            assert await tx.tries.take(login, limit, now) is None
            await tx.commit()
        await waiting
