"""Nudges in a table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, update

from server.domain.forwarding import TargetKind
from server.domain.nudges import Nudge, NudgeCount, NudgeState
from server.storage.nudge_tables import LadderNudgeRow
from server.storage.statements import Statements, inserting
from server.storage.stored import table

_NUDGES = table(LadderNudgeRow)

_ADD = inserting(_NUDGES)
_GET = select(_NUDGES).where(_NUDGES.c.id == bindparam("key"))
_OF_STEP = (
    select(_NUDGES)
    .where(
        _NUDGES.c.delivery_id == bindparam("delivery"),
        _NUDGES.c.step == bindparam("named"),
        _NUDGES.c.mailbox_id == bindparam("mailbox"),
    )
    .order_by(_NUDGES.c.id)
)
_MOVE = (
    update(_NUDGES)
    .where(_NUDGES.c.id == bindparam("key"), _NUDGES.c.state == bindparam("old"))
    .values(
        state=bindparam("new"),
        segments=_NUDGES.c.segments + bindparam("more"),
        why=bindparam("reason"),
        result_at=bindparam("at"),
    )
)
_COUNTED = (
    select(
        _NUDGES.c.kind,
        _NUDGES.c.state,
        func.count().label("nudges"),
        func.sum(_NUDGES.c.segments).label("segments"),
    )
    .where(_NUDGES.c.asked_at >= bindparam("since"), _NUDGES.c.asked_at < bindparam("until"))
    .group_by(_NUDGES.c.kind, _NUDGES.c.state)
    .order_by(_NUDGES.c.kind, _NUDGES.c.state)
)


class SqlNudges:
    """Nudges by identifier, and by step and target."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, nudges: Sequence[Nudge]) -> None:
        """Adds nudges; their key refuses a second one of an attempt to one target."""
        await self._statements.insert_all(_ADD, [_values(each) for each in nudges])

    async def get(self, nudge_id: UUID) -> Nudge | None:
        """Returns a nudge."""
        row = await self._statements.first(_GET, {"key": nudge_id})
        return None if row is None else _nudge(row)

    async def of_step(self, mailbox_id: UUID, delivery_id: UUID, step: str) -> Sequence[Nudge]:
        """Returns those of a step of a delivery."""
        values = {"mailbox": mailbox_id, "delivery": delivery_id, "named": step}
        return [_nudge(row) for row in await self._statements.rows(_OF_STEP, values)]

    async def move(
        self, nudge: Nudge, to: NudgeState, *, at: datetime, segments: int = 0, why: str = ""
    ) -> bool:
        """Moves a nudge on, by compare-and-set."""
        values = {
            "key": nudge.id,
            "old": nudge.state.value,
            "new": to.value,
            "more": segments,
            "reason": why,
            "at": at,
        }
        return await self._statements.changed(_MOVE, values) == 1

    async def counted(self, since: datetime, until: datetime) -> Sequence[NudgeCount]:
        """Counts those that were asked for in a stretch of time."""
        rows = await self._statements.rows(_COUNTED, {"since": since, "until": until})
        return [
            NudgeCount(TargetKind(row.kind), NudgeState(row.state), row.nudges, int(row.segments))
            for row in rows
        ]


def _values(nudge: Nudge) -> dict[str, Any]:
    return {
        "id": nudge.id,
        "mailbox_id": nudge.mailbox_id,
        "delivery_id": nudge.delivery_id,
        "step": nudge.step,
        "target_id": nudge.target_id,
        "kind": nudge.kind.value,
        "asked_at": nudge.asked_at,
        "attempt": nudge.attempt,
        "state": nudge.state.value,
        "segments": nudge.segments,
        "why": nudge.why,
        "result_at": nudge.result_at,
    }


def _nudge(row: Row[Any]) -> Nudge:
    return Nudge(
        id=row.id,
        mailbox_id=row.mailbox_id,
        delivery_id=row.delivery_id,
        step=row.step,
        target_id=row.target_id,
        kind=TargetKind(row.kind),
        asked_at=row.asked_at,
        attempt=row.attempt,
        state=NudgeState(row.state),
        segments=row.segments,
        why=row.why,
        result_at=row.result_at,
    )
