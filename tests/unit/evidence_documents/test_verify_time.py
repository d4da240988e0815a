"""The bounds of a fact's time in words: what witnesses state in whole seconds."""

from datetime import UTC, datetime, timedelta

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.report import Outcome, Receipt
from namak.evidence.tlog_policy import CheckedCheckpoint
from namak.evidence.tree import EMPTY_ROOT
from namak.evidence.verify_time import IndependentTime, check_time

SEEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CHECKED = CheckedCheckpoint(Checkpoint("log.example.am/2026", 0, EMPTY_ROOT), "log.example.am/2026", (), True)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1.0, "2026-11-22T06:00:01Z according to court, 2 s later"),
        (0.0, "2026-11-22T06:00:01Z according to court, 1 s later"),
        (0.589535, "2026-11-22T06:00:01Z according to court, 0 s later"),
        (0.999999, "2026-11-22T06:00:01Z according to court, 0 s later"),
        (
            3.0,
            "2026-11-22T06:00:01Z according to court, 2 s earlier, within the 120 s that clocks may differ",
        ),
    ],
)
def test_a_witness_of_the_same_second_was_not_earlier(seconds: float, told: str) -> None:
    receipt = Receipt("x")

    independent = [IndependentTime(SEEN.timestamp(), "court")]
    check_time(receipt, CHECKED, SEEN + timedelta(seconds=seconds), independent, timedelta(hours=4))

    (check,) = receipt.checks
    assert check.words.endswith(f"in the log before {told}")


@pytest.mark.parametrize(("apart", "noted"), [(2.0, False), (120.0, False), (121.5, True), (86_400.0, True)])
def test_independent_times_far_apart_are_told_and_the_first_decides(apart: float, noted: bool) -> None:
    receipt = Receipt("x")
    ahead = [IndependentTime(SEEN.timestamp() + apart, "bar"), IndependentTime(SEEN.timestamp() + 1, "court")]
    times = [*ahead, IndependentTime(SEEN.timestamp(), "university")]

    check_time(receipt, CHECKED, SEEN, times, timedelta(hours=4))

    time, *notes = receipt.checks
    assert "before 2026-11-22T06:00:01Z according to university" in time.words
    assert receipt.is_sound
    assert [(check.name, check.outcome) for check in notes] == ([("clocks", Outcome.NOTED)] if noted else [])
    for check in notes:
        assert check.words.startswith(f"3 independent times stand over it, up to {apart:.0f} s apart: ")
        assert "from 2026-11-22T06:00:00Z according to university, which decides, to " in check.words
        assert check.words.endswith("according to bar")


def test_a_clock_that_states_parts_of_a_second_bounds_by_them() -> None:
    receipt = Receipt("x")
    check_time(
        receipt, CHECKED, SEEN, [IndependentTime(SEEN.timestamp() + 0.25, "court")], timedelta(hours=4)
    )

    told = "in the log before 2026-11-22T06:00:00.250000Z according to court, 0 s later"
    assert receipt.checks[0].words.endswith(told)


def test_nothing_is_told_of_clocks_where_there_is_one_or_none() -> None:
    for times in ([], [IndependentTime(SEEN.timestamp() + 9_000, "court")]):
        receipt = Receipt("x")
        check_time(receipt, CHECKED, SEEN, times, timedelta(hours=4))
        assert [check.name for check in receipt.checks] == ["time"]
