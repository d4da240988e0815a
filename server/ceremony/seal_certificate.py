"""Whether the seal's certificate is that of its key, and for how long."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.ceremony.findings import Finding, Kind, note, wrong

SOON: Final = timedelta(days=30)
"""A certificate that ends within this time is told: a new one takes weeks."""


@dataclass(frozen=True, slots=True)
class SealCertificate:
    """The seal's certificate, in words."""

    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime


def checked_certificate(
    path: Path | None, public_key: bytes, at: datetime
) -> tuple[SealCertificate | None, list[Finding]]:
    """Reads the certificate and holds it against the key; an empty key is held against nothing."""
    if path is None:
        return None, [wrong(Kind.CERTIFICATE_MISSING, "[seal] names no certificate yet")]
    try:
        own, *above = x509.load_pem_x509_certificates(path.read_bytes())
        key = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except FileNotFoundError:
        return None, [wrong(Kind.CERTIFICATE_MISSING, f"there is no certificate {path}")]
    except (OSError, ValueError) as problem:
        what = f"{path} holds no certificates that can be read: {type(problem).__name__}"
        return None, [wrong(Kind.CERTIFICATE_UNREADABLE, what)]
    findings = []
    if public_key and key != public_key:
        findings.append(wrong(Kind.CERTIFICATE_OF_ANOTHER_KEY, f"{path} is the certificate of another key"))
    findings += _time(own, at) + _use(own) + _order([own, *above])
    certificate = SealCertificate(
        own.subject.rfc4514_string(),
        own.issuer.rfc4514_string(),
        f"{own.serial_number:x}",
        own.not_valid_before_utc,
        own.not_valid_after_utc,
    )
    return certificate, findings


def _time(own: x509.Certificate, at: datetime) -> list[Finding]:
    begins, ends = own.not_valid_before_utc, own.not_valid_after_utc
    if at < begins:
        return [wrong(Kind.CERTIFICATE_NOT_YET_VALID, f"its certificate is valid from {begins:%Y-%m-%d} on")]
    if at > ends:
        return [wrong(Kind.CERTIFICATE_EXPIRED, f"its certificate ended on {ends:%Y-%m-%d}")]
    if ends - at < SOON:
        return [
            note(Kind.CERTIFICATE_ENDS_SOON, f"its certificate ends on {ends:%Y-%m-%d}; request a new one")
        ]
    return []


def _use(own: x509.Certificate) -> list[Finding]:
    try:
        usage = own.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        usage = None
    if usage is None or not usage.content_commitment:
        return [wrong(Kind.CERTIFICATE_USE_WRONG, "its certificate does not permit contentCommitment")]
    return []


def _order(chain: list[x509.Certificate]) -> list[Finding]:
    for lower, upper in itertools.pairwise(chain):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            text = "the certificates do not follow each other: the seal's own comes first, then its issuer's"
            return [wrong(Kind.CERTIFICATE_CHAIN_BROKEN, text)]
    return []
