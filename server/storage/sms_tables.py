"""The tables of short messages: segments that a centre has taken, and reports that wait to be looked at."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.sms import TextKind
from server.storage.stored import Stored, one_of


class SmsSegmentRow(Stored):
    """A segment; forgotten when no report is to be expected any more."""

    __tablename__ = "sms_segments"
    __table_args__ = (
        one_of("kind", TextKind),
        CheckConstraint("(failure IS NULL) = (reported_at IS NULL)", name="reported_at"),
        Index(None, "centre_id"),
        Index(None, "sent_at"),
    )

    text_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    total: Mapped[int]
    kind: Mapped[str]
    centre_id: Mapped[str]
    ending: Mapped[str]
    sent_at: Mapped[datetime]
    failure: Mapped[str | None]
    reported_at: Mapped[datetime | None]


class SmsReportRow(Stored):
    """A report that a centre was thanked for; gone when it was looked at."""

    __tablename__ = "sms_reports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[str]
    phone: Mapped[str]
    failure: Mapped[str]
    received_at: Mapped[datetime]
