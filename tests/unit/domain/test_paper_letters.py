"""Paper letters as values: what is in form, and the numbers that the post follows them by."""

import pickle
from dataclasses import replace

import pytest

from server.domain.paper_letters import (
    LONGEST_LINE,
    MOST_ADDRESS_LINES,
    NotPrintable,
    PostalAddress,
    Unprintable,
    s10_number,
)
from server.gateways.printing.samples import sample


def test_a_number_has_the_check_digit_that_upu_s10_gives_as_its_example() -> None:
    assert s10_number("RR", 47312482, "FI") == "RR473124829FI"


@pytest.mark.parametrize(("serial", "check"), [(8, "0"), (0, "5")])
def test_a_check_digit_of_ten_is_written_nought_and_of_eleven_five(serial: int, check: str) -> None:
    assert s10_number("RR", serial, "AM")[10] == check


@pytest.mark.parametrize("serial", [-1, 100_000_000])
def test_a_serial_number_has_eight_digits(serial: int) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        s10_number("RR", serial, "AM")


@pytest.mark.parametrize(
    ("name", "lines", "problem"),
    [
        ("", ("a",), Unprintable.FORM),
        (" ", ("a",), Unprintable.FORM),
        ("A", (), Unprintable.FORM),
        ("A", ("a\nb",), Unprintable.FORM),
        ("A", ("a\u2028b",), Unprintable.FORM),
        ("A\u202eB", ("a",), Unprintable.FORM),
        ("A", ("a",) * (MOST_ADDRESS_LINES + 1), Unprintable.LENGTH),
        ("A" * (LONGEST_LINE + 1), ("a",), Unprintable.LENGTH),
    ],
)
def test_an_address_that_the_window_cannot_show_is_refused(
    name: str, lines: tuple[str, ...], problem: Unprintable
) -> None:
    with pytest.raises(NotPrintable) as refused:
        PostalAddress(name, lines)

    assert refused.value.problem is problem


@pytest.mark.parametrize(
    "tracking", ["", "RR1", "rr473124829fi", "RR473124829FI\n", "RR 47312482 9 FI", "Ա" * 13]
)
def test_a_tracking_number_is_capital_letters_and_digits(tracking: str) -> None:
    with pytest.raises(NotPrintable, match="tracking number"):
        replace(sample("hy"), tracking=tracking)


def test_a_letter_tells_nothing_of_itself_where_it_is_printed_by_mistake() -> None:
    letter = sample("hy")

    for text in (repr(letter), str(letter), repr(letter.recipient)):
        assert letter.recipient.name not in text
        assert letter.subject not in text


def test_a_refusal_comes_whole_from_another_process() -> None:
    sent = NotPrintable(Unprintable.FONT, "it lacks a font", "a.pdf")

    came = pickle.loads(pickle.dumps(sent))

    assert (came.problem, came.part, str(came)) == (Unprintable.FONT, "a.pdf", str(sent))
