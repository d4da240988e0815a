"""Print houses in tables (BOX-11)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.print_houses import PrintHouseState, RegisteredPrintHouse
from server.domain.senders import CertificateBinding
from server.storage.bindings import WANTED, binding_of
from server.storage.register_tables import CertificateBindingRow, PrintHouseRow
from server.storage.statements import Statements, among
from server.storage.stored import table

_HOUSES = table(PrintHouseRow)
_BINDINGS = table(CertificateBindingRow)

_ADD = insert(_HOUSES).on_conflict_do_nothing(index_elements=[_HOUSES.c.name])
_GET = select(_HOUSES).where(_HOUSES.c.id == bindparam("key"))
_PUT = update(_HOUSES).where(_HOUSES.c.id == bindparam("key")).values(state=bindparam("now"))
_LIST = select(_HOUSES).order_by(_HOUSES.c.id.desc()).limit(bindparam("most"))
_ACTIVE = (
    WANTED.where(_BINDINGS.c.print_house_id == bindparam("house"), _BINDINGS.c.revoked_at.is_(None))
    .order_by(_BINDINGS.c.certificate_sha256)
    .with_for_update()
)
_REVOKE = (
    update(_BINDINGS)
    .where(_BINDINGS.c.print_house_id == bindparam("house"), _BINDINGS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_CERTIFICATES = WANTED.where(among(_BINDINGS.c.print_house_id, "houses")).order_by(
    _BINDINGS.c.bound_at.desc(), _BINDINGS.c.certificate_sha256.desc()
)


class SqlPrintHouses:
    """Print houses in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, house: RegisteredPrintHouse) -> bool:
        """Adds it, unless there is one of this name."""
        values = {
            "id": house.id,
            "name": house.name,
            "state": house.state.value,
            "registered_at": house.registered_at,
        }
        return await self._statements.changed(_ADD, values) == 1

    async def get(self, house_id: UUID) -> RegisteredPrintHouse | None:
        """Returns it."""
        row = await self._statements.first(_GET, {"key": house_id})
        return None if row is None else _house(row)

    async def lock(self, house_id: UUID) -> RegisteredPrintHouse | None:
        """Returns it, locked until the transaction ends."""
        row = await self._statements.first(_GET.with_for_update(), {"key": house_id})
        return None if row is None else _house(row)

    async def put(self, house: RegisteredPrintHouse) -> None:
        """Keeps its state."""
        if await self._statements.changed(_PUT, {"key": house.id, "now": house.state.value}) != 1:
            raise LookupError("a print house to be changed is not there")

    async def revoke_certificates(self, house_id: UUID, at: datetime) -> Sequence[CertificateBinding]:
        """Revokes its active certificates; returns them as they were."""
        found = [binding_of(row) for row in await self._statements.rows(_ACTIVE, {"house": house_id})]
        await self._statements.run(_REVOKE, {"house": house_id, "at": at})
        return found

    async def list_newest(self, *, before: UUID | None, limit: int) -> Sequence[RegisteredPrintHouse]:
        """Lists by descending identifier."""
        query, values = _LIST, dict[str, Any](most=limit)
        if before is not None:
            query, values["before"] = query.where(_HOUSES.c.id < bindparam("before")), before
        return [_house(row) for row in await self._statements.rows(query, values)]

    async def certificates(self, houses: Collection[UUID]) -> Mapping[UUID, Sequence[CertificateBinding]]:
        """Returns all bindings of these, the last bound first."""
        found: dict[UUID, list[CertificateBinding]] = {}
        for row in await self._statements.rows(_CERTIFICATES, {"houses": list(houses)}):
            found.setdefault(row.print_house_id, []).append(binding_of(row))
        return found


def _house(row: Row[Any]) -> RegisteredPrintHouse:
    return RegisteredPrintHouse(row.id, row.name, row.registered_at, PrintHouseState(row.state))
