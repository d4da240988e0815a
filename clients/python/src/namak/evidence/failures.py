"""What can be wrong with documents, statements and signatures; :mod:`namak.evidence.errors` has the log's.

The reasons of the signature errors are those of the public contract (``namak.v1.Reason`` without its prefix),
so that the server passes them on as they are.
"""

from datetime import datetime

from namak.evidence.errors import EvidenceError


class MalformedEvidence(EvidenceError):
    """The bytes are not an evidence document of ``namak-evidence/1``, or a document to be issued would not be
    one.
    """

    reason = "MALFORMED_EVIDENCE"


class MalformedStatement(EvidenceError):
    """The bytes are not a statement of ``namak-statement/1``, or one to be issued would not be one."""

    reason = "MALFORMED_STATEMENT"


class MalformedSignIn(EvidenceError):
    """The bytes are not a challenge of ``namak-sign-in/1``, or one to be issued would not be one."""

    reason = "MALFORMED_SIGN_IN"


class UnknownPolicy(EvidenceError):
    """The evidence names a notification policy that this version does not know."""

    reason = "UNKNOWN_POLICY"


class UnknownCalendar(EvidenceError):
    """A wait is counted in the calendar of a profile that this version does not know."""

    reason = "UNKNOWN_CALENDAR"


class UnsettledCalendar(UnknownCalendar):
    """A wait reaches into days of which this version does not know whether people work on them, or what civil
    time held then; it is certainly not over before ``not_before``.
    """

    def __init__(self, detail: str, not_before: datetime) -> None:
        super().__init__(detail)
        self.not_before = not_before


class CertificateError(EvidenceError):
    """A person's certificate or signature was refused; the subclasses say why."""


class SignatureInvalid(CertificateError):
    """The signature is malformed, not over exactly the content, or of an algorithm that is not accepted."""

    reason = "SIGNATURE_INVALID"


class CertificateUntrusted(CertificateError):
    """The certificate has no path to a citizen root, or does not name a person."""

    reason = "SIGNING_CERTIFICATE_UNTRUSTED"


class NoPath(CertificateUntrusted):
    """The certificate is simply not a citizen's: whatever its subject says, it comes from somebody else."""


class CertificateExpired(CertificateError):
    """The certificate, or one above it, was not valid at the time: not yet or not any more."""

    reason = "SIGNING_CERTIFICATE_EXPIRED"


class CertificateRevoked(CertificateError):
    """The certificate, or one above it, was revoked at the time."""

    reason = "SIGNING_CERTIFICATE_REVOKED"


class CertificatePurpose(CertificateError):
    """The certificate's key usage does not permit what it was used for."""

    reason = "SIGNING_CERTIFICATE_PURPOSE"


class RevocationStatusUnknown(CertificateError):
    """No acceptable revocation list covers the certificate at the time."""

    reason = "REVOCATION_STATUS_UNKNOWN"
