from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.calendars import CALENDARS, Calendar, Counted, Span, calendar_under
from namak.evidence.failures import UnknownCalendar, UnsettledCalendar
from server.jurisdictions import PROFILES

AM = "namak:am:1"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)  # a Monday, 16:00 in Yerevan


def test_counts_whole_civil_days_after_the_day_of_the_start() -> None:
    assert Span(3).after(NOON, AM) == datetime(2026, 11, 5, 20, tzinfo=UTC)


def test_the_civil_day_is_the_states_and_not_utcs() -> None:
    late = datetime(2026, 11, 2, 20, 0, 0, 1, tzinfo=UTC)  # the 3rd has begun in Yerevan

    assert Span(3).after(late, AM) == datetime(2026, 11, 6, 20, tzinfo=UTC)


def test_a_start_at_the_stroke_of_midnight_belongs_to_the_day_that_ends() -> None:
    first = Span(3).after(NOON, AM)

    assert Span(7).after(first, AM) == Span(10).after(NOON, AM)


def test_counts_elapsed_days_from_the_instant() -> None:
    assert Span(3, Counted.ELAPSED).after(NOON, AM) == NOON + timedelta(days=3)


def test_no_days_are_no_time_under_any_profile() -> None:
    assert Span(0, Counted.WORKING).after(NOON, "namak:xx:1") == NOON


def test_counts_working_days_over_weekends_and_days_off() -> None:
    # Christmas Eve to 2027: 25 December (a Friday), 28 to 30, 31 and 1 January off, 4 January.
    begun = datetime(2026, 12, 24, 12, tzinfo=UTC)

    assert Span(5, Counted.WORKING).after(begun, AM) == datetime(2027, 1, 4, 20, tzinfo=UTC)


def test_does_not_guess_the_days_off_of_years_that_it_does_not_know() -> None:
    begun = datetime(2028, 12, 20, tzinfo=UTC)

    assert Span(5, Counted.WORKING).after(begun, AM) < datetime(2029, 1, 1, tzinfo=UTC)
    with pytest.raises(UnsettledCalendar) as caught:
        Span(20, Counted.WORKING).after(begun, AM)
    assert caught.value.not_before == datetime(2028, 12, 31, 20, tzinfo=UTC)


def test_does_not_guess_a_calendar() -> None:
    with pytest.raises(UnknownCalendar):
        Span(1).after(NOON, "namak:am:2")


def test_does_not_count_where_the_civil_time_is_not_known() -> None:
    with pytest.raises(UnsettledCalendar):
        Span(1).after(datetime(2020, 1, 1, tzinfo=UTC), AM)


@pytest.mark.parametrize("days", [-1, 3661])
def test_a_span_is_bounded(days: int) -> None:
    with pytest.raises(ValueError, match="0 to 3660"):
        Span(days)


@given(
    st.integers(0, 24 * 730).map(lambda hours: NOON + timedelta(hours=hours - 24 * 300)),
    st.integers(1, 60),
    st.sampled_from(Counted),
)
def test_more_days_and_later_starts_never_end_earlier(start: datetime, days: int, counted: Counted) -> None:
    end = Span(days, counted).after(start, AM)

    assert start + timedelta(days=days) <= end
    assert end <= Span(days + 1, counted).after(start, AM)
    assert end <= Span(days, counted).after(start + timedelta(hours=5), AM)


class TestWithProfiles:
    """The data agrees with what the profiles and today's time zone database say."""

    @pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.code)
    def test_every_profile_has_its_calendar(self, profile: object) -> None:
        calendar = calendar_under(profile.evidence_policy)  # type: ignore[attr-defined]

        assert calendar.zone == profile.time_zone  # type: ignore[attr-defined]

    @pytest.mark.parametrize("calendar", CALENDARS.values(), ids=lambda calendar: calendar.zone)
    def test_the_offset_is_todays(self, calendar: Calendar) -> None:
        """When this fails a state has moved its clocks: give the profile a new number, and a new calendar."""
        zone, at = ZoneInfo(calendar.zone), calendar.since
        while at < datetime(2029, 1, 1, tzinfo=UTC):
            assert at.astimezone(zone).utcoffset() == calendar.offset, at
            at += timedelta(days=1)

    def test_the_working_days_of_armenia_are_the_profiles(self) -> None:
        calendar, profile = CALENDARS[AM], PROFILES["am"].calendar

        assert calendar.days_off == frozenset(profile.days_off)
        assert calendar.years == frozenset(profile.years)
        assert calendar.weekdays == frozenset(profile.weekdays)
        assert calendar.is_working(date(2026, 11, 2))
