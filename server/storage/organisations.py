"""Organisations and their contracts."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.senders import ContractState, Organisation
from server.storage.register_tables import OrganisationRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.usecases.records import OrganisationFilter

_ORGANISATIONS = table(OrganisationRow)

_ADD = insert(_ORGANISATIONS).on_conflict_do_nothing(index_elements=[_ORGANISATIONS.c.code])
_GET = select(_ORGANISATIONS).where(_ORGANISATIONS.c.id == bindparam("key"))
_CHANGE = (
    update(_ORGANISATIONS)
    .where(_ORGANISATIONS.c.id == bindparam("key"))
    .values(
        name=bindparam("new_name"),
        contract_state=bindparam("new_state"),
        contract_ends_on=bindparam("new_end"),
        notification_policies=bindparam("new_policies"),
    )
)
# As `Organisation.contract_state_on` says.
_TODAY = bindparam("today", type_=_ORGANISATIONS.c.contract_ends_on.type)
_STATE_TODAY = case(
    (_ORGANISATIONS.c.contract_ends_on < _TODAY, ContractState.ENDED.value),
    else_=_ORGANISATIONS.c.contract_state,
)


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
            "contract_ends_on": organisation.contract_ends_on,
            "notification_policies": list(organisation.notification_policies),
        }
        return await self._statements.changed(_ADD, values) == 1

    async def get(self, organisation_id: UUID) -> Organisation | None:
        """Returns it if there is one."""
        row = await self._statements.first(_GET, {"key": organisation_id})
        return None if row is None else organisation_of(row)

    async def lock(self, organisation_id: UUID) -> Organisation | None:
        """Returns it if there is one, locked until the transaction ends."""
        row = await self._statements.first(_GET.with_for_update(key_share=True), {"key": organisation_id})
        return None if row is None else organisation_of(row)

    async def change(self, organisation: Organisation) -> None:
        """Stores its name and its contract; LookupError when there is no such organisation."""
        values = {
            "key": organisation.id,
            "new_name": organisation.name,
            "new_state": organisation.contract_state.value,
            "new_end": organisation.contract_ends_on,
            "new_policies": list(organisation.notification_policies),
        }
        if await self._statements.changed(_CHANGE, values) != 1:
            raise LookupError("no such organisation")

    async def list_by_code(
        self, wanted: OrganisationFilter, today: date, *, after: str | None, limit: int
    ) -> Sequence[Organisation]:
        """Lists organisations by code, from after the given one."""
        query, values = select(_ORGANISATIONS), {"most": limit}
        conditions: dict[str, Any] = {}
        if wanted.organisation_ids is not None:
            query = query.where(among(_ORGANISATIONS.c.id, "ids"))
            conditions["ids"] = list(wanted.organisation_ids)
        if wanted.contract_state is not None:
            query = query.where(bindparam("wanted_state") == _STATE_TODAY)
            conditions |= {"wanted_state": wanted.contract_state.value, "today": today}
        if wanted.code is not None:
            query = query.where(_ORGANISATIONS.c.code == bindparam("wanted_code"))
            conditions["wanted_code"] = wanted.code
        if after is not None:
            query = query.where(_ORGANISATIONS.c.code > bindparam("after"))
            conditions["after"] = after
        query = query.order_by(_ORGANISATIONS.c.code).limit(bindparam("most"))
        rows = await self._statements.rows(query, {**values, **conditions})
        return [organisation_of(row) for row in rows]


def organisation_of(row: Row[Any]) -> Organisation:
    """Returns the organisation that a row holds."""
    return Organisation(
        id=row.id,
        code=row.code,
        name=row.name,
        contract_state=ContractState(row.contract_state),
        registered_at=row.registered_at,
        contract_ends_on=row.contract_ends_on,
        notification_policies=tuple(row.notification_policies),
    )
