"""Addresses of MAIL and RCPT are read as the library reads them, which takes longer."""

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from server.smtp.session import MailSession

_PIECES = (
    "<",
    ">",
    "@",
    ".",
    "..",
    "a",
    "src",
    "am",
    "-",
    "+",
    " ",
    '"',
    "(x)",
    "[127.0.0.1]",
    "ա",
    "SIZE=5",
    "\t",
)


def both(text: str) -> tuple[object, object]:
    session = object.__new__(MailSession)
    try:
        library: object = SMTP._getaddr(session, text)
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is the same
        library = type(failure)
    try:
        return session._getaddr(text), library
    except Exception as failure:  # noqa: BLE001
        return type(failure), library


@given(st.lists(st.sampled_from(_PIECES), max_size=10).map("".join))
def test_an_address_is_read_as_the_library_reads_it(text: str) -> None:
    ours, library = both(f"<a{text}")
    assert ours == library
    ours, library = both(text)
    assert ours == library


@pytest.mark.parametrize(
    "text",
    ["<notices@src.am>", "<a.b+c=d@x-y.src.am> SIZE=5 BODY=8BITMIME", "<>", "<a@b> ", "<@x:a@b.c>", "<a@b>X"],
)
def test_so_are_usual_ones(text: str) -> None:
    ours, library = both(text)
    assert ours == library
