"""Wires what is done about sign-ins in the background."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from server.domain.refusals import Refused
from server.usecases.sign_in_effects import OutstandingEffects

_log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 2.0
"""How often it is looked whether a sign-in left something to be recorded."""


@contextlib.asynccontextmanager
async def recording_outstanding(
    effects: OutstandingEffects, *, seconds: float = ROUND_SECONDS
) -> AsyncIterator[None]:
    """Meanwhile has recorded, every so many seconds, what sign-ins left to be recorded.

    Every replica does so; of each sign-in one does at a time.
    """

    async def rounds() -> None:
        while True:
            try:
                await effects.work_off()
            except Refused as refused:
                _log.warning("outstanding sign-ins were not all recorded", reason=refused.reason.value)
            except Exception:  # noqa: BLE001 - whatever it is, the next round is tried
                _log.exception("outstanding sign-ins were not all recorded")
            await asyncio.sleep(seconds)

    task = asyncio.create_task(rounds())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
