"""Which algorithms count, which are only recognised, and the check of a signature's value.

Weak ones are verified all the same, so that a report can say both that the value fits and that it proves
nothing any more.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from namak.evidence.certificate import (
    CURVES,
    DIGESTS,
    MAX_RSA_BITS,
    MAX_RSA_EXPONENT,
    MIN_RSA_BITS,
    UNREADABLE,
)
from namak.signatures.report import Finding

HASHES: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = MappingProxyType(
    {
        "md5": hashes.MD5,
        "sha1": hashes.SHA1,
        "sha224": hashes.SHA224,
        "sha256": hashes.SHA256,
        "sha384": hashes.SHA384,
        "sha512": hashes.SHA512,
    }
)
"""Digests that are recognised; those that count are :data:`~namak.evidence.certificate.DIGESTS`."""

ECDSA, PKCS1, PSS = "ecdsa", "pkcs1", "pss"

_SCHEMES: Final[Mapping[str, tuple[str, str | None]]] = MappingProxyType(
    {
        "rsassa_pkcs1v15": (PKCS1, None),
        "rsassa_pss": (PSS, None),
        **{f"{name}_rsa": (PKCS1, name) for name in HASHES},
        **{f"{name}_ecdsa": (ECDSA, name) for name in HASHES},
    }
)


@dataclass(frozen=True, slots=True)
class PssParameters:
    """The parameters of RSASSA-PSS (RFC 4055, 3.1)."""

    digest: str
    mask_digest: str
    salt_bytes: int


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What a signer says it used, by the names of asn1crypto."""

    digest: str
    signature: str
    pss: PssParameters | None = None

    @property
    def scheme(self) -> str | None:
        """The kind of key and padding, None where it is unknown."""
        return _SCHEMES.get(self.signature, (None, None))[0]

    def contradiction(self) -> bool:
        """Tells whether the digest that the signature algorithm fixes is another one than the declared."""
        fixed = _SCHEMES.get(self.signature, (None, None))[1]
        if self.scheme == PSS:
            return self.pss is None or {self.pss.digest, self.pss.mask_digest} != {self.digest}
        return fixed not in (None, self.digest)


def digest(name: str, data: bytes) -> bytes:
    """Returns the digest of data by a recognised algorithm; old ones serve to recognise old signatures."""
    return hashlib.new(name, data, usedforsecurity=False).digest()


def check_value(key: PublicKeyTypes, algorithms: Algorithms, signed: bytes, value: bytes) -> Finding | None:
    """Returns what is wrong with a signature's value over ``signed``, or None."""
    if algorithms.digest not in HASHES or algorithms.scheme is None:
        return Finding.ALGORITHM_UNKNOWN
    if algorithms.contradiction():
        return Finding.ALGORITHMS_CONTRADICT
    if isinstance(key, rsa.RSAPublicKey) and key.public_numbers().e > MAX_RSA_EXPONENT:
        return Finding.ALGORITHM_UNKNOWN
    algorithm = HASHES[algorithms.digest]()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithms.scheme == ECDSA:
            key.verify(value, signed, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithms.scheme == PKCS1:
            key.verify(value, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and algorithms.scheme == PSS and algorithms.pss is not None:
            scheme = padding.PSS(padding.MGF1(algorithm), algorithms.pss.salt_bytes)
            key.verify(value, signed, scheme, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            return Finding.ALGORITHMS_CONTRADICT
        else:
            return Finding.ALGORITHM_UNKNOWN
    except InvalidSignature:
        return Finding.VALUE_WRONG
    except (UnsupportedAlgorithm, ValueError, OverflowError):
        return Finding.ALGORITHM_UNKNOWN
    return None


def judge_digest(name: str) -> Finding | None:
    """Returns what is wrong with a digest algorithm, or None if it counts."""
    if name in DIGESTS:
        return None
    return Finding.ALGORITHM_WEAK if name in HASHES else Finding.ALGORITHM_UNKNOWN


def judge_key(key: PublicKeyTypes) -> Finding | None:
    """Returns what is wrong with a key, or None if it counts."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return None if key.curve.name in CURVES else Finding.KEY_WEAK
    if isinstance(key, rsa.RSAPublicKey):
        return None if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS else Finding.KEY_WEAK
    return Finding.ALGORITHM_UNKNOWN


def judge_certificate(certificate: x509.Certificate) -> Finding | None:
    """Returns what is wrong with a certificate's key or with the digest that it was signed with, or None."""
    try:
        algorithm = certificate.signature_hash_algorithm
        signed_with = Finding.ALGORITHM_UNKNOWN if algorithm is None else judge_digest(algorithm.name)
        return judge_key(certificate.public_key()) or signed_with
    except UNREADABLE:
        return Finding.ALGORITHM_UNKNOWN


def describe_key(certificate: x509.Certificate) -> str:
    """Returns a key's kind and size as people in the field write them: ``RSA 2048``, ``EC secp256r1``."""
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return "?"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")
