"""Waiting for a condition, with a deadline, in place of sleeping for a while and hoping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object | Awaitable[object]], *, seconds: float = 60.0) -> None:
    """Returns as soon as the condition holds, or what it awaits; a TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if await held if inspect.isawaitable(held) else held:
                return
            await asyncio.sleep(0.005)
