"""Streams that go on for ever: opened again where they stopped, until patience runs out."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import grpc.aio

from namak.client.link import Link
from namak.client.statuses import error_from_call
from namak.errors import NamakError, TryLater, Unavailable
from namak.v1 import evidence_pb2

if TYPE_CHECKING:
    from grpc.aio import UnaryStreamCall, UnaryStreamMultiCallable


class _Reply(Protocol):
    """A reply that says where to go on."""

    @property
    def cursor(self) -> evidence_pb2.LogCursor:
        """Where to go on once this reply is dealt with."""


Reply = TypeVar("Reply", bound=_Reply)

SILENCE = 60.0
"""Seconds; the post says something at least every few, if only where the cursor is."""


_random = random.SystemRandom()


def beginning() -> evidence_pb2.LogCursor:
    """Returns the cursor with which a watcher begins at the first fact of all, in the oldest shard."""
    return evidence_pb2.LogCursor()


async def watched(
    link: Link,
    method: "UnaryStreamMultiCallable[Any, Reply]",
    request: Callable[[evidence_pb2.LogCursor | None], Any],
    cursor: evidence_pb2.LogCursor | None,
    *,
    silence: float = SILENCE,
) -> AsyncGenerator[Reply, None]:
    """Yields replies, opening the stream again at the last reply's cursor whenever it ends.

    ``request`` makes the request that begins at a cursor. What was yielded is never taken back, and after an
    interruption nothing is left out; an old cursor to begin with repeats facts. A stream that says nothing
    for ``silence`` seconds is dead, whatever the connection looks like.
    Raises what ends the stream for good, and ``Unavailable`` or ``TryLater`` when no reply came for the
    link's patience.
    """
    patience = link.patience
    deadline = time.monotonic() + patience.total
    pause = patience.first_pause
    while True:
        await link.connect()
        call = method(request(cursor))
        problem: NamakError = Unavailable("the post ended the stream")
        try:
            while (reply := await _next(call, silence)) is not None:
                cursor = reply.cursor
                yield reply
                # Only now: how long the caller takes is no fault of the post.
                deadline, pause = time.monotonic() + patience.total, patience.first_pause
        except TimeoutError:
            problem = Unavailable(f"the post said nothing for {silence:g} s")
        except grpc.aio.AioRpcError as failure:
            problem = error_from_call(failure)
        finally:
            call.cancel()
        # A reader who was too slow, or one too many: the same again, later.
        if not isinstance(problem, Unavailable | TryLater):
            raise problem
        wait = max(_random.uniform(pause / 2, pause), problem.retry_delay or 0.0)
        if time.monotonic() + wait >= deadline:
            raise problem
        await asyncio.sleep(wait)
        pause = min(2 * pause, patience.longest_pause)


async def _next(call: "UnaryStreamCall[Any, Reply]", silence: float) -> Reply | None:
    """Returns the next reply, None at the end. Raises TimeoutError when none comes in time."""
    async with asyncio.timeout(silence):
        return await anext(aiter(call), None)
