"""What jobs may be about, and when they are tried again."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.jobs import KINDS, Backoff, Job, JobKind

BACKOFF = Backoff(attempts=5, first=timedelta(seconds=10), factor=3, longest=timedelta(minutes=2), spread=0.1)
KIND = JobKind("a.kind", "does it", "does it again", BACKOFF)


@pytest.mark.parametrize("number", [-1, 1_000_001, 5001950015, 37491123456])
def test_a_job_is_about_nobodys_number(number: int) -> None:
    with pytest.raises(ValueError, match="identifiers"):
        Job(KIND, {"person": number})


@pytest.mark.parametrize(("failed", "seconds"), [(1, 10), (2, 30), (3, 90), (4, 120), (5, None), (6, None)])
def test_waits_grow_up_to_the_longest_and_end_with_the_last_attempt(failed: int, seconds: int | None) -> None:
    wait = BACKOFF.wait(failed, 0.5)

    assert wait == (None if seconds is None else timedelta(seconds=seconds))


@settings(max_examples=50, deadline=None)
@given(failed=st.integers(1, 10_000), draw=st.floats(0, 1))
def test_waits_vary_by_their_spread_and_no_more(failed: int, draw: float) -> None:
    patient = Backoff(20_000, timedelta(seconds=10), 3, timedelta(minutes=2), 0.1)
    middle, wait = patient.wait(failed, 0.5), patient.wait(failed, draw)

    assert middle is not None
    assert wait is not None
    assert abs(wait - middle) <= middle * 0.1 + timedelta(microseconds=1)
    assert patient.wait(failed, 0) != patient.wait(failed, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Backoff(0, timedelta(1), 2, timedelta(2)),
        lambda: Backoff(1, timedelta(3), 2, timedelta(2)),
        lambda: Backoff(1, timedelta(0), 2, timedelta(2)),
        lambda: Backoff(1, timedelta(1), 0.5, timedelta(2)),
        lambda: Backoff(1, timedelta(1), 2, timedelta(2), 1.5),
    ],
)
def test_a_backoff_that_makes_no_sense_is_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"first|attempts"):
        wrong()


def test_every_kind_has_a_name_of_its_own_and_says_what_a_second_run_does() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(kind.does and kind.twice for kind in KINDS)
