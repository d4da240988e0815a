"""Tells tasks that wait in this process that something happened."""

import asyncio
from collections.abc import Awaitable, Callable


class News:
    """Counts arrivals; whoever remembers a count can wait for what came after it, and misses nothing."""

    def __init__(self) -> None:
        self._count = 0
        self._next = asyncio.Event()
        self._calls: list[Callable[[], None]] = []

    def call(self, on_arrival: Callable[[], None]) -> None:
        """Has something called at each arrival; it must not wait nor fail."""
        self._calls.append(on_arrival)

    @property
    def count(self) -> int:
        """How many arrivals there were."""
        return self._count

    def arrive(self) -> None:
        """Counts one and wakes all who wait."""
        self._count += 1
        self._next.set()
        self._next = asyncio.Event()
        for on_arrival in self._calls:
            on_arrival()

    async def beyond(self, count: int, seconds: float) -> bool:
        """Waits until there were more than `count` arrivals; returns False if `seconds` passed before."""
        if self._count > count:
            return True
        return await within(seconds, self._next.wait())


async def within(seconds: float, awaited: Awaitable[object]) -> bool:
    """Awaits at most `seconds`; returns whether that was enough."""
    try:
        async with asyncio.timeout(seconds):
            await awaited
    except TimeoutError:
        return False
    return True
