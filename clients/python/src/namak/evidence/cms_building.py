"""Makes the one shape of CMS that a confirmation has, at once or in two steps around a signer elsewhere.

What other signatures of one signer have too is public, and made by the same functions
(:mod:`namak.signatures.cades`).

A card signs when it is asked. A phone is asked for the signature of a digest, and answers minutes later,
perhaps to another process: what it is to sign follows from the content, the certificate and, if there is
one, a random identifier alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec

from namak.evidence.certificate import DIGESTS, PARSING, PublicKey, load_certificate, public_key_of
from namak.evidence.cms_signature import check_signature, issuer_and_serial
from namak.evidence.der import encode

_SET: Final = 0x31
_SEQUENCE: Final = 0x30
_CONTENT_IDENTIFIER: Final = "1.2.840.113549.1.9.16.2.7"
"""id-aa-contentIdentifier, RFC 2634, 2.7: octets, of which the standard suggests that some be random."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A signature that lacks its value. Equal content, certificate, digest and identifier make an equal
    draft.

    ``signed`` are the bytes to be signed: the set of signed attributes (RFC 5652, 5.4), with the content's
    digest and the certificate's in it. ``digest`` names the algorithm of both and of the signature.
    """

    content: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    digest: str
    signed: bytes = field(repr=False)

    @property
    def digest_value(self) -> bytes:
        """What a signer is given that hashes nothing itself."""
        return hashlib.new(self.digest, self.signed).digest()

    def finished(self, signature: bytes, chain: Sequence[bytes] = ()) -> bytes:
        """Returns the CMS (DER) with this signature: ECDSA in DER, or RSA of PKCS#1 v1.5.

        ``chain`` holds the certificates above the signer's, without the root, DER. Raises
        :class:`SignatureInvalid` when the signature does not verify.
        """
        key = public_key_of(load_certificate(self.certificate))
        algorithms = self.digest, signing_algorithm(key, self.digest)
        with PARSING:
            data = signed_data(self.signed, signature, algorithms, (self.certificate, *chain))
        check_signature(data, self.content)
        return data


def draft_signature(
    content: bytes, certificate: bytes, digest: str = "sha256", *, identifier: bytes = b""
) -> Draft:
    """Returns what the owner of ``certificate`` (DER) is to sign for a detached signature over ``content``.

    With an ``identifier`` that is signed too (content-identifier, RFC 2634, 2.7): where it is random, nobody
    foretells the digest from content and certificate.
    Raises :class:`CertificateUntrusted` for a certificate whose key is too weak to sign with.
    """
    if digest not in DIGESTS:
        raise ValueError(f"digest {digest!r} is not one of {sorted(DIGESTS)}")
    public_key_of(load_certificate(certificate))
    with PARSING:
        further = [_content_identifier(identifier)] if identifier else []
        message_digest = hashlib.new(digest, content).digest()
        attributes = signed_attributes(message_digest, certificate, digest, further)
    return Draft(content, certificate, digest, attributes)


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
    draft = draft_signature(content, certificate, digest)
    # Nothing is locked here: whoever signs may wait for a person's PIN.
    return draft.finished(sign(draft.signed), chain)


def signing_algorithm(key: PublicKey, digest: str) -> str:
    """Returns the name of the signature algorithm for a key: ECDSA, or RSA of PKCS#1 v1.5."""
    return f"{digest}_ecdsa" if isinstance(key, ec.EllipticCurvePublicKey) else f"{digest}_rsa"


def signed_attributes(
    message_digest: bytes, certificate: bytes, digest: str, further: Sequence[bytes] = ()
) -> bytes:
    """Returns the SET (DER) of content-type, message-digest, signing-certificate-v2, and ``further`` ones.

    ``digest`` names what made ``message_digest``. Callers hold
    :data:`~namak.evidence.certificate.PARSING`, here and below.
    """
    identifier = tsp.ESSCertIDv2(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "cert_hash": hashlib.new(digest, certificate).digest(),
        }
    )
    attributes = [
        attribute("content_type", "data"),
        attribute("message_digest", message_digest),
        attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identifier]})),
        *further,
    ]
    # A SET in DER is sorted by its members' encoding.
    return encode(_SET, b"".join(sorted(attributes)))


def attribute(name: str, value: Any) -> bytes:
    """Returns an attribute (DER) with one value, by its name in asn1crypto."""
    encoded: bytes = cms.CMSAttribute({"type": cms.CMSAttributeType(name), "values": [value]}).dump()
    return encoded


def signed_data(
    attributes: bytes,
    signature: bytes,
    algorithms: tuple[str, str],
    certificates: Sequence[bytes],
    unsigned: bytes | None = None,
) -> bytes:
    """Returns the detached CMS (DER) of one signer.

    ``attributes`` is the SET of signed ones, ``unsigned`` an attribute that is not signed; ``algorithms``
    are the digest's and the signature's; the first certificate is the signer's.
    """
    digest, algorithm = algorithms
    named = cms.IssuerAndSerialNumber.load(issuer_and_serial(certificates[0]))
    fields: dict[str, Any] = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": named}),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
        "signed_attrs": cms.CMSAttributes.load(attributes),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
        "signature": signature,
    }
    if unsigned is not None:
        fields["unsigned_attrs"] = cms.CMSAttributes([cms.CMSAttribute.load(unsigned)])
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
            "encap_content_info": {"content_type": "data"},
            "certificates": [asn1_x509.Certificate.load(der) for der in certificates],
            "signer_infos": [cms.SignerInfo(fields)],
        }
    )
    data: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return data


def _content_identifier(identifier: bytes) -> bytes:
    name: bytes = core.ObjectIdentifier(_CONTENT_IDENTIFIER).dump()
    value: bytes = core.OctetString(identifier).dump()
    return encode(_SEQUENCE, name + encode(_SET, value))
