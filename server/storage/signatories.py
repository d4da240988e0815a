"""Who may sign for entities: entries and their ends in insert-only tables.

The release before keeps one person a mailbox, in a table of its own. It is read where nothing newer is kept,
and never left naming somebody whose entry has ended: that release would let them in.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from server.domain.delegations import KnownSignatories, Signatory
from server.domain.mailboxes import MailboxState
from server.storage.delegation_tables import (
    SignatoryCheckRow,
    SignatoryEndingRow,
    SignatoryEntryRow,
    SignatoryRow,
)
from server.storage.statements import Statements
from server.storage.stored import table
from server.storage.tables import MailboxRow
from server.usecases.delegation_ports import RightAct

_ENTRIES = table(SignatoryEntryRow)
_ENDINGS = table(SignatoryEndingRow)
_CHECKS = table(SignatoryCheckRow)
_BEFORE = table(SignatoryRow)
_MAILBOXES = table(MailboxRow)

_COLUMNS = ("mailbox_id", "person_number", "register_time", "evidence_id", "digest")
_KEEP_BEFORE = insert(_BEFORE).on_conflict_do_nothing(index_elements=[_BEFORE.c.mailbox_id])
_DROP_BEFORE = delete(_BEFORE).where(_BEFORE.c.evidence_id == bindparam("key"))
_ADOPT = (
    insert(_ENTRIES)
    .from_select(
        _COLUMNS,
        select(*(_BEFORE.c[name] for name in _COLUMNS)).where(_BEFORE.c.mailbox_id == bindparam("key")),
    )
    .on_conflict_do_nothing(index_elements=[_ENTRIES.c.evidence_id])
)
_SAYING = insert(_CHECKS)
_SAID = _SAYING.on_conflict_do_update(
    index_elements=[_CHECKS.c.mailbox_id],
    set_={"register_time": func.greatest(_CHECKS.c.register_time, _SAYING.excluded.register_time)},
)
_CHECK = select(_CHECKS).where(_CHECKS.c.mailbox_id == bindparam("key"))
_IN_FORCE = (
    select(_ENTRIES)
    .where(
        _ENTRIES.c.mailbox_id == bindparam("key"),
        ~select(_ENDINGS.c.entry_id).where(_ENDINGS.c.entry_id == _ENTRIES.c.evidence_id).exists(),
    )
    .order_by(_ENTRIES.c.evidence_id)
)
_ONE_BEFORE = select(_BEFORE).where(_BEFORE.c.mailbox_id == bindparam("key"))
_SAID_BEFORE = (
    select(_MAILBOXES.c.address, _CHECKS.c.register_time)
    .join_from(_CHECKS, _MAILBOXES, _MAILBOXES.c.id == _CHECKS.c.mailbox_id)
    .where(_CHECKS.c.register_time < bindparam("time"), _MAILBOXES.c.state != MailboxState.CLOSED.value)
    .order_by(_CHECKS.c.register_time, _CHECKS.c.mailbox_id)
    .limit(bindparam("most"))
)
_OF_ACT = (
    select(_ENTRIES.c.mailbox_id, _ENTRIES.c.person_number)
    .outerjoin(_ENDINGS, _ENDINGS.c.entry_id == _ENTRIES.c.evidence_id)
    .where((_ENTRIES.c.evidence_id == bindparam("key")) | (_ENDINGS.c.evidence_id == bindparam("key")))
)
_OF_ACT_BEFORE = select(_BEFORE).where(_BEFORE.c.evidence_id == bindparam("key"))


class SqlSignatories:
    """Signatories in tables."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def enter(self, signatory: Signatory) -> None:
        """Adds an entry, and for the release before where it knows nobody."""
        values = {name: getattr(signatory, name) for name in _COLUMNS}
        await self._statements.run(insert(_ENTRIES), values)
        await self._statements.run(_KEEP_BEFORE, values)

    async def end(self, signatory: Signatory, at: datetime, evidence_id: UUID) -> None:
        """Ends an entry, also for the release before."""
        values = {"entry_id": signatory.evidence_id, "ended_at": at, "evidence_id": evidence_id}
        await self._statements.run(insert(_ENDINGS), values)
        await self._statements.run(_DROP_BEFORE, {"key": signatory.evidence_id})

    async def said(self, mailbox_id: UUID, register_time: datetime) -> None:
        """Keeps when the register said it last, and what the release before entered as an entry."""
        await self._statements.run(_SAID, {"mailbox_id": mailbox_id, "register_time": register_time})
        await self._statements.run(_ADOPT, {"key": mailbox_id})

    async def known(self, mailbox_id: UUID, *, shared: bool = False) -> KnownSignatories | None:
        """Returns who they are. With `shared` the row is locked first, and what is read then is as it is."""
        key = {"key": mailbox_id}
        check = await self._statements.first(_CHECK.with_for_update(read=True) if shared else _CHECK, key)
        if check is not None:
            entries = tuple(map(_signatory, await self._statements.rows(_IN_FORCE, key)))
            return KnownSignatories(mailbox_id, check.register_time, entries)
        before = _ONE_BEFORE.with_for_update(read=True) if shared else _ONE_BEFORE
        row = await self._statements.first(before, key)
        return None if row is None else KnownSignatories(mailbox_id, row.register_time, (_signatory(row),))

    async def said_before(self, time: datetime, *, limit: int) -> Sequence[tuple[str, datetime]]:
        """Returns entities of which the register last said before a time who they are."""
        rows = await self._statements.rows(_SAID_BEFORE, {"time": time, "most": limit})
        return [(row.address, row.register_time) for row in rows]

    async def act(self, evidence_id: UUID) -> RightAct | None:
        """Returns whom an act that entered a signatory, or ended an entry, concerns."""
        row = await self._statements.first(_OF_ACT, {"key": evidence_id})
        if row is None:
            row = await self._statements.first(_OF_ACT_BEFORE, {"key": evidence_id})
        return None if row is None else RightAct(row.mailbox_id, row.person_number)


def _signatory(row: Row[Any]) -> Signatory:
    return Signatory(row.mailbox_id, row.person_number, row.register_time, row.evidence_id, row.digest)
