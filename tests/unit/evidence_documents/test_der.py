import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.der import check_der, children, contents, encode
from namak.evidence.failures import SignatureInvalid
from tests.unit.evidence_documents.citizens import CARD, LISTS, ROOT, SIGNATURE


@pytest.mark.parametrize("data", [SIGNATURE, CARD.der, ROOT.der, *LISTS])
def test_what_authorities_and_cards_write_is_der(data: bytes) -> None:
    check_der(data)


@pytest.mark.parametrize(
    "inner",
    [
        "3080 0000",  # indefinite length
        "0481 01 00",  # a length of two octets that fits into one
        "0482 0080" + "00" * 128,  # a length with a leading zero
        "2403 0401 00",  # an octet string in pieces
        "1000",  # a sequence that is not constructed
        "0101 01",  # a truth value that is neither
        "0202 0001",  # a number with a leading zero
        "0202 ff80",  # a negative one with a superfluous octet
        "0200",  # a number without octets
        "0302 0100",  # bits left over
        "0300",  # no bits at all
        "0501 00",  # something in a null
        "0600",  # an object identifier without arcs
        "0603 2a8001",  # an arc with a leading zero
        "0602 2a81",  # an arc that does not end
        "1f81 0100",  # a long tag
        "0402 00",  # cut off
        "04",  # cut off before its length
        "0484 ffffffff",  # longer than everything
    ],
)
def test_refuses_other_encodings_at_any_depth(inner: str) -> None:
    value = bytes.fromhex(inner)

    for data in (value, encode(0x30, value), encode(0x30, encode(0xA0, b"\x05\x00" + value))):
        with pytest.raises(SignatureInvalid):
            check_der(data)


def test_refuses_what_is_empty_nested_without_end_or_followed_by_more() -> None:
    deep = b"\x05\x00"
    for _ in range(40):
        deep = encode(0x30, deep)

    for data in (b"", deep, b"\x05\x00\x05\x00"):
        with pytest.raises(SignatureInvalid):
            check_der(data)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_finds_the_values_that_were_put_inside(values: list[bytes]) -> None:
    inside = [encode(0x04, value) for value in values]
    data = encode(0x30, b"".join(inside))

    check_der(data)
    assert children(data) == inside
    assert [contents(value) for value in children(data)] == values
