"""All interceptors as one, put around each method once."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
import grpc.aio

from server.interceptors.interceptor import Continuation, Interceptor, method_of, with_method
from server.services.call import Context

Details = grpc.HandlerCallDetails


class Chain(grpc.aio.ServerInterceptor):
    """Remembers what the interceptors made of a method: asked one after the other, they would each wrap it
    anew for every call.

    It belongs to one server, whose methods never change once it has started.
    """

    def __init__(self, interceptors: Sequence[Interceptor]) -> None:
        """Takes the interceptors, the outermost first."""
        self._interceptors = interceptors
        self._handlers: dict[str, Any] = {}

    async def intercept_service(self, continuation: Continuation, handler_call_details: Details) -> Any:
        """See `grpc.aio.ServerInterceptor`."""
        method: str = handler_call_details.method
        handler = self._handlers.get(method)
        if handler is None:
            for interceptor in reversed(self._interceptors):
                continuation = partial(interceptor.intercept_service, continuation)
            handler = await continuation(handler_call_details)
            # What is not served is not remembered: callers may name what they like.
            if handler is not None:
                self._handlers[method] = handler = _plainly(handler)
        return handler


def _plainly(handler: Any) -> Any:
    """Returns a handler of single replies as an `async def`, which the library looks for at each call: that
    takes longer the more is wrapped around it.
    """
    if handler.response_streaming:
        return handler
    outermost = method_of(handler)

    async def served(request_or_iterator: Any, context: Context) -> Any:
        return await outermost(request_or_iterator, context)

    return with_method(handler, served)
