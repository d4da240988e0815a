"""The one shape of CMS (RFC 5652) that a confirmation has, read strictly; `cms_building` makes it.

Detached; one signer; signed attributes with content-type, message-digest and signing-certificate-v2 (RFC
5035), which ties the signature to the very certificate; DER throughout; and no place (unsigned attributes,
revocation lists) where others could put something of their own. Trust in the certificate is not decided here.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from namak.evidence.certificate import (
    DIGESTS,
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
# Name of the algorithm: kind of key and padding, and the digest that it fixes.
_ALGORITHMS: Final[dict[str, tuple[str, str | None]]] = {
    "sha256_ecdsa": ("ecdsa", "sha256"),
    "sha384_ecdsa": ("ecdsa", "sha384"),
    "sha512_ecdsa": ("ecdsa", "sha512"),
    "rsassa_pkcs1v15": ("pkcs1", None),
    "sha256_rsa": ("pkcs1", "sha256"),
    "sha384_rsa": ("pkcs1", "sha384"),
    "sha512_rsa": ("pkcs1", "sha512"),
    "rsassa_pss": ("pss", None),
}


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
        with PARSING:
            parsed = _read(data)
        certificate = load_certificate(parsed.certificate)
        key = public_key_of(certificate)
    except UNREADABLE:
        raise SignatureInvalid("not a CMS signature") from None
    except CertificateUntrusted as weak:
        raise SignatureInvalid(weak.detail) from None
    if not hmac.compare_digest(parsed.message_digest, hashlib.new(parsed.digest, content).digest()):
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
    info = cms.ContentInfo.load(data, strict=True)
    _require(info["content_type"].native == "signed_data", "the CMS is not a signature")
    signed = info["content"]
    raw = _raw(data)
    signer = signed["signer_infos"][0]
    # RFC 5652, 5.1: with this content, and certificates of this kind alone, it follows from the signer's.
    versions = (signed["version"].native, signer["version"].native)
    _require(versions in (("v1", "v1"), ("v3", "v3")), "the CMS version is not that of its signer")
    digest = _digest_name(signer["digest_algorithm"])
    declared = [_digest_name(algorithm) for algorithm in signed["digest_algorithms"]]
    _require(declared == [digest], "the digests declared are not the signer's one")
    kind = _kind(signer["signature_algorithm"], digest)
    _check_parameters(raw, kind, hashlib.new(digest).digest_size)
    _check_certificates(raw.certificates)
    certificate = _signers(signer, raw)
    attributes = _attributes(signer, raw.attributes)
    _require(
        attributes["content_type"].native == "data", "the signed content type is not that of the content"
    )
    _check_signing_certificate(attributes["signing_certificate_v2"], certificate)
    return _Parsed(
        certificate,
        raw.certificates,
        digest,
        kind,
        attributes["message_digest"].native,
        encode(_SET, contents(raw.attributes)),
        signer["signature"].native,
    )


def _digest_name(algorithm: Any) -> str:
    name = algorithm["algorithm"].native
    _require(name in DIGESTS, "the signature uses a digest that is not accepted")
    return str(name)


def _kind(algorithm: Any, digest: str) -> str:
    """Returns the kind of key and padding that the signature algorithm names."""
    known = _ALGORITHMS.get(algorithm["algorithm"].native)
    if known is None:
        raise SignatureInvalid("the signature uses an algorithm that is not accepted")
    kind, fixed = known
    _require(fixed in (None, digest), "the signature algorithm and the digest do not fit together")
    return kind


@dataclass(frozen=True, slots=True)
class _Raw:
    """What counts byte for byte, as it stands in the signature."""

    certificates: tuple[bytes, ...]
    signer_identifier: bytes
    # The set of signed attributes under its context-specific tag.
    attributes: bytes
    # The algorithm of the one digest declared, the signer's digest algorithm and signature algorithm.
    algorithms: tuple[bytes, bytes, bytes]


def _raw(data: bytes) -> _Raw:
    """Returns the parts as they stand in ``data``, which has no others: nothing hides where no
    signature covers it.

    The parser passes over what a sequence holds beyond the fields it knows, and writes out anew what it has
    looked into; signatures and digests are over what was there.
    """
    _, explicit = children(data)
    (signed,) = children(explicit)
    fields = children(signed)
    others = "the signature has other fields than those it needs, or lacks one"
    _require(bytes(field[0] for field in fields) == _SIGNED_DATA, others)
    _, digests, content, certificates, signers = fields
    _require(content == _DETACHED_DATA, "the signature is not detached, or not over data")
    _require(len(children(signers)) == 1, "the signature does not have exactly one signer")
    (signer,) = children(signers)
    parts = children(signer)
    _require(bytes(part[0] for part in parts) in _SIGNER_INFO, others)
    _require(len(children(digests)) == 1, "the digests declared are not the signer's one")
    (declared,) = children(digests)
    _, identifier, digest, attributes, algorithm, _ = parts
    return _Raw(tuple(children(certificates)), identifier, attributes, (declared, digest, algorithm))


def _check_parameters(raw: _Raw, kind: str, salt_bytes: int) -> None:
    """Checks that the algorithms have no parameters (absent or NULL), PSS only the usual ones (RFC 4055,
    3.1), in DER.
    """
    *digests, signature = raw.algorithms
    plain = digests if kind == "pss" else raw.algorithms
    for algorithm in plain:
        _require(children(algorithm)[1:] in ([], [_NULL]), "an algorithm of the signature has parameters")
    if kind != "pss":
        return
    name = children(digests[-1])[0]
    forms = [encode(_SEQUENCE, name), encode(_SEQUENCE, name + _NULL)]
    salt = encode(_CONTEXT_0 + 2, encode(0x02, bytes([salt_bytes])))
    masks = [encode(_CONTEXT_0 + 1, encode(_SEQUENCE, _MGF1 + form)) for form in forms]
    usual = [encode(_SEQUENCE, encode(_CONTEXT_0, form) + mask + salt) for form in forms for mask in masks]
    parameters = children(signature)[1:]
    fits = len(parameters) == 1 and parameters[0] in usual
    _require(fits, "the parameters of the PSS signature are not the usual ones")


def _check_certificates(certificates: Sequence[bytes]) -> None:
    _require(1 <= len(certificates) <= MAX_CERTIFICATES, f"not 1 to {MAX_CERTIFICATES} certificates")
    # Other kinds of certificates (attribute certificates, say) are tagged.
    _require(all(der[0] == _SEQUENCE for der in certificates), "a certificate of another kind")
    subjects = {load_certificate(der).subject for der in certificates}
    # One for each name: then at most one path can be made of them, and none has to be searched for.
    _require(len(subjects) == len(certificates), "two certificates of the same subject")


def _signers(signer: Any, raw: _Raw) -> bytes:
    """Returns the certificate that the signer identifier names."""
    if signer["sid"].name == "issuer_and_serial_number":
        _require(signer["version"].native == "v1", "the signer's version is not that of its identifier")
        named = [der for der in raw.certificates if issuer_and_serial(der) == raw.signer_identifier]
    else:
        _require(signer["version"].native == "v3", "the signer's version is not that of its identifier")
        identifier = contents(raw.signer_identifier)
        named = [
            der for der in raw.certificates if asn1_x509.Certificate.load(der).key_identifier == identifier
        ]
    _require(len(named) == 1, "the signer's certificate is missing")
    return named[0]


def issuer_and_serial(certificate: bytes) -> bytes:
    """Returns IssuerAndSerialNumber (RFC 5652, 10.2.4) of a certificate of version 3, in its own bytes."""
    _, serial, _, issuer, *_ = children(children(certificate)[0])
    return encode(_SEQUENCE, issuer + serial)


def _attributes(signer: Any, raw: bytes) -> dict[str, Any]:
    """Returns the signed attributes' values by name: each attribute once, with one value, in the order of
    DER.
    """
    encoded = children(raw)
    _require(encoded == sorted(encoded), "the signed attributes are not in the order of DER")
    _require(
        all(len(children(attribute)) == 2 for attribute in encoded),
        "a signed attribute has more than its values",
    )
    attributes: dict[str, Any] = {}
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        _require(name not in attributes, "a signed attribute stands twice")
        _require(len(attribute["values"]) == 1, "a signed attribute does not have exactly one value")
        attributes[name] = attribute["values"][0]
    for name in ("content_type", "message_digest", "signing_certificate_v2"):
        _require(name in attributes, f"the signed attribute {name} is missing")
    return attributes


def _check_signing_certificate(value: Any, certificate: bytes) -> None:
    """Checks that the first identifier (RFC 5035, 4) is the signer's certificate's."""
    identifier = value["certs"][0]
    algorithm = _digest_name(identifier["hash_algorithm"])
    matches = identifier["cert_hash"].native == hashlib.new(algorithm, certificate).digest()
    _require(matches, "the signature was made for another certificate")
    issuer_serial = identifier["issuer_serial"]
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
