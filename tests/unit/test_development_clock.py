"""The clock of a development world: ahead of the machine's by what a file says."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.bootstrap_machine import AHEAD, AheadOfTime, SystemClock


def test_without_a_file_or_before_it_is_written_no_clock_is_ahead(tmp_path: Path) -> None:
    ahead = AheadOfTime()
    assert ahead.now() == timedelta(0)
    ahead.follow(tmp_path / "clock")
    assert ahead.now() == timedelta(0)


def test_what_is_written_counts_at_once_and_no_longer_once_the_file_is_not_followed(tmp_path: Path) -> None:
    ahead, file = AheadOfTime(), tmp_path / "clock"
    ahead.follow(file)
    for days in (4, 7):
        file.write_text(f"{days * 86400}\n", encoding="ascii")
        os.utime(file, (days, days))  # two writes may fall into one tick of the file system's clock
        assert ahead.now() == timedelta(days=days)
    ahead.follow(None)
    assert ahead.now() == timedelta(0)


def test_every_clock_of_the_process_is_ahead(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("86400\n", encoding="ascii")
    before = datetime.now(UTC)
    AHEAD.follow(tmp_path / "clock")
    try:
        assert SystemClock().now() >= before + timedelta(days=1)
    finally:
        AHEAD.follow(None)
    assert SystemClock().now() < before + timedelta(hours=1)
