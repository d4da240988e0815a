"""One leader among the replicas, by a lock on the connection that writes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable

from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import LeaderSession, LeaderSessions
from server.transparency.settings import Pace

Pause = Callable[[float], Awaitable[bool]]
"""Pauses for seconds; returns False when the process is to stop instead."""


@contextlib.asynccontextmanager
async def session_of(sessions: LeaderSessions) -> AsyncIterator[LeaderSession]:
    """Opens a session and closes it, whatever happens: that lets go of the lock."""
    session = await sessions.open()
    try:
        yield session
    finally:
        await session.close()


async def elected(session: LeaderSession, pace: Pace, pause: Pause) -> bool:
    """Waits until the lock is free and takes it; returns False when the process is to stop instead.

    Raises:
        ServiceUnavailable: the session is lost.
    """
    while not await session.try_lead():
        # Spread at random, or all candidates would ask at once for ever.
        if not await pause(pace.candidacy * random.uniform(1.0, 1.25)):  # noqa: S311 - no secret
            return False
    return True


@contextlib.asynccontextmanager
async def kept_alive(session: LeaderSession, pace: Pace) -> AsyncIterator[None]:
    """Speaks on the session while the block waits for something else: the key, the disk, a pause.

    A process that is frozen does not, and so loses the lock.
    """
    pinging = asyncio.create_task(_ping(session, pace.silence / 4), name="log leader's sign of life")
    try:
        yield
    finally:
        pinging.cancel()
        await asyncio.wait([pinging])


async def _ping(session: LeaderSession, interval: float) -> None:
    # A lost session shows itself to whoever uses it next.
    with contextlib.suppress(ServiceUnavailable):
        while True:
            await asyncio.sleep(interval)
            await session.ping()


class Backoff:
    """Pauses between attempts: each twice the one before, up to a longest, a little at random."""

    def __init__(self, first: float, longest: float) -> None:
        """Takes the first and the longest pause, in seconds."""
        self._first, self._longest = first, longest
        self._next = first

    def reset(self) -> None:
        """Begins again with the first pause: something worked."""
        self._next = self._first

    def seconds(self) -> float:
        """Returns the next pause."""
        seconds = self._next
        self._next = min(2 * seconds, self._longest)
        return seconds * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
