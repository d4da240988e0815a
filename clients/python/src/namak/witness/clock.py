"""The time that cosignatures state: never earlier than before, and never from a clock that jumped.

A cosignature says that at its time no larger tree was known; courts may lean on it. So a clock that was put
back or forth while the witness runs is not used until a person has looked and started the witness again.
"""

import time
from collections.abc import Callable
from typing import Final

EARLIEST: Final = 1_767_225_600
"""The beginning of 2026 in POSIX seconds: a clock that says less was never set."""

JUMP_SECONDS: Final = 60.0
"""The clock may differ by this from what has passed since the last look, and by a thousandth of it."""

STEP_BACK_SECONDS: Final = 5
"""So far behind the last cosignature's time the clock may be; that time is then stated again."""

_DRIFT: Final = 0.001


class ClockUnsound(Exception):
    """The clock can't be believed; the text says why."""


def steadily() -> float:
    """Returns seconds that nobody can set; where the system can tell, those that it slept count too."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class WitnessClock:
    """The machine's clock, compared with one that nobody can set."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steadily) -> None:
        """Takes both clocks, in seconds; ``wall`` since 1970."""
        self._wall = wall
        self._steady = steady
        self._seen = (wall(), steady())

    def now(self, last: int) -> int:
        """Returns the time to state, in POSIX seconds, after a cosignature of time ``last``.

        Raises :class:`ClockUnsound`.
        """
        wall, steady = self._wall(), self._steady()
        passed = steady - self._seen[1]
        jumped = wall - self._seen[0] - passed
        if abs(jumped) > JUMP_SECONDS + _DRIFT * passed:
            # What was seen stays, so that it is refused until the witness starts again.
            raise ClockUnsound(
                f"the clock jumped by {jumped:.0f} s; set it right and start the witness again"
            )
        self._seen = (wall, steady)
        if wall < EARLIEST:
            raise ClockUnsound("the clock was never set")
        if wall < last - STEP_BACK_SECONDS:
            raise ClockUnsound(f"the clock is {last - wall:.0f} s behind the last cosignature")
        return max(int(wall), last)
