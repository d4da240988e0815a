"""The one place where exceptions become statuses."""

import asyncio
from typing import Any

import grpc
import structlog
from google.rpc import status_pb2
from grpc_status import rpc_status

from server.domain.reasons import Reason
from server.domain.refusals import Refused
from server.interceptors.call_context import REQUEST_ID_KEY
from server.interceptors.interceptor import ClientGone, Interceptor, Method, answer
from server.services.call import Call, Context, current_call
from server.services.refusals_wire import internal_error, refusal_to_status
from server.usecases.failures import frames_of

_log = structlog.get_logger(__name__)

# How many seconds a status may take to leave. It queues behind what the client has not read, and a client
# that reads no more gets a reset instead. One who lost the right to read gets it soon: the promise is a
# second in all.
_STATUS_SECONDS = 2.0
_REVOKED_STATUS_SECONDS = 0.25
_CAUSES = 5


class Errors(Interceptor):
    """Answers refusals with their reason, and everything else as a fault of ours that tells nothing of
    itself.
    """

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        call = current_call()
        try:
            return await answer(method(request_or_iterator, context), context)
        except grpc.aio.AbortError:
            raise
        except Refused as refused:
            call.reason = refused.reason.value
            status = refusal_to_status(refused, call.wording)
        except asyncio.CancelledError as cancelled:
            if _is_asked_for(cancelled):
                raise
            # Something that the call waited for was cancelled, and not the call: it gets its answer.
            call.reason = Reason.INTERNAL.value
            _log_fault(call, cancelled)
            status = internal_error(call.id, call.wording)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the client learns nothing of it
            call.reason = Reason.INTERNAL.value
            _log_fault(call, fault)
            status = internal_error(call.id, call.wording)
        return await _abort(context, call, status)


def _is_asked_for(cancelled: asyncio.CancelledError) -> bool:
    """Tells whether the call itself is being cancelled, or has nobody to answer."""
    task = asyncio.current_task()
    return isinstance(cancelled, ClientGone) or task is None or task.cancelling() > 0


def _log_fault(call: Call, fault: BaseException) -> None:
    causes: list[str] = []
    cause: BaseException | None = fault
    while cause is not None and len(causes) < _CAUSES:
        causes.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    _log.error("call failed", call_id=call.id, method=call.method, errors=causes, frames=frames_of(fault))


async def _abort(context: Context, call: Call, status: status_pb2.Status) -> None:
    rich = rpc_status.to_status(status)
    call.status = rich.code.name
    revoked = rich.code is grpc.StatusCode.UNAUTHENTICATED
    seconds = _REVOKED_STATUS_SECONDS if revoked else _STATUS_SECONDS
    trailing = ((REQUEST_ID_KEY, call.id), *rich.trailing_metadata)
    try:
        async with asyncio.timeout(seconds):
            await context.abort(rich.code, rich.details, trailing)
    except (TimeoutError, grpc.aio.InternalError):
        # Nobody takes the status. The call ends without one: the transport resets the stream.
        raise ClientGone from None
