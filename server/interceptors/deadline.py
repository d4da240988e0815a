"""Gives every call an end."""

import asyncio
from dataclasses import dataclass
from typing import Any

from server.domain.refusals import DeadlineExceeded
from server.interceptors.interceptor import Interceptor, Method, answer, is_stream
from server.services.call import Context, current_call


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """Seconds that a call gets: `default` when the client sets no deadline, `most` whatever it sets."""

    default: float
    most: float


UNARY = TimeLimit(default=30.0, most=120.0)
STREAM = TimeLimit(default=300.0, most=900.0)


class Deadline(Interceptor):
    """Ends a call with DEADLINE_EXCEEDED when its time runs out; an expired one never reaches a use case.

    Ending a call takes nothing back: what was committed stays, and repeating the request id tells what became
    of it.
    """

    def __init__(self, unary: TimeLimit = UNARY, stream: TimeLimit = STREAM) -> None:
        self._unary = unary
        self._stream = stream

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        remaining = _time_remaining(context)
        if remaining is not None and remaining <= 0:
            raise DeadlineExceeded
        response = method(request_or_iterator, context)
        limit = self._stream if is_stream(response) else self._unary
        seconds = limit.default if remaining is None else min(remaining, limit.most)
        ends_at = asyncio.get_running_loop().time() + seconds
        current_call().ends_at = ends_at
        scope = asyncio.timeout_at(ends_at)
        try:
            async with scope:
                return await answer(response, context)
        except TimeoutError:
            if scope.expired():
                raise DeadlineExceeded from None
            raise


def _time_remaining(context: Context) -> float | None:
    # None without a deadline, whatever the library's types say.
    return context.time_remaining()
