"""The fake unit of work's ladders, and gateways that remember what was handed on to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery
from server.domain.ladder import StepState, TakenStep, Wake
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
            failed = each.state is StepState.FAILED
            self._state.require(failed == (each.reason is not None), "ck_ladder_steps_reason")
            self._state.ladder_steps[key] = each

    async def fail(self, mailbox_id: UUID, delivery_id: UUID, step: str, reason: str) -> None:
        found = self._state.ladder_steps.get((mailbox_id, delivery_id, step))
        if found is not None and found.state is StepState.ORDERED:
            self._state.ladder_steps[mailbox_id, delivery_id, step] = replace(
                found, state=StepState.FAILED, reason=reason
            )

    async def wake(self, wakes: Sequence[Wake]) -> None:
        for each in wakes:
            self._state.ladder_wakes[each.mailbox_id, each.delivery_id] = each.at

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

    async def failed(self, *, limit: int) -> Sequence[TakenStep]:
        found = [each for each in self._state.ladder_steps.values() if each.state is StepState.FAILED]
        return sorted(found, key=lambda each: each.taken_at, reverse=True)[:limit]


class FakeActions:
    """Gateways for every action, or for those given; `handed` is what was handed on, committed or not."""

    def __init__(self, *available: Action) -> None:
        self._available = available or tuple(Action)
        self.handed: list[Order] = []

    def available(self) -> Collection[Action]:
        return self._available

    async def enqueue(self, tx: Transaction, orders: Sequence[Order]) -> None:
        self.handed += orders
