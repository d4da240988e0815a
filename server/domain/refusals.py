"""What the rules raise, one class a reason. None knows gRPC: `interceptors/errors.py` makes statuses of them.

Every value in a text stands in the metadata too, so that callers never parse texts (AIP-193). All of them are
imported from here, wherever they are defined.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from server.domain.certificate_refusals import CertificatesNotOffered, CertificateTooLarge
from server.domain.confirmation_refusals import (
    AlreadyConfirmed,
    NotOpened,
    SignatureInvalid,
    SignerNotRecipient,
    SigningCertificateExpired,
    SigningCertificatePurpose,
    SigningCertificateRevoked,
    SigningCertificateUntrusted,
    StatementExpired,
    StatementNotIssued,
)
from server.domain.correspondence_refusals import (
    LettersNotOffered,
    OwnMailboxNotOpen,
    PaperAddressUnknown,
    PrintingNotOffered,
    ProfileNotConfirmed,
    RecipientNotOfficial,
    TooManyLetters,
)
from server.domain.delivery_refusals import (
    ContractNotInForce,
    DeliveryNotified,
    DeliveryWithdrawn,
    MailboxClosed,
    MailboxSuspended,
    MailboxUnknown,
    MessageOpened,
    NotificationPolicyNotPermitted,
    SenderNotPermitted,
    SenderSuspended,
    TooManyRefusals,
)
from server.domain.forwarding_refusals import (
    ForwardingCodeEnded,
    ForwardingCodeWrong,
    ForwardingNotOffered,
    TooManyForwardingCodes,
    TooManyForwardingTargets,
)
from server.domain.letter_refusals import (
    LetterCancelled,
    LetterFileDiffers,
    LetterLeaseEnded,
    LetterOutOfOrder,
    LetterTrackingDiffers,
    PrintHouseSuspended,
)
from server.domain.reasons import Reason
from server.domain.refused import FieldProblem, Refused
from server.domain.register_refusals import (
    AlreadyRegistered,
    DomainNotRegistered,
    DomainProofMissing,
    EtagMismatch,
    NotFound,
    ResourceInUse,
)
from server.domain.registration_refusals import (
    AgreementNotCurrent,
    ApplicationContradicted,
    ApplicationDecided,
    ApplicationWaiting,
    MailboxNotConfirmed,
    RegistrationWayClosed,
    SignerNotApplicant,
)
from server.domain.sign_in_refusals import (
    ChallengeExpired,
    ChallengeUsed,
    MobileIdFailed,
    PasswordWrong,
    SessionActive,
    SessionEnded,
    SessionUnknown,
    SignatureRequired,
    SignerNotExpected,
    SignInLocked,
    SignInMethodNotOffered,
    VerificationCodeWrong,
)
from server.domain.sms_refusals import SmsNotOffered, SmsNotPermitted, TooManySms

__all__ = [
    "AgreementNotCurrent",
    "AlreadyConfirmed",
    "AlreadyRegistered",
    "ApplicationContradicted",
    "ApplicationDecided",
    "ApplicationWaiting",
    "CertificateRevoked",
    "CertificateTooLarge",
    "CertificateUnbound",
    "CertificatesNotOffered",
    "ChallengeExpired",
    "ChallengeUsed",
    "ContractNotInForce",
    "DeadlineExceeded",
    "DeliveryNotified",
    "DeliveryWithdrawn",
    "DomainNotRegistered",
    "DomainProofMissing",
    "EtagMismatch",
    "EvidenceCorrupt",
    "EvidenceDebtExceeded",
    "FieldProblem",
    "ForwardingCodeEnded",
    "ForwardingCodeWrong",
    "ForwardingNotOffered",
    "InternalFault",
    "InvalidCursor",
    "InvalidFields",
    "InvalidPageToken",
    "LetterCancelled",
    "LetterFileDiffers",
    "LetterLeaseEnded",
    "LetterOutOfOrder",
    "LetterTrackingDiffers",
    "LettersNotOffered",
    "MailboxClosed",
    "MailboxNotConfirmed",
    "MailboxSuspended",
    "MailboxUnknown",
    "MessageOpened",
    "MobileIdFailed",
    "NetworkNotPermitted",
    "NotFound",
    "NotOpened",
    "NotificationPolicyNotPermitted",
    "Overloaded",
    "OwnMailboxNotOpen",
    "PaperAddressUnknown",
    "PasswordWrong",
    "PrintHouseSuspended",
    "PrintingNotOffered",
    "ProfileNotConfirmed",
    "ReaderTooSlow",
    "RecipientNotOfficial",
    "Refused",
    "RegistrationWayClosed",
    "RequestIdReused",
    "ResourceInUse",
    "ResourceNotPermitted",
    "RevocationStatusUnknown",
    "RoleNotPermitted",
    "SenderNotPermitted",
    "SenderSuspended",
    "ServiceUnavailable",
    "SessionActive",
    "SessionEnded",
    "SessionUnknown",
    "SignInLocked",
    "SignInMethodNotOffered",
    "SignatureInvalid",
    "SignatureRequired",
    "SignerNotApplicant",
    "SignerNotExpected",
    "SignerNotRecipient",
    "SigningCertificateExpired",
    "SigningCertificatePurpose",
    "SigningCertificateRevoked",
    "SigningCertificateUntrusted",
    "SmsNotOffered",
    "SmsNotPermitted",
    "StatementExpired",
    "StatementNotIssued",
    "TooManyForwardingCodes",
    "TooManyForwardingTargets",
    "TooManyLetters",
    "TooManyRefusals",
    "TooManySms",
    "VerificationCodeWrong",
    "restored",
]


class InvalidFields(Refused):
    """One or more fields are wrong; all of them are told at once."""

    reason = Reason.INVALID_FIELDS

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.text}" for problem in problems))
        self.problems = tuple(problems)


class CertificateUnbound(Refused):
    reason = Reason.CERTIFICATE_UNBOUND

    def __init__(self) -> None:
        super().__init__(
            "this certificate is bound to nobody who may call this method; ask the operator to bind it"
        )


class CertificateRevoked(Refused):
    reason = Reason.CERTIFICATE_REVOKED

    def __init__(self) -> None:
        super().__init__("this certificate has been revoked")


class RevocationStatusUnknown(Refused):
    reason = Reason.REVOCATION_STATUS_UNKNOWN

    def __init__(self) -> None:
        super().__init__(
            "whether the certificate is revoked can't be told now: no fresh revocation list; try again later"
        )


class RoleNotPermitted(Refused):
    reason = Reason.ROLE_NOT_PERMITTED

    def __init__(self, kind: str, method: str) -> None:
        super().__init__(f"a caller of kind {kind} may not call {method}", caller_kind=kind, method=method)


class NetworkNotPermitted(Refused):
    reason = Reason.NETWORK_NOT_PERMITTED

    def __init__(self, address: str, *, sender: str = "") -> None:
        whose = f"the sender address {sender}" if sender else "the organisation"
        metadata = {"client_address": address} | ({"sender": sender} if sender else {})
        super().__init__(
            f"the call came from {address}, outside the networks registered for {whose}", **metadata
        )


class ResourceNotPermitted(Refused):
    reason = Reason.RESOURCE_NOT_PERMITTED

    def __init__(self, kind: str) -> None:
        super().__init__(f"no such {kind}, or it is not yours", resource=kind)


class RequestIdReused(Refused):
    reason = Reason.REQUEST_ID_REUSED

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"the request id {request_id} was used before with other content", request_id=request_id
        )


class InvalidPageToken(Refused):
    reason = Reason.INVALID_PAGE_TOKEN

    def __init__(self) -> None:
        super().__init__("the page token is damaged or belongs to another query; start from the first page")


class InvalidCursor(Refused):
    reason = Reason.INVALID_CURSOR

    def __init__(self, detail: str) -> None:
        super().__init__(f"the cursor is of no use: {detail}", detail=detail)


class ServiceUnavailable(Refused):
    reason = Reason.SERVICE_UNAVAILABLE

    def __init__(self, component: str) -> None:
        super().__init__(
            f"the {component} does not answer; the outcome is unknown: repeat with the same request id",
            component=component,
        )


class Overloaded(Refused):
    """`retry_after_seconds` is when to repeat."""

    reason = Reason.OVERLOADED

    def __init__(self, component: str, retry_after_seconds: int = 1) -> None:
        super().__init__(
            f"the {component} has more to do than it takes on; nothing was recorded: repeat later",
            component=component,
        )
        self.retry_after_seconds = retry_after_seconds


class EvidenceDebtExceeded(Refused):
    """No submission is taken since `since`; how long that lasts hangs on others."""

    reason = Reason.EVIDENCE_DEBT_EXCEEDED

    def __init__(self, since: datetime) -> None:
        super().__init__(
            "the log's witnesses have been away for too long; nothing was recorded: repeat later with the "
            "same request id",
            since=since.isoformat(timespec="seconds"),
        )
        self.retry_after_seconds = 60


class ReaderTooSlow(Refused):
    reason = Reason.READER_TOO_SLOW

    def __init__(self) -> None:
        super().__init__("the stream was not read fast enough; open it again where you stopped")


class DeadlineExceeded(Refused):
    reason = Reason.DEADLINE_EXCEEDED

    def __init__(self) -> None:
        super().__init__(
            "time ran out; the outcome is unknown: repeat with the same request id and more time"
        )


class InternalFault(Refused):
    """A fault of ours in one item of a batch; of a whole call the edge makes the same."""

    reason = Reason.INTERNAL

    def __init__(self) -> None:
        super().__init__("internal error in this submission; quote its request id to the operator")


class WitnessesNotOffered(Refused):
    reason = Reason.WITNESSES_NOT_OFFERED

    def __init__(self) -> None:
        super().__init__("this post's log has no witnesses: no witnessed receipt will come")


class TimestampsNotOffered(Refused):
    reason = Reason.TIMESTAMPS_NOT_OFFERED

    def __init__(self) -> None:
        super().__init__("nobody stamps this post's log: no timestamped receipt will come")


class EvidenceCorrupt(Refused):
    reason = Reason.EVIDENCE_CORRUPT

    def __init__(self, evidence_id: UUID) -> None:
        super().__init__(
            "stored evidence fails its own check; the operator has been alarmed", evidence=str(evidence_id)
        )


def restored(reason: Reason, text: str, metadata: Mapping[str, str], evidence_id: UUID) -> Refused:
    """Returns a recorded refusal just as it was answered the first time: same class, text, metadata,
    evidence.
    """
    kind = next(kind for kind in Refused.__subclasses__() if kind.reason is reason)
    refused = kind.__new__(kind)
    Refused.__init__(refused, text, **metadata)
    refused.evidence_id = evidence_id
    return refused
