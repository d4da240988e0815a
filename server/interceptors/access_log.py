"""One structured line for every call, without personal data."""

import asyncio
import time
from functools import lru_cache
from typing import Any

import structlog

from server.domain.caller import Caller, Clerk, Holder, IpAddress, Operator, Portal, PrintHouse, Sender
from server.interceptors.interceptor import Interceptor, Method, answer
from server.services.call import Context, current_call

_log = structlog.get_logger(__name__)


class AccessLog(Interceptor):
    """Writes who of which kind called what, how it ended and how long it took.

    Holders are logged by kind only, and with the portal at which they are signed in: a personal number, or
    any digest of one (there are few enough to try them all), would be personal data, and so would be their
    addresses. Of machines the organisation or the portal and the client address are logged.
    """

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        call = current_call()
        started = time.monotonic()
        try:
            return await answer(method(request_or_iterator, context), context)
        except asyncio.CancelledError:
            call.status = "CANCELLED"
            raise
        finally:
            _log.info(
                "call finished",
                call_id=call.id,
                method=method_name,
                status=call.status,
                reason=call.reason,
                duration_ms=round((time.monotonic() - started) * 1000, 1),
                **_caller_fields(call.caller),
            )


def _caller_fields(caller: Caller | None) -> dict[str, str]:
    if caller is None:
        return {"caller": "unidentified"}
    fields = {"caller": type(caller).__name__.lower()}
    if isinstance(caller, Sender):
        fields["organisation_id"] = str(caller.organisation_id)
    if isinstance(caller, Portal):
        fields["portal"] = caller.name
    if isinstance(caller, PrintHouse):
        fields["print_house_id"] = str(caller.print_house_id)
    if isinstance(caller, Holder) and caller.via is not None:
        fields["via_portal"] = caller.via.name
    if isinstance(caller, Sender | Operator | Portal | Clerk | PrintHouse):
        fields["client_address"] = _text_of(caller.connection.address)
    return fields


@lru_cache(4096)
def _text_of(address: IpAddress) -> str:
    return str(address)
