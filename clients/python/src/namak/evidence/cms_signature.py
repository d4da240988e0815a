"""The one shape of CMS (RFC 5652) that a confirmation has, read strictly; `cms_building` makes it.

Detached; one signer; signed attributes with content-type, message-digest and signing-certificate-v2 (RFC
5035), which ties the signature to the very certificate; DER throughout; and no place (unsigned attributes,
revocation lists) where others could put something of their own. Trust in the certificate is not decided here.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from namak.evidence.certificate import (
    PARSING,
    UNREADABLE,
    PublicKey,
    load_certificate,
    public_key_of,
)
from namak.evidence.der import check_der, children, contents, encode
from namak.evidence.details import CMS_LIMIT
from namak.evidence.failures import CertificateUntrusted, SignatureInvalid

MAX_CERTIFICATES: Final = 6
"""A signature carries at most so many certificates."""

_OCTETS: Final = 0x04
_IDENTIFIER: Final = 0x06
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_CONTEXT_0: Final = 0xA0
# The tags of what SignedData and SignerInfo hold here (RFC 5652, 5.1 and 5.3): version, digests, content,
# certificates, signers; version, signer, digest, signed attributes, signature algorithm, signature.
_SIGNED_DATA: Final = bytes.fromhex("02 31 30 a0 31")
_SIGNER_INFO: Final = (bytes.fromhex("02 30 30 a0 30 04"), bytes.fromhex("02 80 30 a0 30 04"))
_DETACHED_DATA: Final = bytes.fromhex("30 0b 06 09 2a 86 48 86 f7 0d 01 07 01")
_NULL: Final = bytes.fromhex("05 00")
_MGF1: Final = bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 01 08")
_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_HASHED: Final = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
# Object identifiers as they stand in DER.
_SIGNED: Final = bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 07 02")
_DATA: Final = bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 07 01")
_CONTENT_TYPE: Final = bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 09 03")
_MESSAGE_DIGEST: Final = bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 09 04")
_SIGNING_CERTIFICATE: Final = bytes.fromhex("06 0b 2a 86 48 86 f7 0d 01 09 10 02 2f")
_NEEDED: Final = {
    "content_type": _CONTENT_TYPE,
    "message_digest": _MESSAGE_DIGEST,
    "signing_certificate_v2": _SIGNING_CERTIFICATE,
}
_DIGESTS: Final = {
    bytes.fromhex("06 09 60 86 48 01 65 03 04 02 01"): "sha256",
    bytes.fromhex("06 09 60 86 48 01 65 03 04 02 02"): "sha384",
    bytes.fromhex("06 09 60 86 48 01 65 03 04 02 03"): "sha512",
}
# Signature algorithm: kind of key and padding, and the digest that it fixes.
_ALGORITHMS: Final[dict[bytes, tuple[str, str | None]]] = {
    bytes.fromhex("06 08 2a 86 48 ce 3d 04 03 02"): ("ecdsa", "sha256"),
    bytes.fromhex("06 08 2a 86 48 ce 3d 04 03 03"): ("ecdsa", "sha384"),
    bytes.fromhex("06 08 2a 86 48 ce 3d 04 03 04"): ("ecdsa", "sha512"),
    bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 01 01"): ("pkcs1", None),
    bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 01 0b"): ("pkcs1", "sha256"),
    bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 01 0c"): ("pkcs1", "sha384"),
    bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 01 0d"): ("pkcs1", "sha512"),
    bytes.fromhex("06 09 2a 86 48 86 f7 0d 01 01 0a"): ("pss", None),
}
_VERSIONS: Final = {bytes.fromhex("02 01 01"): "v1", bytes.fromhex("02 01 03"): "v3"}


@dataclass(frozen=True, slots=True)
class CheckedSignature:
    """A signature that verifies over its content: by whose certificate, and the certificates beside it, all
    DER.
    """

    certificate: bytes
    others: tuple[bytes, ...]
    digest_algorithm: str


def check_signature(data: bytes, content: bytes) -> CheckedSignature:
    """Checks that ``data`` is a signature of the one shape over exactly ``content``, by the certificate
    inside.

    Raises :class:`SignatureInvalid`. Nothing is said about who the certificate belongs to.
    """
    if len(data) > CMS_LIMIT:
        raise SignatureInvalid(f"the signature has more than {CMS_LIMIT} bytes")
    check_der(data)
    try:
        parsed = _read(data)
        certificate = load_certificate(parsed.certificate)
        key = public_key_of(certificate)
    except UNREADABLE:
        raise SignatureInvalid("not a CMS signature") from None
    except CertificateUntrusted as weak:
        raise SignatureInvalid(weak.detail) from None
    if not hmac.compare_digest(parsed.message_digest, _HASHED[parsed.digest](content).digest()):
        raise SignatureInvalid("the signature is not over these bytes")
    _verify(key, parsed)
    others = tuple(der for der in parsed.certificates if der != parsed.certificate)
    return CheckedSignature(parsed.certificate, others, parsed.digest)


@dataclass(frozen=True, slots=True)
class _Parsed:
    certificate: bytes
    certificates: tuple[bytes, ...]
    digest: str
    kind: str
    message_digest: bytes
    # The set of signed attributes: what was signed.
    attributes: bytes
    signature: bytes


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise SignatureInvalid(otherwise)


def _read(data: bytes) -> _Parsed:
    raw = _raw(data)
    # RFC 5652, 5.1: with this content, and certificates of this kind alone, it follows from the signer's.
    versions = tuple(_VERSIONS.get(version) for version in raw.versions)
    _require(versions in (("v1", "v1"), ("v3", "v3")), "the CMS version is not that of its signer")
    declared, of_signer, signing = raw.algorithms
    digest = _digest_name(of_signer)
    _require(_digest_name(declared) == digest, "the digests declared are not the signer's one")
    kind = _kind(signing, digest)
    _check_parameters(raw, kind, _HASHED[digest]().digest_size)
    _check_certificates(raw.certificates)
    certificate = _signers(raw)
    attributes = _attributes(raw.attributes)
    _require(attributes[_CONTENT_TYPE] == _DATA, "the signed content type is not that of the content")
    _check_signing_certificate(attributes[_SIGNING_CERTIFICATE], certificate)
    return _Parsed(
        certificate,
        raw.certificates,
        digest,
        kind,
        _tagged(attributes[_MESSAGE_DIGEST], _OCTETS),
        encode(_SET, contents(raw.attributes)),
        contents(raw.signature),
    )


def _tagged(value: bytes, tag: int) -> bytes:
    """Returns the contents of a value of this tag. Raises :class:`ValueError` for another's."""
    if value[0] != tag:
        raise ValueError("a value of another kind")
    return contents(value)


def _parts(value: bytes, tag: int = _SEQUENCE) -> list[bytes]:
    """Returns what stands in a sequence, or under another constructed tag. Raises :class:`ValueError`."""
    if value[0] != tag:
        raise ValueError("a value of another kind")
    return children(value)


# Few are in use.
@lru_cache(maxsize=64)
def _algorithm(value: bytes) -> tuple[bytes, ...]:
    """Returns an algorithm's identifier, and after it its parameters."""
    return tuple(_parts(value))


def _digest_name(algorithm: bytes) -> str:
    name = _DIGESTS.get(_algorithm(algorithm)[0])
    if name is None:
        raise SignatureInvalid("the signature uses a digest that is not accepted")
    return name


def _kind(algorithm: bytes, digest: str) -> str:
    """Returns the kind of key and padding that the signature algorithm names."""
    known = _ALGORITHMS.get(_algorithm(algorithm)[0])
    if known is None:
        raise SignatureInvalid("the signature uses an algorithm that is not accepted")
    kind, fixed = known
    _require(fixed in (None, digest), "the signature algorithm and the digest do not fit together")
    return kind


@dataclass(frozen=True, slots=True)
class _Raw:
    """What counts byte for byte, as it stands in the signature."""

    # Of the whole, and of the signer.
    versions: tuple[bytes, bytes]
    certificates: tuple[bytes, ...]
    signer_identifier: bytes
    # The set of signed attributes under its context-specific tag.
    attributes: bytes
    # The algorithm of the one digest declared, the signer's digest algorithm and signature algorithm.
    algorithms: tuple[bytes, bytes, bytes]
    signature: bytes


def _raw(data: bytes) -> _Raw:
    """Returns the parts as they stand in ``data``, which has no others: nothing hides where no
    signature covers it.
    """
    content_type, explicit = _parts(data)
    _require(content_type == _SIGNED, "the CMS is not a signature")
    (signed,) = _parts(explicit, _CONTEXT_0)
    fields = _parts(signed)
    others = "the signature has other fields than those it needs, or lacks one"
    _require(bytes(field[0] for field in fields) == _SIGNED_DATA, others)
    version, digests, content, certificates, signers = fields
    _require(content == _DETACHED_DATA, "the signature is not detached, or not over data")
    signer = _only(signers, "the signature does not have exactly one signer")
    parts = _parts(signer)
    _require(bytes(part[0] for part in parts) in _SIGNER_INFO, others)
    declared = _only(digests, "the digests declared are not the signer's one")
    of_signer, identifier, digest, attributes, algorithm, signature = parts
    return _Raw(
        (version, of_signer),
        tuple(children(certificates)),
        identifier,
        attributes,
        (declared, digest, algorithm),
        signature,
    )


def _only(value: bytes, otherwise: str) -> bytes:
    """Returns the one value inside."""
    inside = children(value)
    _require(len(inside) == 1, otherwise)
    return inside[0]


def _check_parameters(raw: _Raw, kind: str, salt_bytes: int) -> None:
    """Checks that the algorithms have no parameters (absent or NULL), PSS only the usual ones (RFC 4055,
    3.1), in DER.
    """
    *digests, signature = raw.algorithms
    plain = digests if kind == "pss" else raw.algorithms
    for algorithm in plain:
        _require(_algorithm(algorithm)[1:] in ((), (_NULL,)), "an algorithm of the signature has parameters")
    if kind != "pss":
        return
    name = _algorithm(digests[-1])[0]
    forms = [encode(_SEQUENCE, name), encode(_SEQUENCE, name + _NULL)]
    salt = encode(_CONTEXT_0 + 2, encode(0x02, bytes([salt_bytes])))
    masks = [encode(_CONTEXT_0 + 1, encode(_SEQUENCE, _MGF1 + form)) for form in forms]
    usual = [encode(_SEQUENCE, encode(_CONTEXT_0, form) + mask + salt) for form in forms for mask in masks]
    parameters = _algorithm(signature)[1:]
    fits = len(parameters) == 1 and parameters[0] in usual
    _require(fits, "the parameters of the PSS signature are not the usual ones")


def _check_certificates(certificates: Sequence[bytes]) -> None:
    _require(1 <= len(certificates) <= MAX_CERTIFICATES, f"not 1 to {MAX_CERTIFICATES} certificates")
    # Other kinds of certificates (attribute certificates, say) are tagged.
    _require(all(der[0] == _SEQUENCE for der in certificates), "a certificate of another kind")
    subjects = {load_certificate(der).subject for der in certificates}
    # One for each name: then at most one path can be made of them, and none has to be searched for.
    _require(len(subjects) == len(certificates), "two certificates of the same subject")


def _signers(raw: _Raw) -> bytes:
    """Returns the certificate that the signer identifier names."""
    by_name = raw.signer_identifier[0] == _SEQUENCE
    version = _VERSIONS[raw.versions[1]]
    _require(version == ("v1" if by_name else "v3"), "the signer's version is not that of its identifier")
    if by_name:
        named = [der for der in raw.certificates if issuer_and_serial(der) == raw.signer_identifier]
    else:
        identifier = contents(raw.signer_identifier)
        with PARSING:
            named = [
                der
                for der in raw.certificates
                if asn1_x509.Certificate.load(der).key_identifier == identifier
            ]
    _require(len(named) == 1, "the signer's certificate is missing")
    return named[0]


# The authorities' certificates stand in one signature after the other.
@lru_cache(maxsize=256)
def issuer_and_serial(certificate: bytes) -> bytes:
    """Returns IssuerAndSerialNumber (RFC 5652, 10.2.4) of a certificate of version 3, in its own bytes."""
    _, serial, _, issuer, *_ = children(children(certificate)[0])
    return encode(_SEQUENCE, issuer + serial)


def _attributes(raw: bytes) -> dict[bytes, bytes]:
    """Returns the signed attributes' values by type: each attribute once, with one value, in the order of
    DER.
    """
    encoded = children(raw)
    _require(encoded == sorted(encoded), "the signed attributes are not in the order of DER")
    pairs = [_parts(attribute) for attribute in encoded]
    _require(all(len(pair) == 2 for pair in pairs), "a signed attribute has more than its values")
    attributes: dict[bytes, bytes] = {}
    for kind, values in pairs:
        _tagged(kind, _IDENTIFIER)
        _require(kind not in attributes, "a signed attribute stands twice")
        _require(
            len(found := _parts(values, _SET)) == 1, "a signed attribute does not have exactly one value"
        )
        attributes[kind] = found[0]
    for name, kind in _NEEDED.items():
        _require(kind in attributes, f"the signed attribute {name} is missing")
    return attributes


def _check_signing_certificate(value: bytes, certificate: bytes) -> None:
    """Checks that the first identifier (RFC 5035, 4) is the signer's certificate's."""
    identifier = _parts(_parts(value)[0])[0]
    fields = _parts(identifier)
    # The digest algorithm may be left out where it is SHA-256.
    algorithm = _digest_name(fields.pop(0)) if fields[0][0] == _SEQUENCE else "sha256"
    matches = _tagged(fields.pop(0), _OCTETS) == _HASHED[algorithm](certificate).digest()
    _require(matches, "the signature was made for another certificate")
    if fields:
        with PARSING:
            _check_issuer_serial(tsp.ESSCertIDv2.load(identifier)["issuer_serial"], certificate)


def _check_issuer_serial(issuer_serial: Any, certificate: bytes) -> None:
    if issuer_serial.native is not None:
        parsed = asn1_x509.Certificate.load(certificate)
        names = [
            name.chosen.untag().dump() for name in issuer_serial["issuer"] if name.name == "directory_name"
        ]
        matches = names == [parsed.issuer.dump()] and (
            issuer_serial["serial_number"].native == parsed.serial_number
        )
        _require(matches, "the signature was made for another certificate")


def _verify(key: PublicKey, parsed: _Parsed) -> None:
    digest, signed = _HASHES[parsed.digest](), parsed.attributes
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            _require(parsed.kind == "ecdsa", "the signature algorithm is not of the certificate's key")
            key.verify(parsed.signature, signed, ec.ECDSA(digest))
        elif parsed.kind == "pss":
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
            key.verify(parsed.signature, signed, scheme, digest)
        else:
            _require(parsed.kind == "pkcs1", "the signature algorithm is not of the certificate's key")
            key.verify(parsed.signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        raise SignatureInvalid("the signature does not verify") from None
