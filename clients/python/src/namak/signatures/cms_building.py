"""Makes CAdES baseline signatures (ETSI EN 319 122-1, 6): detached CMS with the attributes that tie the
signature to the document, to the signer's certificate and to the algorithms.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec

from namak.evidence.certificate import DIGESTS, PARSING, load_certificate, public_key_of
from namak.evidence.der import encode
from namak.signatures.algorithms import Algorithms, check_value

Sign = Callable[[bytes, str], bytes]
"""Signs data, hashed with an algorithm; RSA by PKCS #1 v1.5, ECDSA as DER, as the certificate's key is."""

Stamp = Callable[[bytes, str], bytes]
"""Returns the timestamp token (DER) over a digest made with an algorithm."""

_SET: Final = 0x31


class SignatureMisfit(Exception):
    """What came back from signing does not verify with the signer's certificate."""


@dataclass(frozen=True, slots=True)
class SignerCertificates:
    """The signer's certificate and those above it, without the root; DER."""

    own: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)


def build_cms(
    message_digest: bytes,
    certificates: SignerCertificates,
    sign: Sign,
    *,
    algorithm: str = "sha256",
    signing_time: datetime | None = None,
    stamp: Stamp | None = None,
) -> bytes:
    """Returns the signature (DER) of content that has this digest.

    ``signing_time`` is what the signer claims (CAdES wants it; PAdES has it in the PDF), ``stamp`` adds a
    signature timestamp. Raises :class:`SignatureMisfit`,
    :class:`~namak.evidence.failures.CertificateUntrusted` for a key too weak to sign with.
    """
    if algorithm not in DIGESTS:
        raise ValueError(f"digest {algorithm!r} is not one of {sorted(DIGESTS)}")
    key = public_key_of(load_certificate(certificates.own))
    kind = "ecdsa" if isinstance(key, ec.EllipticCurvePublicKey) else "rsa"
    used = Algorithms(algorithm, f"{algorithm}_{kind}")
    with PARSING:
        attributes = _attributes(message_digest, certificates.own, used, signing_time)
    # Outside the lock: whoever signs may wait for a person's PIN.
    value = sign(attributes, algorithm)
    if check_value(key, used, attributes, value) is not None:
        raise SignatureMisfit("the signature does not verify with the certificate")
    token = None if stamp is None else stamp(hashlib.new(algorithm, value).digest(), algorithm)
    with PARSING:
        return _assembled(attributes, value, used, certificates, token)


def _attributes(
    message_digest: bytes, certificate: bytes, used: Algorithms, signing_time: datetime | None
) -> bytes:
    """Returns the signed attributes as a SET in DER: sorted by their encoding."""
    identifier = tsp.ESSCertIDv2(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": used.digest}),
            "cert_hash": hashlib.new(used.digest, certificate).digest(),
        }
    )
    values: dict[str, Any] = {
        "content_type": "data",
        "message_digest": message_digest,
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [identifier]}),
        "cms_algorithm_protection": cms.CMSAlgorithmProtection(
            {
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": used.digest}),
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": used.signature}),
            }
        ),
    }
    if signing_time is not None:
        # RFC 5652, 11.3: UTCTime up to 2049.
        values["signing_time"] = cms.Time({"utc_time": core.UTCTime(signing_time.replace(microsecond=0))})
    encoded = sorted(
        cms.CMSAttribute({"type": cms.CMSAttributeType(name), "values": [value]}).dump()
        for name, value in values.items()
    )
    return encode(_SET, b"".join(encoded))


def _assembled(
    attributes: bytes,
    value: bytes,
    used: Algorithms,
    certificates: SignerCertificates,
    token: bytes | None,
) -> bytes:
    own = asn1_x509.Certificate.load(certificates.own)
    named = cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number})
    fields: dict[str, Any] = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": named}),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": used.digest}),
        "signed_attrs": cms.CMSAttributes.load(attributes),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": used.signature}),
        "signature": value,
    }
    if token is not None:
        stamped = {
            "type": cms.CMSAttributeType("signature_time_stamp_token"),
            "values": [cms.ContentInfo.load(token)],
        }
        fields["unsigned_attrs"] = cms.CMSAttributes([cms.CMSAttribute(stamped)])
    ders = dict.fromkeys((certificates.own, *certificates.chain))
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": used.digest})],
            "encap_content_info": {"content_type": "data"},
            "certificates": [asn1_x509.Certificate.load(der) for der in ders],
            "signer_infos": [cms.SignerInfo(fields)],
        }
    )
    whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return whole
