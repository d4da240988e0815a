"""Administrators of organisations, and the list of administrative acts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from namak.evidence.administrative_act import ActorKind
from server.domain.administration import Administrator
from server.domain.ids import OPERATOR_ID
from server.storage.by_time import between
from server.storage.register_tables import AdministrativeActRow, AdministratorRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.usecases.records import ActFilter, ListedAct

_ADMINISTRATORS = table(AdministratorRow)
_ACTS = table(AdministrativeActRow)

_ENABLING = insert(_ADMINISTRATORS)
_ENABLE = _ENABLING.on_conflict_do_update(
    index_elements=[_ADMINISTRATORS.c.organisation_id, _ADMINISTRATORS.c.person_number],
    set_={
        "name": _ENABLING.excluded.name,
        "enabled_at": case(
            (_ADMINISTRATORS.c.disabled_at.is_(None), _ADMINISTRATORS.c.enabled_at),
            else_=_ENABLING.excluded.enabled_at,
        ),
        "disabled_at": None,
    },
).returning(_ADMINISTRATORS)
_ONE = (
    _ADMINISTRATORS.c.organisation_id == bindparam("organisation"),
    _ADMINISTRATORS.c.person_number == bindparam("person"),
)
# A clock may be behind that of the replica which enabled.
_ENDED = func.greatest(
    bindparam("at", type_=_ADMINISTRATORS.c.disabled_at.type), _ADMINISTRATORS.c.enabled_at
)
_DISABLE = (
    update(_ADMINISTRATORS)
    .where(*_ONE)
    .values(disabled_at=func.coalesce(_ADMINISTRATORS.c.disabled_at, _ENDED))
)
_GET = select(_ADMINISTRATORS).where(*_ONE)
_OF_PERSONS = select(_ADMINISTRATORS.c.person_number, _ADMINISTRATORS.c.organisation_id).where(
    among(_ADMINISTRATORS.c.person_number, "persons"), _ADMINISTRATORS.c.disabled_at.is_(None)
)


class SqlAdministrators:
    """Administrators in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def enable(
        self, organisation_id: UUID, person_number: str, name: str, at: datetime
    ) -> Administrator:
        """Adds an administrator, or enables one again."""
        values = {
            "organisation_id": organisation_id,
            "person_number": person_number,
            "name": name,
            "enabled_at": at,
            "disabled_at": None,
        }
        return _administrator((await self._statements.run(_ENABLE, values)).one())

    async def disable(self, organisation_id: UUID, person_number: str, at: datetime) -> None:
        """Disables one, from the first time on; LookupError when the person never was one."""
        values = {"organisation": organisation_id, "person": person_number, "at": at}
        if await self._statements.changed(_DISABLE, values) != 1:
            raise LookupError("no such administrator")

    async def get(
        self, organisation_id: UUID, person_number: str, *, shared: bool = False
    ) -> Administrator | None:
        """Returns an administrator, disabled ones too."""
        query = _GET.with_for_update(read=True) if shared else _GET
        row = await self._statements.first(query, {"organisation": organisation_id, "person": person_number})
        return None if row is None else _administrator(row)

    async def lock(self, organisation_id: UUID, person_number: str) -> Administrator | None:
        """Returns an administrator, disabled ones too, locked until the transaction ends."""
        row = await self._statements.first(
            _GET.with_for_update(), {"organisation": organisation_id, "person": person_number}
        )
        return None if row is None else _administrator(row)

    async def organisations_of(self, person_numbers: Collection[str]) -> Mapping[str, frozenset[UUID]]:
        """Returns, for each of the persons, the organisations for which the person may act now."""
        found: dict[str, set[UUID]] = {each: set() for each in person_numbers}
        for row in await self._statements.rows(_OF_PERSONS, {"persons": list(person_numbers)}):
            found[row.person_number].add(row.organisation_id)
        return {each: frozenset(organisations) for each, organisations in found.items()}

    async def list_of(
        self, organisation_id: UUID, *, after: str | None, limit: int, disabled: bool
    ) -> Sequence[Administrator]:
        """Lists an organisation's administrators by number."""
        query = select(_ADMINISTRATORS).where(_ADMINISTRATORS.c.organisation_id == bindparam("organisation"))
        values: dict[str, Any] = {"organisation": organisation_id, "most": limit}
        if after is not None:
            query = query.where(_ADMINISTRATORS.c.person_number > bindparam("after"))
            values["after"] = after
        if not disabled:
            query = query.where(_ADMINISTRATORS.c.disabled_at.is_(None))
        query = query.order_by(_ADMINISTRATORS.c.person_number).limit(bindparam("most"))
        return [_administrator(row) for row in await self._statements.rows(query, values)]


class SqlAdministrativeActs:
    """The list of administrative acts in an insert-only table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, act: ListedAct) -> None:
        """Adds an act; a second one with its evidence is an error."""
        values = {
            "owner_id": act.organisation_id or OPERATOR_ID,
            "evidence_id": act.evidence_id,
            "act": act.act,
            "actor_kind": act.actor_kind.value,
            "person_number": act.person_number,
            "resource_kind": act.resource_kind,
            "resource": act.resource,
            "recorded_at": act.recorded_at,
        }
        await self._statements.run(insert(_ACTS), values)

    async def list_newest(self, wanted: ActFilter, *, before: UUID | None, limit: int) -> Sequence[ListedAct]:
        """Lists acts by descending identifier of their evidence."""
        conditions = {
            "owner": (_ACTS.c.owner_id == bindparam("owner"), wanted.organisation_id),
            "act_name": (_ACTS.c.act == bindparam("act_name"), wanted.act),
            "thing": (_ACTS.c.resource == bindparam("thing"), wanted.resource),
            "person": (_ACTS.c.person_number == bindparam("person"), wanted.person_number),
            "before": (_ACTS.c.evidence_id < bindparam("before"), before),
        }
        asked = {name: pair for name, pair in conditions.items() if pair[1] is not None}
        times = between(_ACTS.c.recorded_at, _ACTS.c.evidence_id, wanted.since, wanted.until)
        query = select(_ACTS).where(*(condition for condition, _ in asked.values()), *times)
        query = query.order_by(_ACTS.c.evidence_id.desc()).limit(bindparam("most"))
        values = {name: value for name, (_, value) in asked.items()}
        return [_act(row) for row in await self._statements.rows(query, {**values, "most": limit})]


def _administrator(row: Row[Any]) -> Administrator:
    return Administrator(row.organisation_id, row.person_number, row.name, row.enabled_at, row.disabled_at)


def _act(row: Row[Any]) -> ListedAct:
    return ListedAct(
        evidence_id=row.evidence_id,
        organisation_id=None if row.owner_id == OPERATOR_ID else row.owner_id,
        act=row.act,
        actor_kind=ActorKind(row.actor_kind),
        person_number=row.person_number,
        resource_kind=row.resource_kind,
        resource=row.resource,
        recorded_at=row.recorded_at,
    )
