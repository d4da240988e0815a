"""OCSP responses (RFC 6960) at hand: whether one speaks for a certificate, and what it says."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from namak.evidence.certificate import DIGESTS, UNREADABLE, public_key_of
from namak.evidence.failures import CertificateError


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """One answer of a response: revoked since when, or None for good.

    ``delegate`` signed it, unless the issuer did.
    """

    this_update: datetime
    next_update: datetime | None
    revoked: datetime | None
    reason: str
    delegate: x509.Certificate | None


def answers(response: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[OcspAnswer]:
    """Yields what an authentic response says of a certificate; answers of "unknown" say nothing.

    Whether a delegate's own certificate had been revoked is for the caller to find out.
    """
    try:
        parsed = _load(response)
        if parsed is None:
            return
        signer, delegate = _signer(parsed, issuer)
        if signer is None or not _is_signed_by(parsed, signer):
            return
        for single in parsed.responses:
            if _is_about(single, certificate, issuer):
                found = _answer(single, delegate)
                if found is not None:
                    yield found
    except (CertificateError, *UNREADABLE):
        return


def needs_no_check(delegate: x509.Certificate) -> bool:
    """Tells whether the authority vouches for the delegate as long as it is valid (RFC 6960, 4.2.2.2.1)."""
    try:
        delegate.extensions.get_extension_for_class(x509.OCSPNoCheck)
    except x509.ExtensionNotFound:
        return False
    return True


@lru_cache(maxsize=32)
def _load(response: bytes) -> ocsp.OCSPResponse | None:
    parsed = ocsp.load_der_ocsp_response(response)
    return parsed if parsed.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None


def _answer(single: ocsp.OCSPSingleResponse, delegate: x509.Certificate | None) -> OcspAnswer | None:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return None
    revoked = reason = None
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        revoked, reason = single.revocation_time_utc, single.revocation_reason
    return OcspAnswer(
        single.this_update_utc,
        single.next_update_utc,
        revoked,
        "" if reason is None else reason.value,
        delegate,
    )


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if single.serial_number != certificate.serial_number or certificate.issuer != issuer.subject:
        return False
    name = hashlib.new(single.hash_algorithm.name, issuer.subject.public_bytes(), usedforsecurity=False)
    key = hashlib.new(single.hash_algorithm.name, _key_bits(issuer), usedforsecurity=False)
    return (single.issuer_name_hash, single.issuer_key_hash) == (name.digest(), key.digest())


def _key_bits(issuer: x509.Certificate) -> bytes:
    """Returns the contents of subjectPublicKey, without its tag, length and number of unused bits."""
    key = issuer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise ValueError("a key of another kind")


def _signer(
    response: ocsp.OCSPResponse, issuer: x509.Certificate
) -> tuple[x509.Certificate | None, x509.Certificate | None]:
    """Returns who may have signed the response: the issuer, or a delegate of it; and that delegate."""
    if response.responder_name == issuer.subject or response.responder_key_hash == _sha1_of_key(issuer):
        return issuer, None
    for candidate in response.certificates:
        named = response.responder_name == candidate.subject
        if (named or response.responder_key_hash == _sha1_of_key(candidate)) and _is_delegate(
            candidate, issuer, response.produced_at_utc
        ):
            return candidate, candidate
    return None, None


def _sha1_of_key(certificate: x509.Certificate) -> bytes:
    return hashlib.sha1(_key_bits(certificate), usedforsecurity=False).digest()


def _is_delegate(candidate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> bool:
    try:
        candidate.verify_directly_issued_by(issuer)
        usage = candidate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    in_force = candidate.not_valid_before_utc <= at <= candidate.not_valid_after_utc
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage and in_force


def _is_signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    algorithm = response.signature_hash_algorithm
    if algorithm is None or algorithm.name not in DIGESTS:
        return False
    key = public_key_of(signer)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True
