"""Canonical base64 and decimals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.encoding import decode_base64, encode_base64, is_line, parse_decimal


@given(st.binary(max_size=70))
def test_base64_comes_back(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


@pytest.mark.parametrize(
    "text",
    ["AB==", "AAB=", "AA", "AA=", "AA===", "A", "AA==\n", " AA==", "A A==", "-_==", "=", "AA==AA==", "ԱA=="],
    ids=repr,
)
def test_refuses_a_second_spelling_of_base64(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)


@given(st.text(alphabet="ABab09+/=-_ \n", max_size=12))
def test_accepts_only_the_spelling_it_would_write(text: str) -> None:
    try:
        data = decode_base64(text)
    except ValueError:
        return
    assert encode_base64(data) == text


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_decimals_come_back(number: int) -> None:
    assert parse_decimal(str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "00", "01", "-1", "+1", " 1", "1 ", "1\n", "1_0", "0x1", "1.0", "٣", str(2**63), "9" * 5000]
)
def test_refuses_other_decimals(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal|2\*\*63"):
        parse_decimal(text)


@pytest.mark.parametrize("text", ["", "a\nb", "a\x00", "\t", "a\ud800"])
def test_no_line_of_a_note(text: str) -> None:
    assert not is_line(text)


@pytest.mark.parametrize("text", ["a b", "Նամակ", "\x7f"])
def test_a_line_of_a_note(text: str) -> None:
    assert is_line(text)
