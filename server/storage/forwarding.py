"""Forwarding targets and copies in tables."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, bindparam, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.forwarding import (
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    Result,
    TargetKind,
    TargetResult,
    VerificationCode,
)
from server.storage.forwarding_tables import ForwardedCopyRow, ForwardingCodeRow, ForwardingTargetRow
from server.storage.statements import Statements
from server.storage.stored import table
from server.storage.tables import MailboxRow

_DELIVERED = Result.DELIVERED.value
"""The reason of a SENT that is more than that (`server.storage.forwarding_tables`)."""
_TARGETS = table(ForwardingTargetRow)
_CODES = table(ForwardingCodeRow)
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
_COUNT = select(
    select(func.count())
    .where(_CODES.c.mailbox_id == bindparam("mailbox"), _CODES.c.asked_at > bindparam("since"))
    .scalar_subquery()
    .label("of_mailbox"),
    select(func.count())
    .where(_CODES.c.address_digest == bindparam("digest"), _CODES.c.asked_at > bindparam("since"))
    .scalar_subquery()
    .label("to_address"),
)
_FORGET = delete(_CODES).where(
    _CODES.c.id.in_(
        select(_CODES.c.id)
        .where(_CODES.c.asked_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)
_SET_LAST = (
    update(_TARGETS)
    .where(
        _TARGETS.c.id == bindparam("key"),
        or_(_TARGETS.c.last_at.is_(None), _TARGETS.c.last_at <= bindparam("at")),
    )
    .values(last_result=bindparam("result"), last_at=bindparam("at"), last_reason=bindparam("why"))
)
_COPY = select(_COPIES).where(
    _COPIES.c.delivery_id == bindparam("delivery"), _COPIES.c.target_id == bindparam("target")
)
_BY_TOKEN = select(_COPIES).where(_COPIES.c.token == bindparam("key"))
_ADD_COPY = insert(_COPIES).on_conflict_do_nothing().returning(_COPIES.c.token)
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

    async def codes_since(self, mailbox_id: UUID, address: str, since: datetime) -> int:
        """Counts codes, for the mailbox or to the address, whichever is more."""
        values = {"mailbox": mailbox_id, "digest": _digest(address), "since": since}
        row = await self._statements.first(_COUNT, values)
        assert row is not None
        return max(int(row.of_mailbox), int(row.to_address))

    async def count_code(self, mailbox_id: UUID, address: str, at: datetime) -> None:
        """Counts a code."""
        values = {"id": uuid4(), "mailbox_id": mailbox_id, "address_digest": _digest(address), "asked_at": at}
        await self._statements.run(insert(_CODES), values)

    async def forget_codes(self, before: datetime, *, limit: int) -> int:
        """Deletes old ones; returns how many."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})

    async def set_last(self, target_id: UUID, last: TargetResult) -> None:
        """Keeps what became of the last copy."""
        result, why = last.result.value, last.why
        if last.result is Result.DELIVERED:
            result, why = Result.SENT.value, _DELIVERED
        values = {"key": target_id, "result": result, "at": last.at, "why": why}
        await self._statements.run(_SET_LAST, values)


class SqlForwardedCopies:
    """Copies by delivery and target."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, copies: Sequence[ForwardedCopy]) -> Sequence[ForwardedCopy]:
        """Adds those that are new; returns them."""
        added = []
        for copy in copies:
            values = {
                "delivery_id": copy.delivery_id,
                "target_id": copy.target_id,
                "mailbox_id": copy.mailbox_id,
                "token": copy.token,
                "state": copy.state.value,
            }
            if await self._statements.first(_ADD_COPY, values) is not None:
                added.append(copy)
        return added

    async def get(self, delivery_id: UUID, target_id: UUID) -> ForwardedCopy | None:
        """Returns the copy of a delivery to a target."""
        row = await self._statements.first(_COPY, {"delivery": delivery_id, "target": target_id})
        return _copy(row) if row else None

    async def by_token(self, token: UUID) -> ForwardedCopy | None:
        """Returns the copy whose bounces come back to this token."""
        row = await self._statements.first(_BY_TOKEN, {"key": token})
        return _copy(row) if row else None

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
    last = None
    if row.last_result is not None:
        last = TargetResult(Result(row.last_result), row.last_at, row.last_reason)
        if row.last_reason == _DELIVERED:
            last = TargetResult(Result.DELIVERED, row.last_at)
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
        last=last,
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
