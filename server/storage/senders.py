"""Who may send: organisations, their domains, addresses and certificates."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.caller import IpNetwork
from server.domain.senders import (
    BindingRole,
    CertificateBinding,
    ContractState,
    Domain,
    Organisation,
    SenderAddress,
)
from server.storage.register_tables import (
    CertificateBindingRow,
    DomainRow,
    OrganisationRow,
    SenderAddressRow,
)
from server.storage.statements import Statements, among
from server.storage.stored import table

_ORGANISATIONS = table(OrganisationRow)
_DOMAINS = table(DomainRow)
_ADDRESSES = table(SenderAddressRow)
_BINDINGS = table(CertificateBindingRow)

_ADD_ORGANISATION = insert(_ORGANISATIONS).on_conflict_do_nothing(index_elements=[_ORGANISATIONS.c.code])
_ADD_DOMAIN = insert(_DOMAINS).on_conflict_do_nothing(index_elements=[_DOMAINS.c.name])
_ADD_ADDRESS = insert(_ADDRESSES).on_conflict_do_nothing(index_elements=[_ADDRESSES.c.address])
_ADD_BINDING = insert(_BINDINGS).on_conflict_do_nothing(index_elements=[_BINDINGS.c.certificate_sha256])


class SqlOrganisations:
    """Organisations in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, organisation: Organisation) -> bool:
        """Adds it; returns False when its code is in use."""
        values = {
            "id": organisation.id,
            "code": organisation.code,
            "name": organisation.name,
            "contract_state": organisation.contract_state.value,
            "registered_at": organisation.registered_at,
        }
        return await self._statements.changed(_ADD_ORGANISATION, values) == 1

    async def get(self, organisation_id: UUID) -> Organisation | None:
        """Returns it if there is one."""
        row = await self._statements.first(
            select(_ORGANISATIONS).where(_ORGANISATIONS.c.id == bindparam("key")), {"key": organisation_id}
        )
        if row is None:
            return None
        return Organisation(row.id, row.code, row.name, ContractState(row.contract_state), row.registered_at)

    async def set_contract_state(self, organisation_id: UUID, state: ContractState) -> None:
        """Sets it; LookupError when there is no such organisation."""
        change = update(_ORGANISATIONS).where(_ORGANISATIONS.c.id == bindparam("key"))
        change = change.values(contract_state=bindparam("state"))
        if await self._statements.changed(change, {"key": organisation_id, "state": state.value}) != 1:
            raise LookupError("no such organisation")


class SqlDomains:
    """Domains in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, domain: Domain) -> bool:
        """Adds it; returns False when the name is registered."""
        values = {
            "name": domain.name,
            "organisation_id": domain.organisation_id,
            "document_reference": domain.document_reference,
            "registered_at": domain.registered_at,
        }
        return await self._statements.changed(_ADD_DOMAIN, values) == 1

    async def get(self, name: str) -> Domain | None:
        """Returns it if it is registered."""
        row = await self._statements.first(
            select(_DOMAINS).where(_DOMAINS.c.name == bindparam("key")), {"key": name}
        )
        return None if row is None else _domain(row)


class SqlSenderAddresses:
    """Sender addresses in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, address: SenderAddress) -> bool:
        """Adds it; returns False when the address is registered."""
        values = {
            "id": address.id,
            "organisation_id": address.organisation_id,
            "address": address.address,
            "networks": list(address.networks),
            "sms_permitted": address.sms_permitted,
            "suspended": address.suspended,
            "registered_at": address.registered_at,
        }
        return await self._statements.changed(_ADD_ADDRESS, values) == 1

    async def get(self, sender_address_id: UUID) -> SenderAddress | None:
        """Returns it if there is one."""
        row = await self._statements.first(
            select(_ADDRESSES).where(_ADDRESSES.c.id == bindparam("key")), {"key": sender_address_id}
        )
        return None if row is None else _address(row)

    async def named(self, organisation_id: UUID, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        """Returns those of the organisation's addresses that are among the given ones."""
        if not addresses:
            return {}
        owned = _ADDRESSES.c.organisation_id == bindparam("organisation")
        rows = await self._statements.rows(
            select(_ADDRESSES).where(owned, among(_ADDRESSES.c.address, "addresses")),
            {"organisation": organisation_id, "addresses": list(addresses)},
        )
        return {row.address: _address(row) for row in rows}

    async def networks_of(self, organisation_id: UUID) -> Sequence[IpNetwork]:
        """Returns the networks of all the organisation's addresses, each once."""
        network = func.unnest(_ADDRESSES.c.networks).label("network")
        query = select(network).distinct().where(_ADDRESSES.c.organisation_id == bindparam("organisation"))
        rows = await self._statements.rows(query.order_by(network), {"organisation": organisation_id})
        return [row.network for row in rows]

    async def set_suspended(self, sender_address_id: UUID, suspended: bool) -> None:
        """Sets it; LookupError when there is no such address."""
        change = update(_ADDRESSES).where(_ADDRESSES.c.id == bindparam("key"))
        change = change.values(suspended=bindparam("now_suspended"))
        values = {"key": sender_address_id, "now_suspended": suspended}
        if await self._statements.changed(change, values) != 1:
            raise LookupError("no such sender address")


class SqlBindings:
    """Certificate bindings in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, binding: CertificateBinding, certificate: bytes) -> bool:
        """Adds it with the certificate's DER; returns False when the certificate is or was bound."""
        values = {
            "certificate_sha256": binding.certificate_sha256,
            "role": binding.role.value,
            "organisation_id": binding.organisation_id,
            "sender_address_id": binding.sender_address_id,
            "certificate": certificate,
            "expires_at": binding.expires_at,
            "bound_at": binding.bound_at,
            "revoked_at": binding.revoked_at,
        }
        return await self._statements.changed(_ADD_BINDING, values) == 1

    async def get(self, certificate_sha256: bytes) -> CertificateBinding | None:
        """Returns it, revoked or expired ones too."""
        wanted = [column for column in _BINDINGS.c if column is not _BINDINGS.c.certificate]
        row = await self._statements.first(
            select(*wanted).where(_BINDINGS.c.certificate_sha256 == bindparam("key")),
            {"key": certificate_sha256},
        )
        if row is None:
            return None
        return CertificateBinding(
            certificate_sha256=row.certificate_sha256,
            role=BindingRole(row.role),
            organisation_id=row.organisation_id,
            sender_address_id=row.sender_address_id,
            expires_at=row.expires_at,
            bound_at=row.bound_at,
            revoked_at=row.revoked_at,
        )

    async def revoke(self, certificate_sha256: bytes, at: datetime) -> None:
        """Marks it revoked, from its first revocation on; LookupError when it is not bound."""
        change = update(_BINDINGS).where(_BINDINGS.c.certificate_sha256 == bindparam("key"))
        change = change.values(revoked_at=func.coalesce(_BINDINGS.c.revoked_at, bindparam("at")))
        if await self._statements.changed(change, {"key": certificate_sha256, "at": at}) != 1:
            raise LookupError("no such certificate binding")


def _domain(row: Row[Any]) -> Domain:
    return Domain(row.organisation_id, row.name, row.document_reference, row.registered_at)


def _address(row: Row[Any]) -> SenderAddress:
    return SenderAddress(
        id=row.id,
        organisation_id=row.organisation_id,
        address=row.address,
        networks=tuple(row.networks),
        sms_permitted=row.sms_permitted,
        suspended=row.suspended,
        registered_at=row.registered_at,
    )
