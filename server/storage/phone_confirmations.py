"""Confirmations by phone in a table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.phone_confirmations import PhoneConfirmation, PhoneEnding
from server.storage.phone_tables import PhoneConfirmationRow
from server.storage.statements import Statements
from server.storage.stored import table

_TABLE = table(PhoneConfirmationRow)

_OUTCOME = ("cms", "ending", "tries_left")
_ADD = insert(_TABLE)
_GET = select(_TABLE).where(_TABLE.c.id == bindparam("key"))
_OPEN = update(_TABLE).where(
    _TABLE.c.id == bindparam("key"), _TABLE.c.cms.is_(None), _TABLE.c.ending.is_(None)
)
_KEEP = _OPEN.values(cms=bindparam("signed"))
_END = _OPEN.values(ending=bindparam("how"), tries_left=bindparam("left"))


def _forget(which: ColumnElement[bool]) -> Delete:
    old = (
        select(_TABLE.c.id)
        .where(which, _TABLE.c.expires_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return delete(_TABLE).where(_TABLE.c.id.in_(old))


_FORGET = _forget(_TABLE.c.cms.is_(None))
_FORGET_SIGNED = _forget(_TABLE.c.cms.is_not(None))


class SqlPhoneConfirmations:
    """Questions to phones in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, confirmation: PhoneConfirmation) -> None:
        """Adds one whose outcome is open."""
        values = {
            column.name: getattr(confirmation, column.name)
            for column in _TABLE.c
            if column.name not in _OUTCOME
        }
        await self._statements.run(_ADD, values)

    async def get(self, confirmation_id: UUID) -> PhoneConfirmation | None:
        """Returns it, with its outcome, expired ones too."""
        row = await self._statements.first(_GET, {"key": confirmation_id})
        if row is None:
            return None
        return PhoneConfirmation(
            id=row.id,
            mailbox_id=row.mailbox_id,
            delivery_id=row.delivery_id,
            statement_id=row.statement_id,
            person_number=row.person_number,
            mobile=row.mobile,
            started_at=row.started_at,
            expires_at=row.expires_at,
            cms=row.cms,
            ending=None if row.ending is None else PhoneEnding(row.ending, row.tries_left),
        )

    async def keep(self, confirmation_id: UUID, cms: bytes) -> bool:
        """Keeps what the phone signed; returns False when the outcome was known before."""
        return await self._statements.changed(_KEEP, {"key": confirmation_id, "signed": cms}) == 1

    async def end(self, confirmation_id: UUID, ending: PhoneEnding) -> bool:
        """Keeps how it ended without a signature; returns False when the outcome was known before."""
        values = {"key": confirmation_id, "how": ending.how, "left": ending.tries_left}
        return await self._statements.changed(_END, values) == 1

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and hold no signature; returns how many."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})

    async def forget_signed(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and hold a signature; returns how many."""
        return await self._statements.changed(_FORGET_SIGNED, {"before": before, "most": limit})
