"""A second good signature of one text by one key, as whoever has the key can make it (RFC 8032, 5.1).

The library signs one text always alike. It is slow, and nothing about it is secret.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)
_Point = tuple[int, int]


def signed_otherwise(key: Ed25519PrivateKey, message: bytes, nonce: int) -> bytes:
    """Returns the signature whose R is `nonce` times the base point."""
    half = bytearray(hashlib.sha512(key.private_bytes_raw()).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    secret = int.from_bytes(half, "little")
    public = key.public_key().public_bytes_raw()
    first = _encoded(_times(nonce, _BASE))
    challenge = int.from_bytes(hashlib.sha512(first + public + message).digest(), "little")
    return first + ((nonce + challenge * secret) % _L).to_bytes(32, "little")


def _sum(one: _Point, other: _Point) -> _Point:
    (x, y), (z, t) = one, other
    product = _D * x * z * y * t % _P
    return (
        (x * t + z * y) * pow(1 + product, -1, _P) % _P,
        (y * t + x * z) * pow(1 - product, -1, _P) % _P,
    )


def _times(scalar: int, point: _Point) -> _Point:
    found: _Point = (0, 1)
    while scalar:
        if scalar & 1:
            found = _sum(found, point)
        point, scalar = _sum(point, point), scalar >> 1
    return found


def _encoded(point: _Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
