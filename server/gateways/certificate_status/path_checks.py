"""The path of a certificate up to a citizen root, and what its key is for; what is wrong with it, in words.

`namak.evidence` decides, by the same rules as verifiers of evidence. What it does not say is which of the
certificates is at fault: that is looked for here, for the report alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from namak.evidence.certificate import (
    DIGESTS,
    MAX_PATH,
    UNREADABLE,
    is_ca,
    load_certificate,
    path_to_root,
    public_key_of,
)
from namak.evidence.failures import CertificateExpired, CertificateUntrusted
from server.usecases.certificate_status import Check, CheckKind, Outcome, Purpose, Verdict

CERTIFICATE_BYTES: Final = 16 * 1024
"""Longer certificates are not read: persons' have a tenth of it."""

OTHERS: Final = 16
"""So many certificates may come along; there is no use for more."""

_USAGES: Final = {Purpose.AUTHENTICATION: "digital_signature", Purpose.SIGNATURE: "content_commitment"}
_EXTENDED: Final = {
    Purpose.AUTHENTICATION: (
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ),
    # RFC 9336, documentSigning; and what was used for it before there was one.
    Purpose.SIGNATURE: (
        ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
        ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ),
}


@dataclass(frozen=True)
class PathFinding:
    """What was found: the verdict so far (GOOD, but for revocation), and the path, if there is one.

    It is remembered; so is what is read from its certificates.
    """

    verdict: Verdict
    why: str | None
    path: tuple[x509.Certificate, ...]
    checks: tuple[Check, ...]

    @cached_property
    def begins(self) -> datetime:
        """From when on the whole path is valid, UTC; only with a path."""
        return max(certificate.not_valid_before_utc for certificate in self.path)

    @cached_property
    def ends(self) -> datetime:
        """Until when the whole path is valid, UTC; only with a path."""
        return min(certificate.not_valid_after_utc for certificate in self.path)

    @cached_property
    def ders(self) -> tuple[bytes, ...]:
        """The path, DER."""
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in self.path)


class _Checks:
    """The checks made so far."""

    def __init__(self) -> None:
        self.made: list[Check] = []

    def passed(self, kind: CheckKind, detail: str, certificate: int = 0) -> None:
        self.made.append(Check(kind, certificate, Outcome.PASSED, detail))

    def failed(self, verdict: Verdict, kind: CheckKind, detail: str, certificate: int = 0) -> "PathFinding":
        self.made.append(Check(kind, certificate, Outcome.FAILED, detail))
        return PathFinding(verdict, detail, (), tuple(self.made))


def find_path(
    leaf: bytes,
    others: Sequence[bytes],
    intermediates: Sequence[bytes],
    roots: Sequence[bytes],
    purpose: Purpose,
    at: datetime,
) -> PathFinding:
    """Returns what is to be thought of the certificate at the time, revocation aside; all DER.

    `others` came from whoever the certificate came from, `intermediates` are the operator's. Takes
    milliseconds.
    """
    checks = _Checks()
    if len(leaf) > CERTIFICATE_BYTES:
        detail = f"the certificate has more than {CERTIFICATE_BYTES} bytes"
        return checks.failed(Verdict.UNTRUSTED, CheckKind.FORM, detail)
    try:
        certificate = load_certificate(leaf)
    except CertificateUntrusted as why:
        return checks.failed(Verdict.UNTRUSTED, CheckKind.FORM, why.detail)
    checks.passed(CheckKind.FORM, "a certificate of version 3")
    above = (*_usable(others), *intermediates)
    try:
        path = path_to_root(leaf, above, roots, at)
    except CertificateExpired as why:
        fault = _expired(certificate, above, roots, at) or (0, why.detail)
        return checks.failed(Verdict.EXPIRED, CheckKind.VALIDITY, fault[1], fault[0])
    except CertificateUntrusted as why:
        found = _seen_fault(certificate, above, roots) or (CheckKind.PATH, 0, why.detail)
        return checks.failed(Verdict.UNTRUSTED, found[0], found[2], found[1])
    checks.passed(CheckKind.PATH, f"a path of {len(path)} certificates to a citizen root")
    checks.passed(CheckKind.ALGORITHMS, "all keys and digests of the path are strong enough")
    checks.passed(CheckKind.VALIDITY, "all certificates of the path are valid at the time")
    return _with_purpose(path, purpose, checks)


def leads_to_root(path: Sequence[x509.Certificate], roots: Sequence[bytes]) -> bool:
    """Tells whether each certificate is signed by the authority behind it, and the last is a root (DER)."""
    return (
        2 <= len(path) <= MAX_PATH
        and path[-1].public_bytes(Encoding.DER) in roots
        and all(is_ca(authority) for authority in path[1:])
        and all(_issued(issuer, certificate) for certificate, issuer in pairwise(path))
    )


def _with_purpose(path: tuple[x509.Certificate, ...], purpose: Purpose, checks: _Checks) -> PathFinding:
    leaf = path[0]
    for kind, detail in (
        (CheckKind.KEY_USAGE, _wrong_usage(leaf, _USAGES[purpose])),
        (CheckKind.EXTENDED_KEY_USAGE, _wrong_extended_usage(leaf, _EXTENDED[purpose])),
    ):
        if detail is not None:
            checks.failed(Verdict.PURPOSE, kind, detail)
            return PathFinding(Verdict.PURPOSE, detail, path, tuple(checks.made))
        checks.passed(kind, "the key is for this use")
    return PathFinding(Verdict.GOOD, None, path, tuple(checks.made))


def _usable(others: Sequence[bytes]) -> tuple[bytes, ...]:
    """Returns those of the certificates that can be read: a bad one beside good ones takes nothing away."""
    usable = []
    for der in others[:OTHERS]:
        if len(der) <= CERTIFICATE_BYTES:
            try:
                load_certificate(der)
            except CertificateUntrusted:
                continue
            usable.append(der)
    return tuple(usable)


def _wrong_usage(certificate: x509.Certificate, usage: str) -> str | None:
    if is_ca(certificate):
        return "the certificate is an authority's, not a person's"
    try:
        permitted = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return "the certificate does not say what its key may be used for"
    return None if getattr(permitted, usage) else f"the certificate's key usage does not hold {usage}"


def _wrong_extended_usage(certificate: x509.Certificate, any_of: Sequence[ObjectIdentifier]) -> str | None:
    try:
        permitted = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None  # RFC 5280, 4.2.1.12: where the extension is absent, it restricts nothing.
    if any(usage in permitted for usage in any_of):
        return None
    return "the certificate's extended key usage does not permit this use"


def _walk(
    leaf: x509.Certificate, above: Sequence[bytes], roots: Sequence[bytes]
) -> tuple[list[x509.Certificate], bool]:
    """Returns the certificates up from the leaf as names and signatures lead, and whether they end at a
    root.
    """
    trusted = [load_certificate(der) for der in roots]
    candidates = [*trusted, *(load_certificate(der) for der in above)]
    walked = [leaf]
    while len(walked) < MAX_PATH:
        if walked[-1] in trusted:
            return walked, True
        issuers = [one for one in candidates if one not in walked and _issued(one, walked[-1])]
        if not issuers:
            break
        walked.append(issuers[0])
    return walked, walked[-1] in trusted


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except UNREADABLE:
        return False
    return True


def _expired(
    leaf: x509.Certificate, above: Sequence[bytes], roots: Sequence[bytes], at: datetime
) -> tuple[int, str] | None:
    for number, certificate in enumerate(_walk(leaf, above, roots)[0]):
        whose = "the certificate" if number == 0 else "an authority above the certificate"
        if at < certificate.not_valid_before_utc:
            return number, f"{whose} is not valid yet at the time"
        if at > certificate.not_valid_after_utc:
            return number, f"{whose} has expired at the time"
    return None


def _seen_fault(
    leaf: x509.Certificate, above: Sequence[bytes], roots: Sequence[bytes]
) -> tuple[CheckKind, int, str] | None:
    try:
        return _fault(leaf, above, roots)
    except UNREADABLE:
        return None


def _fault(
    leaf: x509.Certificate, above: Sequence[bytes], roots: Sequence[bytes]
) -> tuple[CheckKind, int, str] | None:
    """Returns what keeps the path from counting, if it can be seen, and of which certificate."""
    walked, at_root = _walk(leaf, above, roots)
    last = len(walked) - 1 if at_root else len(walked)
    for number, certificate in enumerate(walked):
        try:
            public_key_of(certificate)
        except CertificateUntrusted as why:
            return CheckKind.ALGORITHMS, number, why.detail
        digest = certificate.signature_hash_algorithm
        if number < last and (digest is None or digest.name not in DIGESTS):
            detail = "a certificate is signed with a digest that is not accepted"
            return CheckKind.ALGORITHMS, number, detail
        if number and not is_ca(certificate):
            return CheckKind.PATH, number, "a certificate that is no authority's was used as one"
    if not at_root:
        return CheckKind.PATH, len(walked) - 1, "the chain does not lead to a citizen root"
    return None
