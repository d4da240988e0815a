"""Makes CAdES baseline signatures (ETSI EN 319 122-1, 6): detached CMS with the attributes that tie the
signature to the document, to the signer's certificate and to the algorithms.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import algos, cms, core

from namak.evidence.certificate import DIGESTS, PARSING, load_certificate, public_key_of
from namak.evidence.cms_building import attribute, signed_attributes, signed_data, signing_algorithm
from namak.signatures.algorithms import Algorithms, check_value

Sign = Callable[[bytes, str], bytes]
"""Signs data, hashed with an algorithm; RSA by PKCS #1 v1.5, ECDSA as DER, as the certificate's key is."""

Stamp = Callable[[bytes, str], bytes | None]
"""Returns the timestamp token (DER) over a digest made with an algorithm; None where there is none to be had,
and the signature is to be without.
"""


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
    used = Algorithms(algorithm, signing_algorithm(key, algorithm))
    with PARSING:
        further = [_algorithm_protection(used)]
        if signing_time is not None:
            further.append(_signing_time(signing_time))
        attributes = signed_attributes(message_digest, certificates.own, algorithm, further)
    # Outside the lock: whoever signs may wait for a person's PIN.
    value = sign(attributes, algorithm)
    if check_value(key, used, attributes, value) is not None:
        raise SignatureMisfit("the signature does not verify with the certificate")
    token = None if stamp is None else stamp(hashlib.new(algorithm, value).digest(), algorithm)
    # The chain may begin with the signer's certificate, which stands in the signature once.
    ders = tuple(dict.fromkeys((certificates.own, *certificates.chain)))
    with PARSING:
        stamped = None if token is None else _timestamp(token)
        return signed_data(attributes, value, (used.digest, used.signature), ders, stamped)


def _algorithm_protection(used: Algorithms) -> bytes:
    """Returns the attribute of RFC 6211, which ties the signature to its algorithms."""
    protection = cms.CMSAlgorithmProtection(
        {
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": used.digest}),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": used.signature}),
        }
    )
    return attribute("cms_algorithm_protection", protection)


def _signing_time(at: datetime) -> bytes:
    # RFC 5652, 11.3: UTCTime up to 2049.
    return attribute("signing_time", cms.Time({"utc_time": core.UTCTime(at.replace(microsecond=0))}))


def _timestamp(token: bytes) -> bytes:
    return attribute("signature_time_stamp_token", cms.ContentInfo.load(token))
