"""Letters on paper in memory, and what sets them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from server.domain.deliveries import DeliveryState
from server.domain.letter_orders import LetterOrder, LetterReport, LetterState
from server.domain.paper_letters import PaperLetter, PrintReady
from tests.fakes.state import State


class FakeLetterOrders:
    """Letters of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._orders = state.letter_orders

    async def next_ordinal(self) -> int:
        return next(self._state.letter_ordinals[0])

    async def add(self, order: LetterOrder, file: bytes) -> bool:
        if await self.of_step(order.mailbox_id, order.delivery_id, order.step) is not None:
            return False
        failed = order.state is LetterState.FAILED
        self._state.require(failed == bool(order.reason), "ck_letter_orders_reason")
        self._state.require(failed != bool(order.tracking), "ck_letter_orders_tracking")
        self._state.require(
            failed or all(each.tracking != order.tracking for each in self._orders.values()),
            "uq_letter_orders_tracking",
        )
        self._state.require(
            (order.mailbox_id, order.delivery_id) in self._state.deliveries,
            "fk_letter_orders_mailbox_id_deliveries",
        )
        self._orders[order.id] = order
        if file:
            self._state.letter_files[order.id] = file
        return True

    async def of_step(self, mailbox_id: UUID, delivery_id: UUID, step: str) -> LetterOrder | None:
        wanted = (mailbox_id, delivery_id, step)
        for each in self._orders.values():
            if (each.mailbox_id, each.delivery_id, each.step) == wanted:
                return each
        return None

    async def drop_failed(self, letter_id: UUID) -> None:
        if (order := self._orders.get(letter_id)) is not None and order.state is LetterState.FAILED:
            del self._orders[letter_id]

    async def get(self, letter_id: UUID) -> LetterOrder | None:
        return self._orders.get(letter_id)

    async def standing(self, letter_id: UUID) -> tuple[LetterOrder, DeliveryState] | None:
        found = self._orders.get(letter_id)
        if found is None:
            return None
        return found, self._state.deliveries[found.mailbox_id, found.delivery_id].state

    async def lock(self, letter_id: UUID) -> LetterOrder | None:
        return self._orders.get(letter_id)

    async def take_waiting(self, now: datetime, *, limit: int) -> Sequence[tuple[LetterOrder, DeliveryState]]:
        waiting = [each for each in self._orders.values() if each.may_be_leased(now)]
        waiting.sort(key=lambda each: (each.ordered_at, each.id))
        return [
            (each, self._state.deliveries[each.mailbox_id, each.delivery_id].state)
            for each in waiting[:limit]
        ]

    async def put(self, orders: Sequence[LetterOrder]) -> None:
        for each in orders:
            if each.id not in self._orders:
                raise LookupError("a letter to be changed is not there")
            self._orders[each.id] = each

    async def read_file(self, letter_id: UUID, offset: int, length: int) -> bytes:
        return self._state.letter_files.get(letter_id, b"")[offset : offset + length]

    async def drop_file(self, letter_id: UUID) -> None:
        self._state.letter_files.pop(letter_id, None)

    async def add_report(self, report: LetterReport) -> None:
        key = (report.letter_id, report.report.value)
        self._state.require(key not in self._state.letter_reports, "pk_letter_reports")
        self._state.letter_reports[key] = report

    async def reports(self, letters: Collection[UUID]) -> Mapping[UUID, Sequence[LetterReport]]:
        found: dict[UUID, list[LetterReport]] = {}
        in_order = sorted(
            self._state.letter_reports.values(), key=lambda each: (each.recorded_at, each.evidence_id)
        )
        for each in in_order:
            if each.letter_id in letters:
                found.setdefault(each.letter_id, []).append(each)
        return found

    async def list_newest(
        self,
        *,
        house_id: UUID | None,
        states: Collection[LetterState],
        delivery_id: UUID | None,
        tracking: str | None = None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[LetterOrder]:
        found = [
            each
            for each in self._orders.values()
            if (house_id is None or (each.lease is not None and each.lease.house_id == house_id))
            and (not states or each.state in states)
            and delivery_id in (None, each.delivery_id)
            and tracking in (None, each.tracking)
            and (before is None or each.id < before)
        ]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]


class FakePrinter:
    """Sets letters as their tracking numbers and addresses.

    Attributes:
        set: what was set.
        problems: set by a test: raised one after the other, each by one letter.
        meanwhile: set by a test: done while a letter is set.
    """

    def __init__(self) -> None:
        self.set: list[PaperLetter] = []
        self.problems: list[Exception] = []
        self.meanwhile = list[object]()

    async def render(self, letter: PaperLetter) -> PrintReady:
        self.set.append(letter)
        if self.problems:
            raise self.problems.pop(0)
        while self.meanwhile:
            await self.meanwhile.pop()  # type: ignore[misc]
        pdf = f"%PDF {letter.tracking} {letter.recipient.name}".encode()
        return PrintReady(pdf, 4)
