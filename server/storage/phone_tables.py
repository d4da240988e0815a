"""The table of confirmations by phone (SIGN-1)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.stored import Stored
from server.storage.tables import StatementRow


class PhoneConfirmationRow(Stored):
    """A question to a phone about an issued statement, and what became of it."""

    __tablename__ = "phone_confirmations"
    __table_args__ = (
        ForeignKeyConstraint(["mailbox_id", "statement_id"], [StatementRow.mailbox_id, StatementRow.id]),
        CheckConstraint("expires_at > started_at", name="expires_at"),
        CheckConstraint("cms IS NULL OR ending IS NULL", name="ending"),
        CheckConstraint("tries_left IS NULL OR ending IS NOT NULL", name="tries_left"),
        # What expired unsigned is deleted.
        Index("ix_phone_confirmations_unsigned", "expires_at", postgresql_where=text("cms IS NULL")),
        Index("ix_phone_confirmations_signed", "expires_at", postgresql_where=text("cms IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    statement_id: Mapped[UUID]
    person_number: Mapped[str]
    mobile: Mapped[str]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    cms: Mapped[bytes | None]
    ending: Mapped[str | None]
    tries_left: Mapped[int | None]
