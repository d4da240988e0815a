"""Outages in their table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.outages import Outage
from server.storage.outage_tables import OutageRow
from server.storage.statements import Statements
from server.storage.stored import table

_OUTAGES = table(OutageRow)
_OPEN = select(_OUTAGES.c.id, _OUTAGES.c.began, _OUTAGES.c.began_at).where(_OUTAGES.c.ended_at.is_(None))
_BEGIN = insert(_OUTAGES).on_conflict_do_nothing()
_END = (
    update(_OUTAGES)
    .where(_OUTAGES.c.id == bindparam("key"), _OUTAGES.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
)


class SqlOutages:
    """`Outages` of one transaction."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def open(self) -> Outage | None:
        """See `Outages`."""
        row = await self._statements.first(_OPEN)
        return None if row is None else Outage(row.id, row.began.hex(), row.began_at)

    async def begin(self, outage: Outage) -> bool:
        """See `Outages`."""
        values = {
            "id": outage.id,
            "began": bytes.fromhex(outage.began),
            "began_at": outage.began_at,
            "ended_at": None,
        }
        return await self._statements.changed(_BEGIN, values) == 1

    async def end(self, outage_id: UUID, at: datetime) -> bool:
        """See `Outages`."""
        return await self._statements.changed(_END, {"key": outage_id, "at": at}) == 1
