"""Local calendar days as stretches of absolute time, whatever a time zone does to its clocks (ADMIN-5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from server.domain.fields import Malformed

DAYS_AT_MOST: Final = 1100
"""So many days, a little over three years, are asked for at once."""

FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)

_STEP = timedelta(hours=1)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which one local day lasts: from `start` until before `end`, both UTC.

    A day is one stretch, or two where clocks were set back over midnight.
    """

    day: date
    start: datetime
    end: datetime


def stretches(first: date, last: date, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """Returns the time of the days from `first` to `last`, both inclusive, in order.

    Raises:
        Malformed: `DAYS_REVERSED`, `TOO_MANY_DAYS`, `DAY_OUT_OF_RANGE`; `DAY_NOT_LOCAL` when the zone skipped
            the first or the last day (as Pacific/Apia did with 30 December 2011).
    """
    if not FIRST_DAY <= first <= LAST_DAY or not FIRST_DAY <= last <= LAST_DAY:
        raise Malformed("DAY_OUT_OF_RANGE", f"must lie between {FIRST_DAY} and {LAST_DAY}")
    if first > last:
        raise Malformed("DAYS_REVERSED", "the first day must not be after the last")
    if (last - first).days >= DAYS_AT_MOST:
        raise Malformed("TOO_MANY_DAYS", f"must be at most {DAYS_AT_MOST} days")
    found = tuple(stretch for stretch in _joined(_days(first, last, zone)) if first <= stretch.day <= last)
    lasting = {stretch.day for stretch in found}
    for day in (first, last):
        if day not in lasting:
            raise Malformed("DAY_NOT_LOCAL", f"{day} does not exist in {zone.key}")
    return found


def _days(first: date, last: date, zone: ZoneInfo) -> Iterator[Stretch]:
    """Yields stretches that cover the days and some time around them."""
    begin = datetime.combine(first, time(), UTC) - 2 * _DAY
    end = datetime.combine(last, time(), UTC) + 3 * _DAY
    for start, stop, offset in _steady(begin, end, zone):
        while start < stop:
            day = (start + offset).date()
            midnight = datetime.combine(day + _DAY, time(), UTC) - offset
            yield Stretch(day, start, min(stop, midnight))
            start = min(stop, midnight)


def _steady(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yields the time from `begin` to `end` cut where the zone's offset from UTC changes, with the offset.

    No zone has changed its clocks twice within an hour.
    """
    at, start, offset = begin, begin, _offset(begin, zone)
    while at < end:
        after = min(at + _STEP, end)
        if _offset(after, zone) != offset:
            change = _first_change(at, after, zone)
            yield start, change, offset
            start, offset = change, _offset(change, zone)
        at = after
    yield start, end, offset


def _first_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Returns the second at which the offset that held at `before` changes to that at `after`."""
    offset = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _joined(pieces: Iterator[Stretch]) -> Iterator[Stretch]:
    """Joins pieces of one day that follow each other without a gap."""
    current: Stretch | None = None
    for piece in pieces:
        if current is not None and current.day == piece.day and current.end == piece.start:
            current = Stretch(current.day, current.start, piece.end)
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current
