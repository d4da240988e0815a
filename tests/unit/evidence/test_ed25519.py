"""Public keys that are no keys, or weak ones."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.ed25519 import check_public_key, verify
from namak.evidence.errors import InvalidSignature, MalformedKey

P = 2**255 - 19
# One y of the points of order 8, little-endian; the other is its negative.
ORDER_EIGHT = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"


def encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize(
    "y",
    [1, P - 1, 0, *(s * int.from_bytes(bytes.fromhex(ORDER_EIGHT), "little") % P for s in (1, -1))],
    ids=["order 1", "order 2", "order 4", "order 8", "order 8, the other y"],
)
def test_refuses_points_of_small_order(y: int, sign: int) -> None:
    with pytest.raises(MalformedKey, match="small order"):
        check_public_key(encoded(y, sign))


@pytest.mark.parametrize("y", [P, P + 1, 2**255 - 1])
def test_refuses_a_second_encoding(y: int) -> None:
    with pytest.raises(MalformedKey, match="canonically"):
        check_public_key(encoded(y))


def test_refuses_what_is_not_on_the_curve() -> None:
    with pytest.raises(MalformedKey, match="not a point"):
        check_public_key(encoded(2))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_refuses_other_lengths(length: int) -> None:
    with pytest.raises(MalformedKey, match="32 bytes"):
        check_public_key(bytes(length))


@given(st.binary(min_size=32, max_size=32))
def test_accepts_every_ordinary_key(seed: bytes) -> None:
    check_public_key(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@given(st.binary(max_size=80))
def test_refuses_a_signature_that_is_none(signature: bytes) -> None:
    public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(InvalidSignature):
        verify(public_key, b"message", signature)
