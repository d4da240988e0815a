"""What all interceptors have in common: a typed shape, and one way to answer a call."""

import abc
import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import grpc
from grpc_interceptor.server import AsyncServerInterceptor

from server.services.call import Context

Method = Callable[[Any, Context], Any]


class Interceptor(AsyncServerInterceptor, abc.ABC):
    """An interceptor on grpc-interceptor, which ships no types."""

    @abc.abstractmethod
    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        """Does its part, and answers with `answer(method(request_or_iterator, context), context)`."""

    def stopping(self) -> None:
        """Is told that the server takes no more calls: what has no end of its own is to end now."""


def is_stream(response: Any) -> bool:
    """Tells whether what a method returned is a stream of replies rather than one to be awaited."""
    return hasattr(response, "__aiter__")


async def answer(response: Any, context: Context) -> Any:
    """Returns the one reply, or writes out a stream of them and returns None.

    The stream is closed here, in the call's own task, even when the call is cancelled: left to the garbage
    collector its `finally` would run in another task and context.
    """
    if not is_stream(response):
        return await response
    async with aclosing(response) as replies:
        async for reply in replies:
            await write(reply, context)
    return None


async def write(reply: Any, context: Context) -> None:
    """Sends one reply of a stream; a client that is gone ends the call as its cancelling would.

    The transport may learn of it before the library cancels the call's task, and then fails the sending.
    """
    try:
        await context.write(reply)
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None
