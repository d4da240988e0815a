"""The tables of rights in somebody else's mailbox: delegations, signatories, and what rests on them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from namak.evidence.delegation import Right
from server.storage.stored import Stored, one_of, sha256, table
from server.storage.tables import MailboxRow


class DelegationRow(Stored):
    """One person's rights in a mailbox. Only the revocation is ever added to it."""

    __tablename__ = "delegations"
    __table_args__ = (
        one_of("allowed", Right),
        sha256("grant_digest"),
        CheckConstraint("starts_at < expires_at", name="expires_at"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_evidence_id IS NULL)", name="revoked_at"),
        CheckConstraint("(under_digest IS NULL) = (under_evidence_id IS NULL)", name="under_digest"),
        # A delegate's right is looked for with every call of theirs.
        Index(None, "mailbox_id", "delegate"),
        # Listed by descending identifier.
        Index(None, "mailbox_id", "id"),
        Index(None, "delegate", "id"),
        Index(None, "grant_evidence_id", unique=True),
        Index(None, "revoke_evidence_id", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id))
    mailbox: Mapped[str]
    delegate: Mapped[str]
    allowed: Mapped[str]
    starts_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    grantor: Mapped[str]
    granted_at: Mapped[datetime]
    grant_evidence_id: Mapped[UUID]
    grant_digest: Mapped[bytes]
    # The hex digest, as the evidence of the grant has it.
    under_digest: Mapped[str | None]
    under_evidence_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    revoke_evidence_id: Mapped[UUID | None]


class SignatoryRow(Stored):
    """Who may sign for the entity whose mailbox it is, as the release before keeps it: one person only.

    Where there is no `SignatoryCheckRow` for the mailbox it counts; otherwise it is one of the entries.
    """

    __tablename__ = "signatories"
    __table_args__ = (sha256("digest"), Index(None, "evidence_id", unique=True))

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    person_number: Mapped[str]
    register_time: Mapped[datetime]
    evidence_id: Mapped[UUID]
    digest: Mapped[bytes]


class SignatoryEntryRow(Stored):
    """That a person may sign for the entity whose mailbox it is, as the register of entities said."""

    __tablename__ = "signatory_entries"
    __table_args__ = (sha256("digest"), Index(None, "mailbox_id"))

    # Of the act that entered them.
    evidence_id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id))
    person_number: Mapped[str]
    register_time: Mapped[datetime]
    digest: Mapped[bytes]


class SignatoryEndingRow(Stored):
    """That an entry has ended: the register named the person no longer."""

    __tablename__ = "signatory_endings"
    __table_args__ = (Index(None, "evidence_id", unique=True),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey(SignatoryEntryRow.evidence_id), primary_key=True)
    ended_at: Mapped[datetime]
    # Of the act that ended it.
    evidence_id: Mapped[UUID]


class SignatoryCheckRow(Stored):
    """When the register last said who may sign for an entity. Who relies on it locks this row, shared."""

    __tablename__ = "signatory_checks"

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    register_time: Mapped[datetime]


class RightUseRow(Stored):
    """Which acts who confirmed a delivery was entitled by, in their order: its sender gets to see them."""

    __tablename__ = "right_uses"
    __table_args__ = (Index(None, "evidence_id", "organisation_id", "sender_address_id"),)

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    evidence_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    sender_address_id: Mapped[UUID | None]


INSERT_ONLY = tuple(table(row) for row in (RightUseRow, SignatoryEntryRow, SignatoryEndingRow))
"""Those of these tables whose rows are never changed nor deleted."""
