"""The one place where a refusal becomes a `google.rpc.Status`, for calls and for the items of a batch alike.

The status's own message is English and for developers. The details are an `ErrorInfo` (reason, domain,
metadata), for wrong fields a `BadRequest`, a `RetryInfo` where repeating helps, and a `LocalizedMessage` for
the person who caused the call, in their language. A status travels in HTTP/2 trailers, whose size clients
limit to 8 KiB by default: so texts are shortened, and of very many wrong fields only as many are listed as
fit, with the number of the others in the metadata.
"""

from collections.abc import Iterator, Sequence

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from server.domain.reasons import REASONS, Reason, Retry
from server.domain.refusals import FieldProblem, InvalidFields, Refused
from server.services.call import Wording

DOMAIN = "namak.v1"
RETRY_SECONDS = 1
"""The `RetryInfo` of refusals that name no time of their own."""

_TEXT_CHARACTERS = 200
_VIOLATIONS_BYTES = 2000


def refusal_to_status(refused: Refused, wording: Wording | None = None) -> status_pb2.Status:
    """Returns the status of a refusal, with its details; without a wording none are for people."""
    metadata = {key: _shortened(value) for key, value in refused.metadata.items()}
    if refused.evidence_id is not None:
        metadata["evidence_id"] = str(refused.evidence_id)
    details: list[Message] = []
    if isinstance(refused, InvalidFields):
        violations = list(_violations(refused.problems))
        details.append(error_details_pb2.BadRequest(field_violations=violations))
        if len(violations) < len(refused.problems):
            metadata["violations_left_out"] = str(len(refused.problems) - len(violations))
    if refused.rule.retry in (Retry.LATER, Retry.SAME_REQUEST):
        seconds = getattr(refused, "retry_after_seconds", RETRY_SECONDS)
        details.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds)))
    if wording is not None:
        details.append(_localised(refused.reason, metadata, wording))
    return _status(refused.reason, _shortened(refused.text), metadata, details)


def internal_error(call_id: str, wording: Wording | None = None) -> status_pb2.Status:
    """Returns the status of a fault of ours: it tells what to quote to the operator, and nothing of the
    fault.
    """
    metadata = {"request": call_id}
    details = [] if wording is None else [_localised(Reason.INTERNAL, metadata, wording)]
    return _status(Reason.INTERNAL, f"internal error; quote request {call_id}", metadata, details)


def _localised(
    reason: Reason, metadata: dict[str, str], wording: Wording
) -> error_details_pb2.LocalizedMessage:
    told = wording(reason, metadata)
    return error_details_pb2.LocalizedMessage(locale=told.language, message=told.text)


def _status(
    reason: Reason, text: str, metadata: dict[str, str], details: Sequence[Message]
) -> status_pb2.Status:
    status = status_pb2.Status(code=status_code(reason).value[0], message=text)
    info = error_details_pb2.ErrorInfo(reason=reason.value, domain=DOMAIN, metadata=metadata)
    for detail in (info, *details):
        status.details.add().Pack(detail)
    return status


def status_code(reason: Reason) -> grpc.StatusCode:
    """Returns the canonical status code of a reason, as the library has it."""
    return grpc.StatusCode[REASONS[reason].status.value]


def _violations(problems: Sequence[FieldProblem]) -> Iterator[error_details_pb2.BadRequest.FieldViolation]:
    room = _VIOLATIONS_BYTES
    for problem in problems:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_shortened(problem.field), description=_shortened(problem.text), reason=problem.reason
        )
        room -= violation.ByteSize()
        if room < 0:
            return
        yield violation


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_CHARACTERS else text[: _TEXT_CHARACTERS - 1] + "…"
