"""The tables of letters on paper: orders, their PDFs, and what was reported of them (BOX-11)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.letter_orders import LetterState, Report
from server.storage.metadata import METADATA
from server.storage.stored import Stored, one_of, sha256
from server.storage.tables import DeliveryRow

ORDINALS: Final = Sequence("letter_ordinals", data_type=BigInteger(), minvalue=0, start=0, metadata=METADATA)
"""Numbers letters, from 0, for the numbers of the post."""


class LetterOrderRow(Stored):
    """A letter that was ordered; its keys are why none is made twice, and none has another's number."""

    __tablename__ = "letter_orders"
    __table_args__ = (
        one_of("state", LetterState),
        CheckConstraint("(state = 'FAILED') = (reason <> '')", name="reason"),
        CheckConstraint("(state = 'FAILED') = (tracking IS NULL)", name="tracking"),
        CheckConstraint("(tracking IS NULL) = (file_digest IS NULL)", name="file"),
        CheckConstraint("(house_id IS NULL) = (leased_until IS NULL)", name="lease"),
        sha256("file_digest"),
        ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id]),
        UniqueConstraint("mailbox_id", "delivery_id", "step"),
        # Leased in this order; of all letters few wait.
        Index("ix_letter_orders_waiting", "ordered_at", "id", postgresql_where=text("state = 'WAITING'")),
        # Listed by descending identifier: all, a house's, those in a state, or a delivery's.
        Index(None, "house_id", "id"),
        Index(None, "state", "id"),
        Index(None, "delivery_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    step: Mapped[str]
    by_ladder: Mapped[bool]
    ordered_at: Mapped[datetime]
    tracking: Mapped[str | None] = mapped_column(unique=True)
    file_digest: Mapped[bytes | None]
    file_size: Mapped[int]
    pages: Mapped[int]
    state: Mapped[str]
    house_id: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")


class LetterFileRow(Stored):
    """A letter's PDF, as long as somebody may print it. It is stored as it is, so that any piece of it is
    read without the others.
    """

    __tablename__ = "letter_files"

    letter_id: Mapped[UUID] = mapped_column(ForeignKey(LetterOrderRow.id), primary_key=True)
    content: Mapped[bytes]


class LetterReportRow(Stored):
    """What a print house reported of a letter, once each."""

    __tablename__ = "letter_reports"
    __table_args__ = (one_of("report", Report),)

    letter_id: Mapped[UUID] = mapped_column(ForeignKey(LetterOrderRow.id), primary_key=True)
    report: Mapped[str] = mapped_column(primary_key=True)
    evidence_id: Mapped[UUID]
    reported_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
