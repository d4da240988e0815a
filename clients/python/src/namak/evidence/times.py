"""Times as evidence writes them: UTC, RFC 3339, exactly six decimals and ``Z``. One instant, one spelling."""

import re
from datetime import UTC, datetime, timedelta

# Newer versions of Python take 24:00 for the next day's 00:00. All else has one spelling of this form.
_SPELLING = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII
)


def format_time(time: datetime) -> str:
    """Returns ``time`` in UTC, for example ``2026-11-21T23:42:45.123456Z``.

    Raises :class:`ValueError` for a time without a zone: it names no instant.
    """
    if time.tzinfo is None:
        raise ValueError("a time without a zone names no instant")
    moved = time if time.tzinfo is UTC else time.astimezone(UTC)
    return moved.isoformat("T", "microseconds")[: -len("+00:00")] + "Z"


def stated_time(time: datetime) -> str:
    """Returns a time that others stated, for people to read: as :func:`format_time`, without decimals where
    it states whole seconds, which is as precisely as it may be known. Raises :class:`ValueError` as that.
    """
    return format_time(time).replace(".000000Z", "Z")


def end_of_stated(time: datetime) -> datetime:
    """Returns before when it was: who states whole seconds states that it was in the second that begins
    there.

    Raises :class:`OverflowError` for the last second of the year 9999.
    """
    return time if time.microsecond else time + timedelta(seconds=1)


def parse_time(text: str) -> datetime:
    """Returns the instant as an aware UTC time. Raises :class:`ValueError` for every spelling but the one
    above.
    """
    if not _SPELLING.fullmatch(text):
        raise ValueError("not a UTC time with six decimals and Z")
    return datetime.fromisoformat(text)
