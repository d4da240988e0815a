"""Wires what notification ladders do in the background."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from server.bootstrap_letters import letter_actions
from server.bootstrap_notices import notice_actions
from server.bootstrap_nudges import nudge_actions
from server.bootstrap_rounds import repeating
from server.config import Settings
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions

ROUND_SECONDS: Final = 5.0
"""How often it is looked whether a delivery's time has come. Effects have the exact times of their rules."""


def ladder_actions(settings: Settings) -> JobActions:
    """Returns what steps have done: the kinds of job of the actions that the settings configure something
    for.
    """
    return JobActions({**letter_actions(settings), **notice_actions(settings), **nudge_actions(settings)})


@contextlib.asynccontextmanager
async def climbing(due: DueSteps, *, seconds: float = ROUND_SECONDS) -> AsyncIterator[None]:
    """Meanwhile goes on, every so many seconds, with the deliveries whose time has come.

    Every replica does so; with each delivery one does at a time.
    """

    async with repeating(due.work_off, seconds, "due steps were not all taken"):
        yield
