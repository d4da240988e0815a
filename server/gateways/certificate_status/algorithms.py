"""Signatures of lists and answers: the algorithm declared must be accepted, and be that of the key."""

import hashlib
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import SignatureAlgorithmOID

from namak.evidence.certificate import DIGESTS, UNREADABLE, public_key_of
from namak.evidence.failures import CertificateUntrusted

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_KINDS: Final = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ecdsa",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ecdsa",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ecdsa",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "pkcs1",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "pkcs1",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "pkcs1",
    SignatureAlgorithmOID.RSASSA_PSS: "pss",
}


def not_signed_because(
    signer: x509.Certificate,
    algorithm: x509.ObjectIdentifier,
    digest: hashes.HashAlgorithm | None,
    signature: bytes,
    signed: memoryview,
    pss: padding.PSS | None = None,
) -> str | None:
    """Returns None if the signature over `signed` verifies by the signer's key, else why it does not count.

    `algorithm`, `digest` and `pss` are what is declared beside the signature. A key of another kind than
    declared is refused, and not tried in its own way.
    """
    kind = _KINDS.get(algorithm)
    if kind is None or digest is None or digest.name not in DIGESTS:
        return "it is signed with an algorithm that is not accepted"
    try:
        key = public_key_of(signer)
    except CertificateUntrusted:
        return "the signer's key is too weak or of an unknown kind"
    # Large inputs are hashed without holding the interpreter.
    prehashed = Prehashed(_HASHES[digest.name])
    summed = hashlib.new(digest.name, signed).digest()
    try:
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, summed, ec.ECDSA(prehashed))
        elif kind == "pkcs1" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, summed, padding.PKCS1v15(), prehashed)
        elif kind == "pss" and isinstance(key, rsa.RSAPublicKey) and pss is not None:
            key.verify(signature, summed, pss, prehashed)
        else:
            return "the algorithm declared is not one of the signer's key"
    except InvalidSignature:
        return "it is not signed by the certificate's issuer"
    except UNREADABLE:
        return "its signature cannot be read"
    return None
