"""The tables of the post, all but the log's own (`log_tables`).

Every key begins with its owner: the mailbox for what lies in it, the organisation for what it may do and was
refused. So the tables can be spread over machines by owner, and foreign keys stay within one owner. What a
table may hold is a constraint of the database.
"""

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import CIDR, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from server.domain.deliveries import DeliveryState
from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.senders import BindingRole, ContractState
from server.storage.metadata import METADATA


def _one_of(
    column: str, values: type[DeliveryState | HolderKind | MailboxState | BindingRole | ContractState]
) -> CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _sha256(column: str) -> CheckConstraint:
    return CheckConstraint(f"octet_length({column}) = 32", name=column)


def _sha256_of(column: str, content: str) -> CheckConstraint:
    return CheckConstraint(f"{column} = sha256({content})", name=column)


class Stored(DeclarativeBase):
    """What the classes of all tables have in common: the types of their columns."""

    metadata = METADATA
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        int: BigInteger,
        str: Text,
        UUID: Uuid,
    }


class OrganisationRow(Stored):
    __tablename__ = "organisations"
    __table_args__ = (_one_of("contract_state", ContractState),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    contract_state: Mapped[str]
    registered_at: Mapped[datetime]


class DomainRow(Stored):
    __tablename__ = "domains"

    name: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id), index=True)
    document_reference: Mapped[str]
    registered_at: Mapped[datetime]


class SenderAddressRow(Stored):
    __tablename__ = "sender_addresses"
    __table_args__ = (
        # POST-8: an address is used from known networks only; none at all would mean from nowhere.
        CheckConstraint("cardinality(networks) > 0", name="networks"),
        UniqueConstraint("organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id))
    address: Mapped[str] = mapped_column(unique=True)
    networks: Mapped[list[IPv4Network | IPv6Network]] = mapped_column(ARRAY(CIDR))
    sms_permitted: Mapped[bool]
    suspended: Mapped[bool]
    registered_at: Mapped[datetime]


class CertificateBindingRow(Stored):
    __tablename__ = "certificate_bindings"
    __table_args__ = (
        _one_of("role", BindingRole),
        _sha256_of("certificate_sha256", "certificate"),
        CheckConstraint("(role = 'SENDER') = (organisation_id IS NOT NULL)", name="organisation"),
        CheckConstraint("sender_address_id IS NULL OR organisation_id IS NOT NULL", name="sender_address"),
        # With a null in it the key is not checked: a binding to the whole organisation names no address.
        ForeignKeyConstraint(
            ["organisation_id", "sender_address_id"],
            [SenderAddressRow.organisation_id, SenderAddressRow.id],
            name="fk_certificate_bindings_sender_address",
        ),
    )

    certificate_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    role: Mapped[str]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey(OrganisationRow.id))
    sender_address_id: Mapped[UUID | None]
    certificate: Mapped[bytes]
    expires_at: Mapped[datetime]
    bound_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class MailboxRow(Stored):
    __tablename__ = "mailboxes"
    __table_args__ = (
        _one_of("holder_kind", HolderKind),
        _one_of("state", MailboxState),
        # POST-3, POST-4: one official address for each holder.
        UniqueConstraint("holder_kind", "holder_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    holder_kind: Mapped[str]
    holder_number: Mapped[str]
    state: Mapped[str]
    opened_at: Mapped[datetime]


class MailboxHeadRow(Stored):
    """The end of each mailbox's chain, apart from the mailbox because every delivery changes it."""

    __tablename__ = "mailbox_heads"
    __table_args__ = (CheckConstraint("sequence >= 0", name="sequence"), _sha256("link"))

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    sequence: Mapped[int]
    link: Mapped[bytes]


class MailboxLinkRow(Stored):
    __tablename__ = "mailbox_links"
    __table_args__ = (
        CheckConstraint("sequence > 0", name="sequence"),
        _sha256("nonce"),
        _sha256("previous"),
        _sha256("link"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[UUID]
    nonce: Mapped[bytes]
    previous: Mapped[bytes]
    link: Mapped[bytes]


class ClaimRow(Stored):
    __tablename__ = "claims"
    __table_args__ = (_sha256("digest"),)

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    subject_id: Mapped[UUID]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RefusalRow(Stored):
    __tablename__ = "refusals"
    __table_args__ = (Index(None, "organisation_id", "recorded_at"),)

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id), primary_key=True)
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
        _one_of("state", DeliveryState),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint("(state = 'NOTIFIED') = (notified_at IS NOT NULL)", name="notified_at"),
        UniqueConstraint("mailbox_id", "sequence"),
        # A sender lists its own by descending identifier, all or those of one address.
        Index(None, "organisation_id", "id"),
        Index(None, "organisation_id", "sender_address_id", "id"),
    )

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey(MailboxRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
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


def _of_a_delivery() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["mailbox_id", "delivery_id"], [DeliveryRow.mailbox_id, DeliveryRow.id])


class PartRow(Stored):
    __tablename__ = "parts"
    __table_args__ = (
        _of_a_delivery(),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("size = octet_length(content)", name="size"),
        _sha256_of("digest", "content"),
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
        _sha256("cms_digest"),
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
        _sha256_of("entry", "document"),
        Index(None, "id"),
        Index(None, "owner_id", "delivery_id", "id"),
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
    __table_args__ = (_sha256("entry"),)

    position: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    evidence_id: Mapped[UUID]
    entry: Mapped[bytes]


class RevocationListRow(Stored):
    __tablename__ = "revocation_lists"
    __table_args__ = (_sha256_of("digest", "der"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    der: Mapped[bytes]


def table(row: type[Stored]) -> Table:
    """Returns the table of a class."""
    found = row.__table__
    assert isinstance(found, Table)
    return found


INSERT_ONLY = tuple(
    table(row)
    for row in (
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
