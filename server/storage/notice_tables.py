"""The tables of public notices (LADDER-1)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.notices import Ending, NoticeState
from server.storage.metadata import METADATA
from server.storage.stored import Stored, one_of
from server.storage.tables import DeliveryRow

NUMBERS = Sequence("notice_entry_numbers", metadata=METADATA, data_type=BigInteger)
"""The order in which entries of the feed are changed."""


class NoticeRow(Stored):
    """The notice of a step of a delivery's ladder."""

    __tablename__ = "notices"
    __table_args__ = (
        one_of("state", NoticeState),
        one_of("ending", Ending),
        CheckConstraint(
            "state <> 'PUBLISHED' OR num_nulls(document, place, deadline, published_at) = 0", name="published"
        ),
        CheckConstraint("(ended_at IS NULL) OR (ending IS NOT NULL)", name="ended_at"),
        UniqueConstraint("mailbox_id", "delivery_id", "step"),
        ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id]),
        Index("ix_notices_state_id", "state", "id"),
        Index("ix_notices_published", "deadline", postgresql_where=text("state = 'PUBLISHED'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    step: Mapped[str]
    asked_at: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str | None]
    job_id: Mapped[int | None]
    document: Mapped[bytes | None]
    place: Mapped[str | None]
    deadline: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    ending: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class NoticeEntryRow(Stored):
    """A notice in the post's own feed; its document is deleted when it is withdrawn, the row some time
    later.
    """

    __tablename__ = "notice_entries"
    __table_args__ = (
        Index(None, "number", unique=True),
        Index("ix_notice_entries_withdrawn", "changed_at", postgresql_where=text("document IS NULL")),
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    document: Mapped[bytes | None]
    number: Mapped[int] = mapped_column(server_default=NUMBERS.next_value())
    published_at: Mapped[datetime]
    changed_at: Mapped[datetime]
