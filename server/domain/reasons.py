"""The table of reasons: why a call is refused, and what that means for the caller.

The wire's enum `namak.v1.Reason` has the same names; a contract test compares the two. `docs/reasons.md` is
printed from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """A canonical status code, by its gRPC name; the edge maps it to the library's value."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"
    DATA_LOSS = "DATA_LOSS"


class Retry(StrEnum):
    """Whether repeating the call can help."""

    NEVER = "no"
    AFTER_MENDING = "after mending"
    AFTER_MENDING_ANEW = "after mending, under a new request id"
    """For what is recorded: the old request id has its outcome."""

    LATER = "later"
    SAME_REQUEST = "yes, with the same request id"


class Reason(StrEnum):
    """Why a call or an item was refused; the name on the wire without its prefix."""

    CERTIFICATE_UNBOUND = "CERTIFICATE_UNBOUND"
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    REVOCATION_STATUS_UNKNOWN = "REVOCATION_STATUS_UNKNOWN"
    ROLE_NOT_PERMITTED = "ROLE_NOT_PERMITTED"
    NETWORK_NOT_PERMITTED = "NETWORK_NOT_PERMITTED"
    RESOURCE_NOT_PERMITTED = "RESOURCE_NOT_PERMITTED"
    INVALID_FIELDS = "INVALID_FIELDS"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105 - a reason's name, not a password
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    NOT_FOUND = "NOT_FOUND"
    DOMAIN_NOT_REGISTERED = "DOMAIN_NOT_REGISTERED"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    INVALID_CURSOR = "INVALID_CURSOR"
    RESOURCE_IN_USE = "RESOURCE_IN_USE"
    DOMAIN_PROOF_MISSING = "DOMAIN_PROOF_MISSING"
    SENDER_NOT_PERMITTED = "SENDER_NOT_PERMITTED"
    SENDER_SUSPENDED = "SENDER_SUSPENDED"
    CONTRACT_NOT_IN_FORCE = "CONTRACT_NOT_IN_FORCE"
    MAILBOX_UNKNOWN = "MAILBOX_UNKNOWN"
    MAILBOX_SUSPENDED = "MAILBOX_SUSPENDED"
    MAILBOX_CLOSED = "MAILBOX_CLOSED"
    TOO_MANY_REFUSALS = "TOO_MANY_REFUSALS"
    MESSAGE_OPENED = "MESSAGE_OPENED"
    DELIVERY_NOTIFIED = "DELIVERY_NOTIFIED"
    DELIVERY_WITHDRAWN = "DELIVERY_WITHDRAWN"
    NOT_OPENED = "NOT_OPENED"
    STATEMENT_NOT_ISSUED = "STATEMENT_NOT_ISSUED"
    STATEMENT_EXPIRED = "STATEMENT_EXPIRED"
    ALREADY_CONFIRMED = "ALREADY_CONFIRMED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SIGNER_NOT_RECIPIENT = "SIGNER_NOT_RECIPIENT"
    SIGNING_CERTIFICATE_UNTRUSTED = "SIGNING_CERTIFICATE_UNTRUSTED"
    SIGNING_CERTIFICATE_EXPIRED = "SIGNING_CERTIFICATE_EXPIRED"
    SIGNING_CERTIFICATE_REVOKED = "SIGNING_CERTIFICATE_REVOKED"
    SIGNING_CERTIFICATE_PURPOSE = "SIGNING_CERTIFICATE_PURPOSE"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"
    EVIDENCE_CORRUPT = "EVIDENCE_CORRUPT"
    OVERLOADED = "OVERLOADED"
    READER_TOO_SLOW = "READER_TOO_SLOW"
    SESSION_UNKNOWN = "SESSION_UNKNOWN"
    SESSION_ENDED = "SESSION_ENDED"
    SESSION_ACTIVE = "SESSION_ACTIVE"
    SIGN_IN_METHOD_NOT_OFFERED = "SIGN_IN_METHOD_NOT_OFFERED"
    CHALLENGE_EXPIRED = "CHALLENGE_EXPIRED"
    CHALLENGE_USED = "CHALLENGE_USED"
    PASSWORD_WRONG = "PASSWORD_WRONG"  # noqa: S105 - a reason's name, not a password
    SIGN_IN_LOCKED = "SIGN_IN_LOCKED"
    SIGNATURE_REQUIRED = "SIGNATURE_REQUIRED"
    MOBILE_ID_FAILED = "MOBILE_ID_FAILED"
    VERIFICATION_CODE_WRONG = "VERIFICATION_CODE_WRONG"
    SIGNER_NOT_EXPECTED = "SIGNER_NOT_EXPECTED"
    MAILBOX_NOT_CONFIRMED = "MAILBOX_NOT_CONFIRMED"
    SIGNER_NOT_APPLICANT = "SIGNER_NOT_APPLICANT"
    AGREEMENT_NOT_CURRENT = "AGREEMENT_NOT_CURRENT"
    APPLICATION_DECIDED = "APPLICATION_DECIDED"
    APPLICATION_WAITING = "APPLICATION_WAITING"
    APPLICATION_CONTRADICTED = "APPLICATION_CONTRADICTED"


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """What a reason means for the caller.

    `recorded` refusals leave evidence (SubmissionRejection) and are kept under the request id: one request
    has one outcome, for ever, so that two pieces of evidence can never contradict each other about it.
    """

    status: Status
    retry: Retry
    recorded: bool = False


_FIELD = ReasonRule(Status.INVALID_ARGUMENT, Retry.NEVER)
_SIGNATURE = ReasonRule(Status.INVALID_ARGUMENT, Retry.NEVER)
_STATE = ReasonRule(Status.FAILED_PRECONDITION, Retry.AFTER_MENDING)
_UNKNOWN_OUTCOME = ReasonRule(Status.UNAVAILABLE, Retry.SAME_REQUEST)

REASONS: Mapping[Reason, ReasonRule] = MappingProxyType(
    {
        Reason.CERTIFICATE_UNBOUND: ReasonRule(Status.UNAUTHENTICATED, Retry.NEVER),
        Reason.CERTIFICATE_REVOKED: ReasonRule(Status.UNAUTHENTICATED, Retry.NEVER),
        Reason.REVOCATION_STATUS_UNKNOWN: _UNKNOWN_OUTCOME,
        Reason.ROLE_NOT_PERMITTED: ReasonRule(Status.PERMISSION_DENIED, Retry.NEVER),
        Reason.NETWORK_NOT_PERMITTED: ReasonRule(
            Status.PERMISSION_DENIED, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.RESOURCE_NOT_PERMITTED: ReasonRule(Status.PERMISSION_DENIED, Retry.NEVER),
        Reason.INVALID_FIELDS: _FIELD,
        Reason.REQUEST_ID_REUSED: _FIELD,
        Reason.INVALID_PAGE_TOKEN: _FIELD,
        Reason.ALREADY_REGISTERED: ReasonRule(Status.ALREADY_EXISTS, Retry.NEVER),
        Reason.NOT_FOUND: ReasonRule(Status.NOT_FOUND, Retry.NEVER),
        Reason.DOMAIN_NOT_REGISTERED: _STATE,
        Reason.ETAG_MISMATCH: ReasonRule(Status.ABORTED, Retry.AFTER_MENDING),
        Reason.INVALID_CURSOR: _FIELD,
        Reason.RESOURCE_IN_USE: _STATE,
        Reason.DOMAIN_PROOF_MISSING: _STATE,
        Reason.SENDER_NOT_PERMITTED: ReasonRule(
            Status.PERMISSION_DENIED, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.SENDER_SUSPENDED: ReasonRule(
            Status.FAILED_PRECONDITION, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.CONTRACT_NOT_IN_FORCE: ReasonRule(
            Status.FAILED_PRECONDITION, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.MAILBOX_UNKNOWN: ReasonRule(Status.NOT_FOUND, Retry.AFTER_MENDING_ANEW, recorded=True),
        Reason.MAILBOX_SUSPENDED: ReasonRule(
            Status.FAILED_PRECONDITION, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.MAILBOX_CLOSED: ReasonRule(
            Status.FAILED_PRECONDITION, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.TOO_MANY_REFUSALS: ReasonRule(Status.RESOURCE_EXHAUSTED, Retry.LATER),
        Reason.MESSAGE_OPENED: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
        Reason.DELIVERY_NOTIFIED: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
        Reason.DELIVERY_WITHDRAWN: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
        Reason.NOT_OPENED: _STATE,
        Reason.STATEMENT_NOT_ISSUED: _SIGNATURE,
        Reason.STATEMENT_EXPIRED: _STATE,
        Reason.ALREADY_CONFIRMED: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
        Reason.SIGNATURE_INVALID: _SIGNATURE,
        Reason.SIGNER_NOT_RECIPIENT: ReasonRule(Status.PERMISSION_DENIED, Retry.NEVER),
        Reason.SIGNING_CERTIFICATE_UNTRUSTED: _SIGNATURE,
        Reason.SIGNING_CERTIFICATE_EXPIRED: _SIGNATURE,
        Reason.SIGNING_CERTIFICATE_REVOKED: _SIGNATURE,
        Reason.SIGNING_CERTIFICATE_PURPOSE: _SIGNATURE,
        Reason.SERVICE_UNAVAILABLE: _UNKNOWN_OUTCOME,
        Reason.DEADLINE_EXCEEDED: ReasonRule(Status.DEADLINE_EXCEEDED, Retry.SAME_REQUEST),
        Reason.INTERNAL: ReasonRule(Status.INTERNAL, Retry.NEVER),
        Reason.EVIDENCE_CORRUPT: ReasonRule(Status.DATA_LOSS, Retry.NEVER),
        Reason.OVERLOADED: ReasonRule(Status.RESOURCE_EXHAUSTED, Retry.LATER),
        Reason.READER_TOO_SLOW: ReasonRule(Status.RESOURCE_EXHAUSTED, Retry.LATER),
        Reason.SESSION_UNKNOWN: ReasonRule(Status.UNAUTHENTICATED, Retry.NEVER),
        Reason.SESSION_ENDED: ReasonRule(Status.UNAUTHENTICATED, Retry.NEVER),
        Reason.SESSION_ACTIVE: _STATE,
        Reason.SIGN_IN_METHOD_NOT_OFFERED: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
        Reason.CHALLENGE_EXPIRED: _STATE,
        Reason.CHALLENGE_USED: _STATE,
        Reason.PASSWORD_WRONG: ReasonRule(Status.PERMISSION_DENIED, Retry.NEVER),
        Reason.SIGN_IN_LOCKED: ReasonRule(Status.RESOURCE_EXHAUSTED, Retry.LATER),
        Reason.SIGNATURE_REQUIRED: _STATE,
        Reason.MOBILE_ID_FAILED: _STATE,
        Reason.VERIFICATION_CODE_WRONG: ReasonRule(Status.INVALID_ARGUMENT, Retry.NEVER),
        Reason.SIGNER_NOT_EXPECTED: ReasonRule(Status.PERMISSION_DENIED, Retry.NEVER),
        Reason.MAILBOX_NOT_CONFIRMED: ReasonRule(
            Status.FAILED_PRECONDITION, Retry.AFTER_MENDING_ANEW, recorded=True
        ),
        Reason.SIGNER_NOT_APPLICANT: ReasonRule(Status.PERMISSION_DENIED, Retry.NEVER),
        Reason.AGREEMENT_NOT_CURRENT: _STATE,
        Reason.APPLICATION_DECIDED: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
        Reason.APPLICATION_WAITING: ReasonRule(Status.FAILED_PRECONDITION, Retry.LATER),
        Reason.APPLICATION_CONTRADICTED: ReasonRule(Status.FAILED_PRECONDITION, Retry.NEVER),
    }
)
