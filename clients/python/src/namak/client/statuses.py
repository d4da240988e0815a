"""Turns gRPC's failures into :mod:`namak.errors`; the only reader of ``google.rpc.Status`` in the
client.
"""

from collections.abc import Mapping
from types import MappingProxyType

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from namak.errors import (
    AlreadyRegistered,
    DeadlineExceeded,
    InvalidFields,
    InvalidRequest,
    NamakError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Refused,
    RequestIdReused,
    ServerFault,
    SignatureRefused,
    TooLarge,
    TryLater,
    Unavailable,
    Violation,
    WrongState,
)

DOMAIN = "namak.v1"
"""The domain of our reasons in ``google.rpc.ErrorInfo``; reasons of other domains are not ours to
interpret.
"""

CLASS_OF_REASON: Mapping[str, type[NamakError]] = MappingProxyType(
    {
        "CERTIFICATE_UNBOUND": NotAuthenticated,
        "CERTIFICATE_REVOKED": NotAuthenticated,
        "REVOCATION_STATUS_UNKNOWN": Unavailable,
        "ROLE_NOT_PERMITTED": NotPermitted,
        "NETWORK_NOT_PERMITTED": NotPermitted,
        "RESOURCE_NOT_PERMITTED": NotPermitted,
        "INVALID_FIELDS": InvalidFields,
        "REQUEST_ID_REUSED": RequestIdReused,
        "INVALID_PAGE_TOKEN": InvalidRequest,
        "ALREADY_REGISTERED": AlreadyRegistered,
        "NOT_FOUND": NotFound,
        "DOMAIN_NOT_REGISTERED": WrongState,
        "ETAG_MISMATCH": WrongState,
        "INVALID_CURSOR": InvalidRequest,
        "RESOURCE_IN_USE": WrongState,
        "DOMAIN_PROOF_MISSING": WrongState,
        "SENDER_NOT_PERMITTED": NotPermitted,
        "SENDER_SUSPENDED": WrongState,
        "CONTRACT_NOT_IN_FORCE": WrongState,
        "NOTIFICATION_POLICY_NOT_PERMITTED": WrongState,
        "MAILBOX_UNKNOWN": NotFound,
        "MAILBOX_SUSPENDED": WrongState,
        "MAILBOX_CLOSED": WrongState,
        "TOO_MANY_REFUSALS": TryLater,
        "MESSAGE_OPENED": WrongState,
        "DELIVERY_NOTIFIED": WrongState,
        "DELIVERY_WITHDRAWN": WrongState,
        "NOT_OPENED": WrongState,
        "STATEMENT_NOT_ISSUED": SignatureRefused,
        "STATEMENT_EXPIRED": WrongState,
        "ALREADY_CONFIRMED": WrongState,
        "SIGNATURE_INVALID": SignatureRefused,
        "SIGNER_NOT_RECIPIENT": SignatureRefused,
        "SIGNING_CERTIFICATE_UNTRUSTED": SignatureRefused,
        "SIGNING_CERTIFICATE_EXPIRED": SignatureRefused,
        "SIGNING_CERTIFICATE_REVOKED": SignatureRefused,
        "SIGNING_CERTIFICATE_PURPOSE": SignatureRefused,
        "SERVICE_UNAVAILABLE": Unavailable,
        "DEADLINE_EXCEEDED": DeadlineExceeded,
        "INTERNAL": ServerFault,
        "EVIDENCE_CORRUPT": ServerFault,
        "OVERLOADED": TryLater,
        "READER_TOO_SLOW": TryLater,
        "EVIDENCE_DEBT_EXCEEDED": TryLater,
        "SESSION_UNKNOWN": NotAuthenticated,
        "SESSION_ENDED": NotAuthenticated,
        "SESSION_ACTIVE": WrongState,
        "SIGN_IN_METHOD_NOT_OFFERED": WrongState,
        "CHALLENGE_EXPIRED": WrongState,
        "CHALLENGE_USED": WrongState,
        "PASSWORD_WRONG": NotPermitted,
        "SIGN_IN_LOCKED": TryLater,
        "SIGNATURE_REQUIRED": WrongState,
        "MOBILE_ID_FAILED": WrongState,
        "VERIFICATION_CODE_WRONG": InvalidRequest,
        "SIGNER_NOT_EXPECTED": SignatureRefused,
        "MAILBOX_NOT_CONFIRMED": WrongState,
        "SIGNER_NOT_APPLICANT": SignatureRefused,
        "AGREEMENT_NOT_CURRENT": WrongState,
        "APPLICATION_DECIDED": WrongState,
        "APPLICATION_WAITING": WrongState,
        "APPLICATION_CONTRADICTED": WrongState,
        "REGISTRATION_WAY_CLOSED": WrongState,
        "LETTERS_NOT_OFFERED": WrongState,
        "PRINTING_NOT_OFFERED": WrongState,
        "CERTIFICATES_NOT_OFFERED": WrongState,
        "CERTIFICATE_TOO_LARGE": WrongState,
        "PAPER_ADDRESS_UNKNOWN": WrongState,
        "OWN_MAILBOX_NOT_OPEN": WrongState,
        "PROFILE_NOT_CONFIRMED": WrongState,
        "RECIPIENT_NOT_OFFICIAL": NotPermitted,
        "TOO_MANY_LETTERS": TryLater,
        "FORWARDING_NOT_OFFERED": WrongState,
        "SMS_NOT_PERMITTED": WrongState,
        "SMS_NOT_OFFERED": WrongState,
        "TOO_MANY_SMS": TryLater,
        "TOO_MANY_FORWARDING_TARGETS": WrongState,
        "TOO_MANY_FORWARDING_CODES": TryLater,
        "FORWARDING_CODE_WRONG": InvalidRequest,
        "FORWARDING_CODE_ENDED": WrongState,
        "LETTER_LEASE_ENDED": WrongState,
        "LETTER_OUT_OF_ORDER": WrongState,
        "LETTER_FILE_DIFFERS": WrongState,
        "LETTER_TRACKING_DIFFERS": WrongState,
        "LETTER_CANCELLED": WrongState,
        "PRINT_HOUSE_SUSPENDED": WrongState,
        "WITNESSES_NOT_OFFERED": WrongState,
        "TIMESTAMPS_NOT_OFFERED": WrongState,
    }
)
"""Every reason of the contract; a test holds it against the enum."""

_CLASS_OF_CODE: Mapping[int, type[NamakError]] = MappingProxyType(
    {
        grpc.StatusCode.UNAUTHENTICATED.value[0]: NotAuthenticated,
        grpc.StatusCode.PERMISSION_DENIED.value[0]: NotPermitted,
        grpc.StatusCode.INVALID_ARGUMENT.value[0]: InvalidRequest,
        grpc.StatusCode.OUT_OF_RANGE.value[0]: InvalidRequest,
        grpc.StatusCode.NOT_FOUND.value[0]: NotFound,
        grpc.StatusCode.ALREADY_EXISTS.value[0]: AlreadyRegistered,
        grpc.StatusCode.FAILED_PRECONDITION.value[0]: WrongState,
        grpc.StatusCode.ABORTED.value[0]: WrongState,
        grpc.StatusCode.UNIMPLEMENTED.value[0]: Refused,
        grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]: TryLater,
        grpc.StatusCode.UNAVAILABLE.value[0]: Unavailable,
        grpc.StatusCode.CANCELLED.value[0]: Unavailable,
        grpc.StatusCode.DEADLINE_EXCEEDED.value[0]: DeadlineExceeded,
    }
)
_OVER_LIMIT = "message larger than max"
# What gRPC itself says when a request or a reply exceeds a limit of one side; no other sign tells it from a
# server that is busy.
_REQUEST_OVER_LIMIT = ("client: sent", "server: received", "grpc: received")
_NAME_OF_CODE = {code.value[0]: code.name for code in grpc.StatusCode}


def error_from_call(error: grpc.aio.AioRpcError) -> NamakError:
    """Returns what a failed call means. Details that contradict the status are as good as none."""
    try:
        status = rpc_status.from_call(error)
    except ValueError:
        status = None
    if status is None:
        code: int = error.code().value[0]
        status = status_pb2.Status(code=code, message=error.details() or "")
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _OVER_LIMIT in status.message.lower():
            return _over_limit(status.message)
    return error_from_status(status)


def _over_limit(text: str) -> NamakError:
    """Returns what gRPC's limit means: never to try again, and after a reply nobody knows the outcome."""
    if text.lower().startswith(_REQUEST_OVER_LIMIT):
        return TooLarge(f"the request is too large to be sent ({text})")
    return ServerFault(f"the reply is too large to be received ({text})")


def error_from_status(status: status_pb2.Status) -> NamakError:
    """Returns what a status means: of a call, or of one item of a batch."""
    info = error_details_pb2.ErrorInfo()
    fields = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    told = error_details_pb2.LocalizedMessage()
    found = {
        detail.TypeName()
        for part in (info, fields, retry, told)
        for detail in status.details
        if detail.Unpack(part)
    }
    known = info.domain == DOMAIN
    kind = CLASS_OF_REASON.get(info.reason) if known else None
    return (kind or _CLASS_OF_CODE.get(status.code, ServerFault))(
        status.message or f"the server answered {_NAME_OF_CODE.get(status.code, status.code)} without a text",
        reason=info.reason if known else _NAME_OF_CODE.get(status.code, "UNKNOWN"),
        metadata=info.metadata if known else None,
        violations=[Violation(v.field, v.reason, v.description) for v in fields.field_violations],
        retry_delay=retry.retry_delay.ToTimedelta().total_seconds()
        if "google.rpc.RetryInfo" in found
        else None,
        told=told.message,
        told_language=told.locale,
    )
