"""Local days: every moment belongs to exactly the day that a clock on the wall shows."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fields import Malformed
from server.domain.local_days import DAYS_AT_MOST, Stretch, stretches

YEREVAN = ZoneInfo("Asia/Yerevan")
HOUR = timedelta(hours=1)

ZONES = (
    "Asia/Yerevan",
    "Asia/Baku",
    "Asia/Almaty",
    "UTC",
    "Europe/Paris",
    "America/Sao_Paulo",  # sets its clocks at midnight
    "Asia/Beirut",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # skipped a day
    "America/St_Johns",  # set them at one minute past midnight, back into the day before
    "Africa/Casablanca",
    "Antarctica/Troll",  # by two hours
)


def _length(day: date, zone: ZoneInfo) -> timedelta:
    return sum((each.end - each.start for each in stretches(day, day, zone)), timedelta())


@given(
    st.sampled_from(ZONES),
    st.dates(date(2000, 1, 2), date(2060, 1, 1)),
    st.integers(0, 40),
    st.floats(0, 1, exclude_max=True),
)
def test_a_moment_is_counted_on_the_day_that_the_clock_on_the_wall_shows(
    name: str, first: date, days: int, part: float
) -> None:
    zone = ZoneInfo(name)
    last = first + timedelta(days=days)
    try:
        found = stretches(first, last, zone)
    except Malformed:  # the zone skipped the first or the last day: a test of its own
        return
    around = (
        datetime(first.year, first.month, first.day, tzinfo=UTC) - 2 * 24 * HOUR,
        (days + 5) * 24 * HOUR,
    )
    moment = around[0] + around[1] * part

    shown = moment.astimezone(zone).date()
    holding = [each.day for each in found if each.start <= moment < each.end]

    assert holding == ([shown] if first <= shown <= last else [])


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 2), date(2060, 1, 1)), st.integers(0, 400))
def test_stretches_follow_one_another_and_have_a_length(name: str, first: date, days: int) -> None:
    try:
        found = stretches(first, first + timedelta(days=days), ZoneInfo(name))
    except Malformed:
        return

    assert all(each.start < each.end for each in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


def test_a_day_in_yerevan_begins_four_hours_before_one_in_utc() -> None:
    (found,) = stretches(date(2026, 11, 1), date(2026, 11, 1), YEREVAN)

    assert found == Stretch(
        date(2026, 11, 1),
        datetime(2026, 10, 31, 20, tzinfo=UTC),
        datetime(2026, 11, 1, 20, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Yerevan", date(2011, 3, 27), 23),  # the last spring in which Armenia set its clocks
        ("Asia/Yerevan", date(2011, 10, 30), 25),
        ("Asia/Yerevan", date(2026, 3, 29), 24),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # has no midnight
        ("America/Sao_Paulo", date(2018, 2, 17), 25),  # has its last hour twice
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, day: date, hours: float) -> None:
    assert _length(day, ZoneInfo(zone)) == HOUR * hours


def test_a_day_that_clocks_were_set_back_into_lasts_twice() -> None:
    # Newfoundland set its clocks back at one minute past midnight, to 23:01 of the day before.
    zone = ZoneInfo("America/St_Johns")

    found = [each.day for each in stretches(date(2010, 11, 6), date(2010, 11, 7), zone)]

    assert found == [date(2010, 11, 6), date(2010, 11, 7), date(2010, 11, 6), date(2010, 11, 7)]


@pytest.mark.parametrize(
    ("first", "last", "zone", "reason"),
    [
        (date(2026, 11, 2), date(2026, 11, 1), "Asia/Yerevan", "DAYS_REVERSED"),
        (date(2020, 1, 1), date(2020, 1, 1) + timedelta(days=DAYS_AT_MOST), "Asia/Yerevan", "TOO_MANY_DAYS"),
        (date(1999, 12, 31), date(2000, 1, 1), "Asia/Yerevan", "DAY_OUT_OF_RANGE"),
        (date(2199, 12, 31), date(2200, 1, 1), "Asia/Yerevan", "DAY_OUT_OF_RANGE"),
        (date.min, date.min, "Asia/Yerevan", "DAY_OUT_OF_RANGE"),
        (date.max, date.max, "Asia/Yerevan", "DAY_OUT_OF_RANGE"),
        (date(2011, 12, 30), date(2011, 12, 30), "Pacific/Apia", "DAY_NOT_LOCAL"),
        (date(2011, 12, 30), date(2011, 12, 31), "Pacific/Apia", "DAY_NOT_LOCAL"),
        (date(2011, 12, 29), date(2011, 12, 30), "Pacific/Apia", "DAY_NOT_LOCAL"),
    ],
)
def test_refuses_days_that_make_no_sense(first: date, last: date, zone: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        stretches(first, last, ZoneInfo(zone))

    assert refused.value.reason == reason


def test_a_skipped_day_between_others_is_no_reason_to_refuse() -> None:
    found = stretches(date(2011, 12, 29), date(2011, 12, 31), ZoneInfo("Pacific/Apia"))

    assert [each.day for each in found] == [date(2011, 12, 29), date(2011, 12, 31)]


def test_as_many_days_as_are_permitted_can_be_asked_for() -> None:
    first = date(2020, 1, 1)

    assert len(stretches(first, first + timedelta(days=DAYS_AT_MOST - 1), YEREVAN)) == DAYS_AT_MOST
