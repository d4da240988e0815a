"""What may happen around the commit of submissions: failures, cancelled calls, missing receipts."""

import asyncio
from contextlib import AbstractAsyncContextManager
from itertools import groupby

import pytest
from structlog.testing import capture_logs

from namak.evidence.mailbox_link import NONCE_BYTES
from server.domain.refusals import InternalFault, Refused, ServiceUnavailable
from server.jurisdictions.am import AM
from server.usecases.intake import Intake
from server.usecases.ports import Transaction
from server.usecases.submission import Accepted
from tests.fakes.state import State
from tests.unit.usecases.world import CountedEntropy, World, letter


@pytest.fixture
def world() -> World:
    return World()


class Gate:
    """Holds a commit until it is opened."""

    def __init__(self, world: World) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        world.uow.before_commit = self.hold  # type: ignore[method-assign]

    async def hold(self, state: State) -> None:
        self.reached.set()
        await self.opened.wait()


async def test_a_cancelled_call_does_not_cancel_its_commit(world: World) -> None:
    gate = Gate(world)
    call = asyncio.create_task(world.submit(letter()))
    await gate.reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert world.uow.commits == 0
    gate.opened.set()
    await world.submissions.drain()
    assert world.uow.commits == 1
    assert world.log.wakes == 1
    (again,) = await world.submit(letter())
    assert isinstance(again, Accepted)
    assert world.uow.commits == 1


async def test_a_commit_that_fails_after_its_caller_left_is_no_unhandled_error(world: World) -> None:
    gate = asyncio.Event()
    reached = asyncio.Event()

    async def fails(state: State) -> None:
        reached.set()
        await gate.wait()
        raise ServiceUnavailable("database")

    world.uow.before_commit = fails  # type: ignore[method-assign]
    call = asyncio.create_task(world.submit(letter()))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with capture_logs() as logged:
        gate.set()
        await world.submissions.drain()
    assert [(entry["event"], entry["error"]) for entry in logged] == [
        ("a commit failed after its caller had left", "ServiceUnavailable")
    ]
    assert not world.uow.committed.claims


async def test_draining_with_nothing_under_way_returns(world: World) -> None:
    await world.submissions.drain()


async def test_a_database_that_is_away_is_told_of_the_whole_batch(world: World) -> None:
    attempts = 0

    async def away(state: State) -> None:
        nonlocal attempts
        attempts += 1
        raise ServiceUnavailable("database")

    world.uow.before_commit = away  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailable):
        await world.submit(letter("1"), letter("2"))
    assert attempts == 1
    assert not world.uow.committed.claims


async def test_one_items_failure_touches_no_other(world: World) -> None:
    async def poisoned(state: State) -> None:
        if any(delivery.subject == "poison" for delivery in state.deliveries.values()):
            raise RuntimeError("a constraint refused it")

    world.uow.before_commit = poisoned  # type: ignore[method-assign]
    with capture_logs() as logged:
        outcomes = await world.submit(letter("1"), letter("2", subject="poison"), letter("3"))
    assert [entry["event"] for entry in logged] == [
        "a shared write failed; each submission is tried alone",
        "a submission failed",
    ]
    assert [type(outcome) for outcome in outcomes] == [Accepted, InternalFault, Accepted]
    assert {request_id for _, request_id in world.uow.committed.claims} == {"1", "3"}
    assert [one.sequence for one in world.uow.committed.links.values()] == [1, 2]


async def test_an_item_tried_alone_may_find_the_database_away(world: World) -> None:
    commits = 0

    async def flaky(state: State) -> None:
        nonlocal commits
        commits += 1
        if commits == 1:
            raise RuntimeError("the shared write")
        if commits == 3:
            raise ServiceUnavailable("database")

    world.uow.before_commit = flaky  # type: ignore[method-assign]
    outcomes = await world.submit(letter("1"), letter("2"), letter("3"))
    assert [type(outcome) for outcome in outcomes] == [Accepted, ServiceUnavailable, Accepted]


async def test_a_large_batch_gives_other_work_its_turn(world: World) -> None:
    batch = asyncio.create_task(world.submit(*(letter(str(number)) for number in range(50))))
    turns = 0
    while not batch.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 50 / 4


class Draws(CountedEntropy):
    """Remembers which task drew each nonce."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[object] = []

    def random(self, count: int) -> bytes:
        if count == NONCE_BYTES:
            self.tasks.append(asyncio.current_task())
        return super().random(count)


class SideBySide:
    """Transactions that do not wait for each other, because each is on a post of its own."""

    def __init__(self, *worlds: World) -> None:
        self._worlds = iter(worlds)

    def writing(self, *, hurried: bool = False) -> AbstractAsyncContextManager[Transaction]:
        return next(self._worlds).uow.writing()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        raise NotImplementedError


async def test_of_two_groups_one_is_decided_after_the_other(world: World) -> None:
    # Both worlds are made alike, identifiers included.
    draws = Draws()
    intake = Intake(
        uow=SideBySide(world, World()),
        clock=world.clock,
        entropy=draws,
        profile=AM,
        host_names=world.host_names,
    )
    group = intake.asked(world.agency, [letter(str(number)) for number in range(20)])
    await asyncio.gather(intake.take_in(group), intake.take_in(group))
    assert [len(list(run)) for _, run in groupby(draws.tasks)] == [20, 20]


async def test_a_single_items_fault_is_the_calls(world: World) -> None:
    async def broken(state: State) -> None:
        raise RuntimeError("a fault of ours")

    world.uow.before_commit = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await world.submit(letter())


async def test_waits_for_receipts_after_the_commit(world: World) -> None:
    outcomes = await world.submit(letter("1"), letter("2", sender="x@src.am"), letter("3"), wait=2.5)
    good = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    assert [[receipt.evidence_id for receipt in one.receipts] for one in good] == [
        [fact.id for fact in one.evidence] for one in good
    ]
    assert world.log.asked == [(frozenset(fact.id for one in good for fact in one.evidence), 2.5)]


async def test_the_wait_for_receipts_ends_with_the_calls_time_however_long_the_commit_took(
    world: World,
) -> None:
    now = asyncio.get_running_loop().time()
    await world.submit(letter("1"), wait=20, reply_by=now + 10)
    ((_, waited),) = world.log.asked
    assert 0 < waited <= 10


async def test_what_is_committed_is_accepted_though_no_time_is_left_for_its_receipts(world: World) -> None:
    world.log.hangs = True
    (outcome,) = await world.submit(letter(), wait=5, reply_by=asyncio.get_running_loop().time() - 1)
    assert isinstance(outcome, Accepted)
    assert outcome.receipts == ()


async def test_does_not_ask_for_receipts_when_told_not_to_wait(world: World) -> None:
    (outcome,) = await world.submit(letter(), wait=0)
    assert isinstance(outcome, Accepted)
    assert outcome.receipts == ()
    assert world.log.asked == []


async def test_missing_receipts_are_no_failure(world: World) -> None:
    world.log.away = True
    (outcome,) = await world.submit(letter("1"), wait=1)
    assert isinstance(outcome, Accepted)
    assert outcome.receipts == ()
    world.log.away = False
    world.log.withheld.add(outcome.evidence[1].id)
    (partly,) = await world.submit(letter("1"), wait=1)
    assert isinstance(partly, Accepted)
    assert partly.receipts == ()


async def test_of_two_equal_requests_at_once_one_is_new(world: World) -> None:
    one, other = await asyncio.gather(world.submit(letter()), world.submit(letter()))
    assert one == other
    assert len(world.uow.committed.deliveries) == 1


async def test_of_two_different_requests_under_one_id_at_once_one_is_refused(world: World) -> None:
    outcomes = await asyncio.gather(world.submit(letter()), world.submit(letter(subject="other")))
    assert sorted(isinstance(outcome, Refused) for (outcome,) in outcomes) == [False, True]
    assert len(world.uow.committed.deliveries) == 1
