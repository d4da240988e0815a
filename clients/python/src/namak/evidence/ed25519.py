"""Ed25519 public keys and signatures (RFC 8032), with weak keys refused.

OpenSSL takes any 32 bytes for a public key. Under a key of small order one signature fits many messages, so
that its owner could later deny what was signed; such keys, and bytes that are no point of the curve in its
one encoding, are refused when a key is configured.

Of signatures OpenSSL takes one spelling: S below the order of the base point, and R compared as bytes (RFC
8032, 5.1.7, without the cofactor), so that no stranger can make a second signature of a good one.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature as _Refused
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from namak.evidence.errors import InvalidSignature, MalformedKey

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


def check_public_key(public_key: bytes) -> None:
    """Raises :class:`MalformedKey` unless this is a canonical point (RFC 8032, 5.1.3) of large order."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise MalformedKey(f"an Ed25519 public key has {PUBLIC_KEY_BYTES} bytes, not {len(public_key)}")
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    if y >= _P:
        raise MalformedKey("the Ed25519 public key is not canonically encoded")
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if pow(x_squared, (_P - 1) // 2, _P) not in (0, 1):
        raise MalformedKey("the Ed25519 public key is not a point of the curve")
    # The points whose order divides 8: x = 0 (orders 1 and 2), y = 0 (order 4), and those that double to y =
    # 0, which is where x² + y² = 0 (order 8).
    if x_squared == 0 or y == 0 or (x_squared + y * y) % _P == 0:
        raise MalformedKey("the Ed25519 public key has small order")


# A log and a few witnesses sign everything.
@lru_cache(maxsize=64)
def _key(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Checks a signature of 64 bytes over ``message`` (RFC 8032, 5.1.7). Raises :class:`InvalidSignature`."""
    try:
        _key(public_key).verify(signature, message)
    except _Refused:
        raise InvalidSignature("the Ed25519 signature does not verify") from None
