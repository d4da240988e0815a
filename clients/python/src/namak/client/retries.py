"""Patience with a server that does not answer: the same request again, later and later, until time is up."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc.aio

from namak.client.statuses import error_from_call
from namak.errors import DeadlineExceeded, Unavailable

T = TypeVar("T")

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on with one call. All times in seconds.

    One try gets at most half of ``total``, so that a lost answer leaves time for another try.
    """

    total: float = 60.0
    first_pause: float = 0.1
    longest_pause: float = 5.0

    @property
    def one_try(self) -> float:
        """The longest that a single try may take."""
        return self.total / 2


async def persistently(attempt: Callable[[float], Awaitable[T]], patience: Patience) -> T:
    """Runs ``attempt`` (given the seconds it has) until it gives an answer or a refusal, or until time is up.

    The attempt MUST send the same request each time, with the same request id: an answer that got lost means
    that the outcome is unknown. Pauses grow by two from ``first_pause`` to ``longest_pause``, shortened at
    random by up to half so that many clients do not come back at once, and are never shorter than the server
    asked for.
    """
    deadline = time.monotonic() + patience.total
    pause = patience.first_pause
    while True:
        try:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise DeadlineExceeded(f"there was no answer within {patience.total:g} s")
            return await attempt(min(remaining, patience.one_try))
        except grpc.aio.AioRpcError as failure:
            problem = error_from_call(failure)
            wait = max(_random.uniform(pause / 2, pause), problem.retry_delay or 0.0)
            if not isinstance(problem, Unavailable) or time.monotonic() + wait >= deadline:
                raise problem from failure
        await asyncio.sleep(wait)
        pause = min(2 * pause, patience.longest_pause)
