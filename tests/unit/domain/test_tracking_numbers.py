"""The numbers of letters: one after the other, through all ranges, and never one twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.tracking_numbers import NumbersUsedUp, TrackingNumbers, serial_range


def test_ranges_are_used_one_after_the_other_until_none_is_left() -> None:
    numbers = TrackingNumbers("RR", "FI", ((47312482, 47312483), (10, 10)))

    assert [numbers.numbered(each) for each in range(3)] == [
        "RR473124829FI",
        "RR473124832FI",
        "RR000000102FI",
    ]
    with pytest.raises(NumbersUsedUp):
        numbers.numbered(3)


@given(st.integers(0, 99), st.integers(0, 99))
def test_no_two_places_have_one_number(one: int, other: int) -> None:
    numbers = TrackingNumbers("RR", "AM", ((5, 44), (50, 99), (0, 4), (45, 49)))
    assert (numbers.numbered(one) == numbers.numbered(other)) == (one == other)


@pytest.mark.parametrize(
    ("service", "country", "ranges"),
    [
        ("R", "AM", ((0, 1),)),
        ("RR", "am", ((0, 1),)),
        ("RR", "AM", ()),
        ("RR", "AM", ((2, 1),)),
        ("RR", "AM", ((0, 100_000_000),)),
        ("RR", "AM", ((5, 9), (0, 5))),
    ],
)
def test_what_is_not_in_form_is_refused(
    service: str, country: str, ranges: tuple[tuple[int, int], ...]
) -> None:
    with pytest.raises(ValueError, match=r"letter|range"):
        TrackingNumbers(service, country, ranges)


def test_a_range_is_read_as_it_is_written() -> None:
    assert serial_range("10000000-10049999") == (10_000_000, 10_049_999)
    for wrong in ("", "1", "1-", "a-b", "1-123456789", "1–2"):
        with pytest.raises(ValueError, match="range"):
            serial_range(wrong)
