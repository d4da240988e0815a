"""The domains of organisations, and the addresses that they send from."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.caller import IpNetwork
from server.domain.senders import (
    Domain,
    SenderAddress,
)
from server.storage.register_tables import (
    DomainRow,
    SenderAddressRow,
)
from server.storage.statements import Statements, among
from server.storage.stored import table

_DOMAINS = table(DomainRow)
_ADDRESSES = table(SenderAddressRow)

_ADD_DOMAIN = insert(_DOMAINS).on_conflict_do_nothing(index_elements=[_DOMAINS.c.name])
_ADD_ADDRESS = insert(_ADDRESSES).on_conflict_do_nothing(index_elements=[_ADDRESSES.c.address])


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
