"""The text that a page's instructions show, whatever bytes the codes of its signs have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.delivery_certificate.page_text import Unreadable, shown_text

FONT = {code: chr(0x4E00 + code) for code in range(0x2800, 0x2A00)}
CODES = st.lists(st.sampled_from([0x2828, 0x2829, 0x2928, 0x2929, 0x285C, 0x290A, 0x2841]), max_size=24)


def balanced(data: bytes) -> bool:
    depth = 0
    for byte in data:
        depth += {0x28: 1, 0x29: -1}.get(byte, 0)
        if depth < 0:
            return False
    return depth == 0


def literal(data: bytes) -> bytes:
    """Writes a string as a PDF may: brackets that come in pairs stand bare, others behind a backslash."""
    data = data.replace(b"\\", b"\\\\")
    if not balanced(data):
        data = data.replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"(" + data + b")"


@given(CODES)
def test_brackets_in_a_string_may_be_of_any_depth(codes: list[int]) -> None:
    data = b"".join(code.to_bytes(2, "big") for code in codes)
    content = b"BT /f0 9 Tf " + literal(data) + b" Tj ET"
    assert shown_text(content, {"/f0": FONT}, ()) == "".join(FONT[code] for code in codes)


def test_codes_of_brackets_four_deep_are_read() -> None:
    content = b"BT /f0 9 Tf (" + b"(" * 4 + b")" * 4 + b") Tj ET"
    assert shown_text(content, {"/f0": FONT}, ()) == "".join(
        FONT[code] for code in (0x2828, 0x2828, 0x2929, 0x2929)
    )


@pytest.mark.parametrize("content", [b"(", b"(()", b"(\\)", b"((((" * 1000, b"(a) )"])
def test_a_string_without_its_end_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        shown_text(content, {}, ())
