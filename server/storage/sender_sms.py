"""Senders' short messages in a table."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, case, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from server.domain.sender_sms import SenderSms, SmsFilter, SmsState
from server.storage.sender_sms_tables import SenderSmsDayRow, SenderSmsRow
from server.storage.statements import Statements
from server.storage.stored import table

_SMS = table(SenderSmsRow)
_DAYS = table(SenderSmsDayRow)

_NEW = insert_or(_DAYS)
_NEWER = _NEW.excluded.day > _DAYS.c.day
# A replica whose clock is late at midnight counts into the day that has begun elsewhere.
_TAKE_ROOM = _NEW.on_conflict_do_update(
    index_elements=[_DAYS.c.sender_address_id],
    set_={
        "day": func.greatest(_DAYS.c.day, _NEW.excluded.day),
        "texts": case((_NEWER, _NEW.excluded.texts), else_=_DAYS.c.texts + _NEW.excluded.texts),
    },
    where=or_(_NEWER, _DAYS.c.texts + _NEW.excluded.texts <= bindparam("most")),
)
_GET = select(_SMS).where(_SMS.c.id == bindparam("key"))
_UNDER = (
    select(_SMS)
    .where(
        _SMS.c.organisation_id == bindparam("organisation"),
        _SMS.c.request_id == bindparam("request"),
    )
    .order_by(_SMS.c.id)
)
_MOVE = (
    update(_SMS)
    .where(_SMS.c.id == bindparam("key"), _SMS.c.state == bindparam("old"))
    .values(
        state=bindparam("new"),
        why=bindparam("reason"),
        result_at=bindparam("at"),
        later_evidence=func.array_append(_SMS.c.later_evidence, bindparam("evidence", type_=Uuid())),
    )
)
_FORGET = (
    update(_SMS)
    .where(
        _SMS.c.id.in_(
            select(_SMS.c.id)
            .where(_SMS.c.text.is_not(None), _SMS.c.submitted_at < bindparam("before"))
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )
    .values(text=None)
)


class SqlSenderTexts:
    """Senders' short messages."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, texts: Sequence[SenderSms]) -> None:
        """Adds them."""
        for each in texts:
            await self._statements.run(insert(_SMS), _values(each))

    async def take_room(self, sender_address_id: UUID, day: date, texts: int, *, limit: int) -> bool:
        """Counts texts of a day, in the one row of the address, which stays locked."""
        if texts > limit:
            return False
        values = {"sender_address_id": sender_address_id, "day": day, "texts": texts, "most": limit}
        return await self._statements.changed(_TAKE_ROOM, values) == 1

    async def get(self, sms_id: UUID) -> SenderSms | None:
        """Returns one."""
        row = await self._statements.first(_GET, {"key": sms_id})
        return None if row is None else _sms(row)

    async def under(self, organisation_id: UUID, request_id: str) -> Sequence[SenderSms]:
        """Returns those of one request."""
        values = {"organisation": organisation_id, "request": request_id}
        return [_sms(row) for row in await self._statements.rows(_UNDER, values)]

    async def listed(
        self,
        organisation_id: UUID,
        sender_address_id: UUID | None,
        wanted: SmsFilter,
        *,
        before: UUID | None,
        limit: int,
    ) -> Sequence[SenderSms]:
        """Lists them by descending identifier."""
        conditions = [_SMS.c.organisation_id == organisation_id]
        if sender_address_id is not None:
            conditions.append(_SMS.c.sender_address_id == sender_address_id)
        if before is not None:
            conditions.append(_SMS.c.id < before)
        if wanted.request_id is not None:
            conditions.append(_SMS.c.request_id == wanted.request_id)
        if wanted.delivery_id is not None:
            conditions.append(_SMS.c.delivery_id == wanted.delivery_id)
        if wanted.states:
            conditions.append(_SMS.c.state.in_(sorted(each.value for each in wanted.states)))
        query = select(_SMS).where(*conditions).order_by(_SMS.c.id.desc()).limit(limit)
        return [_sms(row) for row in await self._statements.rows(query)]

    async def move(self, sms: SenderSms, to: SmsState, *, why: str, at: datetime, evidence_id: UUID) -> bool:
        """Moves one on, by compare-and-set."""
        values = {
            "key": sms.id,
            "old": sms.state.value,
            "new": to.value,
            "reason": why,
            "at": at,
            "evidence": evidence_id,
        }
        return await self._statements.changed(_MOVE, values) == 1

    async def forget_words(self, before: datetime, *, limit: int) -> int:
        """Forgets the words of old ones; returns of how many."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})


def _values(sms: SenderSms) -> dict[str, Any]:
    return {
        "id": sms.id,
        "organisation_id": sms.organisation_id,
        "sender_address_id": sms.sender_address_id,
        "sender": sms.sender,
        "request_id": sms.request_id,
        "delivery_id": sms.delivery_id,
        "phone": sms.phone,
        "text": sms.text,
        "segments": sms.segments,
        "submitted_at": sms.submitted_at,
        "acceptance_id": sms.acceptance_id,
        "state": sms.state.value,
        "why": sms.why,
        "result_at": sms.result_at,
        "later_evidence": list(sms.later_evidence),
    }


def _sms(row: Row[Any]) -> SenderSms:
    return SenderSms(
        id=row.id,
        organisation_id=row.organisation_id,
        sender_address_id=row.sender_address_id,
        sender=row.sender,
        request_id=row.request_id,
        delivery_id=row.delivery_id,
        phone=row.phone,
        text=row.text,
        segments=row.segments,
        submitted_at=row.submitted_at,
        acceptance_id=row.acceptance_id,
        state=SmsState(row.state),
        why=row.why,
        result_at=row.result_at,
        later_evidence=tuple(row.later_evidence),
    )
