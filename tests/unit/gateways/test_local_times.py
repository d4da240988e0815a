"""Times in what leaves the post name their zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from server.gateways.local_times import local_time


@pytest.mark.parametrize(
    ("zone", "month", "told"),
    [
        ("Asia/Yerevan", 1, "15.01.2026 16:05 (UTC+04:00)"),
        ("Europe/Rome", 1, "15.01.2026 13:05 (UTC+01:00)"),
        ("Europe/Rome", 7, "15.07.2026 14:05 (UTC+02:00)"),
        ("America/St_Johns", 1, "15.01.2026 08:35 (UTC-03:30)"),
        ("UTC", 1, "15.01.2026 12:05 (UTC+00:00)"),
    ],
)
def test_a_time_is_told_with_its_offset_from_utc_on_that_day(zone: str, month: int, told: str) -> None:
    at = datetime(2026, month, 15, 12, 5, 59, 999999, tzinfo=UTC)

    assert local_time(at, ZoneInfo(zone)) == told


def test_seconds_are_told_where_they_are_asked_for() -> None:
    at = datetime(2026, 1, 15, 12, 5, 59, 999999, tzinfo=UTC)

    assert local_time(at, ZoneInfo("Asia/Yerevan"), seconds=True) == "15.01.2026 16:05:59 (UTC+04:00)"
