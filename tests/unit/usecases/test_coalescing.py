"""Calls at the same time share transactions, and nobody is the worse for it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.domain.refusals import (
    InternalFault,
    MailboxUnknown,
    RequestIdReused,
    ServiceUnavailable,
)
from server.usecases.coalescing import (
    MOST_ROUNDS,
    QUIET_ROUNDS,
    WORTH_ANOTHER,
    WRITERS,
)
from server.usecases.intake import Accepted
from tests.fakes.state import State
from tests.unit.usecases.coalescing import (
    NOBODY,
    RECIPIENTS,
    Gate,
    accepted,
    coalescer_of,
    turns,
)
from tests.unit.usecases.world import World, letter


@pytest.fixture
def world() -> World:
    return World()


async def test_an_idle_caller_is_written_at_once(world: World) -> None:
    coalescer = coalescer_of(world)
    (outcome,) = await coalescer.submit(world.agency, [letter()])
    accepted(outcome)
    assert (world.uow.commits, world.log.wakes, coalescer.held) == (1, 1, 0)


async def test_what_waits_together_is_one_commit_whoever_sent_it(world: World) -> None:
    coalescer = coalescer_of(world)
    other = world.sender(world.other)
    outcomes = await asyncio.gather(
        *(coalescer.submit(world.agency, [letter(str(number))]) for number in range(10)),
        coalescer.submit(other, [letter("1", sender="post@cadastre.am")]),
        coalescer.submit(world.agency, [letter("batch-1"), letter("batch-2", recipient=NOBODY)]),
    )
    kinds = [[type(outcome) for outcome in call] for call in outcomes]
    assert kinds == [[Accepted]] * 11 + [[Accepted, MailboxUnknown]]
    assert world.uow.commits == 1
    assert accepted(outcomes[10][0]).delivery.organisation_id == world.other.id


async def test_calls_that_come_through_the_edge_one_after_the_other_are_one_commit(world: World) -> None:
    coalescer = coalescer_of(world)
    calls = []
    for number in range(20):
        calls.append(asyncio.create_task(coalescer.submit(world.agency, [letter(str(number))])))
        await turns(QUIET_ROUNDS // 2)
    await asyncio.gather(*calls)
    assert world.uow.commits < 20 // 4


async def test_calls_on_their_way_are_not_waited_for_once_the_time_for_it_is_up(world: World) -> None:
    coalescer = coalescer_of(world, let_in_seconds=0)
    calls = []
    for number in range(20):
        calls.append(asyncio.create_task(coalescer.submit(world.agency, [letter(str(number))])))
        await turns(QUIET_ROUNDS // 2)
    await asyncio.gather(*calls)
    assert world.uow.commits >= 20 // 4


async def test_arrivals_without_end_hold_nobody_up(world: World) -> None:
    coalescer = coalescer_of(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    others = []
    for number in range(2 * MOST_ROUNDS // (QUIET_ROUNDS - 2)):
        others.append(asyncio.create_task(coalescer.submit(world.agency, [letter(str(number))])))
        await turns(QUIET_ROUNDS - 2)
    assert first.done()
    await asyncio.gather(*others)


async def test_calls_that_come_while_a_group_is_written_are_the_next_one(world: World) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    await gate.reached.wait()
    later = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(9)]
    await turns()
    gate.opened.set()
    await asyncio.gather(first, *later)
    assert world.uow.commits == 2


@pytest.mark.parametrize(("waiting", "writers"), [(WORTH_ANOTHER - 1, 1), (WORTH_ANOTHER, 2), (500, WRITERS)])
async def test_a_further_writer_begins_when_there_is_enough_for_it(
    world: World, waiting: int, writers: int
) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    begun = 0

    async def begin(hurried: bool) -> None:
        nonlocal begun
        begun += 1

    world.uow.before_transaction = begin  # type: ignore[method-assign]
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    await gate.reached.wait()
    later = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(waiting)]
    await turns()
    assert begun == writers
    gate.opened.set()
    assert all(isinstance(outcome, Accepted) for (outcome,) in await asyncio.gather(first, *later))
    assert coalescer.held == 0


async def test_a_call_cancelled_before_a_transaction_took_it_leaves_nothing(world: World) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    await gate.reached.wait()
    second = asyncio.create_task(coalescer.submit(world.agency, [letter("second")]))
    await turns()
    waiting = asyncio.create_task(coalescer.submit(world.agency, [letter("never-taken")]))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert coalescer.held == 2
    gate.opened.set()
    await asyncio.gather(first, second)
    await coalescer.drain()
    assert {request_id for _, request_id in world.uow.committed.claims} == {"first", "second"}


async def test_cancelling_one_call_of_a_group_changes_nothing_for_it_or_the_others(world: World) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    calls = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(5)]
    await gate.reached.wait()
    calls[2].cancel()
    await asyncio.wait([calls[2]])
    gate.opened.set()
    others = await asyncio.gather(*calls[:2], *calls[3:])
    assert [type(outcome) for (outcome,) in others] == [Accepted] * 4
    assert len(world.uow.committed.deliveries) == 5


async def test_the_same_request_twice_at_once_is_one_delivery_and_one_answer(world: World) -> None:
    coalescer = coalescer_of(world)
    outcomes = await asyncio.gather(*(coalescer.submit(world.agency, [letter()]) for _ in range(20)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert (len(world.uow.committed.deliveries), coalescer.held) == (1, 0)


async def test_of_one_request_id_with_two_contents_the_later_is_refused(world: World) -> None:
    coalescer = coalescer_of(world)
    first, later, neighbour = await asyncio.gather(
        coalescer.submit(world.agency, [letter()]),
        coalescer.submit(world.agency, [letter(subject="other")]),
        coalescer.submit(world.agency, [letter("2")]),
    )
    assert [type(each[0]) for each in (first, later, neighbour)] == [Accepted, RequestIdReused, Accepted]


async def test_a_refusal_touches_no_other_call(world: World) -> None:
    coalescer = coalescer_of(world)
    outcomes = await asyncio.gather(
        *(coalescer.submit(world.agency, [letter(str(n), recipient=to)]) for n, to in enumerate(RECIPIENTS))
    )
    assert [type(outcome) for (outcome,) in outcomes] == [Accepted] * 3 + [MailboxUnknown]
    assert world.uow.commits == 1


async def test_one_calls_failure_in_the_shared_write_touches_no_other(world: World) -> None:
    async def poisoned(state: State) -> None:
        if any(delivery.subject == "poison" for delivery in state.deliveries.values()):
            raise RuntimeError("a constraint refused it")

    world.uow.before_commit = poisoned  # type: ignore[method-assign]
    coalescer = coalescer_of(world)
    with capture_logs():
        one, poison, batch, other = await asyncio.gather(
            coalescer.submit(world.agency, [letter("1")]),
            coalescer.submit(world.agency, [letter("2", subject="poison")]),
            coalescer.submit(world.agency, [letter("3"), letter("4", subject="poison")]),
            coalescer.submit(world.sender(world.other), [letter("5", sender="post@cadastre.am")]),
            return_exceptions=True,
        )
    assert isinstance(poison, RuntimeError)
    kinds = [[type(outcome) for outcome in call] for call in (one, batch, other) if isinstance(call, list)]
    assert kinds == [[Accepted], [Accepted, InternalFault], [Accepted]]
    assert {request_id for _, request_id in world.uow.committed.claims} == {"1", "3", "5"}
    assert coalescer.held == 0


async def test_a_database_that_is_away_is_told_of_all_calls_of_the_group_once(world: World) -> None:
    attempts = 0

    async def away(state: State) -> None:
        nonlocal attempts
        attempts += 1
        raise ServiceUnavailable("database")

    world.uow.before_commit = away  # type: ignore[method-assign]
    coalescer = coalescer_of(world)
    calls = [coalescer.submit(world.agency, [letter(str(number))]) for number in range(5)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ServiceUnavailable] * 5
    assert attempts == 1
