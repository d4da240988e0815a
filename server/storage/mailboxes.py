"""Mailboxes and the ends of their chains."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, column, func, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxLink, MailboxState
from server.storage.statements import Direct, Statements, among, array, by_column, inserting
from server.storage.stored import table
from server.storage.tables import MailboxHeadRow, MailboxLinkRow, MailboxRow

_MAILBOXES = table(MailboxRow)
_HEADS = table(MailboxHeadRow)
_LINKS = table(MailboxLinkRow)
_EMPTY_LINK = bytes(32)

_ADD = insert(_MAILBOXES).on_conflict_do_nothing(index_elements=[_MAILBOXES.c.address])
_LOCK = Direct(
    select(_MAILBOXES, _HEADS.c.sequence, _HEADS.c.link)
    .join_from(_MAILBOXES, _HEADS, _HEADS.c.mailbox_id == _MAILBOXES.c.id)
    .where(among(_MAILBOXES.c.address, "addresses"))
    # Rows are locked as they leave the sort. The mailbox itself too: of a row that is not locked, whoever
    # waited would see what was before the wait, and lay a message into a mailbox that has been closed
    # meanwhile. It costs nothing, for the foreign keys of what is written lock the mailbox anyway.
    .order_by(_HEADS.c.mailbox_id)
    .with_for_update(of=[_HEADS, _MAILBOXES], key_share=True)
)
_NEW_HEADS = (
    func.unnest(
        *(array(f"new_{name}", _HEADS.c[name].type) for name in ("mailbox_id", "sequence", "link")),
    )
    .table_valued(*(column(each.name, each.type) for each in _HEADS.c))
    .render_derived(name="given")
)
_NAMED = select(_MAILBOXES).where(among(_MAILBOXES.c.address, "addresses"))
_ADVANCE = Direct(
    update(_HEADS)
    .where(_HEADS.c.mailbox_id == _NEW_HEADS.c.mailbox_id, _HEADS.c.sequence < _NEW_HEADS.c.sequence)
    .values(sequence=_NEW_HEADS.c.sequence, link=_NEW_HEADS.c.link)
)
_LINKS_AFTER = (
    select(_LINKS)
    .where(_LINKS.c.mailbox_id == bindparam("key"), _LINKS.c.sequence > bindparam("after"))
    .order_by(_LINKS.c.sequence)
    .limit(bindparam("most"))
)
_SET_STATE = (
    update(_MAILBOXES).where(_MAILBOXES.c.id == bindparam("key")).values(state=bindparam("new_state"))
)


_CONFIRM = (
    update(_MAILBOXES)
    .where(_MAILBOXES.c.id == bindparam("key"))
    .values(confirmed_at=func.coalesce(_MAILBOXES.c.confirmed_at, bindparam("at")))
)
# In sorted order: two that add the same addresses wait for each other in one order only.
_ADD_ALL = (
    inserting(_MAILBOXES, "id", "address", "holder_kind", "holder_number", "state", "opened_at")
    .on_conflict_do_nothing()
    .returning(_MAILBOXES.c.id)
)


class SqlMailboxes:
    """Mailboxes in a table, and in another one the ends of their chains, which every delivery moves."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, mailbox: Mailbox) -> bool:
        """Adds it with an empty chain; returns False when the address was ever given."""
        if await self._statements.changed(_ADD, _values(mailbox)) == 0:
            return False
        await self._statements.run(
            insert(_HEADS), {"mailbox_id": mailbox.id, "sequence": 0, "link": _EMPTY_LINK}
        )
        return True

    async def add_all(self, mailboxes: Sequence[Mailbox]) -> frozenset[UUID]:
        """Adds many at once; returns the identifiers of those that were added."""
        if not mailboxes:
            return frozenset()
        rows = sorted((_values(mailbox) for mailbox in mailboxes), key=lambda values: values["address"])
        added = frozenset(row.id for row in await self._statements.rows(_ADD_ALL, by_column(rows)))
        heads = ((mailbox.id, 0, _EMPTY_LINK) for mailbox in mailboxes if mailbox.id in added)
        await self._statements.copy(_HEADS, ("mailbox_id", "sequence", "link"), heads)
        return added

    async def confirm(self, mailbox_id: UUID, at: datetime) -> None:
        """Marks it confirmed; the first time stays. Raises `LookupError` when there is none."""
        if await self._statements.changed(_CONFIRM, {"key": mailbox_id, "at": at}) == 0:
            raise LookupError("no such mailbox")

    async def get(self, mailbox_id: UUID) -> Mailbox | None:
        """Returns it if there is one."""
        row = await self._statements.first(
            select(_MAILBOXES).where(_MAILBOXES.c.id == bindparam("key")), {"key": mailbox_id}
        )
        return None if row is None else _mailbox(row)

    async def named(self, address: str) -> Mailbox | None:
        """Returns the mailbox of this address, without a lock."""
        row = await self._statements.first(
            select(_MAILBOXES).where(_MAILBOXES.c.address == bindparam("key")), {"key": address}
        )
        return None if row is None else _mailbox(row)

    async def all_named(self, addresses: Collection[str]) -> Mapping[str, Mailbox]:
        """Returns those mailboxes that exist, by address, without locks."""
        rows = await self._statements.rows(_NAMED, {"addresses": list(addresses)})
        return {row.address: _mailbox(row) for row in rows}

    async def of_person(self, person_number: str) -> Mailbox | None:
        """Returns the mailbox whose holder is this person."""
        row = await self._statements.first(
            select(_MAILBOXES).where(
                _MAILBOXES.c.holder_kind == bindparam("kind"),
                _MAILBOXES.c.holder_number == bindparam("number"),
            ),
            {"kind": HolderKind.PERSON.value, "number": person_number},
        )
        return None if row is None else _mailbox(row)

    async def lock(self, addresses: Collection[str]) -> Mapping[str, tuple[Mailbox, MailboxHead]]:
        """Locks these mailboxes in sorted order, with their heads; returns those that exist."""
        if not addresses:
            return {}
        rows = await self._statements.direct(_LOCK, {"addresses": list(addresses)})
        return {row.address: (_mailbox(row), MailboxHead(row.sequence, row.link)) for row in rows}

    async def set_state(self, mailbox_id: UUID, state: MailboxState) -> None:
        """Changes the state of a locked mailbox. Raises `LookupError` when there is none."""
        values = {"key": mailbox_id, "new_state": state.value}
        if await self._statements.changed(_SET_STATE, values) == 0:
            raise LookupError("no such mailbox")

    async def head(self, mailbox_id: UUID) -> MailboxHead:
        """Returns the end of a mailbox's chain, without a lock."""
        row = await self._statements.first(
            select(_HEADS).where(_HEADS.c.mailbox_id == bindparam("key")), {"key": mailbox_id}
        )
        if row is None:
            raise LookupError("a mailbox has no head")
        return MailboxHead(row.sequence, row.link)

    async def links(self, mailbox_id: UUID, *, after: int, limit: int) -> Sequence[MailboxLink]:
        """Returns the openings of a mailbox's links after a sequence, in order."""
        rows = await self._statements.rows(_LINKS_AFTER, {"key": mailbox_id, "after": after, "most": limit})
        return [
            MailboxLink(row.mailbox_id, row.sequence, row.delivery_id, row.nonce, row.previous, row.link)
            for row in rows
        ]

    async def advance(self, heads: Mapping[UUID, MailboxHead], links: Sequence[MailboxLink]) -> None:
        """Stores the new heads of locked mailboxes and the openings of their new links.

        Raises:
            ValueError: a head does not lie beyond the stored one.
        """
        if heads:
            values = {
                "new_mailbox_id": list(heads),
                "new_sequence": [head.sequence for head in heads.values()],
                "new_link": [head.link for head in heads.values()],
            }
            if await self._statements.changed_directly(_ADVANCE, values) != len(heads):
                raise ValueError("a mailbox's chain goes forward only")
        await self._statements.copy(
            _LINKS,
            ("mailbox_id", "sequence", "delivery_id", "nonce", "previous", "link"),
            (
                (link.mailbox_id, link.sequence, link.delivery_id, link.nonce, link.previous, link.link)
                for link in links
            ),
        )


def _values(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "id": mailbox.id,
        "address": mailbox.address,
        "holder_kind": mailbox.holder_kind.value,
        "holder_number": mailbox.holder_number,
        "state": mailbox.state.value,
        "opened_at": mailbox.opened_at,
    }


def _mailbox(row: Any) -> Mailbox:
    return Mailbox(
        id=row.id,
        address=row.address,
        holder_kind=HolderKind(row.holder_kind),
        holder_number=row.holder_number,
        state=MailboxState(row.state),
        opened_at=row.opened_at,
        confirmed_at=row.confirmed_at,
        forwards=row.forwards,
    )
