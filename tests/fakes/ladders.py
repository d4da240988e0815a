"""The fake unit of work's ladders, and gateways that remember what was handed on to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from namak.evidence import events
from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.ladder import ALL_FAILED, FailedSteps, StepState, TakenStep, Wake
from server.usecases.ladder_ports import Order
from server.usecases.ports import Transaction
from tests.fakes.state import State


class FakeLadders:
    def __init__(self, state: State) -> None:
        self._state = state

    async def plan(self, wakes: Sequence[Wake]) -> None:
        for each in wakes:
            key = (each.mailbox_id, each.delivery_id)
            self._state.require(key not in self._state.ladder_wakes, "pk_ladder_wakes")
            self._require_delivery("ladder_wakes", key)
            self._state.ladder_wakes[key] = each.at

    async def take_due(self, now: datetime, *, limit: int) -> Sequence[Delivery]:
        waiting = {each.mailbox_id for each, _ in self._state.outstanding_sign_ins.values()}
        due = sorted(
            (at, key[1], key)
            for key, at in self._state.ladder_wakes.items()
            if at <= now and key[0] not in waiting
        )
        return [self._state.deliveries[key] for *_, key in due[:limit]]

    async def taken(self, deliveries: Collection[Delivery]) -> Mapping[UUID, frozenset[str]]:
        found = {
            each.id: frozenset(
                step for mailbox_id, delivery_id, step in self._state.ladder_steps if delivery_id == each.id
            )
            for each in deliveries
        }
        return {key: steps for key, steps in found.items() if steps}

    async def take(self, steps: Sequence[TakenStep]) -> None:
        for each in steps:
            key = (each.mailbox_id, each.delivery_id, each.step)
            self._state.require(key not in self._state.ladder_steps, "pk_ladder_steps")
            self._require_delivery("ladder_steps", key[:2])
            failed = each.state is StepState.FAILED
            self._state.require(failed == (each.reason is not None), "ck_ladder_steps_reason")
            self._state.ladder_steps[key] = each

    async def wake(self, wakes: Sequence[Wake]) -> None:
        for each in wakes:
            key = (each.mailbox_id, each.delivery_id)
            self._require_delivery("ladder_wakes", key)
            self._state.ladder_wakes[key] = each.at

    async def forget(self, deliveries: Collection[tuple[UUID, UUID]]) -> None:
        for key in deliveries:
            self._state.ladder_wakes.pop(key, None)

    async def steps_of(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[TakenStep]:
        found = [
            each
            for each in self._state.ladder_steps.values()
            if (each.mailbox_id, each.delivery_id) == (mailbox_id, delivery_id)
        ]
        return sorted(found, key=lambda each: (each.due_at, each.taken_at, each.step))

    async def fail(self, mailbox_id: UUID, delivery_id: UUID, step: str, reason: str) -> bool:
        return self._change((mailbox_id, delivery_id, step), StepState.ORDERED, StepState.FAILED, reason)

    async def order_again(self, mailbox_id: UUID, delivery_id: UUID, step: str, at: datetime) -> bool:
        key = (mailbox_id, delivery_id, step)
        changed = self._change(key, StepState.FAILED, StepState.ORDERED, None)
        if changed:
            self._state.ladder_steps[key] = replace(self._state.ladder_steps[key], again_at=at)
        return changed

    async def failed(
        self, wanted: FailedSteps = ALL_FAILED, *, after: TakenStep | None, limit: int
    ) -> Sequence[TakenStep]:
        found = [
            each
            for key, each in self._state.ladder_steps.items()
            if each.state is StepState.FAILED
            and self._state.deliveries[key[:2]].state is DeliveryState.CONSIGNED
            and (after is None or _order(each) > _order(after))
            and wanted.action in (None, each.action)
            and wanted.step in (None, each.step)
            and wanted.reason in (None, each.reason)
        ]
        return sorted(found, key=_order)[:limit]

    async def looked_at(self, mailbox_id: UUID, delivery_id: UUID) -> datetime | None:
        return self._state.ladder_wakes.get((mailbox_id, delivery_id))

    async def waits_for_a_sign_in(self, mailbox_id: UUID) -> bool:
        return any(each.mailbox_id == mailbox_id for each, _ in self._state.outstanding_sign_ins.values())

    async def find(self, delivery_id: UUID) -> Delivery | None:
        found = [
            fact.owner_id
            for fact in self._state.evidence.values()
            if fact.delivery_id == delivery_id and fact.event == events.CONTENT_CONSIGNMENT
        ]
        return self._state.deliveries.get((found[0], delivery_id)) if found else None

    def _change(
        self, key: tuple[UUID, UUID, str], before: StepState, state: StepState, reason: str | None
    ) -> bool:
        step = self._state.ladder_steps.get(key)
        if step is None or step.state is not before:
            return False
        self._state.ladder_steps[key] = replace(step, state=state, reason=reason)
        return True

    def _require_delivery(self, table: str, key: tuple[UUID, UUID]) -> None:
        self._state.require(key in self._state.deliveries, f"fk_{table}_mailbox_id_delivery_id_deliveries")


def _order(step: TakenStep) -> tuple[datetime, UUID, str]:
    return step.taken_at, step.delivery_id, step.step


class FakeActions:
    """Gateways for every action, or for those given; `handed` is what was handed on, committed or not."""

    def __init__(self, *available: Action) -> None:
        self._available = available or tuple(Action)
        self.handed: list[Order] = []

    def available(self) -> Collection[Action]:
        return self._available

    async def enqueue(self, tx: Transaction, orders: Sequence[Order]) -> None:
        self.handed += orders
