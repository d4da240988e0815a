"""Public notices, and the post's own feed of them, in tables."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, case, delete, literal_column, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.deliveries import DeliveryState
from server.domain.notices import Ending, Notice, NoticeState
from server.storage.notice_tables import NUMBERS, NoticeEntryRow, NoticeRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.storage.tables import DeliveryRow
from server.usecases.notice_ports import NoticeEntry

_NOTICES = table(NoticeRow)
_ENTRIES = table(NoticeEntryRow)
_DELIVERIES = table(DeliveryRow)

_COLUMNS = tuple(each.name for each in _NOTICES.c)
_FIXED = ("id", "mailbox_id", "delivery_id", "step", "asked_at")
_CHANGING = tuple(each for each in _COLUMNS if each not in _FIXED)
_NIL = UUID(int=0)

_GET = select(_NOTICES).where(_NOTICES.c.id == bindparam("key"))
_LOCK = _GET.with_for_update()
_OF_STEP = select(_NOTICES).where(
    _NOTICES.c.mailbox_id == bindparam("mailbox"),
    _NOTICES.c.delivery_id == bindparam("delivery"),
    _NOTICES.c.step == bindparam("named"),
)
_ADD = insert(_NOTICES).on_conflict_do_nothing()
_CHANGE = (
    update(_NOTICES)
    .where(_NOTICES.c.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)
_BY_DELIVERY = (_DELIVERIES.c.state == DeliveryState.NOTIFIED.value, Ending.NOTIFIED.value)
_WHY = case(
    (_NOTICES.c.deadline <= bindparam("now"), Ending.OVER.value), _BY_DELIVERY, else_=Ending.WITHDRAWN.value
)
_WHY_NEEDLESS = case(_BY_DELIVERY, else_=Ending.WITHDRAWN.value)
LOCK_ENDED = (
    select(_NOTICES, _WHY.label("why"))
    .join(
        _DELIVERIES,
        and_(_DELIVERIES.c.mailbox_id == _NOTICES.c.mailbox_id, _DELIVERIES.c.id == _NOTICES.c.delivery_id),
    )
    .where(
        # In the words of the index, which holds those alone that are public now.
        literal_column("notices.state = 'PUBLISHED'"),
        or_(
            _NOTICES.c.deadline <= bindparam("now"),
            _DELIVERIES.c.state != literal_column(f"'{DeliveryState.CONSIGNED.value}'"),
        ),
    )
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_NOTICES)
)
LOCK_NEEDLESS = (
    select(_NOTICES, _WHY_NEEDLESS.label("why"))
    .join(
        _DELIVERIES,
        and_(_DELIVERIES.c.mailbox_id == _NOTICES.c.mailbox_id, _DELIVERIES.c.id == _NOTICES.c.delivery_id),
    )
    .where(
        literal_column("notices.state = 'FAILED'"),
        _NOTICES.c.document.is_not(None),
        _DELIVERIES.c.state != literal_column(f"'{DeliveryState.CONSIGNED.value}'"),
    )
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_NOTICES)
)
"""Those that may have come through though nothing says so: few, as operators are called for each."""
_LISTED = (
    select(*(each for each in _NOTICES.c if each.name != "document"), null().label("document"))
    .where(among(_NOTICES.c.state, "states"), _NOTICES.c.id > bindparam("after"))
    .order_by(_NOTICES.c.id)
    .limit(bindparam("most"))
)

_ENTRY = select(_ENTRIES).where(_ENTRIES.c.notice_id == bindparam("key"))
_NEW = insert(_ENTRIES)
_PUT = _NEW.on_conflict_do_update(
    index_elements=[_ENTRIES.c.notice_id],
    set_={
        "document": _NEW.excluded.document,
        "number": NUMBERS.next_value(),
        "changed_at": _NEW.excluded.changed_at,
    },
    where=_ENTRIES.c.document.is_distinct_from(_NEW.excluded.document),
)
_WITHDRAW = (
    update(_ENTRIES)
    .where(_ENTRIES.c.notice_id == bindparam("key"), _ENTRIES.c.document.is_not(None))
    .values(document=None, number=NUMBERS.next_value(), changed_at=bindparam("at"))
)
NEWEST = (
    select(_ENTRIES)
    .where(_ENTRIES.c.number < bindparam("before"))
    .order_by(_ENTRIES.c.number.desc())
    .limit(bindparam("most"))
)
_FORGET = delete(_ENTRIES).where(
    _ENTRIES.c.notice_id.in_(
        select(_ENTRIES.c.notice_id)
        .where(_ENTRIES.c.document.is_(None), _ENTRIES.c.changed_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)
_ABOVE_ALL = 2**63 - 1


class SqlNotices:
    """Notices of one transaction."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, notice: Notice) -> Notice:
        """Adds a notice, or returns the one there is."""
        await self._statements.run(_ADD, _values(notice))
        key = {"mailbox": notice.mailbox_id, "delivery": notice.delivery_id, "named": notice.step}
        row = await self._statements.first(_OF_STEP, key)
        assert row is not None
        return _notice(row)

    async def get(self, notice_id: UUID) -> Notice | None:
        """Returns a notice."""
        row = await self._statements.first(_GET, {"key": notice_id})
        return _notice(row) if row else None

    async def lock(self, notice_id: UUID) -> Notice | None:
        """Returns a notice, locked."""
        row = await self._statements.first(_LOCK, {"key": notice_id})
        return _notice(row) if row else None

    async def change(self, notice: Notice) -> None:
        """Stores what changes of a notice."""
        values = _values(notice)
        changed = {f"new_{name}": values[name] for name in _CHANGING}
        await self._statements.run(_CHANGE, {"key": notice.id, **changed})

    async def lock_ended(self, now: datetime, *, limit: int) -> Sequence[tuple[Notice, Ending]]:
        """Returns notices that are public, or may be, and that nobody needs any more, locked."""
        rows = await self._statements.rows(LOCK_ENDED, {"now": now, "most": limit})
        rows = rows or await self._statements.rows(LOCK_NEEDLESS, {"most": limit})
        return [(_notice(row), Ending(row.why)) for row in rows]

    async def listed(
        self, states: Collection[NoticeState], *, after: UUID | None, limit: int
    ) -> Sequence[Notice]:
        """Lists notices without their documents."""
        wanted = {"states": sorted(each.value for each in states), "after": after or _NIL, "most": limit}
        return [_notice(row) for row in await self._statements.rows(_LISTED, wanted)]


class SqlNoticeEntries:
    """Entries of the feed."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def put(self, notice_id: UUID, document: bytes, at: datetime) -> None:
        """Publishes a document."""
        values = {"notice_id": notice_id, "document": document, "published_at": at, "changed_at": at}
        await self._statements.run(_PUT, values)

    async def withdraw(self, notice_id: UUID, at: datetime) -> None:
        """Deletes a document."""
        await self._statements.run(_WITHDRAW, {"key": notice_id, "at": at})

    async def get(self, notice_id: UUID) -> NoticeEntry | None:
        """Returns an entry."""
        row = await self._statements.first(_ENTRY, {"key": notice_id})
        return _entry(row) if row else None

    async def newest(self, *, before: int | None, limit: int) -> Sequence[NoticeEntry]:
        """Returns entries, the newest change first."""
        wanted = {"before": _ABOVE_ALL if before is None else before, "most": limit}
        return [_entry(row) for row in await self._statements.rows(NEWEST, wanted)]

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes withdrawn entries."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})


def _values(notice: Notice) -> dict[str, Any]:
    values = {name: getattr(notice, name) for name in _COLUMNS}
    values["state"] = notice.state.value
    values["ending"] = None if notice.ending is None else notice.ending.value
    return values


def _notice(row: Row[Any]) -> Notice:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["state"] = NoticeState(row.state)
    values["ending"] = None if row.ending is None else Ending(row.ending)
    return Notice(**values)


def _entry(row: Row[Any]) -> NoticeEntry:
    return NoticeEntry(row.notice_id, row.document, row.number, row.published_at, row.changed_at)
