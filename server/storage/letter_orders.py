"""Letters on paper in tables (BOX-11)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, column, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.deliveries import DeliveryState
from server.domain.letter_orders import Lease, LetterOrder, LetterReport, LetterState, Report
from server.storage.letter_tables import ORDINALS, LetterFileRow, LetterOrderRow, LetterReportRow
from server.storage.statements import Statements, among, array
from server.storage.stored import table
from server.storage.tables import DeliveryRow

_ORDERS = table(LetterOrderRow)
_FILES = table(LetterFileRow)
_REPORTS = table(LetterReportRow)
_DELIVERIES = table(DeliveryRow)

_NEXT = select(ORDINALS.next_value())
_ADD = (
    insert(_ORDERS)
    .on_conflict_do_nothing(index_elements=[_ORDERS.c.mailbox_id, _ORDERS.c.delivery_id, _ORDERS.c.step])
    .returning(_ORDERS.c.id)
)
_ADD_FILE = insert(_FILES)
_OF_STEP = select(_ORDERS).where(
    _ORDERS.c.mailbox_id == bindparam("mailbox"),
    _ORDERS.c.delivery_id == bindparam("delivery"),
    _ORDERS.c.step == bindparam("step"),
)
_GET = select(_ORDERS).where(_ORDERS.c.id == bindparam("key"))
_DROP_FAILED = delete(_ORDERS).where(
    _ORDERS.c.id == bindparam("key"), _ORDERS.c.state == LetterState.FAILED.value
)
_LOCK = _GET.with_for_update()
_WITH_DELIVERY = select(_ORDERS, _DELIVERIES.c.state.label("delivery_state")).join(
    _DELIVERIES,
    and_(_DELIVERIES.c.mailbox_id == _ORDERS.c.mailbox_id, _DELIVERIES.c.id == _ORDERS.c.delivery_id),
)
_STANDING = _WITH_DELIVERY.where(_ORDERS.c.id == bindparam("key"))
# The conditions are looked at again once a row is locked, so that of two houses that found it the second
# finds nothing.
TAKE_WAITING = (
    _WITH_DELIVERY.where(
        _ORDERS.c.state == "WAITING",
        or_(_ORDERS.c.leased_until.is_(None), _ORDERS.c.leased_until <= bindparam("now")),
    )
    .order_by(_ORDERS.c.ordered_at, _ORDERS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_ORDERS)
)
_CHANGES = (
    func.unnest(
        array("keys", _ORDERS.c.id.type),
        array("states", _ORDERS.c.state.type),
        array("houses", _ORDERS.c.house_id.type),
        array("ends", _ORDERS.c.leased_until.type),
    )
    .table_valued(
        column("id", _ORDERS.c.id.type),
        column("state", _ORDERS.c.state.type),
        column("house_id", _ORDERS.c.house_id.type),
        column("leased_until", _ORDERS.c.leased_until.type),
    )
    .render_derived(name="given")
)
_PUT = (
    update(_ORDERS)
    .where(_ORDERS.c.id == _CHANGES.c.id)
    .values(state=_CHANGES.c.state, house_id=_CHANGES.c.house_id, leased_until=_CHANGES.c.leased_until)
)
_READ_FILE = select(
    func.substring(_FILES.c.content, bindparam("first"), bindparam("length")).label("piece")
).where(_FILES.c.letter_id == bindparam("key"))
_DROP_FILE = delete(_FILES).where(_FILES.c.letter_id == bindparam("key"))
_ADD_REPORT = insert(_REPORTS)
_REPORTS_OF = (
    select(_REPORTS)
    .where(among(_REPORTS.c.letter_id, "keys"))
    .order_by(_REPORTS.c.letter_id, _REPORTS.c.recorded_at, _REPORTS.c.evidence_id)
)


class SqlLetterOrders:
    """Letters, PDFs and reports in tables."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def next_ordinal(self) -> int:
        """Returns the next number of the sequence, which no rollback takes back."""
        return int((await self._statements.run(_NEXT)).scalar_one())

    async def add(self, order: LetterOrder, file: bytes) -> bool:
        """Adds a letter with its PDF, unless there is one of this mailbox, delivery and step."""
        if await self._statements.first(_ADD, _values(order)) is None:
            return False
        if file:
            await self._statements.run(_ADD_FILE, {"letter_id": order.id, "content": file})
        return True

    async def of_step(self, mailbox_id: UUID, delivery_id: UUID, step: str) -> LetterOrder | None:
        """Returns the letter that was ordered for it."""
        values = {"mailbox": mailbox_id, "delivery": delivery_id, "step": step}
        return _found(await self._statements.first(_OF_STEP, values))

    async def drop_failed(self, letter_id: UUID) -> None:
        """Deletes a letter that failed."""
        await self._statements.run(_DROP_FAILED, {"key": letter_id})

    async def get(self, letter_id: UUID) -> LetterOrder | None:
        """Returns it."""
        return _found(await self._statements.first(_GET, {"key": letter_id}))

    async def standing(self, letter_id: UUID) -> tuple[LetterOrder, DeliveryState] | None:
        """Returns it, with how far its delivery is."""
        row = await self._statements.first(_STANDING, {"key": letter_id})
        return None if row is None else (_order(row), DeliveryState(row.delivery_state))

    async def lock(self, letter_id: UUID) -> LetterOrder | None:
        """Returns it, locked until the transaction ends."""
        return _found(await self._statements.first(_LOCK, {"key": letter_id}))

    async def take_waiting(self, now: datetime, *, limit: int) -> Sequence[tuple[LetterOrder, DeliveryState]]:
        """Returns letters to lease, locked, with how far their deliveries are."""
        rows = await self._statements.rows(TAKE_WAITING, {"now": now, "most": limit})
        return [(_order(row), DeliveryState(row.delivery_state)) for row in rows]

    async def put(self, orders: Sequence[LetterOrder]) -> None:
        """Keeps state and lease of locked letters."""
        if not orders:
            return
        values = {
            "keys": [each.id for each in orders],
            "states": [each.state.value for each in orders],
            "houses": [each.lease and each.lease.house_id for each in orders],
            "ends": [each.lease and each.lease.until for each in orders],
        }
        if await self._statements.changed(_PUT, values) != len(orders):
            raise LookupError("a letter to be changed is not there")

    async def read_file(self, letter_id: UUID, offset: int, length: int) -> bytes:
        """Returns a piece of a letter's PDF."""
        values = {"key": letter_id, "first": offset + 1, "length": length}
        row = await self._statements.first(_READ_FILE, values)
        return b"" if row is None else bytes(row.piece)

    async def drop_file(self, letter_id: UUID) -> None:
        """Deletes a letter's PDF."""
        await self._statements.run(_DROP_FILE, {"key": letter_id})

    async def add_report(self, report: LetterReport) -> None:
        """Adds it; its key refuses a second one of its kind."""
        values = {
            "letter_id": report.letter_id,
            "report": report.report.value,
            "evidence_id": report.evidence_id,
            "reported_at": report.reported_at,
            "recorded_at": report.recorded_at,
        }
        await self._statements.run(_ADD_REPORT, values)

    async def reports(self, letters: Collection[UUID]) -> Mapping[UUID, Sequence[LetterReport]]:
        """Returns what was reported of these letters."""
        found: dict[UUID, list[LetterReport]] = {}
        for row in await self._statements.rows(_REPORTS_OF, {"keys": list(letters)}):
            report = LetterReport(
                row.letter_id, Report(row.report), row.evidence_id, row.reported_at, row.recorded_at
            )
            found.setdefault(row.letter_id, []).append(report)
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
        """Lists by descending identifier."""
        query, values = select(_ORDERS), dict[str, Any](most=limit)
        if house_id is not None:
            query, values["house"] = query.where(_ORDERS.c.house_id == bindparam("house")), house_id
        if states:
            query = query.where(among(_ORDERS.c.state, "states"))
            values["states"] = sorted(each.value for each in states)
        if delivery_id is not None:
            query, values["delivery"] = (
                query.where(_ORDERS.c.delivery_id == bindparam("delivery")),
                delivery_id,
            )
        if tracking is not None:
            query, values["number"] = query.where(_ORDERS.c.tracking == bindparam("number")), tracking
        if before is not None:
            query, values["before"] = query.where(_ORDERS.c.id < bindparam("before")), before
        query = query.order_by(_ORDERS.c.id.desc()).limit(bindparam("most"))
        return [_order(row) for row in await self._statements.rows(query, values)]


def _values(order: LetterOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "mailbox_id": order.mailbox_id,
        "delivery_id": order.delivery_id,
        "step": order.step,
        "by_ladder": order.by_ladder,
        "ordered_at": order.ordered_at,
        "tracking": order.tracking or None,
        "file_digest": order.file or None,
        "file_size": order.file_size,
        "pages": order.pages,
        "state": order.state.value,
        "house_id": order.lease and order.lease.house_id,
        "leased_until": order.lease and order.lease.until,
        "reason": order.reason,
    }


def _found(row: Row[Any] | None) -> LetterOrder | None:
    return None if row is None else _order(row)


def _order(row: Row[Any]) -> LetterOrder:
    return LetterOrder(
        id=row.id,
        mailbox_id=row.mailbox_id,
        delivery_id=row.delivery_id,
        step=row.step,
        by_ladder=row.by_ladder,
        ordered_at=row.ordered_at,
        tracking=row.tracking or "",
        file=row.file_digest or b"",
        file_size=row.file_size,
        pages=row.pages,
        state=LetterState(row.state),
        lease=None if row.house_id is None else Lease(row.house_id, row.leased_until),
        reason=row.reason,
    )
