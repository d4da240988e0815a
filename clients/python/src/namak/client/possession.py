"""Shows that one holds a machine certificate's private key, so that it may be bound
(BindCertificateRequest.possession_signature).
"""

import hashlib
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def possession_text(organisation_id: str, certificate: bytes) -> bytes:
    """Returns the bytes to sign, for keys that live in a token: ``certificate`` is the DER, the organisation
    a UUID.

    Sign them by Ed25519, ECDSA with SHA-256 (DER), or RSA with SHA-256. Raises ValueError when the identifier
    is no UUID.
    """
    organisation = str(UUID(organisation_id)).encode("ascii")
    return b"namak-bind-certificate/1\x00" + organisation + hashlib.sha256(certificate).digest()


def sign_possession(key: PrivateKeyTypes, organisation_id: str, certificate: bytes) -> bytes:
    """Returns the signature by a certificate's own ``key`` that it be bound to this organisation alone.

    ``certificate`` is the DER. Raises ValueError when the key is not the certificate's, or of a kind that
    can't prove it, when the certificate is unreadable, and when the identifier is no UUID.
    """
    text = possession_text(organisation_id, certificate)
    if _public(key.public_key()) != _public(x509.load_der_x509_certificate(certificate).public_key()):
        raise ValueError("the key does not belong to the certificate")
    match key:
        case ed25519.Ed25519PrivateKey():
            return key.sign(text)
        case ec.EllipticCurvePrivateKey():
            return key.sign(text, ec.ECDSA(SHA256()))
        case rsa.RSAPrivateKey():
            return key.sign(text, padding.PKCS1v15(), SHA256())
        case _:
            raise ValueError("the key must be an Ed25519, elliptic curve or RSA key")


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
