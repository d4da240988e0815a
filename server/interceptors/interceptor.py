"""What all interceptors have in common: a typed shape, and one way to answer a call."""

import abc
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from types import CoroutineType
from typing import Any

import grpc
from grpc_interceptor.server import AsyncServerInterceptor

from server.services.call import Context

Method = Callable[[Any, Context], Any]
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]


class Interceptor(AsyncServerInterceptor, abc.ABC):
    """An interceptor on grpc-interceptor, which ships no types, and which a method with a single reply does
    not pass through: of its three coroutines around each method, one is enough.
    """

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """See `grpc.aio.ServerInterceptor`."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.response_streaming:
            streamed = super().intercept_service(  # type: ignore[no-untyped-call]
                partial(_given, handler), handler_call_details
            )
            return await streamed
        around = partial(self.intercept, method_of(handler), method_name=handler_call_details.method)
        return with_method(handler, around)

    @abc.abstractmethod
    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        """Does its part, and answers with `answer(method(request_or_iterator, context), context)`."""

    def stopping(self) -> None:
        """Is told that the server takes no more calls: what has no end of its own is to end now."""


def is_stream(response: Any) -> bool:
    """Tells whether what a method returned is a stream of replies rather than one to be awaited."""
    return type(response) is not CoroutineType and hasattr(response, "__aiter__")


def answer(response: Any, context: Context) -> Awaitable[Any]:
    """Returns what gives the one reply, or writes out a stream of them and gives None."""
    return _written(response, context) if is_stream(response) else response


def with_method(handler: Any, method: Method) -> Any:
    """Returns a handler of single replies with another method in it."""
    made = (
        grpc.stream_unary_rpc_method_handler
        if handler.request_streaming
        else grpc.unary_unary_rpc_method_handler
    )
    return made(method, handler.request_deserializer, handler.response_serializer)


def method_of(handler: Any) -> Method:
    """Returns the method of a handler of single replies."""
    method: Method = handler.stream_unary if handler.request_streaming else handler.unary_unary
    return method


async def _given(handler: Any, _details: grpc.HandlerCallDetails) -> Any:
    return handler


async def _written(response: Any, context: Context) -> None:
    """Writes out a stream of replies.

    The stream is closed here, in the call's own task, even when the call is cancelled: left to the garbage
    collector its `finally` would run in another task and context.
    """
    async with aclosing(response) as replies:
        async for reply in replies:
            await write(reply, context)


class ClientGone(asyncio.CancelledError):
    """The client takes no more; the call ends as its cancelling would."""


async def write(reply: Any, context: Context) -> None:
    """Sends one reply of a stream; a client that is gone ends the call as its cancelling would.

    The transport may learn of it before the library cancels the call's task, and then fails the sending.
    """
    try:
        await context.write(reply)
    except grpc.aio.InternalError:
        raise ClientGone from None
