"""One register: kept answers, questions asked once however many wait for them, repetitions, breaker."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Generic, TypeVar

import structlog

from server.domain.state_records import Fault, Found, NotFound, Unavailable
from server.gateways.state_registers.answers import Malformed, Reader, absent
from server.gateways.state_registers.breaker import Breaker
from server.gateways.state_registers.kept import KeptAnswers
from server.gateways.state_registers.transport import Endpoint, Failure, Reply, Transport

R = TypeVar("R")

# The register answers, if badly, so the next question may fare better: such an answer is no reason to stop
# asking for others, and nobody can make the register look ill by asking for one bad record again and again.
_STANDS = frozenset({Fault.TOO_LARGE, Fault.MALFORMED, Fault.ANOTHER_RECORD})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How a register is asked.

    Attributes:
        seconds: how long a question may take at most, repetitions and all.
        attempts: how often it is asked at most for one question.
        pause_seconds: the longest pause before the second attempt; before each further one twice as long.
            How much of it is waited is left to chance, so that many who failed together don't come back
            together.
        failures, rest_seconds: see `Breaker`.
        keep_seconds, most_kept: see `KeptAnswers`.
    """

    seconds: float = 5.0
    attempts: int = 3
    pause_seconds: float = 0.2
    failures: int = 5
    rest_seconds: float = 30.0
    keep_seconds: float = 600.0
    most_kept: int = 10_000


class Register(Generic[R]):
    """Asks one register; made and used within one event loop."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        read: Reader[R],
        patience: Patience,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`name` is for log lines; `chance` returns a number from 0 up to 1."""
        self._name = name
        self._read = read
        self._patience = patience
        self._monotonic = monotonic
        self._pause = pause
        self._chance = chance
        self._transport = Transport(endpoint)
        self._breaker = Breaker(
            failures=patience.failures, rest_seconds=patience.rest_seconds, monotonic=monotonic
        )
        self._kept: KeptAnswers[R] = KeptAnswers(
            seconds=patience.keep_seconds, most=patience.most_kept, monotonic=monotonic
        )
        self._under_way: dict[str, asyncio.Task[Found[R] | NotFound | Unavailable]] = {}

    async def close(self) -> None:
        """Gives up what is under way, and closes the connections."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.close()

    async def ask(self, number: str, *, no_older_than: timedelta) -> Found[R] | NotFound | Unavailable:
        """Returns what the register says of a number, or said no longer ago than that."""
        if kept := self._kept.get(number, no_older_than=no_older_than):
            return kept
        task = self._under_way.get(number)
        if task is None:
            task = asyncio.create_task(self._ask(number))
            self._under_way[number] = task
            task.add_done_callback(partial(self._ended, number))
        # Shielded, for one caller who hangs up must not fail the others who wait for the same answer.
        return await asyncio.shield(task)

    def _ended(self, number: str, task: asyncio.Task[Found[R] | NotFound | Unavailable]) -> None:
        self._under_way.pop(number, None)
        if not task.cancelled():
            # Whoever asked may have hung up; what nobody waits for would be logged by the loop, in full.
            task.exception()

    async def _ask(self, number: str) -> Found[R] | NotFound | Unavailable:
        permit = self._breaker.admit()
        if isinstance(permit, float):
            return Unavailable(Fault.RESTING, timedelta(seconds=permit))
        began = self._monotonic()
        try:
            answer, said_at, attempts = await self._within_time(number)
        except BaseException:
            self._breaker.abandoned(permit)
            raise
        told = answer if isinstance(answer, Failure) else self._told(number, answer, said_at)
        if not isinstance(told, Failure):
            self._breaker.succeeded(permit)
            return told
        was_open = self._breaker.is_open
        if told.fault in _STANDS:
            self._breaker.succeeded(permit)
        elif told.fault is Fault.BUSY:
            self._breaker.failed(permit, rest_seconds=self._rest(told))
        else:
            self._breaker.failed(permit)
        _log.warning(
            "a state register gave no usable answer",
            register=self._name,
            fault=told.fault.value,
            attempts=attempts,
            duration_ms=round((self._monotonic() - began) * 1000, 1),
            left_alone=self._breaker.is_open and not was_open,
        )
        return Unavailable(told.fault, timedelta(seconds=self._rest(told)))

    def _rest(self, failure: Failure) -> float:
        return self._patience.rest_seconds if failure.retry_after is None else failure.retry_after

    async def _within_time(self, number: str) -> tuple[Reply | Failure, float, int]:
        attempt, said_at = 0, self._monotonic()
        try:
            async with asyncio.timeout(self._patience.seconds):
                while True:
                    # From when it is sent: the answer may have been old when it came.
                    attempt, said_at = attempt + 1, self._monotonic()
                    answer = await self._transport.get(number)
                    if isinstance(answer, Reply) or not answer.may_repeat:
                        return answer, said_at, attempt
                    if attempt >= self._patience.attempts:
                        return answer, said_at, attempt
                    await self._pause(self._chance() * self._patience.pause_seconds * 2 ** (attempt - 1))
        except TimeoutError:
            return Failure(Fault.TIMED_OUT), said_at, attempt

    def _told(self, number: str, reply: Reply, said_at: float) -> Found[R] | NotFound | Failure:
        try:
            if not reply.is_found:
                if absent(reply.body) != number:
                    return Failure(Fault.ANOTHER_RECORD)
                self._kept.forget(number)
                return NotFound()
            of, record = self._read(reply.body)
        except Malformed as wrong:
            _log.warning("a state register's answer is malformed", register=self._name, problem=str(wrong))
            return Failure(Fault.MALFORMED)
        if of != number:
            return Failure(Fault.ANOTHER_RECORD)
        return self._kept.keep(number, record, said_at - reply.age_seconds)
