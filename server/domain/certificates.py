"""Machine certificates as they are bound: by the SHA-256 of their DER, never by what they say about
themselves.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from server.domain import limits
from server.domain.fields import Malformed

_SUBJECT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class MachineCertificate:
    """A certificate's identity, the SHA-256 of its DER, when it ends, and its subject (RFC 4514) in at most
    so many characters as evidence takes, for people to recognise it by.
    """

    sha256: bytes
    expires_at: datetime
    subject: str

    def check_not_expired(self, at: datetime) -> None:
        """Raises `Malformed` with `CERTIFICATE_EXPIRED` when it has ended; one that is not valid yet may be
        bound.
        """
        if self.expires_at <= at:
            raise Malformed("CERTIFICATE_EXPIRED", "the certificate has expired")


def machine_certificate(der: bytes) -> MachineCertificate:
    """Reads one certificate.

    Raises:
        Malformed: `TOO_LARGE` or `CERTIFICATE_MALFORMED`.
    """
    if len(der) > limits.CERTIFICATE_BYTES:
        raise Malformed("TOO_LARGE", f"must have at most {limits.CERTIFICATE_BYTES} bytes")
    try:
        certificate = x509.load_der_x509_certificate(der)
        expires_at, subject = certificate.not_valid_after_utc, certificate.subject.rfc4514_string()
    except ValueError:
        raise Malformed("CERTIFICATE_MALFORMED", "must be one X.509 certificate in DER") from None
    return MachineCertificate(hashlib.sha256(der).digest(), expires_at, _shown(subject))


def _shown(subject: str) -> str:
    # Whoever made the certificate wrote this; it must not break lines or turn the direction of others.
    return "".join(mark if mark.isprintable() else "?" for mark in subject[:_SUBJECT_CHARACTERS])
