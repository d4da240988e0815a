"""How tokens write an Ed25519 public key."""

_KEY_LENGTH = 32
_WRAPPINGS = (
    b"\x04\x20",  # DER OCTET STRING: PKCS#11 3.0, 6.3.5, and SoftHSM
    b"\x03\x21\x00",  # DER BIT STRING: RFC 8410, and some tokens
)


def public_key_of_point(point: bytes) -> bytes:
    """Returns the 32 bytes of an Ed25519 public key from a token's CKA_EC_POINT.

    Tokens differ: bare (PKCS#11 3.1), or wrapped in an OCTET STRING or a BIT STRING. Raises ValueError
    otherwise.
    """
    if len(point) == _KEY_LENGTH:
        return point
    for wrapping in _WRAPPINGS:
        if point.startswith(wrapping) and len(point) == len(wrapping) + _KEY_LENGTH:
            return point[len(wrapping) :]
    raise ValueError(f"not an Ed25519 public key: CKA_EC_POINT of {len(point)} bytes")
