"""A coalescer over fakes, and what holds its transactions up."""

import asyncio

from server.jurisdictions.am import AM
from server.usecases.coalescing import (
    Coalescer,
)
from server.usecases.intake import Accepted, Intake, Outcome
from server.usecases.ports import Contended
from server.usecases.waiting_line import LineLimits
from tests.fakes.state import State
from tests.unit.usecases.world import ANI_ADDRESS, BOB, ENTITY_ADDRESS, World

NOBODY = "5001950099@e-citizen.am"
RECIPIENTS = [ANI_ADDRESS, f"{BOB}@e-citizen.am", ENTITY_ADDRESS, NOBODY]


def coalescer_of(
    world: World, *, limits: LineLimits | None = None, refusals: int = 600, let_in_seconds: float = 60.0
) -> Coalescer:
    intake = Intake(
        uow=world.uow,
        clock=world.clock,
        entropy=world.entropy,
        profile=AM,
        host_names=world.host_names,
        refusals_per_minute=refusals,
    )
    return Coalescer(intake, world.log.wake, limits=limits, let_in_seconds=let_in_seconds)


class Gate:
    """Holds every commit until it is opened; `reached` says that one waits."""

    def __init__(self, world: World) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        world.uow.before_commit = self.hold  # type: ignore[method-assign]

    async def hold(self, state: State) -> None:
        self.reached.set()
        await self.opened.wait()


def accepted(outcome: Outcome) -> Accepted:
    assert isinstance(outcome, Accepted)
    return outcome


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class HeldMailbox:
    """A mailbox that somebody else has locked: whoever is hurried gives up, and others wait."""

    def __init__(self, world: World, *request_ids: str) -> None:
        self._wanted = set(request_ids)
        self.freed = asyncio.Event()
        self.gave_up = 0
        self.waiting = 0
        world.uow.after_locks = self.meet  # type: ignore[method-assign]

    async def meet(self, claimed: set[str], hurried: bool) -> None:
        if self.freed.is_set() or not claimed & self._wanted:
            return
        if hurried:
            self.gave_up += 1
            raise Contended
        self.waiting += 1
        await self.freed.wait()
