"""Wires what notification ladders do in the background."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from server.bootstrap_letters import letter_actions
from server.bootstrap_notices import notice_actions
from server.bootstrap_nudges import nudge_actions
from server.config import Settings
from server.domain.refusals import Refused
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions

_log = structlog.get_logger(__name__)

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

    async def rounds() -> None:
        while True:
            try:
                await due.work_off()
            except Refused as refused:
                _log.warning("due steps were not all taken", reason=refused.reason.value)
            except Exception:  # noqa: BLE001 - whatever it is, the next round is tried
                _log.exception("due steps were not all taken")
            await asyncio.sleep(seconds)

    task = asyncio.create_task(rounds())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
