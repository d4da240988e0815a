"""The table of deliveries that came in by mail (ADMIN-6)."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.stored import Stored
from server.storage.tables import DeliveryRow


class MailOriginRow(Stored):
    """Where such a delivery came from; the checks come a moment after it."""

    __tablename__ = "mail_origins"
    __table_args__ = (
        ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id]),
        CheckConstraint("num_nulls(dkim, dkim_domain, spf, spf_domain) IN (0, 4)", name="checks"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[str | None]
    dkim: Mapped[str | None]
    dkim_domain: Mapped[str | None]
    spf: Mapped[str | None]
    spf_domain: Mapped[str | None]
