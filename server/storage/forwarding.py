"""Forwarding targets and copies in tables."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, bindparam, column, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.forwarding import (
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    TargetKind,
    TargetResult,
    VerificationCode,
)
from server.storage.forwarding_codes import CODES, FORGET, IN_THE_WAY
from server.storage.forwarding_failures import failed_before
from server.storage.forwarding_results import SET_ALL_LAST, SET_LAST, of_results, result_of
from server.storage.forwarding_tables import ForwardedCopyRow, ForwardingTargetRow
from server.storage.statements import Statements, among, array, by_column, inserting
from server.storage.stored import table
from server.storage.tables import MailboxRow

_TARGETS = table(ForwardingTargetRow)
_COPIES = table(ForwardedCopyRow)
_MAILBOXES = table(MailboxRow)

_OF_MAILBOX = (
    select(_TARGETS)
    .where(_TARGETS.c.mailbox_id == bindparam("mailbox"))
    .order_by(_TARGETS.c.added_at, _TARGETS.c.id)
)
_TARGET = select(_TARGETS).where(
    _TARGETS.c.id == bindparam("key"), _TARGETS.c.mailbox_id == bindparam("mailbox")
)
_REMOVE = delete(_TARGETS).where(
    _TARGETS.c.id == bindparam("key"), _TARGETS.c.mailbox_id == bindparam("mailbox")
)
_CHANGE = (
    update(_TARGETS)
    .where(_TARGETS.c.id == bindparam("key"), _TARGETS.c.mailbox_id == bindparam("mailbox"))
    .values(content=bindparam("wanted"), language=bindparam("spoken"))
)
_SET_CODE = (
    update(_TARGETS)
    .where(_TARGETS.c.id == bindparam("key"), _TARGETS.c.verified_at.is_(None))
    .values(
        code_salt=bindparam("salt"),
        code_digest=bindparam("digest"),
        code_expires_at=bindparam("expires"),
        code_tries_left=bindparam("tries"),
    )
)
_COUNT_WRONG_TRY = (
    update(_TARGETS)
    .where(
        _TARGETS.c.id == bindparam("key"),
        _TARGETS.c.code_digest == bindparam("digest"),
        _TARGETS.c.code_tries_left > 0,
    )
    .values(code_tries_left=_TARGETS.c.code_tries_left - 1)
)
_VERIFY = (
    update(_TARGETS)
    .where(_TARGETS.c.id == bindparam("key"), _TARGETS.c.mailbox_id == bindparam("mailbox"))
    .values(
        verified_at=bindparam("at"),
        code_salt=None,
        code_digest=None,
        code_expires_at=None,
        code_tries_left=None,
    )
)
_MARK = (
    update(_MAILBOXES)
    .where(_MAILBOXES.c.id == bindparam("mailbox"))
    .values(
        forwards=exists(
            select(literal(1)).where(
                _TARGETS.c.mailbox_id == _MAILBOXES.c.id, _TARGETS.c.verified_at.is_not(None)
            )
        )
    )
)
_VERIFIED_OF = (
    select(_TARGETS)
    .where(among(_TARGETS.c.mailbox_id, "mailboxes"), _TARGETS.c.verified_at.is_not(None))
    .order_by(_TARGETS.c.mailbox_id, _TARGETS.c.added_at, _TARGETS.c.id)
)
_OF_DELIVERIES = select(_COPIES).where(among(_COPIES.c.delivery_id, "deliveries"))
_COPY = select(_COPIES).where(
    _COPIES.c.delivery_id == bindparam("delivery"), _COPIES.c.target_id == bindparam("target")
)
_BY_TOKEN = select(_COPIES).where(_COPIES.c.token == bindparam("key"))
_ADD_COPIES = (
    inserting(_COPIES, "delivery_id", "target_id", "mailbox_id", "token", "state")
    .on_conflict_do_nothing()
    .returning(_COPIES.c.token)
)
_CHANGES = (
    func.unnest(
        array("tokens", _COPIES.c.token.type),
        array("olds", _COPIES.c.state.type),
        array("news", _COPIES.c.state.type),
        array("contents", _COPIES.c.content.type),
    )
    .table_valued(
        column("token", _COPIES.c.token.type),
        column("old", _COPIES.c.state.type),
        column("new", _COPIES.c.state.type),
        column("carried", _COPIES.c.content.type),
    )
    .render_derived(name="given")
)
_MOVE_ALL = (
    update(_COPIES)
    .where(_COPIES.c.token == _CHANGES.c.token, _COPIES.c.state == _CHANGES.c.old)
    .values(state=_CHANGES.c.new, content=_CHANGES.c.carried)
    .returning(_COPIES.c.token)
)
_MOVE = (
    update(_COPIES)
    .where(
        _COPIES.c.delivery_id == bindparam("delivery"),
        _COPIES.c.target_id == bindparam("target"),
        _COPIES.c.state == bindparam("old"),
    )
    .values(state=bindparam("new"), content=func.coalesce(bindparam("carried"), _COPIES.c.content))
)


class SqlForwardingTargets:
    """Targets, and the codes that were asked for."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def of_mailbox(self, mailbox_id: UUID) -> Sequence[ForwardingTarget]:
        """Returns the targets of a mailbox in their order."""
        return [_target(row) for row in await self._statements.rows(_OF_MAILBOX, {"mailbox": mailbox_id})]

    async def verified_of(self, mailbox_ids: Collection[UUID]) -> Sequence[ForwardingTarget]:
        """Returns the verified targets of some mailboxes in their order."""
        rows = await self._statements.rows(_VERIFIED_OF, {"mailboxes": list(mailbox_ids)})
        return [_target(row) for row in rows]

    async def get(self, mailbox_id: UUID, target_id: UUID) -> ForwardingTarget | None:
        """Returns a target of a mailbox."""
        row = await self._statements.first(_TARGET, {"key": target_id, "mailbox": mailbox_id})
        return _target(row) if row else None

    async def add(self, target: ForwardingTarget) -> None:
        """Adds a target; a second one of the same address is an error."""
        values = {
            "id": target.id,
            "mailbox_id": target.mailbox_id,
            "kind": target.kind.value,
            "address": target.address,
            "language": target.language,
            "content": target.content.value,
            "added_at": target.added_at,
        }
        await self._statements.run(insert(_TARGETS), values)

    async def remove(self, mailbox_id: UUID, target_id: UUID) -> None:
        """Deletes a target."""
        await self._statements.run(_REMOVE, {"key": target_id, "mailbox": mailbox_id})

    async def change(self, target: ForwardingTarget) -> None:
        """Keeps content and language."""
        await self._statements.run(
            _CHANGE,
            {
                "key": target.id,
                "mailbox": target.mailbox_id,
                "wanted": target.content.value,
                "spoken": target.language,
            },
        )

    async def set_code(self, target_id: UUID, code: VerificationCode) -> bool:
        """Keeps the last code of a target that is not verified."""
        values = {
            "key": target_id,
            "salt": code.salt,
            "digest": code.digest,
            "expires": code.expires_at,
            "tries": code.tries_left,
        }
        return await self._statements.changed(_SET_CODE, values) == 1

    async def count_wrong_try(self, target_id: UUID, code: VerificationCode) -> bool:
        """Takes a try, by compare-and-set."""
        values = {"key": target_id, "digest": code.digest}
        return await self._statements.changed(_COUNT_WRONG_TRY, values) == 1

    async def verify(self, mailbox_id: UUID, target_id: UUID, at: datetime) -> None:
        """Marks a target as verified."""
        await self._statements.run(_VERIFY, {"key": target_id, "mailbox": mailbox_id, "at": at})
        await self.refresh_mark(mailbox_id)

    async def refresh_mark(self, mailbox_id: UUID) -> None:
        """Marks the mailbox by whether it has verified targets."""
        await self._statements.run(_MARK, {"mailbox": mailbox_id})

    async def code_in_the_way(
        self, mailbox_id: UUID, address: str, *, since: datetime, most: int
    ) -> datetime | None:
        """Returns the code's moment that is in the way of another one, or None."""
        values = {"mailbox": mailbox_id, "digest": _digest(address), "since": since, "others": most - 1}
        row = await self._statements.first(IN_THE_WAY, values)
        assert row is not None
        found: datetime | None = row.asked_at
        return found

    async def count_code(self, mailbox_id: UUID, address: str, at: datetime) -> None:
        """Counts a code."""
        values = {"id": uuid4(), "mailbox_id": mailbox_id, "address_digest": _digest(address), "asked_at": at}
        await self._statements.run(insert(CODES), values)

    async def forget_codes(self, before: datetime, *, limit: int) -> int:
        """Deletes old ones; returns how many."""
        return await self._statements.changed(FORGET, {"before": before, "most": limit})

    async def set_last(self, target_id: UUID, last: TargetResult) -> None:
        """Keeps what became of the last nudge or code."""
        await self._statements.run(SET_LAST, of_results({target_id: last}))

    async def set_all_last(self, last: Mapping[UUID, TargetResult]) -> None:
        """Keeps what became of the last copy to each of many."""
        if not last:
            return
        await self._statements.run(SET_ALL_LAST, of_results(last))


class SqlForwardedCopies:
    """Copies by delivery and target."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, copies: Sequence[ForwardedCopy]) -> Sequence[ForwardedCopy]:
        """Adds those that are new; returns them."""
        if not copies:
            return []
        values = by_column(
            {
                "delivery_id": copy.delivery_id,
                "target_id": copy.target_id,
                "mailbox_id": copy.mailbox_id,
                "token": copy.token,
                "state": copy.state.value,
            }
            for copy in copies
        )
        added = {row.token for row in await self._statements.rows(_ADD_COPIES, values)}
        return [copy for copy in copies if copy.token in added]

    async def move_all(
        self, changes: Sequence[tuple[ForwardedCopy, CopyState, ForwardedContent]]
    ) -> Collection[UUID]:
        """Moves copies on, by compare-and-set."""
        values = {
            "tokens": [copy.token for copy, _, _ in changes],
            "olds": [copy.state.value for copy, _, _ in changes],
            "news": [state.value for _, state, _ in changes],
            "contents": [content.value for _, _, content in changes],
        }
        return {row.token for row in await self._statements.rows(_MOVE_ALL, values)}

    async def of_deliveries(self, delivery_ids: Collection[UUID]) -> Sequence[ForwardedCopy]:
        """Returns all copies of some messages."""
        rows = await self._statements.rows(_OF_DELIVERIES, {"deliveries": list(delivery_ids)})
        return [_copy(row) for row in rows]

    async def get(self, delivery_id: UUID, target_id: UUID) -> ForwardedCopy | None:
        """Returns the copy of a delivery to a target."""
        row = await self._statements.first(_COPY, {"delivery": delivery_id, "target": target_id})
        return _copy(row) if row else None

    async def by_token(self, token: UUID) -> ForwardedCopy | None:
        """Returns the copy whose bounces come back to this token."""
        row = await self._statements.first(_BY_TOKEN, {"key": token})
        return _copy(row) if row else None

    async def failed_before(self, copies: Collection[ForwardedCopy]) -> Mapping[UUID, int]:
        """Counts what failed in a row before each."""
        return await failed_before(self._statements, copies)

    async def move(self, copy: ForwardedCopy, to: CopyState, content: ForwardedContent | None = None) -> bool:
        """Moves a copy on, by compare-and-set."""
        values = {
            "delivery": copy.delivery_id,
            "target": copy.target_id,
            "old": copy.state.value,
            "new": to.value,
            "carried": None if content is None else content.value,
        }
        return await self._statements.changed(_MOVE, values) == 1


def _digest(address: str) -> bytes:
    # Whoever has the tables can find the address by guessing, and reads those of targets in clear beside it.
    # That of a target that was removed is protected by being forgotten after a day (`Forgetting`), and not by
    # a key, which would lie in the same database.
    return hashlib.sha256(address.encode()).digest()


def _target(row: Row[Any]) -> ForwardingTarget:
    code = None
    if row.code_digest is not None:
        code = VerificationCode(row.code_salt, row.code_digest, row.code_expires_at, row.code_tries_left)
    return ForwardingTarget(
        id=row.id,
        mailbox_id=row.mailbox_id,
        kind=TargetKind(row.kind),
        address=row.address,
        language=row.language,
        content=ForwardedContent(row.content),
        added_at=row.added_at,
        verified_at=row.verified_at,
        code=code,
        last=result_of(row),
    )


def _copy(row: Row[Any]) -> ForwardedCopy:
    return ForwardedCopy(
        row.mailbox_id,
        row.delivery_id,
        row.target_id,
        row.token,
        CopyState(row.state),
        None if row.content is None else ForwardedContent(row.content),
    )
