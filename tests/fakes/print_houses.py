"""Print houses in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.print_houses import RegisteredPrintHouse
from server.domain.senders import CertificateBinding
from tests.fakes.state import State


class FakePrintHouses:
    """Print houses of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._houses = state.print_houses

    async def add(self, house: RegisteredPrintHouse) -> bool:
        if any(each.name == house.name for each in self._houses.values()):
            return False
        self._houses[house.id] = house
        return True

    async def get(self, house_id: UUID) -> RegisteredPrintHouse | None:
        return self._houses.get(house_id)

    async def lock(self, house_id: UUID) -> RegisteredPrintHouse | None:
        return self._houses.get(house_id)

    async def put(self, house: RegisteredPrintHouse) -> None:
        if house.id not in self._houses:
            raise LookupError("a print house to be changed is not there")
        self._houses[house.id] = replace(self._houses[house.id], state=house.state)

    async def revoke_certificates(self, house_id: UUID, at: datetime) -> Sequence[CertificateBinding]:
        found = [each for each in self._bound(house_id) if each.revoked_at is None]
        for each in found:
            self._state.bindings[each.certificate_sha256] = replace(each, revoked_at=at)
        return sorted(found, key=lambda each: each.certificate_sha256)

    async def list_newest(self, *, before: UUID | None, limit: int) -> Sequence[RegisteredPrintHouse]:
        found = [each for each in self._houses.values() if before is None or each.id < before]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def certificates(self, houses: Collection[UUID]) -> Mapping[UUID, Sequence[CertificateBinding]]:
        found = {each: self._bound(each) for each in houses}
        return {key: bound for key, bound in found.items() if bound}

    def _bound(self, house_id: UUID) -> list[CertificateBinding]:
        found = [each for each in self._state.bindings.values() if each.print_house_id == house_id]
        return sorted(found, key=lambda each: (each.bound_at, each.certificate_sha256), reverse=True)
