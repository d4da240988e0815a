"""Very many messages: streamed, several batches under way at once, repeated until each has its answer."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from namak.client.delivery import Deliveries, Outcome
from namak.client.letters import MAX_BATCH_ITEMS, check_size, split
from namak.errors import InvalidFields, NamakError, TryLater, Unavailable
from namak.v1 import delivery_pb2

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Pace:
    """How to send: how many messages in a batch, how many batches at once, and for how many seconds a batch
    that gets no answer, or is told to come later, is repeated.
    """

    batch: int = 100
    in_flight: int = 4
    patience: float = 300.0


async def submitted(
    deliveries: Deliveries, submissions: Iterable[delivery_pb2.Submission], pace: Pace
) -> AsyncGenerator[Sequence[Outcome], None]:
    """Yields the outcomes of each batch as it is answered, in whatever order that happens.

    Each message MUST have its request id. Takes from ``submissions`` only what it sends next, so that any
    number of messages takes the memory of ``in_flight`` batches. What the post asks to repeat, and what it
    did not answer, is repeated under the same request ids with growing pauses, never shorter than the post
    asked for. When patience runs out, or the post refuses a batch as a whole, no further batch is begun;
    those under way are still yielded, and then that error is raised. What was never sent has no outcome.
    """
    batches = split(submissions, min(pace.batch, MAX_BATCH_ITEMS))
    under_way: set[asyncio.Task[tuple[Sequence[Outcome], NamakError | None]]] = set()
    failure: NamakError | None = None
    try:
        while True:
            while failure is None and len(under_way) < pace.in_flight:
                batch = next(batches, None)
                if batch is None:
                    break
                under_way.add(asyncio.create_task(_settled(deliveries, batch, pace.patience)))
            if not under_way:
                break
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                outcomes, problem = task.result()
                failure = failure or problem
                yield outcomes
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
    if failure is not None:
        raise failure


async def _settled(
    deliveries: Deliveries, batch: Sequence[delivery_pb2.Submission], patience: float
) -> tuple[Sequence[Outcome], NamakError | None]:
    """Returns the outcomes of a batch, and what ended the trying before each message had its answer."""
    if (too_large := _too_large(batch[0])) is not None:
        return [too_large], None
    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE
    settled: list[Outcome] = []
    while True:
        open_: Sequence[Outcome]
        try:
            outcomes = await deliveries.submit_batch(batch, timedelta(0))
            open_ = [outcome for outcome in outcomes if _is_open(outcome.error)]
            settled += [outcome for outcome in outcomes if not _is_open(outcome.error)]
            problem = next((outcome.error for outcome in open_ if outcome.error is not None), None)
        except NamakError as failed:
            open_ = [Outcome(item.request_id, error=failed) for item in batch]
            problem = failed
        if problem is None:
            return settled, None
        asked = max(
            (outcome.error.retry_delay or 0.0 for outcome in open_ if outcome.error is not None), default=0.0
        )
        wait = max(_random.uniform(pause / 2, pause), asked)
        if not _is_open(problem) or time.monotonic() + wait >= deadline:
            return [*settled, *open_], problem
        ids = {outcome.request_id for outcome in open_}
        batch = [item for item in batch if item.request_id in ids]
        await asyncio.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _is_open(problem: NamakError | None) -> bool:
    """Returns whether the same again may get an answer."""
    return isinstance(problem, Unavailable | TryLater)


def _too_large(submission: delivery_pb2.Submission) -> Outcome | None:
    try:
        check_size(submission)
    except InvalidFields as problem:
        return Outcome(submission.request_id, error=problem)
    return None
