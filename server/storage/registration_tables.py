"""The tables of people as users of the post: applications, user agreements, holders (BOX-3, BOX-4, BOX-9)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.applications import UNDECIDED, ApplicationState, Channel
from server.domain.mailboxes import HolderKind
from server.storage.stored import Stored, one_of, sha256, table
from server.storage.tables import MailboxRow

_UNDECIDED = "state IN ({})".format(
    ", ".join(f"'{state.value}'" for state in ApplicationState if state in UNDECIDED)
)


class _Said:
    """What people and entities say of themselves; an empty text is none."""

    name: Mapped[str]
    identity_document: Mapped[str]
    residence: Mapped[str]
    registration_number: Mapped[str]
    registration_date: Mapped[date | None]
    legal_address: Mapped[str]
    actual_address: Mapped[str]
    home_phone: Mapped[str]
    mobile_phone: Mapped[str]


class ApplicationRow(_Said, Stored):
    __tablename__ = "applications"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("holder_kind", HolderKind),
        one_of("state", ApplicationState),
        sha256("salt"),
        CheckConstraint("(channel = 'ELECTRONIC') = (cms IS NOT NULL)", name="cms"),
        CheckConstraint("(channel = 'PAPER') = (scan IS NOT NULL)", name="scan"),
        CheckConstraint("(scan IS NULL) = (scan_media_type IS NULL)", name="scan_media_type"),
        CheckConstraint("(state = 'APPROVED') = (mailbox_id IS NOT NULL)", name="mailbox_id"),
        CheckConstraint("(state = 'REFUSED') = (refusal_reason <> '')", name="refusal_reason"),
        CheckConstraint("(state IN ('APPROVED', 'REFUSED')) = (decided_at IS NOT NULL)", name="decided_at"),
        # A person or an entity has one application under way, and not two that race each other.
        Index(
            "uq_applications_undecided",
            "holder_kind",
            "holder_number",
            unique=True,
            postgresql_where=text(_UNDECIDED),
        ),
        # Listed by descending identifier: all, those in one state, of one applicant, or by one signer.
        Index(None, "state", "id"),
        Index(None, "holder_number", "id"),
        Index(None, "signer_number", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    holder_kind: Mapped[str]
    holder_number: Mapped[str]
    login: Mapped[str]
    agreement_version: Mapped[str]
    signer_number: Mapped[str]
    # Bytes, not text: what was signed is never encoded again.
    text: Mapped[bytes]
    cms: Mapped[bytes | None]
    scan: Mapped[bytes | None]
    scan_media_type: Mapped[str | None]
    salt: Mapped[bytes]
    received_at: Mapped[datetime]
    state: Mapped[str]
    findings: Mapped[list[str]] = mapped_column(ARRAY(Text))
    checked_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    refusal_reason: Mapped[str]
    mailbox_id: Mapped[UUID | None] = mapped_column(ForeignKey(MailboxRow.id))


class UserAgreementRow(Stored):
    __tablename__ = "user_agreements"
    __table_args__ = (sha256("digest"),)

    version: Mapped[str] = mapped_column(primary_key=True)
    # Which is the newest, and so in force: times of two replicas need not agree.
    number: Mapped[int] = mapped_column(unique=True)
    published_at: Mapped[datetime]
    # Side by side, the one that governs first.
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    texts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    digest: Mapped[bytes]


class AgreementAcceptanceRow(Stored):
    __tablename__ = "agreement_acceptances"

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    version: Mapped[str] = mapped_column(ForeignKey(UserAgreementRow.version), primary_key=True)
    person_number: Mapped[str]
    accepted_at: Mapped[datetime]


class HolderRow(_Said, Stored):
    """What is known of a mailbox's holder; mailboxes that were imported, or opened by hand, have none."""

    __tablename__ = "holders"
    __table_args__ = (
        one_of("holder_kind", HolderKind),
        sha256("salt"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_etag = '')", name="confirmed_at"),
        # Whose signatory somebody is.
        Index(None, "signatory_number"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    address: Mapped[str]
    holder_kind: Mapped[str]
    holder_number: Mapped[str]
    signatory_number: Mapped[str]
    login: Mapped[str]
    salt: Mapped[bytes]
    confirmed_at: Mapped[datetime | None]
    confirmed_etag: Mapped[str]


class ProfileConfirmationRow(Stored):
    """A holder's signature over their profile, and what it was over."""

    __tablename__ = "profile_confirmations"
    __table_args__ = (
        # The same state is confirmed once.
        Index("uq_profile_confirmations_etag", "mailbox_id", "etag", unique=True),
    )

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    etag: Mapped[str]
    person_number: Mapped[str]
    text: Mapped[bytes]
    cms: Mapped[bytes]
    confirmed_at: Mapped[datetime]


INSERT_ONLY = tuple(table(row) for row in (AgreementAcceptanceRow, ProfileConfirmationRow, UserAgreementRow))
"""Those of these tables whose rows are never changed nor deleted."""
