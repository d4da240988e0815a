"""Due deliveries and steps taken, on PostgreSQL (LADDER-1)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, delete, exists, select, update

from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery
from server.domain.ladder import StepState, TakenStep, Wake
from server.storage.deliveries import SqlDeliveries
from server.storage.ladder_tables import LadderStepRow, LadderWakeRow
from server.storage.session_tables import OutstandingSignInRow
from server.storage.statements import among, inserting
from server.storage.stored import table
from server.storage.tables import DeliveryRow

_WAKES = table(LadderWakeRow)
_STEPS = table(LadderStepRow)
_DELIVERIES = table(DeliveryRow)
_OUTSTANDING = table(OutstandingSignInRow)

# Both rows are locked, and nobody is waited for: whoever has a delivery goes on with it. Its wake is looked
# at again once it is locked, so that of two replicas that found it the second finds nothing.
TAKE_DUE = (
    select(_DELIVERIES)
    .join(
        _WAKES,
        and_(_WAKES.c.mailbox_id == _DELIVERIES.c.mailbox_id, _WAKES.c.delivery_id == _DELIVERIES.c.id),
    )
    .where(
        _WAKES.c.wake_at <= bindparam("now"),
        ~exists().where(_OUTSTANDING.c.mailbox_id == _WAKES.c.mailbox_id).correlate(_WAKES),
    )
    .order_by(_WAKES.c.wake_at, _WAKES.c.delivery_id)
    .limit(bindparam("most"))
    .with_for_update(key_share=True, skip_locked=True, of=[_WAKES, _DELIVERIES])
)
_PLAN = inserting(_WAKES)
_SET = _PLAN.on_conflict_do_update(
    index_elements=[_WAKES.c.mailbox_id, _WAKES.c.delivery_id], set_={"wake_at": _PLAN.excluded.wake_at}
)
_END = delete(_WAKES).where(
    among(_WAKES.c.mailbox_id, "mailboxes"), among(_WAKES.c.delivery_id, "deliveries")
)
_TAKEN = select(_STEPS.c.delivery_id, _STEPS.c.step).where(
    among(_STEPS.c.mailbox_id, "mailboxes"), among(_STEPS.c.delivery_id, "deliveries")
)
_TAKE = inserting(_STEPS)
_FAIL = (
    update(_STEPS)
    .where(
        _STEPS.c.mailbox_id == bindparam("mailbox"),
        _STEPS.c.delivery_id == bindparam("delivery"),
        _STEPS.c.step == bindparam("name"),
        _STEPS.c.state == StepState.ORDERED.value,
    )
    .values(state=StepState.FAILED.value, reason=bindparam("why"))
)
_STEPS_OF = (
    select(_STEPS)
    .where(_STEPS.c.mailbox_id == bindparam("mailbox"), _STEPS.c.delivery_id == bindparam("delivery"))
    .order_by(_STEPS.c.due_at, _STEPS.c.taken_at, _STEPS.c.step)
)
_FAILED = (
    select(_STEPS)
    .where(_STEPS.c.state == "FAILED")
    .order_by(_STEPS.c.taken_at.desc())
    .limit(bindparam("most"))
)


class SqlLadders(SqlDeliveries):
    """Due deliveries, and steps taken, in tables."""

    async def plan(self, wakes: Sequence[Wake]) -> None:
        """Adds deliveries that were just accepted, together with what else is added of them."""
        rows = [(each.mailbox_id, each.delivery_id, each.at) for each in wakes]
        await self._statements.copy(_WAKES, ("mailbox_id", "delivery_id", "wake_at"), rows)

    async def take_due(self, now: datetime, *, limit: int) -> Sequence[Delivery]:
        """Returns deliveries whose time has come, locked until the transaction ends."""
        return await self._deliveries(TAKE_DUE, {"now": now, "most": limit})

    async def taken(self, deliveries: Collection[Delivery]) -> Mapping[UUID, frozenset[str]]:
        """Returns the names of the steps that were taken, by delivery."""
        wanted = {
            "mailboxes": sorted({each.mailbox_id for each in deliveries}),
            "deliveries": sorted(each.id for each in deliveries),
        }
        found: dict[UUID, set[str]] = {}
        for row in await self._statements.rows(_TAKEN, wanted):
            found.setdefault(row.delivery_id, set()).add(row.step)
        return {key: frozenset(steps) for key, steps in found.items()}

    async def take(self, steps: Sequence[TakenStep]) -> None:
        """Records steps as taken; their key refuses a second time."""
        await self._statements.insert_all(_TAKE, [_values(step) for step in steps])

    async def fail(self, mailbox_id: UUID, delivery_id: UUID, step: str, reason: str) -> None:
        """Marks a step that was ordered as one that failed."""
        values = {"mailbox": mailbox_id, "delivery": delivery_id, "name": step, "why": reason}
        await self._statements.run(_FAIL, values)

    async def wake(self, wakes: Sequence[Wake]) -> None:
        """Sets when locked deliveries are looked at again."""
        await self._statements.insert_all(_SET, [_wake_values(each) for each in wakes])

    async def forget(self, deliveries: Collection[tuple[UUID, UUID]]) -> None:
        """Has locked deliveries not looked at again, by mailbox and identifier."""
        if deliveries:
            mailboxes, identifiers = zip(*deliveries, strict=True)
            values = {"mailboxes": list(mailboxes), "deliveries": list(identifiers)}
            await self._statements.run(_END, values)

    async def steps_of(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[TakenStep]:
        """Returns the steps taken of one delivery, in the order in which they were due."""
        rows = await self._statements.rows(_STEPS_OF, {"mailbox": mailbox_id, "delivery": delivery_id})
        return [_step(row) for row in rows]

    async def failed(self, *, limit: int) -> Sequence[TakenStep]:
        """Returns the newest steps that failed."""
        return [_step(row) for row in await self._statements.rows(_FAILED, {"most": limit})]


def _wake_values(wake: Wake) -> dict[str, Any]:
    return {"mailbox_id": wake.mailbox_id, "delivery_id": wake.delivery_id, "wake_at": wake.at}


def _values(step: TakenStep) -> dict[str, Any]:
    return {
        "mailbox_id": step.mailbox_id,
        "delivery_id": step.delivery_id,
        "step": step.step,
        "action": step.action.value,
        "due_at": step.due_at,
        "taken_at": step.taken_at,
        "state": step.state.value,
        "reason": step.reason,
    }


def _step(row: Row[Any]) -> TakenStep:
    return TakenStep(
        row.mailbox_id,
        row.delivery_id,
        row.step,
        Action(row.action),
        row.due_at,
        row.taken_at,
        StepState(row.state),
        row.reason,
    )
