"""The tables of forwarding: targets, codes that were asked for, and copies (POST-6)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.forwarding import CopyState, ForwardedContent, TargetKind
from server.storage.stored import Stored, one_of, sha256
from server.storage.tables import DeliveryRow, MailboxRow


class ForwardingTargetRow(Stored):
    """One of a holder's own addresses; deleted when it is removed."""

    __tablename__ = "forwarding_targets"
    __table_args__ = (
        one_of("kind", TargetKind),
        one_of("content", ForwardedContent),
        # DELIVERED is kept as SENT with that reason: the release before knows no other results.
        CheckConstraint("last_result IN ('SENT', 'FAILED', 'BOUNCED')", name="last_result"),
        sha256("code_digest"),
        CheckConstraint("(last_result IS NULL) = (last_at IS NULL)", name="last_at"),
        CheckConstraint(
            "num_nulls(code_salt, code_digest, code_expires_at, code_tries_left) IN (0, 4)", name="code"
        ),
        UniqueConstraint("mailbox_id", "address"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id))
    kind: Mapped[str]
    address: Mapped[str]
    language: Mapped[str]
    content: Mapped[str]
    added_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    code_salt: Mapped[bytes | None]
    code_digest: Mapped[bytes | None]
    code_expires_at: Mapped[datetime | None]
    code_tries_left: Mapped[int | None]
    last_result: Mapped[str | None]
    last_at: Mapped[datetime | None]
    last_reason: Mapped[str] = mapped_column(server_default="")
    last_diagnostic: Mapped[str] = mapped_column(server_default="")
    last_in_a_row: Mapped[int] = mapped_column(server_default=text("0"))


class ForwardingCodeRow(Stored):
    """A code that was asked for; forgotten after a day. The address is there as its digest."""

    __tablename__ = "forwarding_codes"
    __table_args__ = (
        sha256("address_digest"),
        Index(None, "mailbox_id", "asked_at"),
        Index(None, "address_digest", "asked_at"),
        Index(None, "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id))
    address_digest: Mapped[bytes]
    asked_at: Mapped[datetime]


class ForwardedCopyRow(Stored):
    """The copy of a message to a target, and how far it is."""

    __tablename__ = "forwarded_copies"
    __table_args__ = (
        one_of("state", CopyState),
        one_of("content", ForwardedContent),
        ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id]),
    )

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    target_id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID]
    token: Mapped[UUID] = mapped_column(unique=True)
    state: Mapped[str]
    content: Mapped[str | None]
