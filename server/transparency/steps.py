"""The steps by which a fact comes under a published checkpoint; between any two of them a process may die."""

from collections.abc import Awaitable, Callable
from enum import StrEnum


class Step(StrEnum):
    """What the leader has just done. (A fact was recorded before, in its own transaction.)"""

    INTEGRATED_IN_TRANSACTION = "integrated in transaction"
    """The tree is written but not committed."""
    INTEGRATED = "integrated"
    """The tree is committed; nobody has signed it."""
    SIGNED = "signed"
    """The signature exists in memory only."""
    GUARDED = "guarded"
    """The note is on disk outside the database."""
    PUBLISHED = "published"
    """The note is committed: it is public."""


OnStep = Callable[[Step], Awaitable[None]]
"""Is awaited after each step, by the leader, before the next one: for counting, and for tests of crashes."""


async def unobserved(step: Step) -> None:
    """Observes nothing."""
