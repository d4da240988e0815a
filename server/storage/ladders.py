"""Due deliveries and steps taken, on PostgreSQL (LADDER-1)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, delete, exists, or_, select, tuple_, update

from namak.evidence import events
from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.ids import ID_MARGIN, moved
from server.domain.ladder import ALL_FAILED, FailedSteps, StepState, TakenStep, Wake
from server.storage.deliveries import SqlDeliveries
from server.storage.ladder_tables import LadderStepRow, LadderWakeRow
from server.storage.session_tables import OutstandingSignInRow
from server.storage.statements import among, inserting
from server.storage.stored import table
from server.storage.tables import DeliveryRow, EvidenceRow

_EVIDENCE = table(EvidenceRow)
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
_ONE = select(_DELIVERIES).where(
    _DELIVERIES.c.mailbox_id == bindparam("mailbox"), _DELIVERIES.c.id == bindparam("delivery")
)
_END = delete(_WAKES).where(
    among(_WAKES.c.mailbox_id, "mailboxes"), among(_WAKES.c.delivery_id, "deliveries")
)
_TAKEN = select(_STEPS.c.delivery_id, _STEPS.c.step).where(
    among(_STEPS.c.mailbox_id, "mailboxes"), among(_STEPS.c.delivery_id, "deliveries")
)
_TAKE = inserting(_STEPS)
_STEPS_OF = (
    select(_STEPS)
    .where(_STEPS.c.mailbox_id == bindparam("mailbox"), _STEPS.c.delivery_id == bindparam("delivery"))
    .order_by(_STEPS.c.due_at, _STEPS.c.taken_at, _STEPS.c.step)
)
_FAILED = (
    select(_STEPS)
    .join(
        _DELIVERIES,
        and_(_DELIVERIES.c.mailbox_id == _STEPS.c.mailbox_id, _DELIVERIES.c.id == _STEPS.c.delivery_id),
    )
    .where(
        _STEPS.c.state == "FAILED",
        _DELIVERIES.c.state == DeliveryState.CONSIGNED.value,
        *(
            or_(bindparam(f"one_{of.name}", type_=of.type).is_(None), of == bindparam(f"one_{of.name}"))
            for of in (_STEPS.c.action, _STEPS.c.step, _STEPS.c.reason)
        ),
    )
    .order_by(_STEPS.c.taken_at, _STEPS.c.delivery_id, _STEPS.c.step)
    .limit(bindparam("most"))
)
_FAILED_AFTER = _FAILED.where(
    tuple_(_STEPS.c.taken_at, _STEPS.c.delivery_id, _STEPS.c.step)
    > tuple_(bindparam("after"), bindparam("delivery"), bindparam("step"))
)
_STEP = and_(
    _STEPS.c.mailbox_id == bindparam("mailbox"),
    _STEPS.c.delivery_id == bindparam("delivery"),
    _STEPS.c.step == bindparam("name"),
)
_FAIL = (
    update(_STEPS).where(_STEP, _STEPS.c.state == "ORDERED").values(state="FAILED", reason=bindparam("why"))
)
_AGAIN = (
    update(_STEPS)
    .where(_STEP, _STEPS.c.state == "FAILED")
    .values(state="ORDERED", reason=None, again_at=bindparam("at"))
)
_WAKE_OF = select(_WAKES.c.wake_at).where(
    _WAKES.c.mailbox_id == bindparam("mailbox"), _WAKES.c.delivery_id == bindparam("delivery")
)
_SIGNED_IN = (
    select(_OUTSTANDING.c.sign_in_id).where(_OUTSTANDING.c.mailbox_id == bindparam("mailbox")).limit(1)
)
# Deliveries have no index by identifier alone, which each submission would have to pay for. Evidence has one,
# and a delivery's first was made in the same transaction, soon after the delivery's identifier.
_MAILBOX_OF = (
    select(_EVIDENCE.c.owner_id)
    .where(
        _EVIDENCE.c.id > bindparam("from"),
        _EVIDENCE.c.id < bindparam("until"),
        _EVIDENCE.c.delivery_id == bindparam("delivery"),
        _EVIDENCE.c.event == events.CONTENT_CONSIGNMENT.uri,
    )
    .order_by(_EVIDENCE.c.id)
    .limit(1)
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

    async def fail(self, mailbox_id: UUID, delivery_id: UUID, step: str, reason: str) -> bool:
        """Moves a step from ORDERED to FAILED; returns False where it is not ordered."""
        values = {"mailbox": mailbox_id, "delivery": delivery_id, "name": step, "why": reason}
        return await self._statements.changed(_FAIL, values) == 1

    async def order_again(self, mailbox_id: UUID, delivery_id: UUID, step: str, at: datetime) -> bool:
        """Moves a step from FAILED to ORDERED; returns False where it has not failed."""
        values = {"mailbox": mailbox_id, "delivery": delivery_id, "name": step, "at": at}
        return await self._statements.changed(_AGAIN, values) == 1

    async def failed(
        self, wanted: FailedSteps = ALL_FAILED, *, after: TakenStep | None, limit: int
    ) -> Sequence[TakenStep]:
        """Returns steps that failed, of deliveries that are neither notified nor withdrawn, oldest first."""
        values: dict[str, object] = {
            "most": limit,
            "one_action": None if wanted.action is None else wanted.action.value,
            "one_step": wanted.step,
            "one_reason": wanted.reason,
        }
        query = _FAILED
        if after is not None:
            query = _FAILED_AFTER
            values |= {"after": after.taken_at, "delivery": after.delivery_id, "step": after.step}
        return [_step(row) for row in await self._statements.rows(query, values)]

    async def looked_at(self, mailbox_id: UUID, delivery_id: UUID) -> datetime | None:
        """Returns when a delivery is looked at again; None where nothing comes by itself."""
        row = await self._statements.first(_WAKE_OF, {"mailbox": mailbox_id, "delivery": delivery_id})
        return None if row is None else row.wake_at

    async def waits_for_a_sign_in(self, mailbox_id: UUID) -> bool:
        """Tells whether a sign-in is not recorded of all deliveries of a mailbox yet."""
        return await self._statements.first(_SIGNED_IN, {"mailbox": mailbox_id}) is not None

    async def find(self, delivery_id: UUID) -> Delivery | None:
        """Returns a delivery by its identifier alone, not locked."""
        values = {"delivery": delivery_id, "from": delivery_id, "until": moved(delivery_id, ID_MARGIN)}
        row = await self._statements.first(_MAILBOX_OF, values)
        if row is None:
            return None
        found = await self._deliveries(_ONE, {"mailbox": row.owner_id, "delivery": delivery_id})
        return found[0] if found else None


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
        "again_at": step.again_at,
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
        row.again_at,
    )
