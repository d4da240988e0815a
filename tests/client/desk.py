"""What every service of the office's counter does alike."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import grpc
import grpc.aio
from grpc_status import rpc_status

from tests.client.office import Office
from tests.client.refusing import Refusal

T = TypeVar("T")
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


def caller_of(context: Context) -> str:
    return next(iter(context.auth_context()["x509_common_name"])).decode()


class Desk:
    """What every service does alike: identify the caller, fail when it shall, refuse in the contract's
    way.
    """

    def __init__(self, office: Office) -> None:
        self.office = office

    async def serve(self, context: Context, kinds: set[str], work: Callable[[], T]) -> T:
        try:
            if kinds and caller_of(context) not in kinds:
                raise Refusal(grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_PERMITTED", "not for you")
            if self.office.faults.before:
                raise self.office.faults.before.popleft()
            result = work()
            if self.office.faults.after:
                raise self.office.faults.after.popleft()
            return result
        except Refusal as refusal:
            await context.abort_with_status(rpc_status.to_status(refusal.status))
        raise AssertionError("abort_with_status raises")
