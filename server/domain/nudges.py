"""Nudges: a step of a ladder tells a holder's own addresses that a message waits to be read (LADDER-1).

They go to the verified forwarding targets alone, say nothing of the message but since when it lies there, and
neither they nor what becomes of them changes a delivery's state or effect (POST-7).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from server.domain.forwarding import TargetKind

NO_VERIFIED_TARGET: Final = "NO_VERIFIED_TARGET"
"""Why a step failed: the mailbox has no address that anything may be sent to."""
NO_GATEWAY: Final = "NO_GATEWAY"
"""Why a step failed: the mailbox has such addresses, but none of a kind that this post can send to."""
NOBODY_REACHED: Final = "NOBODY_REACHED"
"""Why a step failed: every nudge of it did."""


class NudgeState(StrEnum):
    """How far the nudge to one target is."""

    WAITING = "WAITING"
    SENT = "SENT"
    """Another server answers for it."""
    DELIVERED = "DELIVERED"
    """The phone's network reported that the phone has it."""
    FAILED = "FAILED"
    """It was refused, or nobody took it in time, it came back, or the phone's network reported that the
    phone did not get it.
    """
    SKIPPED = "SKIPPED"
    """There was nothing to send: the delivery was notified or withdrawn, what the step is for had happened,
    or the target was removed.
    """


_LOST: Final = frozenset({NudgeState.FAILED, NudgeState.SKIPPED})


@dataclass(frozen=True, slots=True)
class Nudge:
    """The nudge of one step of a delivery's ladder to one target.

    Attributes:
        id: its identifier, random: the token in the address that bounces come back to; the short message's.
        step: the step's name in the delivery's policy.
        kind: what the target is; it may be removed since.
        asked_at: when it was asked for.
        attempt: the how manieth one of the step to that target it is: another one follows only where all of
            the one before were lost, and an operator had the step carried out again.
        segments: how many short messages it took at the network; 0 for a mail, and before it was sent.
        why: why it failed, in a word; else empty.
        result_at: when it got the state that it has; None while it waits.
    """

    id: UUID
    mailbox_id: UUID
    delivery_id: UUID
    step: str
    target_id: UUID
    kind: TargetKind
    asked_at: datetime
    attempt: int = 1
    state: NudgeState = NudgeState.WAITING
    segments: int = 0
    why: str = ""
    result_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NudgeCount:
    """How many nudges of a kind have a state, and how many segments of short messages they took."""

    kind: TargetKind
    state: NudgeState
    nudges: int
    segments: int


def last_attempt(nudges: Collection[Nudge]) -> int:
    """Returns the number of the last attempt of a step; 0 where there was none."""
    return max((each.attempt for each in nudges), default=0)


def all_lost(nudges: Collection[Nudge]) -> bool:
    """Tells whether a step's last nudges reached nobody, and none is on its way."""
    last = last_attempt(nudges)
    return last > 0 and all(each.state in _LOST for each in nudges if each.attempt == last)
