"""The chain of custody of a letter that came on paper: who had it when, from the post's door to the scans.

Each step's digest is over the step before and its own words, and that of the scanning over the scans too: who
wrote a step down at the time can be held to it, and so can whoever scanned to what was scanned. None of it
proves what the paper said; it shows that nothing of it was told otherwise later.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from namak.evidence.times import format_time

GENESIS: Final = bytes(32)
"""What stands before the first step."""

STEPS_LIMIT: Final = 20
"""A chain has at most so many steps."""

CLOCK_TOLERANCE: Final = timedelta(seconds=120)
"""A step may be later than the evidence that tells of it by at most this: two clocks told the times."""

_TAG: Final = b"namak-custody/1\x00"


class CustodyAct(StrEnum):
    """What was done with the paper."""

    RECEIVED = "RECEIVED"
    """It came into the post's hands: always the first step, and never a later one."""
    HANDED_ON = "HANDED_ON"
    """It was carried to another place, or given to another person; any number of times."""
    OPENED = "OPENED"
    """The envelope was opened: once at most, before the scanning. A card has none."""
    SCANNED = "SCANNED"
    """It was scanned, whole: once."""
    STORED = "STORED"
    """It was put away, after the scanning: once at most, and nothing is done with it afterwards."""


@dataclass(frozen=True, slots=True)
class CustodyStep:
    """One step: what was done, when (aware), where, and by whom as the operator names its people. ``digest``
    is the hex digest that :func:`digest_after` gives for it.
    """

    act: CustodyAct
    time: datetime
    place: str
    person: str
    digest: str = ""


class CustodyFault(StrEnum):
    """What may be wrong with a step, or with the chain."""

    NOT_RECEIVED = "NOT_RECEIVED"
    """The first step is not the paper's receipt."""
    NOT_SCANNED = "NOT_SCANNED"
    """No step is the scanning."""
    OUT_OF_PLACE = "OUT_OF_PLACE"
    """The step can't come here, or not again."""
    TIMES_REVERSED = "TIMES_REVERSED"
    """The step is earlier than the one before it."""
    TIME_IN_FUTURE = "TIME_IN_FUTURE"
    """The step is later than what tells of it."""
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    """The step's digest is not what follows from the steps so far and the scans."""


@dataclass(frozen=True, slots=True)
class CustodyProblem:
    """One fault; ``step`` counts from 0 and is None for the chain as a whole."""

    fault: CustodyFault
    step: int | None = None


def digest_after(previous: bytes, step: CustodyStep, scans: Sequence[bytes]) -> bytes:
    """Returns the SHA-256 of a step after the one with the digest ``previous`` (:data:`GENESIS` before the
    first); ``scans`` are the SHA-256 of the scans in order, which count where the step is the scanning.
    """
    texts = (step.act.value, format_time(step.time), step.place, step.person)
    fields = [text.encode() for text in texts]
    if step.act is CustodyAct.SCANNED:
        fields += scans
    digest = hashlib.sha256(_TAG + previous)
    for field in fields:
        digest.update(len(field).to_bytes(8, "big") + field)
    return digest.digest()


def chained(steps: Sequence[CustodyStep], scans: Sequence[bytes]) -> tuple[CustodyStep, ...]:
    """Returns the steps with the digests that they have as a chain over these scans."""
    previous, found = GENESIS, []
    for step in steps:
        previous = digest_after(previous, step, scans)
        found.append(CustodyStep(step.act, step.time, step.place, step.person, previous.hex()))
    return tuple(found)


def custody_problems(
    steps: Sequence[CustodyStep], scans: Sequence[bytes], recorded: datetime
) -> list[CustodyProblem]:
    """Returns what is wrong with a chain over these scans that was recorded at this time; nothing where it
    holds.
    """
    problems = [*_order_problems(steps), *_time_problems(steps, recorded)]
    previous = GENESIS
    for number, step in enumerate(steps):
        previous = digest_after(previous, step, scans)
        if step.digest != previous.hex():
            # All that follow rest on it.
            return [*problems, CustodyProblem(CustodyFault.DIGEST_MISMATCH, number)]
    return problems


def _time_problems(steps: Sequence[CustodyStep], recorded: datetime) -> list[CustodyProblem]:
    reversed_ = [
        CustodyProblem(CustodyFault.TIMES_REVERSED, number)
        for number, (one, other) in enumerate(pairwise(steps), 1)
        if other.time < one.time
    ]
    late = [
        CustodyProblem(CustodyFault.TIME_IN_FUTURE, number)
        for number, step in enumerate(steps)
        # As a difference: evidence may name the last moment that there is.
        if step.time - recorded > CLOCK_TOLERANCE
    ]
    return reversed_ + late


def _order_problems(steps: Sequence[CustodyStep]) -> list[CustodyProblem]:
    acts = [step.act for step in steps]
    if not acts or acts[0] is not CustodyAct.RECEIVED:
        return [CustodyProblem(CustodyFault.NOT_RECEIVED, 0 if acts else None)]
    problems = []
    if CustodyAct.SCANNED not in acts:
        problems.append(CustodyProblem(CustodyFault.NOT_SCANNED))
    seen: set[CustodyAct] = set()
    for number, act in enumerate(acts):
        if _is_out_of_place(act, seen):
            problems.append(CustodyProblem(CustodyFault.OUT_OF_PLACE, number))
        seen.add(act)
    return problems


def _is_out_of_place(act: CustodyAct, seen: set[CustodyAct]) -> bool:
    if CustodyAct.STORED in seen:
        return True
    match act:
        case CustodyAct.HANDED_ON:
            return False
        case CustodyAct.OPENED:
            return not seen.isdisjoint({CustodyAct.OPENED, CustodyAct.SCANNED})
        case CustodyAct.STORED:
            return CustodyAct.SCANNED not in seen
        case _:
            return act in seen
