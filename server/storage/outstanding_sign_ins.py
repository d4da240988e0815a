"""Sign-ins of which something is left to record (LADDER-1)."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.mailboxes import HolderKind
from server.domain.sign_in_effects import OutstandingSignIn, SignedInMailbox
from server.storage.session_tables import OutstandingSignInRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.storage.tables import MailboxHeadRow, MailboxRow

_OUTSTANDING = table(OutstandingSignInRow)
_MAILBOXES = table(MailboxRow)
_HEADS = table(MailboxHeadRow)
_OLDER = _OUTSTANDING.alias("older")

_ADD = insert(_OUTSTANDING)
_MAILBOX_OF = (
    select(
        _MAILBOXES.c.id,
        _HEADS.c.sequence,
        exists().where(_OUTSTANDING.c.mailbox_id == _MAILBOXES.c.id).label("has_outstanding"),
    )
    .join_from(_MAILBOXES, _HEADS, _HEADS.c.mailbox_id == _MAILBOXES.c.id, isouter=True)
    .where(
        _MAILBOXES.c.holder_kind == HolderKind.PERSON.value,
        _MAILBOXES.c.holder_number == bindparam("number"),
    )
)
# Whoever takes a later sign-in of the same mailbox while an earlier one is in another's hands would record
# the later one of deliveries that were open at the earlier one.
_TAKE = (
    select(_OUTSTANDING)
    .where(
        ~among(_OUTSTANDING.c.sign_in_id, "except_for"),
        ~exists()
        .where(
            _OLDER.c.mailbox_id == _OUTSTANDING.c.mailbox_id,
            tuple_(_OLDER.c.signed_in_at, _OLDER.c.sign_in_id)
            < tuple_(_OUTSTANDING.c.signed_in_at, _OUTSTANDING.c.sign_in_id),
        )
        .correlate(_OUTSTANDING),
    )
    .order_by(_OUTSTANDING.c.worked_at, _OUTSTANDING.c.sign_in_id)
    .limit(1)
    .with_for_update(skip_locked=True, of=_OUTSTANDING)
)
_KEY = _OUTSTANDING.c.sign_in_id == bindparam("key")
_ADVANCE = update(_OUTSTANDING).where(_KEY).values(after=bindparam("reached"), worked_at=bindparam("at"))
_FINISH = delete(_OUTSTANDING).where(_KEY)


class SqlOutstandingSignIns:
    """What is left to record of sign-ins, in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, outstanding: OutstandingSignIn) -> None:
        """Adds a sign-in of which something is left to record."""
        values = {
            "sign_in_id": outstanding.sign_in_id,
            "mailbox_id": outstanding.mailbox_id,
            "signed_in_at": outstanding.signed_in_at,
            "after": outstanding.after,
            "up_to": outstanding.up_to,
            "worked_at": outstanding.signed_in_at,
        }
        await self._statements.run(_ADD, values)

    async def mailbox_of(self, person_number: str) -> SignedInMailbox | None:
        """Returns what a sign-in needs to know of a person's mailbox, all of one moment, without a lock."""
        row = await self._statements.first(_MAILBOX_OF, {"number": person_number})
        if row is None:
            return None
        if row.sequence is None:
            raise LookupError("a mailbox has no head")
        return SignedInMailbox(row.id, row.sequence, row.has_outstanding)

    async def take(self, except_for: Collection[UUID]) -> OutstandingSignIn | None:
        """Locks, until the transaction ends, one that nobody else has; each mailbox's oldest only."""
        row = await self._statements.first(_TAKE, {"except_for": list(except_for)})
        if row is None:
            return None
        return OutstandingSignIn(row.sign_in_id, row.mailbox_id, row.signed_in_at, row.after, row.up_to)

    async def advance(self, sign_in_id: UUID, after: int, at: datetime) -> None:
        """Moves it on to this sequence; the others have their turns first."""
        await self._statements.run(_ADVANCE, {"key": sign_in_id, "reached": after, "at": at})

    async def finish(self, sign_in_id: UUID) -> None:
        """Deletes it: nothing is left of it."""
        await self._statements.run(_FINISH, {"key": sign_in_id})
