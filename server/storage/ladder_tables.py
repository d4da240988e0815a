"""The tables of notification ladders (LADDER-1)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from namak.evidence.notification_steps import Action
from server.domain.ladder import StepState
from server.storage.stored import Stored, one_of
from server.storage.tables import DeliveryRow


def _of_a_delivery() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id])


class LadderWakeRow(Stored):
    """When a delivery of which something comes by itself is looked at again. Deliveries under other policies
    have no row, and those that were notified or withdrawn lose theirs when its time has come.
    """

    __tablename__ = "ladder_wakes"
    __table_args__ = (_of_a_delivery(), Index(None, "wake_at", "delivery_id"))

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    wake_at: Mapped[datetime]


class LadderStepRow(Stored):
    """A step that was taken: its key is why none is taken twice."""

    __tablename__ = "ladder_steps"
    __table_args__ = (
        _of_a_delivery(),
        one_of("action", Action),
        one_of("state", StepState),
        CheckConstraint("(state = 'FAILED') = (reason IS NOT NULL)", name="reason"),
        Index("ix_ladder_steps_failed", "taken_at", postgresql_where=text("state = 'FAILED'")),
    )

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str]
    due_at: Mapped[datetime]
    taken_at: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str | None]
    # When an operator last had a failed one carried out again.
    again_at: Mapped[datetime | None]
