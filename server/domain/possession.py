"""The proof that who has a certificate bound holds its private key.

A certificate is public and a binding is for ever: without the proof an administrator of one organisation
could bind another's certificate first, and keep it from ever sending.
"""

import hashlib
from collections.abc import Callable
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256

from server.domain.fields import Malformed

POSSESSION_SIGNATURE_BYTES: Final = 2048
"""The longest signature that is looked at: that of an RSA key of 16384 bits."""

_PURPOSE: Final = b"namak-bind-certificate/1\x00"
# A text that no other protocol signs (a TLS handshake's begins with 64 spaces: RFC 8446, 4.4.3), so that no
# signature made for something else counts here, nor this one elsewhere.


def possession_text(organisation_id: UUID, certificate: bytes) -> bytes:
    """Returns what is signed to have a certificate (DER) bound to an organisation: 93 bytes."""
    return _PURPOSE + str(organisation_id).encode("ascii") + hashlib.sha256(certificate).digest()


def check_possession(signature: bytes, organisation_id: UUID, certificate: bytes) -> None:
    """Checks that a readable certificate's own key signed that it be bound to this organisation.

    Raises:
        Malformed: `TOO_LARGE`, `KEY_NOT_SUPPORTED` or `POSSESSION_NOT_PROVED`.
    """
    if len(signature) > POSSESSION_SIGNATURE_BYTES:
        raise Malformed("TOO_LARGE", f"must have at most {POSSESSION_SIGNATURE_BYTES} bytes")
    if not _signed(_key_of(certificate), signature, possession_text(organisation_id, certificate)):
        raise Malformed(
            "POSSESSION_NOT_PROVED",
            "must be the signature of the certificate's own key over this organisation and this certificate",
        )


def _key_of(certificate: bytes) -> CertificatePublicKeyTypes:
    try:
        return x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise _unsupported() from None


def _signed(key: CertificatePublicKeyTypes, signature: bytes, text: bytes) -> bool:
    match key:
        case ed25519.Ed25519PublicKey():
            return _holds(lambda: key.verify(signature, text))
        case ec.EllipticCurvePublicKey():
            return _holds(lambda: key.verify(signature, text, ec.ECDSA(SHA256())))
        case rsa.RSAPublicKey():
            pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
            return _holds(lambda: key.verify(signature, text, padding.PKCS1v15(), SHA256())) or _holds(
                lambda: key.verify(signature, text, pss, SHA256())
            )
        case _:
            raise _unsupported()


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _unsupported() -> Malformed:
    return Malformed(
        "KEY_NOT_SUPPORTED", "the certificate's key must be an Ed25519, elliptic curve or RSA key"
    )
