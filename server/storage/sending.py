"""Those who send, as submissions are judged: one statement for all in a group."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from server.domain.senders import Organisation, SenderAddress
from server.storage.organisations import organisation_of
from server.storage.register_tables import OrganisationRow, SenderAddressRow
from server.storage.statements import Direct, Statements, among
from server.storage.stored import table
from server.usecases.records import SendingSide

_ORGANISATIONS = table(OrganisationRow)
_ADDRESSES = table(SenderAddressRow)

_OF = Direct(
    select(
        _ORGANISATIONS,
        _ADDRESSES.c.id.label("address_id"),
        *(each for each in _ADDRESSES.c if each.name not in _ORGANISATIONS.c),
        _ADDRESSES.c.registered_at.label("address_registered_at"),
    )
    .outerjoin(
        _ADDRESSES,
        and_(_ADDRESSES.c.organisation_id == _ORGANISATIONS.c.id, among(_ADDRESSES.c.address, "addresses")),
    )
    .where(among(_ORGANISATIONS.c.id, "organisations"))
)


class SqlSendingSides:
    """Organisations with their sender addresses, from both tables at once."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def of(self, senders: Mapping[UUID, Collection[str]]) -> Mapping[UUID, SendingSide]:
        """Returns the organisations that exist, each with those of its addresses that are among the given
        ones.
        """
        entries: dict[UUID, dict[str, SenderAddress]] = {each: {} for each in senders}
        organisations: dict[UUID, Organisation] = {}
        wanted: set[str] = set().union(*senders.values())
        values: dict[str, Any] = {"organisations": list(senders), "addresses": list(wanted)}
        for row in await self._statements.direct(_OF, values):
            if row.id not in organisations:
                organisations[row.id] = organisation_of(row)
            # The statement asks for all the addresses of all; an organisation gets those it asked for.
            if row.address_id is not None and row.address in senders[row.id]:
                entries[row.id][row.address] = SenderAddress(
                    id=row.address_id,
                    organisation_id=row.id,
                    address=row.address,
                    networks=tuple(row.networks),
                    sms_permitted=row.sms_permitted,
                    suspended=row.suspended,
                    registered_at=row.address_registered_at,
                    host_names=tuple(row.host_names),
                    suspended_by_operator=row.suspended and row.suspended_by_operator,
                )
        return {each.id: SendingSide(each, entries[each.id]) for each in organisations.values()}
