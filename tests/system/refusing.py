"""What a refused call says: its status and its reason, whichever way it was made."""

from collections.abc import Awaitable
from dataclasses import dataclass

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from namak.client import NamakError


@dataclass(frozen=True)
class Refusal:
    """A refusal as the wire has it."""

    status: grpc.StatusCode
    reason: str
    text: str
    evidence_id: str | None
    violations: tuple[tuple[str, str], ...]
    """Path and reason of every wrong field."""


async def refusal_of(call: Awaitable[object]) -> Refusal:
    """Returns how a call was refused, by the client library or by plain gRPC."""
    with pytest.raises((NamakError, grpc.aio.AioRpcError)) as refused:
        await call
    told = refused.value
    error = told.__cause__ if isinstance(told, NamakError) else told
    assert isinstance(error, grpc.aio.AioRpcError)
    status = rpc_status.from_call(error)
    return (
        _read(error.code(), status) if status else Refusal(error.code(), "", error.details() or "", None, ())
    )


def refusal_in(status: status_pb2.Status) -> Refusal:
    """Returns the refusal of one item of a batch."""
    (code,) = (code for code in grpc.StatusCode if code.value[0] == status.code)
    return _read(code, status)


async def refused(call: Awaitable[object], status: grpc.StatusCode, reason: str) -> Refusal:
    """Asserts that a call is refused with exactly this status and reason, and returns the rest."""
    refusal = await refusal_of(call)
    assert (refusal.status, refusal.reason) == (status, reason), refusal.text
    return refusal


def _read(code: grpc.StatusCode, status: status_pb2.Status) -> Refusal:
    info, fields = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for into in (info, fields):
            detail.Unpack(into)
    violations = tuple((one.field, one.reason) for one in fields.field_violations)
    return Refusal(code, info.reason, status.message, info.metadata.get("evidence_id"), violations)
