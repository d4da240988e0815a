"""The tables of the post, all but the register's (`register_tables`) and the log's own (`log_tables`).

Every key begins with its owner: the mailbox for what lies in it, the organisation for what it may do and was
refused. So the tables can be spread over machines by owner, and foreign keys stay within one owner. What a
table may hold is a constraint of the database.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from namak.evidence import events
from server.domain.deliveries import DeliveryState
from server.domain.mailboxes import HolderKind, MailboxState
from server.storage.register_tables import AdministrativeActRow
from server.storage.stored import Stored, one_of, sha256, sha256_of, table


class MailboxRow(Stored):
    __tablename__ = "mailboxes"
    __table_args__ = (
        one_of("holder_kind", HolderKind),
        one_of("state", MailboxState),
        # POST-3, POST-4: one official address for each holder.
        UniqueConstraint("holder_kind", "holder_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    holder_kind: Mapped[str]
    holder_number: Mapped[str]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    # When the holder first confirmed their profile by a signature (BOX-9).
    confirmed_at: Mapped[datetime | None]
    # Whether it has verified forwarding targets: read where a message is laid into it (POST-6).
    forwards: Mapped[bool] = mapped_column(server_default="false")


class MailboxHeadRow(Stored):
    """The end of each mailbox's chain, apart from the mailbox because every delivery changes it."""

    __tablename__ = "mailbox_heads"
    __table_args__ = (CheckConstraint("sequence >= 0", name="sequence"), sha256("link"))

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    sequence: Mapped[int]
    link: Mapped[bytes]


class MailboxLinkRow(Stored):
    __tablename__ = "mailbox_links"
    __table_args__ = (
        CheckConstraint("sequence > 0", name="sequence"),
        sha256("nonce"),
        sha256("previous"),
        sha256("link"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[UUID]
    nonce: Mapped[bytes]
    previous: Mapped[bytes]
    link: Mapped[bytes]


class ClaimRow(Stored):
    __tablename__ = "claims"
    __table_args__ = (sha256("digest"),)

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    subject_id: Mapped[UUID]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RefusalRow(Stored):
    __tablename__ = "refusals"
    __table_args__ = (Index(None, "organisation_id", "recorded_at"),)

    # An organisation, or the mailbox of a holder whose letter was refused.
    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    # No list of permitted reasons here: a release that adds one must run beside the one before it.
    reason: Mapped[str]
    text: Mapped[str]
    details: Mapped[dict[str, str]] = mapped_column("metadata", JSONB)
    evidence_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class DeliveryRow(Stored):
    __tablename__ = "deliveries"
    __table_args__ = (
        one_of("state", DeliveryState),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint("(state = 'NOTIFIED') = (notified_at IS NOT NULL)", name="notified_at"),
        CheckConstraint("(state = 'WITHDRAWN') = (withdrawn_at IS NOT NULL)", name="withdrawn_at"),
        UniqueConstraint("mailbox_id", "sequence"),
        # A sender lists its own by descending identifier, all or those of one address.
        Index(None, "organisation_id", "id"),
        Index(None, "organisation_id", "sender_address_id", "id"),
        # The one permission may stand for many senders (a whole domain), and one of them may be rare.
        Index(None, "organisation_id", "sender", "id"),
        # The state in which deliveries come in has an index of its own: a new identifier is the last of its
        # organisation there, which costs each submission little.
        Index(None, "organisation_id", "state", "id", postgresql_where=text("state <> 'CONSIGNED'")),
        Index(
            "ix_deliveries_consigned", "organisation_id", "id", postgresql_where=text("state = 'CONSIGNED'")
        ),
    )

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The organisation that sent it, and the entry that permitted it; of a holder's letter both are the
    # mailbox that it was written from. Identifiers are given once: no organisation has one of a mailbox.
    organisation_id: Mapped[UUID]
    sender_address_id: Mapped[UUID]
    organisation_code: Mapped[str]
    organisation_name: Mapped[str]
    sender: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    notification_policy: Mapped[str]
    sequence: Mapped[int]
    submitted_at: Mapped[datetime]
    state: Mapped[str]
    notified_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    # The delivery that a holder's reply answers, in the mailbox that the reply was written from.
    in_reply_to: Mapped[UUID | None]
    # It came in by mail, and its sender gets receipts so: whoever notifies it reads this with its lock.
    receipts_by_mail: Mapped[bool] = mapped_column(server_default="false")


def _of_a_delivery() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id])


class PartRow(Stored):
    __tablename__ = "parts"
    __table_args__ = (
        _of_a_delivery(),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("size = octet_length(content)", name="size"),
        sha256_of("digest", "content"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    digest: Mapped[bytes]
    content: Mapped[bytes]


class OpeningRow(Stored):
    __tablename__ = "openings"
    __table_args__ = (_of_a_delivery(),)

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_number: Mapped[str] = mapped_column(primary_key=True)
    evidence_id: Mapped[UUID]
    opened_at: Mapped[datetime]


class StatementRow(Stored):
    __tablename__ = "statements"
    __table_args__ = (
        _of_a_delivery(),
        CheckConstraint("expires_at > issued_at", name="expires_at"),
        Index(None, "mailbox_id", "delivery_id", "person_number", "issued_at"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID]
    person_number: Mapped[str]
    # Bytes, not text: what was signed is never encoded again.
    text: Mapped[bytes]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ConfirmationRow(Stored):
    __tablename__ = "confirmations"
    __table_args__ = (
        _of_a_delivery(),
        sha256("cms_digest"),
        CheckConstraint("cardinality(evidence_ids) > 0", name="evidence_ids"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_number: Mapped[str]
    cms_digest: Mapped[bytes]
    evidence_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    confirmed_at: Mapped[datetime]


class EvidenceRow(Stored):
    """Evidence and, by it, the history of every delivery: there is no other table of events."""

    __tablename__ = "evidence"
    __table_args__ = (
        sha256_of("entry", "document"),
        Index(None, "id"),
        Index(None, "owner_id", "delivery_id", "id"),
        Index("ix_evidence_withdrawals", "id", postgresql_where=text(f"event = '{events.WITHDRAWN.uri}'")),
        Index("ix_evidence_texts", "id", postgresql_where=text(f"event = '{events.SMS_ACCEPTED.uri}'")),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The event's URI.
    event: Mapped[str]
    organisation_id: Mapped[UUID]
    delivery_id: Mapped[UUID | None]
    document: Mapped[bytes]
    entry: Mapped[bytes]
    recorded_at: Mapped[datetime]


class LogQueueRow(Stored):
    """Entries on their way into the log, in the order of recording; the log's integrator takes them away."""

    __tablename__ = "log_queue"
    __table_args__ = (sha256("entry"),)

    position: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    evidence_id: Mapped[UUID]
    entry: Mapped[bytes]
    organisation_id: Mapped[UUID | None]


class RevocationListRow(Stored):
    __tablename__ = "revocation_lists"
    __table_args__ = (sha256_of("digest", "der"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    der: Mapped[bytes]


INSERT_ONLY = tuple(
    table(row)
    for row in (
        AdministrativeActRow,
        ClaimRow,
        ConfirmationRow,
        EvidenceRow,
        MailboxLinkRow,
        OpeningRow,
        PartRow,
        RefusalRow,
        RevocationListRow,
        StatementRow,
    )
)
"""Tables whose rows are never changed nor deleted; a trigger on each refuses it (POST-10)."""
