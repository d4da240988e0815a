"""The table of outages (docs/log-operations.md)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.stored import Stored


class OutageRow(Stored):
    """A time in which nothing new was accepted. At most one has not ended."""

    __tablename__ = "outages"
    __table_args__ = (
        CheckConstraint("octet_length(began) = 32", name="began"),
        # One row at most: all that have not ended have the same value here.
        Index("uq_outages_open", text("(true)"), unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The SHA-256 of the evidence of its begin.
    began: Mapped[bytes]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
