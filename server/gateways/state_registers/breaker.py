"""When to leave a register alone: after so many failures in a row it is not asked for a while, then once."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to ask once. How that ended MUST be told to the breaker that gave it."""

    period: int


class Breaker:
    """Counts failures in a row; a pure state machine over the clock it is given.

    Closed, everybody may ask. `failures` in a row open it: for `rest_seconds` nobody may. Then one may (the
    probe), while the others go on waiting; its success closes the breaker, its failure opens it again. What
    permits of an earlier period bring is not heeded: a question that was sent before the register fell ill
    says nothing of how it is now.
    """

    def __init__(self, *, failures: int, rest_seconds: float, monotonic: Callable[[], float]) -> None:
        self._limit = failures
        self._rest_seconds = rest_seconds
        self._monotonic = monotonic
        self._failures = 0
        self._period = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether questions are kept back."""
        return self._open_until is not None

    def admit(self) -> Permit | float:
        """Returns a permit, or for how many seconds there is none."""
        if self._open_until is None:
            return Permit(self._period)
        left = self._open_until - self._monotonic()
        if left > 0:
            return left
        if self._probing:
            return self._rest_seconds
        self._probing = True
        return Permit(self._period)

    def succeeded(self, permit: Permit) -> None:
        """The register answered."""
        if permit.period != self._period:
            return
        self._failures = 0
        if self._open_until is not None:
            self._begin_period(None)

    def failed(self, permit: Permit, *, rest_seconds: float | None = None) -> None:
        """The register failed. With `rest_seconds` it asked to be left alone for so long, at once."""
        if permit.period != self._period:
            return
        self._failures += 1
        if rest_seconds is not None or self._open_until is not None or self._failures >= self._limit:
            seconds = self._rest_seconds if rest_seconds is None else rest_seconds
            self._begin_period(self._monotonic() + seconds)

    def abandoned(self, permit: Permit) -> None:
        """The question was given up before it was answered; if it was the probe, the next one is."""
        if permit.period == self._period:
            self._probing = False

    def _begin_period(self, open_until: float | None) -> None:
        self._period += 1
        self._failures = 0
        self._probing = False
        self._open_until = open_until
