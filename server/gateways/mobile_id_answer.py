"""What a mobile-id service's answers mean, and whether a signature that it brings holds.

The service is believed about how an attempt ended, and about nothing else: a signature counts only once it
verifies over the digest asked, by a certificate for this use that names the person asked.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from namak.evidence.certificate import CertificateNaming, PublicKey, is_ca, load_certificate, public_key_of
from namak.evidence.failures import CertificateUntrusted, NoPath
from server.domain.mobile_identity import (
    Digest,
    Failed,
    Failure,
    MobileKey,
    MobileSession,
    Outcome,
    Signed,
    SigningCertificate,
    Waiting,
)

RESULTS: Mapping[str, Failure] = MappingProxyType(
    {
        "USER_CANCELLED": Failure.CANCELLED,
        "TIMEOUT": Failure.TIMED_OUT,
        "NOT_MID_CLIENT": Failure.NOT_A_CLIENT,
        "NOT_FOUND": Failure.UNKNOWN_NUMBER,
        "SIGNATURE_HASH_MISMATCH": Failure.HASH_MISMATCH,
        "PHONE_ABSENT": Failure.PHONE_UNREACHABLE,
        "DELIVERY_ERROR": Failure.PHONE_UNREACHABLE,
        "SIM_ERROR": Failure.SIM_FAULT,
    }
)
"""The results that the protocol publishes, but OK."""

OPERATORS_RESULTS: Mapping[str, Failure] = MappingProxyType(
    {
        "WRONG_PIN": Failure.WRONG_PIN,
        "PIN_BLOCKED": Failure.PIN_BLOCKED,
        "PUK_BLOCKED": Failure.PUK_BLOCKED,
        "SERVICE_SUSPENDED": Failure.SERVICE_SUSPENDED,
        "CERTIFICATE_EXPIRED": Failure.CERTIFICATE_EXPIRED,
    }
)
"""What citizens of Azerbaijan are told besides (SIGN-2), by names that are ASSUMED: they are not published.
So is `pinTriesLeft`, which comes with WRONG_PIN.
"""

_MOST_TRIES = 99
_ALGORITHM = re.compile(r"(SHA256|SHA384|SHA512)With(EC|RSA)Encryption")
_RESULT = re.compile(r"[A-Z0-9_]{1,40}")
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = MappingProxyType(
    {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
)

_log = structlog.get_logger(__name__)


class Nonsense(Exception):
    """The service's answer is none that the protocol has; the text says what is wrong, and nothing of it."""


def failure_of(content: Mapping[str, Any], key: MobileKey) -> Failed | None:
    """Returns how the attempt failed, None where the result is OK. Raises `Nonsense` where there is none."""
    result = content.get("result")
    if not isinstance(result, str):
        raise Nonsense("there is no result")
    if result == "OK":
        return None
    failure = RESULTS.get(result) or OPERATORS_RESULTS.get(result)
    if failure is None:
        known = result if _RESULT.fullmatch(result) else "unprintable"
        _log.warning("mobile id ended with a result that is not known", result=known)
        return Failed(Failure.NOT_COMPLETED, key)
    return Failed(failure, key, _tries_left(content) if failure is Failure.WRONG_PIN else None)


def outcome_of(
    content: Mapping[str, Any], session: MobileSession, naming: CertificateNaming, at: datetime
) -> Outcome:
    """Returns what the answer to a poll means, a signature checked. Raises `Nonsense`."""
    state = content.get("state")
    if state == "RUNNING":
        return Waiting()
    if state != "COMPLETE":
        raise Nonsense("there is no state")
    if (failed := failure_of(content, session.key)) is not None:
        return failed
    try:
        return _signed(content, session, naming, at)
    except _Refused as refused:
        _log.warning("mobile id answered what does not hold", failure=refused.failure, why=str(refused))
        return Failed(refused.failure, session.key)


def signing_certificate_of(
    content: Mapping[str, Any], person_number: str, naming: CertificateNaming, at: datetime
) -> SigningCertificate | Failed:
    """Returns the certificate that the service has of a person's signature key, checked. Raises
    `Nonsense`.
    """
    key = MobileKey.SIGNATURE
    if (failed := failure_of(content, key)) is not None:
        return failed
    try:
        certificate = _octets(content.get("cert"))
        _checked(certificate, key, person_number, naming, at)
    except _Refused as refused:
        _log.warning(
            "mobile id has a certificate that does not do", failure=refused.failure, why=str(refused)
        )
        return Failed(refused.failure, key)
    return SigningCertificate(certificate)


class _Refused(Exception):
    def __init__(self, failure: Failure, why: str) -> None:
        super().__init__(why)
        self.failure = failure


def _refuse(failure: Failure, why: str) -> NoReturn:
    raise _Refused(failure, why)


def _tries_left(content: Mapping[str, Any]) -> int | None:
    left = content.get("pinTriesLeft")
    known = isinstance(left, int) and not isinstance(left, bool) and 0 <= left <= _MOST_TRIES
    return left if known else None


def _signed(
    content: Mapping[str, Any], session: MobileSession, naming: CertificateNaming, at: datetime
) -> Signed:
    given = content.get("signature")
    if not isinstance(given, dict):
        _refuse(Failure.SIGNATURE_INVALID, "there is no signature")
    # Only an authentication's answer brings its certificate; a signature's was asked for before.
    certificate = session.certificate or _octets(content.get("cert"))
    key = _checked(certificate, session.key, session.person_number, naming, at)
    _check_algorithm(given.get("algorithm"), key, session.digest.algorithm)
    return Signed(_verified(_octets(given.get("value")), key, session.digest), certificate, session.key)


def _checked(
    der: bytes, use: MobileKey, person_number: str, naming: CertificateNaming, at: datetime
) -> PublicKey:
    """Returns the key of a certificate that is for the use, names the person, and is in its time."""
    try:
        certificate = load_certificate(der)
        _check_use(certificate, use)
        if naming.number_of(certificate.subject) != person_number:
            _refuse(Failure.OTHER_PERSON, "the certificate names another person")
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            _refuse(Failure.CERTIFICATE_EXPIRED, "the certificate is not valid now")
        return public_key_of(certificate)
    except NoPath:
        _refuse(Failure.OTHER_PERSON, "the certificate names no person")
    except CertificateUntrusted as untrusted:
        _refuse(Failure.SIGNATURE_INVALID, untrusted.detail)


def _check_use(certificate: x509.Certificate, use: MobileKey) -> None:
    try:
        permitted = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        _refuse(Failure.WRONG_KEY, "the certificate does not say what its key is for")
    if use is MobileKey.AUTHENTICATION:
        # A signature key that may authenticate too would let PIN2 stand in for PIN1.
        right = permitted.digital_signature and not permitted.content_commitment
    else:
        right = permitted.content_commitment
    if not right or is_ca(certificate):
        _refuse(Failure.WRONG_KEY, "the certificate is not for this use")


def _check_algorithm(name: Any, key: PublicKey, digest: str) -> None:
    match = _ALGORITHM.fullmatch(name) if isinstance(name, str) else None
    kind = "EC" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA"
    if match is None or (match[1].lower(), match[2]) != (digest, kind):
        _refuse(Failure.SIGNATURE_INVALID, "the algorithm is not that of the key and the digest asked")


def _verified(signature: bytes, key: PublicKey, digest: Digest) -> bytes:
    """Returns the signature in the form that CMS has, once it verifies."""
    algorithm = utils.Prehashed(_HASHES[digest.algorithm]())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            signature = _ecdsa_der(signature, key)
            key.verify(signature, digest.value, ec.ECDSA(algorithm))
        else:
            key.verify(signature, digest.value, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        _refuse(Failure.SIGNATURE_INVALID, "the signature is not over the digest by the certificate's key")
    return signature


def _ecdsa_der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """Returns the signature in DER. Phones send r and s one after the other, each as long as the curve's
    numbers; some services put them into DER.
    """
    half = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        return signature
    r, s = (int.from_bytes(part) for part in (signature[:half], signature[half:]))
    return utils.encode_dss_signature(r, s)


def _octets(value: Any) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (TypeError, ValueError):
        _refuse(Failure.SIGNATURE_INVALID, "there is no base64 where it should be")
