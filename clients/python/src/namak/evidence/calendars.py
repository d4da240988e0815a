"""The civil calendars that waits are counted in, as data that never changes.

An effect that comes by lapse of time must come out the same for a verifier in twenty years. The machine's
time zone database and lists of holidays are no ground for that: both are corrected backwards, governments
move clocks and days off on short notice, and nobody can say which edition a server had. So the derivation
reads neither. It counts by what stands here under the profile that the start of the wait was recorded under
(``EvidenceIssuerPolicyID``, which every piece of evidence names). What stands here for a profile is never
changed; years may be added to the days off, before they begin, and nothing else. Where a state moves its
clocks or the days off of a year that stands here, the profile gets another number (``namak:am:2``) and with
it another calendar: waits that began before keep theirs. A wait that reaches into years that are not here is
not guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from namak.evidence.failures import UnknownCalendar, UnsettledCalendar

__all__ = ["CALENDARS", "NO_WAIT", "Calendar", "Counted", "Span", "calendar_under", "days_of"]

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A state's civil time and working days.

    ``zone`` is the IANA name of the zone, for people; ``offset`` is the civil time's distance from UTC and
    ``since`` the instant from which it holds: nothing is counted before. ``weekdays`` are the working days of
    the week (Monday is 0), ``days_off`` the days among them on which nobody works, known for ``years``.
    """

    zone: str
    offset: timedelta
    since: datetime
    weekdays: frozenset[int]
    years: frozenset[int]
    days_off: frozenset[date]

    def day_of(self, instant: datetime) -> date:
        """Returns the civil day of an instant. Raises :class:`UnsettledCalendar` before ``since``."""
        if instant < self.since:
            raise UnsettledCalendar(f"the civil time of {self.zone} stands here from {self.since}", instant)
        return (instant.astimezone(UTC) + self.offset).date()

    def begin_of(self, day: date) -> datetime:
        """Returns the instant at which a civil day begins, in UTC."""
        return datetime.combine(day, time(), UTC) - self.offset

    def is_working(self, day: date) -> bool:
        """Tells whether people work on that day. Raises :class:`UnsettledCalendar` where the year's days off
        are not known.
        """
        if day.year not in self.years:
            raise UnsettledCalendar(
                f"the days off of {day.year} are not known for {self.zone}", self.begin_of(day)
            )
        return day.weekday() in self.weekdays and day not in self.days_off


class Counted(StrEnum):
    """How the days of a span are counted."""

    ELAPSED = "elapsed"
    """Days of 24 hours, from the very instant."""
    CALENDAR = "calendar"
    """Whole civil days: the day of the start does not count, and the last one counts to its end. A start at
    the very stroke of midnight belongs to the day that ends: one span after the other loses no day."""
    WORKING = "working"
    """As ``CALENDAR``, but only working days count."""


@dataclass(frozen=True, slots=True)
class Span:
    """So many days, counted so. No days are no time at all, however counted."""

    days: int
    counted: Counted = Counted.CALENDAR

    def __post_init__(self) -> None:
        if not 0 <= self.days <= 3660:
            raise ValueError("a span has 0 to 3660 days")

    def after(self, start: datetime, policy_id: str) -> datetime:
        """Returns when the span is over that begins at ``start``, in the calendar of the profile
        ``policy_id``.

        Raises:
            UnknownCalendar: no calendar of that profile is known.
            UnsettledCalendar: it reaches into days that are not known.
        """
        if not self.days:
            return start
        try:
            return self._after(start, policy_id)
        except OverflowError:
            # Evidence may name the first moment that there is, and the last one.
            raise UnsettledCalendar("the span reaches beyond the years that are counted", start) from None

    def _after(self, start: datetime, policy_id: str) -> datetime:
        if self.counted is Counted.ELAPSED:
            return start + self.days * _DAY
        calendar = calendar_under(policy_id)
        day = calendar.day_of(start - _TICK)
        left = self.days
        while left:
            day += _DAY
            left -= self.counted is Counted.CALENDAR or calendar.is_working(day)
        return calendar.begin_of(day + _DAY)


NO_WAIT: Final = Span(0)


def days_of(year: int, days: str) -> frozenset[date]:
    """Returns days of one year that are written as ``01-28 03-09``."""
    return frozenset(date.fromisoformat(f"{year}-{day}") for day in days.split())


_WEEK = frozenset(range(5))

CALENDARS: Final[Mapping[str, Calendar]] = MappingProxyType(
    {
        "namak:am:1": Calendar(
            zone="Asia/Yerevan",
            offset=timedelta(hours=4),
            since=datetime(2024, 3, 1, tzinfo=UTC),
            weekdays=_WEEK,
            years=frozenset({2026, 2027, 2028}),
            days_off=days_of(2026, "01-01 01-02 01-06 01-27 01-28 04-24 05-01 05-28 09-21 12-31")
            | days_of(2027, "01-01 01-06 01-27 01-28 03-08 05-28 07-05 09-21 12-31")
            | days_of(2028, "01-06 01-27 01-28 03-08 04-24 05-01 05-09 07-05 09-21"),
        ),
        # No policy that counts working days is shipped, so of these two none are settled.
        "namak:kz:1": Calendar(
            zone="Asia/Almaty",
            offset=timedelta(hours=5),
            since=datetime(2024, 3, 1, tzinfo=UTC),
            weekdays=_WEEK,
            years=frozenset(),
            days_off=frozenset(),
        ),
        "namak:az:1": Calendar(
            zone="Asia/Baku",
            offset=timedelta(hours=4),
            since=datetime(2024, 3, 1, tzinfo=UTC),
            weekdays=_WEEK,
            years=frozenset(),
            days_off=frozenset(),
        ),
    }
)
"""By the profile's ``EvidenceIssuerPolicyID``. None of the three has moved its clocks since 1 March 2024."""


def calendar_under(policy_id: str) -> Calendar:
    """Returns the calendar of a profile. Raises :class:`UnknownCalendar`: nothing is counted by guessing."""
    calendar = CALENDARS.get(policy_id)
    if calendar is None:
        raise UnknownCalendar(f"no calendar of the profile {policy_id!r}")
    return calendar
