"""Addresses on one line, as the window shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.paper_letters import MOST_ADDRESS_LINES, NotPrintable
from server.domain.postal_addresses import postal_address


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Աբովյան փ. 12, բն. 5", ("Աբովյան փ. 12, բն. 5",)),
        (
            "Կոտայքի մարզ, գ. Առինջ, Պ. Սևակի թաղամաս, 7-րդ փողոց, տուն 12",
            ("Կոտայքի մարզ, գ. Առինջ, Պ. Սևակի թաղամաս,", "7-րդ փողոց, տուն 12"),
        ),
        ("12 Abovyan Street\r\n  0001 Yerevan \n\nARMENIA", ("12 Abovyan Street", "0001 Yerevan", "ARMENIA")),
        ("a\nb\nc\nd\ne\nf", ("a", "b", "c", "d", "e f")),
    ],
)
def test_a_line_goes_on_below_where_it_has_a_comma(text: str, lines: tuple[str, ...]) -> None:
    assert postal_address(" Ani  Hakobyan ", text) == type(postal_address("A", "b"))("Ani Hakobyan", lines)


@pytest.mark.parametrize("text", ["", " \n ", "a" * 121])
def test_what_can_not_stand_on_an_envelope_is_refused(text: str) -> None:
    with pytest.raises(NotPrintable):
        postal_address("Ani", text)


@given(st.text("ab, \n", min_size=1, max_size=200).filter(lambda text: any(each in "ab" for each in text)))
def test_no_word_is_lost_and_no_line_is_too_many(text: str) -> None:
    try:
        lines = postal_address("Ani", text).lines
    except NotPrintable:
        return
    assert len(lines) <= MOST_ADDRESS_LINES
    assert "".join(lines).replace(" ", "").replace(",", "") == "".join(each for each in text if each in "ab")
