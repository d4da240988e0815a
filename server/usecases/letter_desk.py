"""Gives letters to print houses, and takes their reports (BOX-11, LADDER-1)."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn
from uuid import UUID

from server.domain.caller import Operator, PrintHouse
from server.domain.deliveries import DeliveryState
from server.domain.letter_orders import (
    EVENTS,
    LetterOrder,
    LetterReport,
    LetterState,
    ReportRefusal,
    ReportRefused,
    wrong_time,
)
from server.domain.paging import Page, Query
from server.domain.print_houses import PrintHouseState
from server.domain.profile import Profile
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    LetterCancelled,
    LetterFileDiffers,
    LetterLeaseEnded,
    LetterOutOfOrder,
    LetterTrackingDiffers,
    PrintHouseSuspended,
    ResourceNotPermitted,
)
from server.usecases.letter_reports import (
    Reported,
    ReportLetter,
    all_reported,
    claimed,
    details_of,
    reported,
)
from server.usecases.outside_facts import OutsideFacts
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork

AT_ONCE: Final = 50
"""Letters that are leased in one transaction: as many as a stream that breaks may have leased for nothing."""
PIECE_BYTES: Final = 256 * 1024
"""How much of a PDF is held at once."""

_TIMES = {
    "IN_FUTURE": "must not be in the future",
    "BEFORE_LETTER": "must not be before the letter was made",
    "BEFORE_EARLIER_REPORT": "must not be before what was reported earlier",
}


@dataclass(frozen=True, slots=True)
class LeaseLetters:
    """`most` is checked."""

    house: PrintHouse
    most: int


@dataclass(frozen=True, slots=True)
class ReadLetter:
    """From a byte on."""

    house: PrintHouse
    letter_id: UUID
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ListLetterOrders:
    """`page_size` is checked; no states ask for all, None for those of any delivery, and no number for those
    of any.
    """

    by: Operator | PrintHouse
    states: Collection[LetterState]
    delivery_id: UUID | None
    page_size: int
    page_token: str
    tracking: str = ""


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter with what was reported of it, in order."""

    order: LetterOrder
    reports: tuple[Reported, ...]


class LetterDesk:
    """What print houses and the operator do with letters."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, log: Log, profile: Profile, lease: timedelta
    ) -> None:
        """`lease` is how long a print house has for printing."""
        self._uow = uow
        self._clock = clock
        self._log = log
        self._lease = lease
        self._outside = OutsideFacts(entropy=entropy, profile=profile)

    async def lease(self, command: LeaseLetters) -> AsyncGenerator[LetterOrder, None]:
        """Leases letters, the longest waiting first, a batch a transaction: no letter is ever two houses'.
        Those that nobody needs any more are cancelled on the way.

        Raises:
            PrintHouseSuspended, ResourceNotPermitted: it gets none.
        """
        left = command.most
        while left > 0:
            seen, leased = await self._batch(command.house, min(left, AT_ONCE))
            if not seen:
                return
            left -= len(leased)
            for order in leased:
                yield order

    async def _batch(self, house: PrintHouse, most: int) -> tuple[int, Sequence[LetterOrder]]:
        async with self._uow.writing() as tx:
            await _check_active(tx, house)
            now = self._clock.now()
            found = await tx.letter_orders.take_waiting(now, limit=most)
            leased = [
                order.leased(house.print_house_id, now, now + self._lease)
                for order, delivery in found
                if order.is_needed(delivery)
            ]
            unneeded = [order.cancelled() for order, delivery in found if not order.is_needed(delivery)]
            await tx.letter_orders.put([*leased, *unneeded])
            for order in unneeded:
                await tx.letter_orders.drop_file(order.id)
            await tx.commit()
        return len(found), leased

    async def read(self, command: ReadLetter) -> AsyncGenerator[bytes, None]:
        """Yields a letter's PDF in pieces of `PIECE_BYTES` at most, each read by itself.

        Raises:
            ResourceNotPermitted: another house has it, or nobody, or there is none.
            LetterLeaseEnded, LetterCancelled; LetterOutOfOrder: it is posted.
            InvalidFields: the PDF ends before the offset.
        """
        order = await self._printable(command.house, command.letter_id)
        if command.offset > order.file_size:
            raise InvalidFields([FieldProblem("offset", "OUT_OF_RANGE", "must be within the PDF")])
        offset = command.offset
        while offset < order.file_size:
            async with self._uow.reading() as tx:
                piece = await tx.letter_orders.read_file(order.id, offset, PIECE_BYTES)
            if not piece:
                # Posted, or cancelled, while it was read.
                await self._printable(command.house, command.letter_id)
                raise LookupError("a letter has no PDF")
            offset += len(piece)
            yield piece

    async def check_has(self, command: ReadLetter) -> None:
        """Checks that the letter may still be read; raises as `read`."""
        await self._printable(command.house, command.letter_id)

    async def _printable(self, house: PrintHouse, letter_id: UUID) -> LetterOrder:
        async with self._uow.reading() as tx:
            found = await tx.letter_orders.standing(letter_id)
        if found is None:
            raise ResourceNotPermitted("letter")
        order, delivery = found
        try:
            order.check_printable(house.print_house_id, self._clock.now(), delivery)
        except ReportRefused as refused:
            _refuse(refused)
        if order.state not in (LetterState.WAITING, LetterState.PRINTED):
            raise LetterOutOfOrder(order.state.value)
        return order

    async def report(self, command: ReportLetter) -> Reported:
        """Records what happened to a letter as a fact of its delivery, with what follows from it. Lock order:
        the request id, the delivery, the letter.

        Raises:
            RequestIdReused.
            ResourceNotPermitted: another house has the letter, or nobody, or there is none.
            LetterLeaseEnded, LetterCancelled, LetterOutOfOrder, LetterFileDiffers, LetterTrackingDiffers.
            InvalidFields: the time can't be.
        """
        house_id = command.house.print_house_id
        async with self._uow.writing() as tx:
            if (earlier := await claimed(tx, command)) is not None:
                return earlier
            order, delivery = await _locked(tx, command.letter_id)
            reports = (await tx.letter_orders.reports([order.id])).get(order.id, ())
            now = self._clock.now()
            try:
                after = order.after(
                    command.report,
                    house_id,
                    now,
                    delivery,
                    file=command.file,
                    tracking=command.tracking,
                )
            except ReportRefused as refused:
                _refuse(refused)
            if wrong := wrong_time(order, reports, command.at, now):
                raise InvalidFields([FieldProblem("report_time", wrong.value, _TIMES[wrong.value])])
            details = details_of(command, order)
            recorded = await self._outside.record(
                tx, order.mailbox_id, order.delivery_id, EVENTS[command.report], details, now
            )
            assert recorded is not None
            fact = recorded.fact
            report = LetterReport(order.id, command.report, fact.id, command.at, fact.recorded_at)
            await tx.letter_orders.put([after])
            await tx.letter_orders.add_report(report)
            if after.state is LetterState.POSTED:
                # Nobody prints it again, and its content lies in the mailbox.
                await tx.letter_orders.drop_file(order.id)
            await tx.commit()
        self._log.wake()
        return reported(report, fact)

    async def list_orders(self, command: ListLetterOrders) -> Page[LetterView]:
        """Lists letters, the last ordered first; a print house those that it leased last.

        Raises:
            InvalidPageToken.
        """
        house_id = command.by.print_house_id if isinstance(command.by, PrintHouse) else None
        states = sorted(each.value for each in command.states)
        query = Query(
            (
                "ListLetterOrders",
                str(house_id or ""),
                " ".join(states),
                str(command.delivery_id or ""),
                command.tracking,
            )
        )
        before = query.identifier(command.page_token)
        async with self._uow.reading() as tx:
            found = await tx.letter_orders.list_newest(
                house_id=house_id,
                states=command.states,
                delivery_id=command.delivery_id,
                tracking=command.tracking or None,
                before=before,
                limit=command.page_size + 1,
            )
            shown = found[: command.page_size]
            reports = await all_reported(tx, [each.id for each in shown])
        views = [LetterView(each, reports.get(each.id, ())) for each in shown]
        return Page(views, query.token(str(shown[-1].id)) if len(found) > command.page_size else "")


async def _check_active(tx: Transaction, house: PrintHouse) -> None:
    found = await tx.print_houses.get(house.print_house_id)
    if found is None or found.state is PrintHouseState.REMOVED:
        raise ResourceNotPermitted("print house")
    if found.state is PrintHouseState.SUSPENDED:
        raise PrintHouseSuspended


async def _locked(tx: Transaction, letter_id: UUID) -> tuple[LetterOrder, DeliveryState]:
    """Returns a letter, with how far its delivery is, which is locked before it."""
    found = await tx.letter_orders.get(letter_id)
    if found is None:
        raise ResourceNotPermitted("letter")
    delivery = await tx.deliveries.lock(found.mailbox_id, found.delivery_id)
    order = await tx.letter_orders.lock(letter_id)
    if delivery is None or order is None:
        raise LookupError("a letter, or its delivery, is gone")
    return order, delivery.state


def _refuse(refused: ReportRefused) -> NoReturn:
    match refused.refusal:
        case ReportRefusal.NOT_YOURS:
            raise ResourceNotPermitted("letter") from None
        case ReportRefusal.LEASE_ENDED:
            raise LetterLeaseEnded from None
        case ReportRefusal.CANCELLED:
            raise LetterCancelled from None
        case ReportRefusal.OUT_OF_ORDER:
            assert refused.state is not None
            raise LetterOutOfOrder(refused.state.value) from None
        case ReportRefusal.OTHER_FILE:
            raise LetterFileDiffers from None
        case ReportRefusal.OTHER_TRACKING:
            raise LetterTrackingDiffers from None
