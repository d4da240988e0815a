"""What is done in the background, each by itself."""

import asyncio
from typing import cast

from server.bootstrap_sign_ins import tidying
from server.usecases.forgetting import Forgetting
from server.usecases.portal_sessions import PortalSessions
from server.usecases.portals import PortalRegister

DEADLINE = 60.0


class Broken:
    """Portals that can't be entered."""

    async def enter_missing(self) -> None:
        raise LookupError("a defect")


class Stuck:
    """Sessions whose end takes for ever."""

    async def work_off(self) -> bool:
        await asyncio.Event().wait()
        return True


class Told:
    """Tells that it was asked to forget."""

    def __init__(self) -> None:
        self.times = asyncio.Semaphore(0)

    async def work_off(self) -> bool:
        self.times.release()
        return True


async def test_what_fails_or_hangs_keeps_nothing_else_from_being_tidied_up() -> None:
    forgetting = Told()
    async with (
        tidying(
            cast(Forgetting, forgetting),
            cast(PortalSessions, Stuck()),
            cast(PortalRegister, Broken()),
            seconds=0.001,
        ),
        asyncio.timeout(DEADLINE),
    ):
        for _ in range(3):
            await forgetting.times.acquire()
