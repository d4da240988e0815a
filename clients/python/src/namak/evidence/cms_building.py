"""Makes the one shape of CMS that a confirmation has, at once or in two steps around a signer elsewhere.

A card signs when it is asked. A phone is asked for the signature of a digest, and answers minutes later,
perhaps to another process: what it is to sign follows from the content, the certificate and, if there is
one, a random identifier alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec

from namak.evidence.certificate import DIGESTS, PARSING, load_certificate, public_key_of
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
        elliptic = isinstance(public_key_of(load_certificate(self.certificate)), ec.EllipticCurvePublicKey)
        algorithms = self.digest, f"{self.digest}_ecdsa" if elliptic else f"{self.digest}_rsa"
        with PARSING:
            data = _assembled(self.signed, signature, algorithms, (self.certificate, *chain))
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
        chosen = _new_attributes(content, certificate, digest)
        if identifier:
            chosen.append(_content_identifier(identifier))
        attributes = encode(_SET, b"".join(sorted(chosen)))
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


def _assembled(
    attributes: bytes, signature: bytes, algorithms: tuple[str, str], certificates: Sequence[bytes]
) -> bytes:
    """Returns the CMS; ``algorithms`` are the digest's and the signature's, the first certificate is the
    signer's.
    """
    digest, algorithm = algorithms
    named = cms.IssuerAndSerialNumber.load(issuer_and_serial(certificates[0]))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": named}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "signed_attrs": cms.CMSAttributes.load(attributes),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
            "signature": signature,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
            "encap_content_info": {"content_type": "data"},
            "certificates": [asn1_x509.Certificate.load(der) for der in certificates],
            "signer_infos": [signer],
        }
    )
    data: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
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


def _content_identifier(identifier: bytes) -> bytes:
    name: bytes = core.ObjectIdentifier(_CONTENT_IDENTIFIER).dump()
    value: bytes = core.OctetString(identifier).dump()
    return encode(_SEQUENCE, name + encode(_SET, value))
