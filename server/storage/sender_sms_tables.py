"""The table of senders' own short messages (ADMIN-3)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Date, ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.sender_sms import SmsState
from server.storage.register_tables import OrganisationRow
from server.storage.stored import Stored, one_of


class SenderSmsRow(Stored):
    """A short message to one phone; its words are forgotten in time, the rest stays for the bill."""

    __tablename__ = "sender_sms"
    __table_args__ = (
        one_of("state", SmsState),
        CheckConstraint("(state = 'ACCEPTED') = (result_at IS NULL)", name="result_at"),
        Index(None, "organisation_id", "id"),
        Index(None, "organisation_id", "request_id"),
        Index(None, "delivery_id"),
        # Whose words are still there, by when they came.
        Index("ix_sender_sms_words", "submitted_at", postgresql_where="text IS NOT NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id))
    sender_address_id: Mapped[UUID]
    sender: Mapped[str]
    request_id: Mapped[str]
    delivery_id: Mapped[UUID | None]
    phone: Mapped[str]
    text: Mapped[str | None]
    segments: Mapped[int]
    submitted_at: Mapped[datetime]
    acceptance_id: Mapped[UUID]
    state: Mapped[str]
    why: Mapped[str]
    result_at: Mapped[datetime | None]
    later_evidence: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class SenderSmsDayRow(Stored):
    """How many texts a sender address has sent on the last local day on which it sent any: one row for each
    address, which whoever accepts texts of it locks.
    """

    __tablename__ = "sender_sms_days"
    __table_args__ = (CheckConstraint("texts > 0", name="texts"),)

    sender_address_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    texts: Mapped[int]
