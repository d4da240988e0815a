"""The one shape of CMS (RFC 5652) that a confirmation has, read strictly, and its making.

Detached; one signer; signed attributes with content-type, message-digest and signing-certificate-v2 (RFC
5035), which ties the signature to the very certificate; DER throughout; and no place (unsigned attributes,
revocation lists) where others could put something of their own. Trust in the certificate is not decided here.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.certificate import DIGESTS, UNREADABLE, PublicKey, load_certificate, public_key_of
from namak.evidence.der import check_der, children, contents, encode
from namak.evidence.details import CMS_LIMIT
from namak.evidence.failures import CertificateUntrusted, SignatureInvalid

MAX_CERTIFICATES: Final = 6
"""A signature carries at most so many certificates."""

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_CONTEXT_0: Final = 0xA0
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
    salt_bytes: int
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
    certificates, raw_attributes = _raw(data)
    content = signed["encap_content_info"]
    _require(content["content_type"].native == "data", "what is signed is not declared as data")
    _require(content["content"].native is None, "the signature is not detached")
    _require(not signed["crls"], "the signature carries revocation lists; evidence holds them beside it")
    signer = signed["signer_infos"][0]
    # RFC 5652, 5.1: with this content, and certificates of this kind alone, it follows from the signer's.
    versions = (signed["version"].native, signer["version"].native)
    _require(versions in (("v1", "v1"), ("v3", "v3")), "the CMS version is not that of its signer")
    _require(not signer["unsigned_attrs"], "the signature has unsigned attributes")
    digest = _digest_name(signer["digest_algorithm"])
    declared = [_digest_name(algorithm) for algorithm in signed["digest_algorithms"]]
    _require(declared == [digest], "the digests declared are not the signer's one")
    kind, salt_bytes = _algorithm(signer["signature_algorithm"], digest)
    _check_certificates(certificates)
    certificate = _signers(signer, certificates)
    attributes = _attributes(signer, raw_attributes)
    _require(
        attributes["content_type"].native == "data", "the signed content type is not that of the content"
    )
    _check_signing_certificate(attributes["signing_certificate_v2"], certificate)
    return _Parsed(
        certificate,
        certificates,
        digest,
        kind,
        salt_bytes,
        attributes["message_digest"].native,
        encode(_SET, contents(raw_attributes)),
        signer["signature"].native,
    )


def _digest_name(algorithm: Any) -> str:
    name = algorithm["algorithm"].native
    _require(name in DIGESTS, "the signature uses a digest that is not accepted")
    _require(algorithm["parameters"].native is None, "the digest has parameters")
    return str(name)


def _algorithm(algorithm: Any, digest: str) -> tuple[str, int]:
    """Returns the kind of signature and, for PSS, the length of its salt."""
    known = _ALGORITHMS.get(algorithm["algorithm"].native)
    if known is None:
        raise SignatureInvalid("the signature uses an algorithm that is not accepted")
    kind, fixed = known
    _require(fixed in (None, digest), "the signature algorithm and the digest do not fit together")
    parameters = algorithm["parameters"]
    if kind != "pss":
        _require(parameters.native is None, "the signature algorithm has parameters")
        return kind, 0
    mask = parameters["mask_gen_algorithm"]
    fits = (
        _digest_name(parameters["hash_algorithm"]) == digest
        and mask["algorithm"].native == "mgf1"
        and _digest_name(mask["parameters"]) == digest
        and parameters["trailer_field"].native == "trailer_field_bc"
        and parameters["salt_length"].native == hashlib.new(digest).digest_size
    )
    _require(fits, "the parameters of the PSS signature are not the usual ones")
    return kind, parameters["salt_length"].native


def _raw(data: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """Returns the certificates and the set of signed attributes, byte for byte as they stand in ``data``.

    The parser writes out anew what it has looked into, and may do so differently; signatures and digests are
    over what was there.
    """
    _, explicit = children(data)
    fields = children(children(explicit)[0])
    certificates = [
        certificate for field in fields if field[0] == _CONTEXT_0 for certificate in children(field)
    ]
    signers = children(fields[-1])
    _require(len(signers) == 1, "the signature does not have exactly one signer")
    attributes = [field for field in children(signers[0]) if field[0] == _CONTEXT_0]
    _require(len(attributes) == 1, "the signature has no signed attributes")
    return tuple(certificates), attributes[0]


def _check_certificates(certificates: Sequence[bytes]) -> None:
    _require(1 <= len(certificates) <= MAX_CERTIFICATES, f"not 1 to {MAX_CERTIFICATES} certificates")
    # Other kinds of certificates (attribute certificates, say) are tagged.
    _require(all(der[0] == _SEQUENCE for der in certificates), "a certificate of another kind")
    subjects = {load_certificate(der).subject for der in certificates}
    # One for each name: then at most one path can be made of them, and none has to be searched for.
    _require(len(subjects) == len(certificates), "two certificates of the same subject")


def _signers(signer: Any, certificates: Sequence[bytes]) -> bytes:
    """Returns the certificate that the signer identifier names."""
    sid = signer["sid"]
    parsed = [(der, asn1_x509.Certificate.load(der)) for der in certificates]
    if sid.name == "issuer_and_serial_number":
        _require(signer["version"].native == "v1", "the signer's version is not that of its identifier")
        issuer, serial = sid.chosen["issuer"], sid.chosen["serial_number"].native
        named = [der for der, found in parsed if found.serial_number == serial and found.issuer == issuer]
    else:
        _require(signer["version"].native == "v3", "the signer's version is not that of its identifier")
        named = [der for der, found in parsed if found.key_identifier == sid.chosen.native]
    _require(len(named) == 1, "the signer's certificate is missing")
    return named[0]


def _attributes(signer: Any, raw: bytes) -> dict[str, Any]:
    """Returns the signed attributes' values by name: each attribute once, with one value, in the order of
    DER.
    """
    encoded = children(raw)
    _require(encoded == sorted(encoded), "the signed attributes are not in the order of DER")
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
            scheme = padding.PSS(padding.MGF1(digest), parsed.salt_bytes)
            key.verify(parsed.signature, signed, scheme, digest)
        else:
            _require(parsed.kind == "pkcs1", "the signature algorithm is not of the certificate's key")
            key.verify(parsed.signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        raise SignatureInvalid("the signature does not verify") from None


def build_signature(
    content: bytes,
    certificate: bytes,
    chain: Sequence[bytes],
    sign: Callable[[bytes], bytes],
    digest: str = "sha256",
) -> bytes:
    """Returns the detached signature of ``certificate``'s owner over ``content`` (DER).

    ``chain`` holds the certificates above the signer's, without the root; all are DER. ``sign`` gets the
    bytes to be signed, hashes them with ``digest`` and returns an ECDSA signature in DER
    (``ECDSA-Sig-Value``) or an RSA signature of PKCS#1 v1.5, as the certificate's key is. Raises
    :class:`SignatureInvalid` when what comes back does not verify, :class:`CertificateUntrusted` for a
    certificate whose key is too weak to sign with.
    """
    if digest not in DIGESTS:
        raise ValueError(f"digest {digest!r} is not one of {sorted(DIGESTS)}")
    loaded = load_certificate(certificate)
    elliptic = isinstance(public_key_of(loaded), ec.EllipticCurvePublicKey)
    attributes = encode(_SET, b"".join(sorted(_new_attributes(content, certificate, digest))))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": _issuer_and_serial(loaded)}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "signed_attrs": cms.CMSAttributes.load(attributes),
            "signature_algorithm": algos.SignedDigestAlgorithm(
                {"algorithm": f"{digest}_ecdsa" if elliptic else f"{digest}_rsa"}
            ),
            "signature": sign(attributes),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
            "encap_content_info": {"content_type": "data"},
            "certificates": [asn1_x509.Certificate.load(der) for der in (certificate, *chain)],
            "signer_infos": [signer],
        }
    )
    data: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    check_signature(data, content)
    return data


def _new_attributes(content: bytes, certificate: bytes, digest: str) -> list[bytes]:
    identifier = tsp.ESSCertIDv2(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "cert_hash": hashlib.new(digest, certificate).digest(),
        }
    )
    values = {
        "content_type": "data",
        "message_digest": hashlib.new(digest, content).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [identifier]}),
    }
    return [
        cms.CMSAttribute({"type": cms.CMSAttributeType(name), "values": [value]}).dump()
        for name, value in values.items()
    ]


def _issuer_and_serial(certificate: x509.Certificate) -> cms.IssuerAndSerialNumber:
    issuer = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)).issuer
    return cms.IssuerAndSerialNumber({"issuer": issuer, "serial_number": certificate.serial_number})
