"""Load and what came of it: many calls in flight for some seconds, and how long each took."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Action = Callable[[], Awaitable[int]]
"""Does one thing and returns how many units (calls, messages, rows) it was."""


@dataclass(frozen=True)
class Measured:
    """What was done in how many seconds; `latencies` are in seconds, one for each action."""

    units: int
    seconds: float
    latencies: Sequence[float]

    @property
    def per_s(self) -> float:
        """Units a second."""
        return self.units / self.seconds

    def ms(self, percent: float) -> float:
        """The percentile of the latencies, in milliseconds: the smallest that so many do not exceed."""
        ordered = sorted(self.latencies)
        return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)] * 1000


async def under_load(action: Action, *, in_flight: int, seconds: float) -> Measured:
    """Repeats the action, so many at the same time, for so many seconds after a short warm-up.

    What is under way at the end is waited for and counted, its time too. The first failure ends it.
    """
    await _repeat(action, in_flight, min(1.0, seconds / 5))
    return await _repeat(action, in_flight, seconds)


async def each(actions: Sequence[Action], *, in_flight: int, seconds: float) -> Measured:
    """Does each action once, in order, so many at the same time; begins none after so many seconds."""
    left = iter(actions)
    end = time.monotonic() + seconds

    def unfinished() -> Action | None:
        return next(left, None) if time.monotonic() < end else None

    return await _work(unfinished, in_flight)


async def _repeat(action: Action, in_flight: int, seconds: float) -> Measured:
    end = time.monotonic() + seconds
    return await _work(lambda: action if time.monotonic() < end else None, in_flight)


async def _work(next_action: Callable[[], Action | None], in_flight: int) -> Measured:
    latencies: list[float] = []
    units = 0

    async def worker() -> None:
        nonlocal units
        while (action := next_action()) is not None:
            began = time.monotonic()
            done = await action()
            units += done  # not in one: `units += await …` reads the sum before it waits
            latencies.append(time.monotonic() - began)

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(worker())
    return Measured(units, time.monotonic() - began, latencies)
