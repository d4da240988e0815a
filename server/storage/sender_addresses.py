"""The addresses that organisations send from."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from server.domain.caller import IpNetwork
from server.domain.senders import SenderAddress
from server.storage.register_tables import SenderAddressRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.usecases.records import SenderAddressFilter

_ADDRESSES = table(SenderAddressRow)

_ADD = insert(_ADDRESSES).on_conflict_do_nothing(index_elements=[_ADDRESSES.c.address])
_BY_ID = select(_ADDRESSES).where(_ADDRESSES.c.id == bindparam("key"))
_NAMED = select(_ADDRESSES).where(among(_ADDRESSES.c.address, "addresses"))
_CHANGEABLE = ("networks", "host_names", "sms_permitted", "suspended", "suspended_by_operator")
_CHANGE = (
    update(_ADDRESSES)
    .where(_ADDRESSES.c.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}", type_=_ADDRESSES.c[name].type) for name in _CHANGEABLE})
)
_domain_part: ColumnElement[str] = func.split_part(_ADDRESSES.c.address, "@", 2)
_BELOW = (
    select(_ADDRESSES)
    .ext(distinct_on(_ADDRESSES.c.organisation_id, _domain_part))
    .where(
        or_(
            _domain_part == bindparam("domain"),
            func.right(_domain_part, bindparam("length")) == bindparam("below"),
        )
    )
    .order_by(_ADDRESSES.c.organisation_id, _domain_part, _ADDRESSES.c.address)
)
# In one order whatever the database's language is.
_address_in_order = _ADDRESSES.c.address.collate("C")
_PLACES = (
    select(_ADDRESSES.c.organisation_id, _ADDRESSES.c.networks, _ADDRESSES.c.host_names)
    .distinct()
    .where(among(_ADDRESSES.c.organisation_id, "organisations"))
)


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
            "registered_at": address.registered_at,
            **_changeable(address),
        }
        return await self._statements.changed(_ADD, values) == 1

    async def get(self, sender_address_id: UUID) -> SenderAddress | None:
        """Returns it if there is one."""
        row = await self._statements.first(_BY_ID, {"key": sender_address_id})
        return None if row is None else sender_address(row)

    async def lock(self, sender_address_id: UUID) -> SenderAddress | None:
        """Returns it if there is one, locked until the transaction ends."""
        row = await self._statements.first(_BY_ID.with_for_update(), {"key": sender_address_id})
        return None if row is None else sender_address(row)

    async def change(self, address: SenderAddress) -> None:
        """Stores what can change of it; LookupError when there is no such address."""
        values = {f"new_{name}": value for name, value in _changeable(address).items()}
        if await self._statements.changed(_CHANGE, {"key": address.id, **values}) != 1:
            raise LookupError("no such sender address")

    async def delete(self, sender_address_id: UUID) -> None:
        """Deletes it; LookupError when there is no such address."""
        gone = delete(_ADDRESSES).where(_ADDRESSES.c.id == bindparam("key"))
        if await self._statements.changed(gone, {"key": sender_address_id}) != 1:
            raise LookupError("no such sender address")

    async def named(self, organisation_id: UUID, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        """Returns those of the organisation's entries that are among the given ones."""
        if not addresses:
            return {}
        owned = _ADDRESSES.c.organisation_id == bindparam("organisation")
        rows = await self._statements.rows(
            select(_ADDRESSES).where(owned, among(_ADDRESSES.c.address, "addresses")),
            {"organisation": organisation_id, "addresses": list(addresses)},
        )
        return {row.address: sender_address(row) for row in rows}

    async def registered(self, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        """Returns those entries, of whichever organisation, that are among the given ones."""
        rows = await self._statements.rows(_NAMED, {"addresses": list(addresses)})
        return {row.address: sender_address(row) for row in rows}

    async def below(self, domain: str) -> Sequence[SenderAddress]:
        """Returns one entry of each organisation and each domain that is the given one or lies below it."""
        below = f".{domain}"
        rows = await self._statements.rows(_BELOW, {"domain": domain, "below": below, "length": len(below)})
        return [sender_address(row) for row in rows]

    async def list_by_address(
        self, wanted: SenderAddressFilter, *, after: str | None, limit: int
    ) -> Sequence[SenderAddress]:
        """Lists entries by address, from after the given one."""
        conditions: dict[str, tuple[ColumnElement[bool], Any]] = {
            "organisation": (
                _ADDRESSES.c.organisation_id == bindparam("organisation"),
                wanted.organisation_id,
            ),
            "domain": (_domain_part == bindparam("domain"), wanted.domain),
            "suspended": (_ADDRESSES.c.suspended == bindparam("suspended"), wanted.suspended),
            "sms": (_ADDRESSES.c.sms_permitted == bindparam("sms"), wanted.sms_permitted),
            "after": (_address_in_order > bindparam("after"), after),
        }
        given = {name: each for name, each in conditions.items() if each[1] is not None}
        query = select(_ADDRESSES).where(*(condition for condition, _ in given.values()))
        values = {name: value for name, (_, value) in given.items()}
        rows = await self._statements.rows(query.order_by(_address_in_order).limit(limit), values)
        return [sender_address(row) for row in rows]

    async def places_of(
        self, organisation_ids: Collection[UUID]
    ) -> Mapping[UUID, tuple[Sequence[IpNetwork], Sequence[str]]]:
        """Returns the networks and the host names of all the addresses of each organisation."""
        networks: dict[UUID, dict[IpNetwork, None]] = {each: {} for each in organisation_ids}
        names: dict[UUID, set[str]] = {each: set() for each in organisation_ids}
        for row in await self._statements.rows(_PLACES, {"organisations": list(organisation_ids)}):
            networks[row.organisation_id].update(dict.fromkeys(row.networks))
            names[row.organisation_id].update(row.host_names)
        return {each: (list(networks[each]), sorted(names[each])) for each in organisation_ids}


def _changeable(address: SenderAddress) -> dict[str, Any]:
    return {
        "networks": list(address.networks),
        "host_names": list(address.host_names),
        "sms_permitted": address.sms_permitted,
        "suspended": address.suspended,
        "suspended_by_operator": address.suspended_by_operator,
    }


def sender_address(row: Row[Any]) -> SenderAddress:
    """Returns the address that a row of the table stands for."""
    return SenderAddress(
        id=row.id,
        organisation_id=row.organisation_id,
        address=row.address,
        networks=tuple(row.networks),
        sms_permitted=row.sms_permitted,
        suspended=row.suspended,
        registered_at=row.registered_at,
        host_names=tuple(row.host_names),
        # The release before resumes without taking this back.
        suspended_by_operator=row.suspended and row.suspended_by_operator,
    )
