"""Public keys that are no keys, or weak ones."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.ed25519 import check_public_key, verify
from namak.evidence.errors import InvalidSignature, MalformedKey

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
"""The order of the base point."""
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


def test_a_signature_has_one_spelling() -> None:
    """RFC 8032, 5.1.7: S is below the order. The library refuses all others by itself, which we rely on."""
    private = Ed25519PrivateKey.generate()
    public_key = private.public_key().public_bytes_raw()
    signature = private.sign(b"message")
    verify(public_key, b"message", signature)
    s = int.from_bytes(signature[32:], "little")
    for times in range(1, 16):
        if s + times * L < 2**256:
            with pytest.raises(InvalidSignature):
                verify(public_key, b"message", signature[:32] + (s + times * L).to_bytes(32, "little"))
    for wrong in (L, L - 1, 0, 2**256 - 1, 2**253):
        with pytest.raises(InvalidSignature):
            verify(public_key, b"message", signature[:32] + wrong.to_bytes(32, "little"))


@pytest.mark.parametrize("y", [0, 1, P - 1, P, P + 1], ids=["4", "1", "2", "4 otherwise", "1 otherwise"])
def test_what_is_forged_under_a_key_of_small_order_is_why_such_keys_are_refused(y: int) -> None:
    """The library takes such keys, and under one of order 1 the very same signature over every message."""
    weak = encoded(y)
    with pytest.raises(MalformedKey):
        check_public_key(weak)
    forged = encoded(1) + bytes(32)
    if y % P == 1:
        for message in (b"one", b"another"):
            Ed25519PublicKey.from_public_bytes(weak).verify(forged, message)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [0, 1, P - 1, P, P + 1, 2**255 - 1])
def test_a_signature_that_begins_with_a_weak_point_is_refused_under_a_sound_key(y: int, sign: int) -> None:
    public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for scalar in (0, 1, L, L - 1):
        with pytest.raises(InvalidSignature):
            verify(public_key, b"message", encoded(y, sign) + scalar.to_bytes(32, "little"))


def test_a_negative_nought_is_no_second_encoding() -> None:
    # x = 0 with its sign set: y = 1 and y = -1 once more (RFC 8032, 5.1.3, step 4).
    for y in (1, P - 1):
        with pytest.raises(MalformedKey):
            check_public_key(encoded(y, 1))
