"""Citizens' certificates: whom they name, which algorithms count, and the path to a citizen root.

The path is built and validated by pyhanko-certvalidator (RFC 5280, 6.1) without any fetching. What it leaves
open is checked here: which keys and digests are strong enough, the root's own validity, and that paths end at
citizen roots only. Certificates come from strangers; whatever a library makes of a strange one ends as an
error of ours.
"""

import re
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from namak.evidence.details import LISTS_LIMIT
from namak.evidence.failures import CertificateExpired, CertificateUntrusted, NoPath
from namak.evidence.known_chains import KnownChains

MAX_PATH: Final = LISTS_LIMIT + 1
"""A path has at most so many certificates, the root included."""

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""Larger keys make verifiers slow and nobody safer."""

MAX_RSA_EXPONENT: Final = 2**64
"""With larger public exponents a verification takes up to a thousand times as long, and nobody is safer."""

DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})
"""Digest algorithms that signatures may use."""

CURVES: Final = frozenset({"secp256r1", "secp384r1"})
"""P-256 and P-384."""

PARSING: Final = threading.Lock()
"""To be held while anything of asn1crypto is in use: its values, and its classes, are filled in when they are
first looked into, and a second thread would see them half made: an authority without its constraints, say.
"""

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    # Among them what comes of numbers that are none, in decimal, and of ones that are too large.
    ArithmeticError,
    RecursionError,
    NotImplementedError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the libraries raise over bytes that are no certificate, list or signature they understand."""

_ATTRIBUTES: Final = {
    "serial_number": NameOID.SERIAL_NUMBER,
    "organization_identifier": NameOID.ORGANIZATION_IDENTIFIER,
    "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "user_id": NameOID.USER_ID,
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CertificateNaming:
    """How certificates name their person: profile data.

    The number stands in the subject's ``attribute`` after ``prefix``; ``number`` is the regular expression of
    a person's number, so that a certificate of an organisation never passes for one. Raises
    :class:`ValueError`.
    """

    attribute: str = "serial_number"
    prefix: str = "PNOAM-"
    number: str = "[0-9]{10}"

    def __post_init__(self) -> None:
        if self.attribute not in _ATTRIBUTES:
            raise ValueError(f"no subject attribute {self.attribute!r}; there are {sorted(_ATTRIBUTES)}")
        re.compile(self.number)

    def is_number(self, text: str) -> bool:
        """Tells whether ``text`` has the form of a person's number."""
        return re.fullmatch(self.number, text, re.ASCII) is not None

    def number_of(self, subject: x509.Name) -> str:
        """Returns the person's number. Raises :class:`CertificateUntrusted` unless there is exactly one."""
        values = [_text(value) for value in subject.get_attributes_for_oid(_ATTRIBUTES[self.attribute])]
        if len(values) != 1 or not values[0].startswith(self.prefix):
            raise NoPath("the certificate does not name a person")
        number = values[0].removeprefix(self.prefix)
        if not self.is_number(number):
            raise NoPath("the certificate does not name a person by a number of the right form")
        return number


def load_certificate(der: bytes) -> x509.Certificate:
    """Returns a certificate all of whose parts can be read. Raises :class:`CertificateUntrusted`."""
    try:
        certificate = _load(der)
    except UNREADABLE:
        raise CertificateUntrusted("a certificate cannot be read") from None
    if certificate.version is not x509.Version.v3:
        raise CertificateUntrusted("a certificate is not of version 3")
    return certificate


@lru_cache(maxsize=256)
def _load(der: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(der)
    # Both are read lazily, and fail only then.
    _ = certificate.extensions, certificate.public_key(), certificate.subject, certificate.issuer
    if _is_slow(certificate.public_key()):
        raise ValueError("the key's public exponent is too large")
    return certificate


def _is_slow(key: object) -> bool:
    """Tells whether verifying with a key takes so long that strangers could hold up a verifier by it."""
    return isinstance(key, rsa.RSAPublicKey) and key.public_numbers().e > MAX_RSA_EXPONENT


def is_ca(certificate: x509.Certificate) -> bool:
    """Tells whether the certificate is an authority's."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


@lru_cache(maxsize=256)
def der_of(certificate: x509.Certificate) -> bytes:
    """Returns a certificate's bytes."""
    return certificate.public_bytes(Encoding.DER)


def public_key_of(certificate: x509.Certificate) -> PublicKey:
    """Returns the key if it is strong enough. Raises :class:`CertificateUntrusted`."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        if _is_slow(key):
            raise CertificateUntrusted("the public exponent of a certificate's key is above 2^64")
        return key
    raise CertificateUntrusted("a certificate's key is not P-256, P-384 or RSA of at least 2048 bits")


def path_to_root(
    leaf: bytes, intermediates: Sequence[bytes], roots: Sequence[bytes], at: datetime
) -> tuple[x509.Certificate, ...]:
    """Returns the path from ``leaf`` up to and with one of ``roots``, all DER, valid at ``at``.

    Raises :class:`NoPath` where there is none, :class:`CertificateExpired` where there is one at another
    time.
    """
    # Without this, certvalidator would take the machine's own list of authorities.
    if not roots:
        raise NoPath("no citizen root is trusted")
    above = tuple(dict.fromkeys(der for der in intermediates if der not in roots and der != leaf))
    # Before anything is verified with the keys of strangers.
    for der in (leaf, *above):
        _refuse_slow(der)
    if (known := _chains.path(load_certificate(leaf), above, tuple(roots), at)) is not None:
        path = known
    else:
        path = tuple(load_certificate(der) for der in _validated(leaf, above, tuple(roots), at))
    if not 2 <= len(path) <= MAX_PATH or der_of(path[-1]) not in roots:
        raise NoPath("the certificate has no path to a citizen root")
    if not path[-1].not_valid_before_utc <= at <= path[-1].not_valid_after_utc:
        raise CertificateExpired("the citizen root is not valid at the time")
    for certificate in path[:-1]:
        _check_strength(certificate)
        # RFC 5280, 4.1.2.2. Some readers take others and some do not; roots are the verifier's own choice.
        if certificate.serial_number <= 0:
            raise CertificateUntrusted("a certificate's serial number is not positive")
    public_key_of(path[-1])
    if known is None and leaf not in roots and _have_own_names((*above, *roots)):
        _chains.keep(path[1:], above, tuple(roots))
    return path


_chains = KnownChains()
"""Of all callers in this process: what is in it, is so for everybody."""


def _have_own_names(authorities: Sequence[bytes]) -> bool:
    """Tells whether no two of these have the same subject, as the validator compares them."""
    with PARSING:
        return len({_asn1(der).subject.hashable for der in authorities}) == len(authorities)


def _refuse_slow(der: bytes) -> None:
    try:
        _load(der)
    except UNREADABLE:
        raise NoPath("the certificate has no path to a citizen root") from None


def _validated(leaf: bytes, above: Sequence[bytes], roots: Sequence[bytes], at: datetime) -> list[bytes]:
    """Returns the DER of a path that certvalidator accepts, the leaf first."""
    # Not before it is needed, here and below: who verifies no signature does not wait for it.
    from pyhanko_certvalidator.errors import (
        ExpiredError,
        NotYetValidError,
        PathBuildingError,
        PathError,
        ValidationError,
    )

    try:
        return _path_found(leaf, above, roots, at)
    except (ExpiredError, NotYetValidError):
        raise CertificateExpired("a certificate is not valid at the time") from None
    except (PathBuildingError, PathError, ValidationError, *UNREADABLE):
        raise NoPath("the certificate has no path to a citizen root") from None


def _path_found(leaf: bytes, above: Sequence[bytes], roots: Sequence[bytes], at: datetime) -> list[bytes]:
    from pyhanko_certvalidator import CertificateValidator, ValidationContext

    with PARSING:
        given = {der: _asn1(der) for der in (leaf, *above, *roots)}
        context = ValidationContext(
            trust_roots=[given[der] for der in roots],
            other_certs=[given[der] for der in above],
            allow_fetching=False,
            moment=at,
            # Revocation is checked apart, against lists that it must find.
            revocation_mode="soft-fail",
            time_tolerance=timedelta(0),
        )
        validator = CertificateValidator(given[leaf], validation_context=context)
        path = _run(validator.async_validate_path())
        # By identity: what the parser would write out anew need not be the bytes that came in.
        bytes_of = {id(certificate): der for der, certificate in given.items()}
        return [bytes_of[id(certificate)] for certificate in path][::-1]


@lru_cache(maxsize=256)
def _asn1(der: bytes) -> asn1_x509.Certificate:
    certificate: asn1_x509.Certificate = asn1_x509.Certificate.load(der, strict=True)
    return certificate


def _run(validation: Coroutine[Any, Any, _T]) -> _T:
    """Returns what the coroutine returns; without fetching it has nothing to wait for, and needs no event
    loop.
    """
    try:
        validation.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    validation.close()
    raise RuntimeError("path validation waited for something although fetching is off")


def _check_strength(certificate: x509.Certificate) -> None:
    public_key_of(certificate)
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name not in DIGESTS:
        raise CertificateUntrusted("a certificate is signed with a digest that is not accepted")


def _text(attribute: "x509.NameAttribute[str | bytes]") -> str:
    return attribute.value if isinstance(attribute.value, str) else ""
