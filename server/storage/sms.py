"""Segments of short messages and their reports in tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.sms import DeliveryReport, SentSegment, TextKind
from server.storage.sms_tables import SmsReportRow, SmsSegmentRow
from server.storage.statements import Statements
from server.storage.stored import table

_SEGMENTS = table(SmsSegmentRow)
_REPORTS = table(SmsReportRow)

_ADD = insert(_SEGMENTS).on_conflict_do_nothing()
_OF_TEXT = select(_SEGMENTS).where(_SEGMENTS.c.text_id == bindparam("text")).order_by(_SEGMENTS.c.number)
_LOCK_TEXT = _OF_TEXT.with_for_update()
_NAMED = (
    select(_SEGMENTS)
    .where(_SEGMENTS.c.centre_id.in_(bindparam("names", expanding=True)))
    .order_by(_SEGMENTS.c.sent_at.desc(), _SEGMENTS.c.text_id, _SEGMENTS.c.number)
    .limit(10)
)
_REPORT = (
    update(_SEGMENTS)
    .where(
        _SEGMENTS.c.text_id == bindparam("text"),
        _SEGMENTS.c.number == bindparam("place"),
        _SEGMENTS.c.failure.is_(None),
    )
    .values(failure=bindparam("said"), reported_at=bindparam("at"))
)
_FORGET = delete(_SEGMENTS).where(
    tuple_(_SEGMENTS.c.text_id, _SEGMENTS.c.number).in_(
        select(_SEGMENTS.c.text_id, _SEGMENTS.c.number)
        .where(_SEGMENTS.c.sent_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)
_GET_REPORT = select(_REPORTS).where(_REPORTS.c.id == bindparam("key"))
_REMOVE_REPORT = delete(_REPORTS).where(_REPORTS.c.id == bindparam("key"))


class SqlSmsSegments:
    """Segments by text and number."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, segments: Sequence[SentSegment]) -> None:
        """Adds those that are new."""
        for each in segments:
            values = {
                "text_id": each.text_id,
                "number": each.number,
                "total": each.total,
                "kind": each.kind.value,
                "centre_id": each.centre_id,
                "ending": each.ending,
                "sent_at": each.sent_at,
            }
            await self._statements.run(_ADD, values)

    async def of_text(self, text_id: UUID) -> Sequence[SentSegment]:
        """Returns those of a text."""
        return [_segment(row) for row in await self._statements.rows(_OF_TEXT, {"text": text_id})]

    async def lock_text(self, text_id: UUID) -> Sequence[SentSegment]:
        """Returns them and locks them, in their order."""
        return [_segment(row) for row in await self._statements.rows(_LOCK_TEXT, {"text": text_id})]

    async def named(self, centre_ids: Sequence[str]) -> Sequence[SentSegment]:
        """Returns those with one of these identifiers."""
        return [_segment(row) for row in await self._statements.rows(_NAMED, {"names": list(centre_ids)})]

    async def report(self, segment: SentSegment, failure: str, at: datetime) -> bool:
        """Keeps a report, by compare-and-set."""
        values = {"text": segment.text_id, "place": segment.number, "said": failure, "at": at}
        return await self._statements.changed(_REPORT, values) == 1

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes old ones; returns how many."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})


class SqlSmsReports:
    """Reports by our identifier."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, report_id: UUID, report: DeliveryReport, at: datetime) -> None:
        """Adds a report."""
        values = {
            "id": report_id,
            "segment_id": report.segment_id,
            "phone": report.phone,
            "failure": report.failure,
            "received_at": at,
        }
        await self._statements.run(insert(_REPORTS), values)

    async def get(self, report_id: UUID) -> DeliveryReport | None:
        """Returns a report."""
        row = await self._statements.first(_GET_REPORT, {"key": report_id})
        return None if row is None else DeliveryReport(row.segment_id, row.phone, row.failure)

    async def remove(self, report_id: UUID) -> None:
        """Deletes a report."""
        await self._statements.run(_REMOVE_REPORT, {"key": report_id})


def _segment(row: Row[Any]) -> SentSegment:
    return SentSegment(
        text_id=row.text_id,
        number=row.number,
        total=row.total,
        kind=TextKind(row.kind),
        centre_id=row.centre_id,
        ending=row.ending,
        sent_at=row.sent_at,
        failure=row.failure,
    )
