"""Outages in memory."""

from datetime import datetime
from uuid import UUID

from server.domain.outages import Outage
from tests.fakes.state import State


class FakeOutages:
    """Outages of one transaction."""

    def __init__(self, state: State) -> None:
        self._outages = state.outages

    async def open(self) -> Outage | None:
        return next((outage for outage, ended in self._outages.values() if ended is None), None)

    async def begin(self, outage: Outage) -> bool:
        if await self.open() is not None:
            return False
        self._outages[outage.id] = (outage, None)
        return True

    async def end(self, outage_id: UUID, at: datetime) -> bool:
        outage, ended = self._outages.get(outage_id, (None, None))
        if outage is None or ended is not None:
            return False
        self._outages[outage_id] = (outage, at)
        return True
