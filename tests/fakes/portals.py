"""The fake unit of work's portals."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from server.domain.portals import RegisteredPortal
from server.domain.senders import BindingRole, CertificateBinding
from tests.fakes.state import State


class FakePortals:
    def __init__(self, state: State) -> None:
        self._state = state

    async def enter(self, portal: RegisteredPortal) -> None:
        if portal.name not in self._names():
            self._state.require(portal.id not in self._state.portals, "pk_portals")
            self._state.portals[portal.id] = portal

    async def get(self, portal_id: UUID) -> RegisteredPortal | None:
        return self._state.portals.get(portal_id)

    async def list_newest(self, *, before: UUID | None, limit: int) -> Sequence[RegisteredPortal]:
        found = [each for each in self._state.portals.values() if before is None or each.id < before]
        return sorted(found, key=lambda portal: portal.id, reverse=True)[:limit]

    async def missing(self) -> Mapping[str, datetime]:
        found: dict[str, datetime] = {}
        for each in self._bound():
            if each.portal_name not in self._names():
                found[each.portal_name] = min(each.bound_at, found.get(each.portal_name, each.bound_at))
        return found

    async def certificates(self, names: Collection[str]) -> Mapping[str, Sequence[CertificateBinding]]:
        newest = sorted(self._bound(), key=lambda one: (one.bound_at, one.certificate_sha256), reverse=True)
        found: dict[str, list[CertificateBinding]] = {}
        for each in newest:
            if each.portal_name in names:
                found.setdefault(each.portal_name, []).append(each)
        return found

    async def open_sessions(self, names: Collection[str], at: datetime) -> Mapping[str, int]:
        by = {each.certificate_sha256: each.portal_name for each in self._bound() if each.revoked_at is None}
        return Counter(
            by[each.portal_sha256]
            for each in self._state.sessions.values()
            if by.get(each.portal_sha256) in names and each.ended_at is None and each.expires_at > at
        )

    def _names(self) -> set[str]:
        return {each.name for each in self._state.portals.values()}

    def _bound(self) -> list[CertificateBinding]:
        return [each for each in self._state.bindings.values() if each.role is BindingRole.PORTAL]
