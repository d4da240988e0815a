"""The fake unit of work's administrators and administrative acts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.administration import Administrator
from server.usecases.records import ActFilter, ListedAct
from tests.fakes.state import State


class FakeAdministrators:
    def __init__(self, state: State) -> None:
        self._state = state

    async def enable(
        self, organisation_id: UUID, person_number: str, name: str, at: datetime
    ) -> Administrator:
        known = organisation_id in self._state.organisations
        self._state.require(known, "fk_administrators_organisation_id_organisations")
        key = (organisation_id, person_number)
        existing = self._state.administrators.get(key)
        if existing is not None and existing.enabled:
            enabled = replace(existing, name=name)
        else:
            enabled = Administrator(organisation_id, person_number, name, at, None)
        self._state.administrators[key] = enabled
        return enabled

    async def disable(self, organisation_id: UUID, person_number: str, at: datetime) -> None:
        key = (organisation_id, person_number)
        if key not in self._state.administrators:
            raise LookupError("no such administrator")
        existing = self._state.administrators[key]
        if existing.disabled_at is None:
            self._state.administrators[key] = replace(existing, disabled_at=max(at, existing.enabled_at))

    async def get(
        self, organisation_id: UUID, person_number: str, *, shared: bool = False
    ) -> Administrator | None:
        return self._state.administrators.get((organisation_id, person_number))

    async def lock(self, organisation_id: UUID, person_number: str) -> Administrator | None:
        return self._state.administrators.get((organisation_id, person_number))

    async def organisations_of(self, person_numbers: Collection[str]) -> Mapping[str, frozenset[UUID]]:
        enabled = [each for each in self._state.administrators.values() if each.enabled]
        return {
            number: frozenset(each.organisation_id for each in enabled if each.person_number == number)
            for number in person_numbers
        }

    async def list_of(
        self, organisation_id: UUID, *, after: str | None, limit: int, disabled: bool
    ) -> Sequence[Administrator]:
        found = [
            each
            for each in self._state.administrators.values()
            if each.organisation_id == organisation_id
            and (after is None or each.person_number > after)
            and (disabled or each.enabled)
        ]
        return sorted(found, key=lambda administrator: administrator.person_number)[:limit]


class FakeAdministrativeActs:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, act: ListedAct) -> None:
        self._state.require(act.evidence_id not in self._state.administrative_acts, "pk_administrative_acts")
        self._state.administrative_acts[act.evidence_id] = act

    async def list_newest(self, wanted: ActFilter, *, before: UUID | None, limit: int) -> Sequence[ListedAct]:
        found = [
            each
            for each in self._state.administrative_acts.values()
            if wanted.organisation_id in (None, each.organisation_id)
            and wanted.act in (None, each.act)
            and wanted.resource in (None, each.resource)
            and wanted.person_number in (None, each.person_number)
            and (wanted.since is None or each.recorded_at >= wanted.since)
            and (wanted.until is None or each.recorded_at < wanted.until)
            and (before is None or each.evidence_id < before)
        ]
        return sorted(found, key=lambda act: act.evidence_id, reverse=True)[:limit]
