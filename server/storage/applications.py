"""Applications for a mailbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.applications import Application, ApplicationState, Channel, Finding, Scan
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind
from server.storage.by_time import between
from server.storage.registration_tables import ApplicationRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.usecases.registration_ports import ApplicationFilter

_APPLICATIONS = table(ApplicationRow)

# Of two at the same moment for one applicant the second waits, and then finds the first one's.
_ADD = insert(_APPLICATIONS).on_conflict_do_nothing()
_GET = select(_APPLICATIONS).where(_APPLICATIONS.c.id == bindparam("key"))
# A list shows no scans, which may have megabytes each.
_LISTED = select(*(each for each in _APPLICATIONS.c if each.name != "scan"))
_GET_LISTED = _LISTED.where(_APPLICATIONS.c.id == bindparam("key"))
_CHANGED = ("state", "findings", "checked_at", "decided_at", "refusal_reason", "mailbox_id")
_CHANGE = (
    update(_APPLICATIONS)
    .where(_APPLICATIONS.c.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}", type_=_APPLICATIONS.c[name].type) for name in _CHANGED})
)
_UNANSWERED = (ApplicationState.RECEIVED.value, ApplicationState.WAITING.value)
_DATA = (
    *("name", "identity_document", "residence", "registration_number", "registration_date"),
    *("legal_address", "actual_address", "home_phone", "mobile_phone"),
)


class SqlApplications:
    """Applications in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, application: Application) -> bool:
        """Adds it; returns False when the person or entity has one under way."""
        scan = application.scan
        values = {
            "id": application.id,
            "channel": application.channel.value,
            **data_values(application.data),
            "login": application.login,
            "agreement_version": application.agreement_version,
            "signer_number": application.signer_number,
            "text": application.text,
            "cms": application.cms,
            "scan": None if scan is None else scan.content,
            "scan_media_type": None if scan is None else scan.media_type,
            "salt": application.salt,
            "received_at": application.received_at,
            **_standing(application),
        }
        return await self._statements.changed(_ADD, values) == 1

    async def get(self, application_id: UUID) -> Application | None:
        """Returns it if there is one."""
        row = await self._statements.first(_GET, {"key": application_id})
        return None if row is None else _application(row, row.scan)

    async def get_without_scan(self, application_id: UUID) -> Application | None:
        """Returns it, without its scan."""
        row = await self._statements.first(_GET_LISTED, {"key": application_id})
        return None if row is None else _application(row, None)

    async def lock(self, application_id: UUID) -> Application | None:
        """Returns it, locked until the transaction ends."""
        row = await self._statements.first(_GET.with_for_update(), {"key": application_id})
        return None if row is None else _application(row, row.scan)

    async def change(self, application: Application) -> None:
        """Stores how far it has come. Raises `LookupError` when there is none."""
        values = {f"new_{name}": value for name, value in _standing(application).items()}
        if await self._statements.changed(_CHANGE, {"key": application.id, **values}) != 1:
            raise LookupError("no such application")

    async def list_newest(
        self, wanted: ApplicationFilter, *, before: UUID | None, limit: int
    ) -> Sequence[Application]:
        """Lists applications, without their scans, by descending identifier."""
        table_ = _APPLICATIONS.c
        conditions = {
            "wanted_state": (table_.state == bindparam("wanted_state"), wanted.state and wanted.state.value),
            "number": (table_.holder_number == bindparam("number"), wanted.number),
            "signer": (table_.signer_number == bindparam("signer"), wanted.signer_number),
            "before": (table_.id < bindparam("before"), before),
        }
        asked = {name: pair for name, pair in conditions.items() if pair[1] is not None}
        times = between(table_.received_at, table_.id, wanted.since, wanted.until)
        query = _LISTED.where(*(condition for condition, _ in asked.values()), *times)
        query = query.order_by(table_.id.desc()).limit(bindparam("most"))
        values = {name: value for name, (_, value) in asked.items()}
        rows = await self._statements.rows(query, {**values, "most": limit})
        return [_application(row, None) for row in rows]

    async def unanswered(self, kind: HolderKind, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Returns those of a kind of which no register has said anything yet, by identifier."""
        query = select(_APPLICATIONS.c.id).where(
            _APPLICATIONS.c.holder_kind == bindparam("kind"), among(_APPLICATIONS.c.state, "states")
        )
        values: dict[str, Any] = {"kind": kind.value, "states": list(_UNANSWERED), "most": limit}
        if after is not None:
            query, values["after"] = query.where(_APPLICATIONS.c.id > bindparam("after")), after
        query = query.order_by(_APPLICATIONS.c.id).limit(bindparam("most"))
        return [row.id for row in await self._statements.rows(query, values)]


def data_values(data: HolderData) -> Mapping[str, Any]:
    """Returns what somebody says of themselves by the columns that hold it."""
    said = {name: getattr(data, name) for name in _DATA}
    return {"holder_kind": data.kind.value, "holder_number": data.number, **said}


def data_of(row: Row[Any]) -> HolderData:
    """Returns what such columns hold."""
    said = {name: getattr(row, name) for name in _DATA}
    return HolderData(HolderKind(row.holder_kind), row.holder_number, **said)


def _standing(application: Application) -> Mapping[str, Any]:
    checked_at: datetime | None = application.checked_at
    return {
        "state": application.state.value,
        "findings": [finding.value for finding in application.findings],
        "checked_at": checked_at,
        "decided_at": application.decided_at,
        "refusal_reason": application.refusal_reason,
        "mailbox_id": application.mailbox_id,
    }


def _application(row: Row[Any], scan: bytes | None) -> Application:
    return Application(
        id=row.id,
        channel=Channel(row.channel),
        data=data_of(row),
        login=row.login,
        agreement_version=row.agreement_version,
        signer_number=row.signer_number,
        text=row.text,
        cms=row.cms,
        scan=None if scan is None else Scan(scan, row.scan_media_type),
        salt=row.salt,
        received_at=row.received_at,
        state=ApplicationState(row.state),
        findings=tuple(Finding(each) for each in row.findings),
        checked_at=row.checked_at,
        decided_at=row.decided_at,
        refusal_reason=row.refusal_reason,
        mailbox_id=row.mailbox_id,
    )
