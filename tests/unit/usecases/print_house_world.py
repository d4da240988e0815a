"""A post with print houses, and letters that wait for them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from server.domain.caller import PrintHouse
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.letter_orders import LetterOrder, Report
from server.domain.print_houses import PrintHouseState, RegisteredPrintHouse
from server.domain.refusals import (
    Refused,
)
from server.jurisdictions.am import AM
from server.usecases.letter_desk import (
    LeaseLetters,
    LetterDesk,
    ReadLetter,
)
from server.usecases.letter_reports import Reported, ReportLetter
from tests.unit.usecases.test_ladder import LETTER_DUE
from tests.unit.usecases.test_preparing_letters import Office
from tests.unit.usecases.world import START

LEASE = timedelta(hours=4)
MINUTE = timedelta(minutes=1)


class Houses(Office):
    """A post with two print houses, and letters that wait."""

    def __init__(self) -> None:
        super().__init__()
        self.registered()
        self.desk = LetterDesk(
            uow=self.world.uow,
            clock=self.clock,
            entropy=self.world.entropy,
            log=self.world.log,
            profile=AM,
            lease=LEASE,
        )
        self.here, self.elsewhere = self.house("A"), self.house("B")
        self.requests = 0

    def house(self, name: str) -> PrintHouse:
        house = RegisteredPrintHouse(self.world.entropy.new_id(), name, self.clock.now())
        self.world.uow.committed.print_houses[house.id] = house
        return PrintHouse(self.world.agency.connection, house.id)

    def state_of(self, house: PrintHouse, state: PrintHouseState) -> None:
        houses = self.world.uow.committed.print_houses
        houses[house.print_house_id] = replace(houses[house.print_house_id], state=state)

    async def waiting(self) -> LetterOrder:
        """Returns a new letter, for a message of its own."""
        self.requests += 1
        before = set(self.world.uow.committed.letter_orders)
        now, self.clock.time = self.clock.time, START
        await self.world.delivered(f"w-{self.requests}")
        await self.at(max(now, LETTER_DUE))
        await self.run()
        self.world.uow.committed.jobs.clear()
        (fresh,) = set(self.world.uow.committed.letter_orders) - before
        self.clock.move(MINUTE)
        return self.letter(fresh)

    async def lease(self, house: PrintHouse | None = None, most: int = 9) -> list[LetterOrder]:
        return [each async for each in self.desk.lease(LeaseLetters(house or self.here, most))]

    async def leased(self) -> LetterOrder:
        await self.waiting()
        (letter,) = await self.lease(most=1)
        return letter

    def letter(self, letter_id: UUID) -> LetterOrder:
        return self.world.uow.committed.letter_orders[letter_id]

    async def read(self, letter: LetterOrder, house: PrintHouse | None = None, offset: int = 0) -> bytes:
        command = ReadLetter(house or self.here, letter.id, offset)
        return b"".join([piece async for piece in self.desk.read(command)])

    async def report(
        self, letter: LetterOrder, report: Report, house: PrintHouse | None = None, **said: object
    ) -> Reported:
        self.requests += 1
        usual: dict[Report, dict[str, object]] = {
            Report.PRINTED: {"file": letter.file},
            Report.POSTED: {"tracking": letter.tracking},
            Report.HANDED_OVER: {"receiver": "Անի Հ.", "scan": b"s" * 32},
            Report.REFUSED: {},
            Report.RETURNED: {"cause": "NOT_FOUND"},
        }
        values = {"request_id": f"r-{self.requests}", "at": self.clock.now(), **usual[report], **said}
        command = ReportLetter(
            house=house or self.here,
            letter_id=letter.id,
            report=report,
            **values,  # type: ignore[arg-type]
        )
        return await self.desk.report(command)

    async def posted(self) -> LetterOrder:
        letter = await self.leased()
        await self.report(letter, Report.PRINTED)
        await self.report(letter, Report.POSTED)
        return letter

    def message(self, letter: LetterOrder) -> Delivery:
        return self.world.delivery(letter.delivery_id)

    def end(self, letter: LetterOrder, state: DeliveryState) -> None:
        message = self.message(letter)
        key = (message.mailbox_id, message.id)
        self.world.uow.committed.deliveries[key] = replace(message, state=state)


async def refusal(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await call()  # type: ignore[misc]
    return refused.value
