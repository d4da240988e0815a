"""The bounds of a fact's time in words: what witnesses state in whole seconds."""

from datetime import UTC, datetime, timedelta

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.report import Receipt
from namak.evidence.tlog_policy import CheckedCheckpoint
from namak.evidence.tree import EMPTY_ROOT
from namak.evidence.verify_time import IndependentTime, check_time

SEEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CHECKED = CheckedCheckpoint(Checkpoint("log.example.am/2026", 0, EMPTY_ROOT), "log.example.am/2026", (), True)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1.0, "2026-11-22T06:00:00Z according to court, 1 s later"),
        (0.0, "2026-11-22T06:00:00Z according to court, 0 s later"),
        (0.000001, "2026-11-22T06:00:00Z according to court, 0 s later"),
        (0.999999, "2026-11-22T06:00:00Z according to court, 0 s later"),
        (
            1.0,
            "2026-11-22T06:00:00Z according to court, 1 s earlier, within the 120 s that clocks may differ",
        ),
    ],
)
def test_a_witness_of_the_same_second_was_not_earlier(seconds: float, told: str) -> None:
    receipt = Receipt("x")

    independent = [IndependentTime(SEEN.timestamp(), "court")]
    check_time(receipt, CHECKED, SEEN + timedelta(seconds=seconds), independent, timedelta(hours=4))

    (check,) = receipt.checks
    assert check.words.endswith(f"in the log before {told}")
