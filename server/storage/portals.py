"""Portals, with what stands elsewhere under their names: certificates, and sessions by these."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from server.domain.portals import RegisteredPortal
from server.domain.senders import BindingRole, CertificateBinding
from server.storage.bindings import WANTED, binding_of
from server.storage.register_tables import CertificateBindingRow, PortalRow
from server.storage.session_tables import SessionRow
from server.storage.statements import Statements, among
from server.storage.stored import table

_PORTALS = table(PortalRow)
_BINDINGS = table(CertificateBindingRow)
_SESSIONS = table(SessionRow)

_IS_PORTAL = _BINDINGS.c.role == BindingRole.PORTAL.value
_ENTER = insert(_PORTALS).on_conflict_do_nothing(index_elements=[_PORTALS.c.name])
_GET = select(_PORTALS).where(_PORTALS.c.id == bindparam("key"))
_LIST = select(_PORTALS).order_by(_PORTALS.c.id.desc()).limit(bindparam("most"))
_MISSING = (
    select(_BINDINGS.c.portal_name, func.min(_BINDINGS.c.bound_at).label("bound_at"))
    .where(_IS_PORTAL, ~select(_PORTALS.c.id).where(_PORTALS.c.name == _BINDINGS.c.portal_name).exists())
    .group_by(_BINDINGS.c.portal_name)
)
_CERTIFICATES = WANTED.where(_IS_PORTAL, among(_BINDINGS.c.portal_name, "names")).order_by(
    _BINDINGS.c.bound_at.desc(), _BINDINGS.c.certificate_sha256.desc()
)
_OPEN_SESSIONS = (
    select(_BINDINGS.c.portal_name, func.count().label("sessions"))
    .join(_SESSIONS, _SESSIONS.c.portal_sha256 == _BINDINGS.c.certificate_sha256)
    .where(
        _IS_PORTAL,
        among(_BINDINGS.c.portal_name, "names"),
        # The door refuses a revoked certificate, and with it the sessions that are not yet ended.
        _BINDINGS.c.revoked_at.is_(None),
        _SESSIONS.c.ended_at.is_(None),
        _SESSIONS.c.expires_at > bindparam("at"),
    )
    .group_by(_BINDINGS.c.portal_name)
)


class SqlPortals:
    """Portals in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def enter(self, portal: RegisteredPortal) -> None:
        """Adds it, unless there is one of this name."""
        values = {"id": portal.id, "name": portal.name, "registered_at": portal.registered_at}
        await self._statements.run(_ENTER, values)

    async def get(self, portal_id: UUID) -> RegisteredPortal | None:
        """Returns it if it is there."""
        row = await self._statements.first(_GET, {"key": portal_id})
        return None if row is None else _portal(row)

    async def list_newest(self, *, before: UUID | None, limit: int) -> Sequence[RegisteredPortal]:
        """Lists by descending identifier."""
        query, values = _LIST, dict[str, Any](most=limit)
        if before is not None:
            query, values["before"] = query.where(_PORTALS.c.id < bindparam("before")), before
        return [_portal(row) for row in await self._statements.rows(query, values)]

    async def missing(self) -> Mapping[str, datetime]:
        """Returns the names that only bindings have, with the time of the first."""
        rows = await self._statements.rows(_MISSING, {})
        return {row.portal_name: row.bound_at for row in rows}

    async def certificates(self, names: Collection[str]) -> Mapping[str, Sequence[CertificateBinding]]:
        """Returns all bindings under these names, by name, the last bound first."""
        found: dict[str, list[CertificateBinding]] = {}
        for row in await self._statements.rows(_CERTIFICATES, {"names": list(names)}):
            found.setdefault(row.portal_name, []).append(binding_of(row))
        return found

    async def open_sessions(self, names: Collection[str], at: datetime) -> Mapping[str, int]:
        """Counts usable sessions, by the name that their certificate is bound under."""
        rows = await self._statements.rows(_OPEN_SESSIONS, {"names": list(names), "at": at})
        return {row.portal_name: row.sessions for row in rows}


def _portal(row: Row[Any]) -> RegisteredPortal:
    return RegisteredPortal(row.id, row.name, row.registered_at)
