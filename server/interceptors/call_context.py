"""The outermost interceptor: gives every call an identifier of our own making."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from server.domain.reasons import Reason
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services.call import Call, Context, Localised, begin_call
from server.texts.catalogue import Texts

REQUEST_ID_KEY = "x-request-id"
LANGUAGE_KEY = "accept-language"
"""Metadata: the languages that the person who causes the call reads, in HTTP's form (RFC 9110, 12.5.4)."""


class CallContext(Interceptor):
    """Begins the call. Whatever a client sends as `x-request-id` is not looked at: identifiers in our logs
    are ours.
    """

    def __init__(self, texts: Texts | None = None) -> None:
        """Takes what refusals are put into words with; without it they carry none for people."""
        self._texts = texts

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        call = Call(id=os.urandom(16).hex(), method=method_name)
        if self._texts is not None:
            # What is refused is the exception: nothing is looked up for a call before it is.
            call.language = partial(_language, self._texts, context)
            call.wording = partial(_worded, self._texts, context)
        begin_call(call)
        structlog.contextvars.bind_contextvars(call_id=call.id)
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.id),))
        return await answer(method(request_or_iterator, context), context)


def _worded(texts: Texts, context: Context, reason: Reason, metadata: Mapping[str, str]) -> Localised:
    language = _language(texts, context)
    return Localised(language, texts.of_refusal(reason, metadata, language))


def _language(texts: Texts, context: Context) -> str:
    return texts.language_for(_wish(context))


def _wish(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == LANGUAGE_KEY and isinstance(value, str):
            return value
    return ""
