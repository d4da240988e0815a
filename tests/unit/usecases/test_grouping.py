"""What is asked for at the same time is done together, and nobody pays for another's failure."""

import asyncio
from collections.abc import Sequence

import pytest

from server.domain.refusals import ServiceUnavailable
from server.usecases.grouping import Grouped


class Work:
    """Doubles numbers, when it may; some can't be doubled."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may = asyncio.Event()
        self.bad: dict[int, BaseException] = {}

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(numbers))
        await self.may.wait()
        for number in numbers:
            if number in self.bad:
                raise self.bad[number]
        return [2 * number for number in numbers]


async def asked(grouped: Grouped[int, int], numbers: range) -> list[asyncio.Task[int]]:
    """Asks for these; the first is being done on return, the others wait."""
    tasks = [asyncio.create_task(grouped.do(number)) for number in numbers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_waits_is_done_together_so_many_at_most() -> None:
    work = Work()
    grouped = Grouped[int, int](work, most=3)
    first = await asked(grouped, range(1))
    tasks = first + await asked(grouped, range(1, 6))
    work.may.set()

    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10]
    assert work.groups == [[0], [1, 2, 3], [4, 5]]
    assert await grouped.do(7) == 14  # and later it begins anew


async def test_who_is_at_fault_fails_alone() -> None:
    work = Work()
    work.may.set()
    work.bad[2] = ValueError("two")
    results = await asyncio.gather(
        *await asked(Grouped[int, int](work, most=9), range(4)), return_exceptions=True
    )

    assert [type(result) for result in results] == [int, int, ValueError, int]


async def test_where_the_database_is_away_nobody_is_tried_again() -> None:
    work = Work()
    work.may.set()
    work.bad[2] = ServiceUnavailable("database")
    tasks = await asked(Grouped[int, int](work, most=9), range(4))
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results] == [ServiceUnavailable] * 4
    assert work.groups == [[0, 1, 2, 3]]


async def test_who_leaves_before_their_turn_is_left_out_and_the_others_are_served() -> None:
    work = Work()
    grouped = Grouped[int, int](work, most=9)
    first = await asked(grouped, range(1))
    staying, leaving = await asked(grouped, range(1, 3))
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    work.may.set()

    assert await asyncio.gather(*first, staying) == [0, 2]
    assert work.groups == [[0], [1]]


async def test_where_something_within_was_cancelled_nobody_waits_for_ever() -> None:
    work = Work()
    work.bad[0] = asyncio.CancelledError()
    grouped = Grouped[int, int](work, most=1)
    tasks = await asked(grouped, range(2))
    work.may.set()

    async with asyncio.timeout(60):
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ServiceUnavailable, int]
        assert await grouped.do(7) == 14


async def test_where_the_work_is_cancelled_those_who_wait_are_told_and_it_begins_anew() -> None:
    work = Work()
    grouped = Grouped[int, int](work, most=1)
    before = asyncio.all_tasks()
    tasks = await asked(grouped, range(2))
    (working,) = asyncio.all_tasks() - before - set(tasks)
    working.cancel()

    async with asyncio.timeout(60):
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ServiceUnavailable] * 2
        work.may.set()
        assert await grouped.do(7) == 14


async def test_work_that_returns_too_little_leaves_nobody_waiting() -> None:
    async def work(_group: Sequence[int]) -> Sequence[int]:
        return []

    async with asyncio.timeout(60):
        results = await asyncio.gather(
            *await asked(Grouped[int, int](work, most=9), range(2)), return_exceptions=True
        )
    assert [type(result) for result in results] == [ValueError] * 2
