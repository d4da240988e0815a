"""Wires what is done about sign-ins in the background."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from server.bootstrap_rounds import repeating
from server.usecases.forgetting import Forgetting
from server.usecases.portal_sessions import PortalSessions
from server.usecases.portals import PortalRegister
from server.usecases.sign_in_effects import OutstandingEffects

ROUND_SECONDS: Final = 2.0
"""How often it is looked whether a sign-in left something to be recorded."""

TIDY_SECONDS: Final = 60.0
"""How often what is over is forgotten. In between no more may come than is forgotten at one go."""


@contextlib.asynccontextmanager
async def recording_outstanding(
    effects: OutstandingEffects, *, seconds: float = ROUND_SECONDS
) -> AsyncIterator[None]:
    """Meanwhile has recorded, every so many seconds, what sign-ins left to be recorded.

    Every replica does so; of each sign-in one does at a time.
    """

    async with repeating(effects.work_off, seconds, "outstanding sign-ins were not all recorded"):
        yield


@contextlib.asynccontextmanager
async def tidying(
    forgetting: Forgetting,
    portal_sessions: PortalSessions,
    portals: PortalRegister,
    *,
    seconds: float = TIDY_SECONDS,
) -> AsyncIterator[None]:
    """Meanwhile enters, every so many seconds, the portals that the release before bound, ends the sessions
    of revoked ones, and forgets what is over: each by itself, so that none waits for, or fails with, another.
    """

    async with (
        repeating(portals.enter_missing, seconds, "portals that were bound were not all entered"),
        repeating(portal_sessions.work_off, seconds, "sessions of revoked portals were not all ended"),
        repeating(forgetting.work_off, seconds, "what is over was not all forgotten"),
    ):
        yield
