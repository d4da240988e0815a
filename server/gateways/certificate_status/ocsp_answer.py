"""OCSP (RFC 6960): the question about one certificate, and an answer held against everything it must be."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from namak.evidence.certificate import UNREADABLE, public_key_of
from namak.evidence.failures import CertificateUntrusted
from server.gateways.certificate_status.algorithms import not_signed_because
from server.gateways.certificate_status.judging import SKEW, Moment, not_of_the_time

ANSWER_BYTES: Final = 64 * 1024
"""A longer answer is not read."""

NONCE_OCTETS: Final = 32
"""RFC 9654, 2.1."""

_MAX_SINGLE_ANSWERS: Final = 32
_MAX_CERTIFICATES: Final = 8
_CERTIFICATE_ID_HASHES: Final = ("sha1", "sha256", "sha384", "sha512")
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303

RevocationOf = Callable[[x509.Certificate], bool]


class AnswerRefused(Exception):
    """The answer does not count; the text says why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of answers.

    Attributes:
        nonce_required: an answer without the question's nonce is none. Authorities that make their answers
            beforehand cannot give it (RFC 6960, 4.4.1).
        longest: an answer counts at most so long after it was given, whatever its nextUpdate says, or
            though it has none.
    """

    nonce_required: bool = False
    longest: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that counts. `since` is when the certificate was revoked; None when it was not.

    Attributes:
        issued: thisUpdate. `next_update` is as it stands in the answer, `ends` until when it counts.
    """

    der: bytes
    issued: datetime
    next_update: datetime | None
    ends: datetime
    since: datetime | None
    reason: str | None


def question(
    certificate: x509.Certificate, issuer: x509.Certificate, digest: str, nonce: bytes | None
) -> bytes:
    """Returns the OCSPRequest, DER. `digest` names the certificate in it and protects nothing: `sha256`, or
    `sha1` for responders that know no other.
    """
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, _HASHES[digest])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def read_answer(
    der: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    moment: Moment,
    rules: Rules,
    *,
    nonce: bytes | None = None,
    is_good: RevocationOf,
) -> Answer:
    """Returns what the answer says of the certificate by this issuer.

    Args:
        nonce: the question's, where one was sent. Stapled answers were to another's question.
        is_good: tells whether a delegated responder's certificate is known not to be revoked; asked when the
            certificate does not say that this needs no asking.

    Raises:
        AnswerRefused: it does not count.
    """
    if len(der) > ANSWER_BYTES:
        raise AnswerRefused(f"the answer has more than {ANSWER_BYTES} bytes")
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise AnswerRefused(f"the responder answers {response.response_status.name.lower()}")
        _check_responder(response, issuer, is_good)
        _check_extensions(response, nonce, rules)
        return _answer(der, response, certificate, issuer, moment, rules)
    except UNREADABLE:
        raise AnswerRefused("the answer cannot be read") from None


def _check_responder(response: ocsp.OCSPResponse, issuer: x509.Certificate, is_good: RevocationOf) -> None:
    """The issuer itself, or whom it authorised directly (RFC 6960, 4.2.2.2); nobody else."""
    signer = issuer if _is_named(response, issuer) else _delegate(response, issuer)
    why = not_signed_because(
        signer,
        response.signature_algorithm_oid,
        response.signature_hash_algorithm,
        response.signature,
        memoryview(response.tbs_response_bytes),
    )
    if why is not None:
        raise AnswerRefused(f"the answer does not count: {why}")
    if signer is not issuer and not _needs_no_asking(signer) and not is_good(signer):
        raise AnswerRefused("the responder's own certificate is revoked, or nobody can tell")


def _is_named(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    return (
        response.responder_key_hash
        == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    )


def _delegate(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    named = [one for one in response.certificates[:_MAX_CERTIFICATES] if _is_named(response, one)]
    if not named:
        raise AnswerRefused("the answer is signed by a stranger")
    delegate = named[0]
    try:
        delegate.verify_directly_issued_by(issuer)
        public_key_of(delegate)
        public_key_of(issuer)
    except CertificateUntrusted:
        raise AnswerRefused("the responder's key is too weak") from None
    except UNREADABLE:
        raise AnswerRefused("the answer is signed by a stranger") from None
    digest = delegate.signature_hash_algorithm
    if digest is None or digest.name not in _CERTIFICATE_ID_HASHES[1:]:
        raise AnswerRefused("the responder's certificate is signed with a digest that is not accepted")
    if not _may_answer(delegate):
        raise AnswerRefused("the responder's certificate is not for answering")
    if not delegate.not_valid_before_utc - SKEW <= response.produced_at_utc <= delegate.not_valid_after_utc:
        raise AnswerRefused("the responder's certificate was not valid when it answered")
    return delegate


def _may_answer(delegate: x509.Certificate) -> bool:
    try:
        extended = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    # By name: any extended usage does not authorise (RFC 6960, 4.2.2.2).
    if ExtendedKeyUsageOID.OCSP_SIGNING not in extended:
        return False
    try:
        usage = delegate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _needs_no_asking(delegate: x509.Certificate) -> bool:
    try:
        delegate.extensions.get_extension_for_class(x509.OCSPNoCheck)
    except x509.ExtensionNotFound:
        return False
    return True


def _check_extensions(response: ocsp.OCSPResponse, nonce: bytes | None, rules: Rules) -> None:
    answered: bytes | None = None
    for extension in response.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            answered = extension.value.nonce
        elif extension.critical:
            raise AnswerRefused("the answer has a critical extension that is not understood")
    if nonce is None:
        return
    if answered is None:
        if rules.nonce_required:
            raise AnswerRefused("the answer lacks the question's nonce: it may be an old one")
    elif not hmac.compare_digest(answered, nonce):
        raise AnswerRefused("the answer has another question's nonce: it is replayed")


def _answer(
    der: bytes,
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    moment: Moment,
    rules: Rules,
) -> Answer:
    single = _single(response, certificate, issuer)
    issued, next_update = single.this_update_utc, single.next_update_utc
    if response.produced_at_utc > moment.now + SKEW or issued > response.produced_at_utc + SKEW:
        raise AnswerRefused("the answer is of a time to come")
    ends = min(issued + rules.longest, next_update or datetime.max.replace(tzinfo=issued.tzinfo))
    why = not_of_the_time(issued, ends, certificate, moment)
    if why is not None:
        raise AnswerRefused(f"the answer tells nothing of the time: {why}")
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise AnswerRefused("the responder does not know the certificate")
    since = single.revocation_time_utc
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        since = None
    elif since is None:
        raise AnswerRefused("the answer does not say since when")
    reason = single.revocation_reason if since is not None else None
    return Answer(der, issued, next_update, ends, since, None if reason is None else reason.value)


def _single(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    """Returns the newest part of the answer that is about the certificate."""
    singles = list(response.responses)
    if len(singles) > _MAX_SINGLE_ANSWERS:
        raise AnswerRefused("the answer is about too many certificates")
    if len(singles) == 1 and any(extension.critical for extension in response.single_extensions):
        raise AnswerRefused("the answer has a critical extension that is not understood")
    about = [single for single in singles if _is_about(single, certificate, issuer)]
    if not about:
        raise AnswerRefused("the answer is about another certificate")
    return max(about, key=lambda single: single.this_update_utc)


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    name = single.hash_algorithm.name
    return (
        single.serial_number == certificate.serial_number
        and name in _CERTIFICATE_ID_HASHES
        and single.issuer_name_hash == hashlib.new(name, issuer.subject.public_bytes()).digest()
        and single.issuer_key_hash == hashlib.new(name, _key_bits(issuer)).digest()
    )


def _key_bits(certificate: x509.Certificate) -> bytes:
    """Returns what stands in the bit string of the certificate's subjectPublicKey."""
    key = public_key_of(certificate)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
