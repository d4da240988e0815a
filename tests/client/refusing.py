"""What the office of the client's tests refuses, and what goes wrong in it."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2


class Refusal(Exception):
    """A refusal with the status and the details that the contract gives to it."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        text: str,
        *,
        metadata: Mapping[str, str] | None = None,
        fields: Iterable[tuple[str, str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        details = [
            _any(error_details_pb2.ErrorInfo(reason=reason, domain="namak.v1", metadata=metadata or {}))
        ]
        if violations := [
            error_details_pb2.BadRequest.FieldViolation(field=f, reason=r, description=d)
            for f, r, d in fields
        ]:
            details.append(_any(error_details_pb2.BadRequest(field_violations=violations)))
        if retry_after is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromTimedelta(timedelta(seconds=retry_after))
            details.append(_any(retry))
        self.status = status_pb2.Status(code=code.value[0], message=text, details=details)


def _any(message: error_details_pb2.ErrorInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def not_yours() -> NoReturn:
    raise Refusal(grpc.StatusCode.PERMISSION_DENIED, "RESOURCE_NOT_PERMITTED", "not yours, or not there")


def unavailable() -> Refusal:
    return Refusal(grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE", "the database does not answer")


@dataclass
class Faults:
    """What shall go wrong next, each entry once."""

    before: deque[Refusal] = field(default_factory=deque)
    """Failures of calls that then do nothing."""
    after: deque[Refusal] = field(default_factory=deque)
    """Failures of calls that took effect: the answer is lost."""
    outage_began: Timestamp | None = None
    """Since when the log's status tells that nothing is accepted."""
    late_receipts: int = 0
    """So many questions for receipts get none yet."""
    broken_downloads: int = 0
    """So many downloads of letters on paper end with UNAVAILABLE after a piece."""
    broken_streams: int = 0
    """So many downloads end with UNAVAILABLE in the middle."""
