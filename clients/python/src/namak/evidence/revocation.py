"""Revocation lists (RFC 5280, 5 and 6.3): whether a certificate was revoked at a time, by the list in force
at it.

The answer is always "not revoked according to the list of T": lists are issued now and then, and what
they do not know yet they do not say. No list, no answer; nothing is taken for good because it could not be
checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from cryptography import x509

from namak.evidence.certificate import DIGESTS, UNREADABLE, is_ca, public_key_of
from namak.evidence.failures import CertificateRevoked, RevocationStatusUnknown


@dataclass(frozen=True, slots=True)
class CheckedList:
    """A list that did not name the certificate: its DER and when it was issued (thisUpdate, UTC)."""

    crl: bytes
    issued: datetime


def check_path(
    path: Sequence[x509.Certificate], crls: Sequence[bytes], at: datetime
) -> tuple[CheckedList, ...]:
    """Checks every certificate of ``path`` but its last, the root; returns the lists relied on, in the path's
    order.

    Raises :class:`CertificateRevoked` or :class:`RevocationStatusUnknown`.
    """
    lists = [(crl, parsed) for crl in crls if (parsed := load_list(crl)) is not None]
    return tuple(_check(certificate, issuer, lists, at) for certificate, issuer in pairwise(path))


def _check(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    lists: Sequence[tuple[bytes, x509.CertificateRevocationList]],
    at: datetime,
) -> CheckedList:
    covering = [(crl, parsed) for crl, parsed in lists if _covers(crl, parsed, certificate, issuer, at)]
    if not covering:
        raise RevocationStatusUnknown("no revocation list of the issuer covers the certificate at the time")
    for _, parsed in covering:
        entry = parsed.get_revoked_certificate_by_serial_number(certificate.serial_number)
        # Whatever the reason, a hold included: at that time nobody was to rely on it.
        if entry is not None and entry.revocation_date_utc <= at:
            raise CertificateRevoked("the certificate, or one above it, was revoked at the time")
    newest, parsed = max(covering, key=lambda pair: pair[1].last_update_utc)
    return CheckedList(newest, parsed.last_update_utc)


def _covers(
    crl: bytes,
    parsed: x509.CertificateRevocationList,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: datetime,
) -> bool:
    """Tells whether the list is the issuer's own, whole, in force at ``at`` and for this certificate."""
    next_update = parsed.next_update_utc
    return (
        next_update is not None
        and parsed.last_update_utc <= at <= next_update
        and _is_list_of(crl, issuer)
        and certificate.issuer == issuer.subject
        and _in_scope(parsed, certificate)
    )


# Many signatures are judged by one list, and those of a year by a few hundred. Nothing of this hangs on the
# time.
@lru_cache(maxsize=512)
def _is_list_of(crl: bytes, issuer: x509.Certificate) -> bool:
    """Tells whether the list is the issuer's own, signed as it has to be."""
    parsed = load_list(crl)
    return parsed is not None and _is_issued_by(parsed, issuer)


def speaks_for(
    parsed: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    """Tells whether the list is the issuer's own, whole, and for this certificate; not, whether in time."""
    return (
        certificate.issuer == issuer.subject
        and _in_scope(parsed, certificate)
        and _is_issued_by(parsed, issuer)
    )


def _is_issued_by(parsed: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    digest = parsed.signature_hash_algorithm
    return (
        parsed.issuer == issuer.subject
        and digest is not None
        and digest.name in DIGESTS
        and may_sign_lists(issuer)
        and _is_signed_by(parsed, issuer)
    )


def _is_signed_by(parsed: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return parsed.is_signature_valid(public_key_of(issuer))
    except UNREADABLE:
        return False


def may_sign_lists(issuer: x509.Certificate) -> bool:
    """Tells whether the issuer's key may sign revocation lists."""
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True  # RFC 5280, 6.3.3 (f): where the extension is absent, it restricts nothing.


def _in_scope(parsed: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    for extension in parsed.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            if not is_point_of(extension.value, certificate):
                return False
        elif extension.critical:
            # Among them the delta CRL indicator: half a list is no answer.
            return False
    return True


def is_point_of(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    """Tells whether a list of this distribution point is about certificates like this one, whatever the
    reason of their revocation.
    """
    if point.indirect_crl or point.only_contains_attribute_certs or point.only_some_reasons is not None:
        return False
    if point.relative_name is not None:
        return False
    if point.only_contains_ca_certs if not is_ca(certificate) else point.only_contains_user_certs:
        return False
    return point.full_name is None or not _names_of_points(certificate).isdisjoint(point.full_name)


def _names_of_points(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return set()
    return {name for point in points for name in point.full_name or ()}


@lru_cache(maxsize=128)
def load_list(crl: bytes) -> x509.CertificateRevocationList | None:
    """Returns the list, or None for bytes that are none: one such says nothing about the others."""
    try:
        parsed = x509.load_der_x509_crl(crl)
        _ = parsed.extensions, parsed.last_update_utc, parsed.next_update_utc, parsed.issuer
        _ = parsed.signature_hash_algorithm
    except UNREADABLE:
        return None
    return parsed
