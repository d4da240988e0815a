"""The outermost interceptor: gives every call an identifier of our own making."""

import os
from typing import Any

import structlog

from server.interceptors.interceptor import Interceptor, Method, answer
from server.services.call import Call, Context, begin_call

REQUEST_ID_KEY = "x-request-id"


class CallContext(Interceptor):
    """Begins the call. Whatever a client sends as `x-request-id` is not looked at: identifiers in our logs
    are ours.
    """

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        call = Call(id=os.urandom(16).hex(), method=method_name)
        begin_call(call)
        structlog.contextvars.bind_contextvars(call_id=call.id)
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.id),))
        return await answer(method(request_or_iterator, context), context)
