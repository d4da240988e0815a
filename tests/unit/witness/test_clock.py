"""The time that a witness states: never earlier, and never from a clock that jumped."""

from pathlib import Path

import pytest

from namak.witness.clock import EARLIEST, ClockUnsound, WitnessClock
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import BEGAN, SetClock, make, opened

LOG = GrowingLog()


def test_a_small_step_back_states_the_last_time_again() -> None:
    time = SetClock()
    time.wall -= 5

    assert time.clock.now(BEGAN) == BEGAN


@pytest.mark.parametrize("step", [-61, -86_400, 61, 366 * 86_400])
def test_a_clock_that_jumped_is_not_believed_until_the_witness_starts_again(step: int) -> None:
    time = SetClock()
    time.passes(10)
    time.wall += step
    for _ in range(3):
        with pytest.raises(ClockUnsound, match="jumped"):
            time.clock.now(0)
    time.wall -= step
    assert time.clock.now(0) == BEGAN + 10  # put right again


def test_a_clock_that_is_slewed_for_months_is_believed() -> None:
    time = SetClock()
    for _ in range(90):
        time.passes(86_400)
        time.wall += 43
        assert time.clock.now(0) == int(time.wall)


def test_a_machine_that_slept_is_believed() -> None:
    time = SetClock()
    time.passes(1_000_000)
    assert time.clock.now(0) == BEGAN + 1_000_000


def test_a_clock_that_was_never_set_is_not_believed() -> None:
    with pytest.raises(ClockUnsound, match="never set"):
        SetClock(wall=EARLIEST - 1).clock.now(0)


def test_after_a_start_a_clock_behind_the_last_cosignature_is_not_believed(tmp_path: Path) -> None:
    make(tmp_path, LOG)
    with opened(tmp_path) as witness:
        witness.cosigns(LOG, 0, 3)
    with opened(tmp_path, SetClock(wall=BEGAN - 3600)) as witness:
        assert witness.asked(LOG, 3, 4).status == 503
        assert witness.asked(LOG, 3, 3).status == 503
        witness.time.passes(3600)
        assert witness.cosigns(LOG, 3, 4) == BEGAN


def test_the_machines_own_clocks_agree() -> None:
    assert WitnessClock().now(0) > EARLIEST
