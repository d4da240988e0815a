"""The table of nudges (LADDER-1)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.forwarding import TargetKind
from server.domain.nudges import NudgeState
from server.storage.stored import Stored, one_of
from server.storage.tables import DeliveryRow


class LadderNudgeRow(Stored):
    """The nudge of a step to a target: its unique key is why no attempt of a step has two to one."""

    __tablename__ = "ladder_nudges"
    __table_args__ = (
        one_of("kind", TargetKind),
        one_of("state", NudgeState),
        CheckConstraint("(state = 'WAITING') = (result_at IS NULL)", name="result_at"),
        ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id]),
        UniqueConstraint("delivery_id", "step", "target_id", "attempt", name="uq_ladder_nudges_attempt"),
        Index(None, "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    step: Mapped[str]
    target_id: Mapped[UUID]
    kind: Mapped[str]
    asked_at: Mapped[datetime]
    attempt: Mapped[int]
    state: Mapped[str]
    segments: Mapped[int]
    why: Mapped[str]
    result_at: Mapped[datetime | None]
