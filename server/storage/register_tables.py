"""The tables of the register of who may send (ADMIN-1 to ADMIN-4, POST-8)."""

from datetime import date, datetime
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import CIDR
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.print_houses import PrintHouseState
from server.domain.senders import BindingRole, ContractState, DomainProof
from server.storage.stored import Stored, one_of, sha256_of


class OrganisationRow(Stored):
    __tablename__ = "organisations"
    __table_args__ = (one_of("contract_state", ContractState),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    contract_state: Mapped[str]
    registered_at: Mapped[datetime]
    contract_ends_on: Mapped[date | None]
    notification_policies: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")


class DomainRow(Stored):
    __tablename__ = "domains"

    name: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id), index=True)
    document_reference: Mapped[str]
    registered_at: Mapped[datetime]
    proof: Mapped[str] = mapped_column(server_default=DomainProof.DOCUMENT.value)


class DomainChallengeRow(Stored):
    """What an organisation is to put into the DNS to prove that a domain is its own."""

    __tablename__ = "domain_challenges"

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    expires_at: Mapped[datetime]


class SenderAddressRow(Stored):
    __tablename__ = "sender_addresses"
    __table_args__ = (
        # POST-8: an address is used from known places only; none at all would mean from nowhere.
        CheckConstraint("cardinality(networks) + cardinality(host_names) > 0", name="networks"),
        UniqueConstraint("organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id))
    address: Mapped[str] = mapped_column(unique=True)
    networks: Mapped[list[IPv4Network | IPv6Network]] = mapped_column(ARRAY(CIDR))
    sms_permitted: Mapped[bool]
    suspended: Mapped[bool]
    registered_at: Mapped[datetime]
    host_names: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    # Counts while it is suspended only: the release before resumes without knowing of it.
    suspended_by_operator: Mapped[bool] = mapped_column(server_default=false())


class CertificateBindingRow(Stored):
    __tablename__ = "certificate_bindings"
    __table_args__ = (
        one_of("role", BindingRole),
        sha256_of("certificate_sha256", "certificate"),
        CheckConstraint("(role = 'SENDER') = (organisation_id IS NOT NULL)", name="organisation"),
        CheckConstraint("sender_address_id IS NULL OR organisation_id IS NOT NULL", name="sender_address"),
        CheckConstraint("(role = 'PORTAL') = (portal_name <> '')", name="portal_name"),
        CheckConstraint("(role = 'PRINT_HOUSE') = (print_house_id IS NOT NULL)", name="print_house"),
        Index(None, "print_house_id", postgresql_where=text("print_house_id IS NOT NULL")),
    )

    certificate_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    role: Mapped[str]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey(OrganisationRow.id), index=True)
    # No foreign key: the address may be deleted; the binding is revoked then, and stays for ever.
    sender_address_id: Mapped[UUID | None]
    certificate: Mapped[bytes]
    subject: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime]
    bound_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    portal_name: Mapped[str] = mapped_column(server_default="")
    print_house_id: Mapped[UUID | None] = mapped_column(ForeignKey("print_houses.id"))


class PrintHouseRow(Stored):
    """A print house; its certificates are bindings."""

    __tablename__ = "print_houses"
    __table_args__ = (one_of("state", PrintHouseState), CheckConstraint("name <> ''", name="name"))

    # Listed by descending identifier.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    registered_at: Mapped[datetime]


class PortalRow(Stored):
    """A portal. Its certificates are the bindings under its name: the release before knows no more of it."""

    __tablename__ = "portals"
    __table_args__ = (CheckConstraint("name <> ''", name="name"),)

    # Listed by descending identifier.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    registered_at: Mapped[datetime]


class AdministratorRow(Stored):
    __tablename__ = "administrators"
    __table_args__ = (
        CheckConstraint("disabled_at >= enabled_at", name="disabled_at"),
        # At the door it is asked for which organisations a person may act.
        Index(None, "person_number"),
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey(OrganisationRow.id), primary_key=True)
    person_number: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    enabled_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class AdministrativeActRow(Stored):
    """Administrative acts as lists find them; what else is known of one stands in its evidence."""

    __tablename__ = "administrative_acts"
    __table_args__ = (
        # Listed by descending identifier: all, those on one thing, of one kind, or of one person. The
        # operator's own have the owner 0.
        Index(None, "evidence_id"),
        Index(None, "act", "evidence_id"),
        Index(None, "person_number", "evidence_id"),
        Index(None, "resource", "evidence_id"),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    evidence_id: Mapped[UUID] = mapped_column(primary_key=True)
    # No lists of permitted kinds here: a release that adds one must run beside the one before it.
    act: Mapped[str]
    actor_kind: Mapped[str]
    person_number: Mapped[str | None]
    resource_kind: Mapped[str]
    resource: Mapped[str]
    recorded_at: Mapped[datetime]
