"""Witnesses in directories of their own, with clocks that tests set."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from namak.evidence.cosignature import CosignatureVerifier, cosignature_time
from namak.evidence.tlog_witness import cosignature_from
from namak.witness.answers import Answer, Status
from namak.witness.clock import WitnessClock
from namak.witness.keys import WitnessKey
from namak.witness.place import key_of, made, state_in
from namak.witness.state import State
from namak.witness.witness import OnStep, Witness, unobserved
from tests.unit.witness.growing_log import GrowingLog

NAME = "witness.court.example/w1"
BEGAN = 1_800_000_000


@dataclass
class SetClock:
    """Both of the witness's clocks, set by hand: as all of time, or as the wall's alone."""

    wall: float = BEGAN
    steady: float = 0.0
    clock: WitnessClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = WitnessClock(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@dataclass
class Opened:
    """A witness that is open, and what it is made of."""

    witness: Witness
    state: State
    time: SetClock

    @property
    def verifier(self) -> CosignatureVerifier:
        return CosignatureVerifier.parse(self.witness.vkey)

    def asked(self, log: GrowingLog, old: int, new: int) -> Answer:
        return self.witness.add_checkpoint(log.asks(old, new))

    def cosigns(self, log: GrowingLog, old: int, new: int) -> int:
        """Asks, checks the cosignature as any client does, and returns its time."""
        answer = self.asked(log, old, new)
        assert answer.status is Status.COSIGNED, answer
        return cosignature_time(cosignature_from(answer.body, log.text(new), self.verifier))


def make(directory: Path, *logs: GrowingLog) -> str:
    """Makes a witness that follows these logs; returns its verifier key."""
    vkey = made(directory, NAME, None)
    state = state_in(directory)
    for log in logs:
        assert state.add_log(log.key.name, log.key.verifier)
    state.close()
    return vkey


@contextmanager
def opened(
    directory: Path, time: SetClock | None = None, key: WitnessKey | None = None, on_step: OnStep = unobserved
) -> Iterator[Opened]:
    state = state_in(directory)
    time = time or SetClock()
    try:
        yield Opened(Witness(state, key or key_of(directory, state), time.clock, on_step), state, time)
    finally:
        state.close()
