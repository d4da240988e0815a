"""Counts calls and times them."""

import time
from typing import Any, Protocol

from server.interceptors.interceptor import Interceptor, Method, answer, is_stream
from server.services.call import Context, current_call


class CallMeter(Protocol):
    """Counts."""

    def call_ended(self, method: str, code: str, reason: str, seconds: float | None) -> None:
        """Counts a call: a method that is served, gRPC's name of the status, the reason or nothing, and how
        long it took; None for a stream, which takes as long as its client likes.
        """
        ...


class CallMetrics(Interceptor):
    """Tells a meter how calls ended. What gRPC itself turns away comes to no interceptor: methods that are
    not served, requests that are too long or not of the contract, and more open calls than it holds.
    """

    def __init__(self, meter: CallMeter) -> None:
        """Takes who counts."""
        self._meter = meter

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        call = current_call()
        began = time.monotonic()
        response = method(request_or_iterator, context)
        streams = is_stream(response)
        try:
            return await answer(response, context)
        finally:
            seconds = None if streams else time.monotonic() - began
            self._meter.call_ended(method_name, call.status, call.reason, seconds)
