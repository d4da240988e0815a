"""Ladders as the operator looks after them: what was done of a delivery, what comes, and what failed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog

from namak.evidence import events
from namak.evidence.document import RecordedFact
from namak.evidence.failures import UnknownCalendar, UnknownPolicy
from namak.evidence.notification_policy import policy_named
from namak.evidence.notification_steps import Step
from server.domain import evidence_building
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.ladder import ALL_FAILED, FailedSteps, StepState, TakenStep
from server.usecases.ladder_ports import Actions, Order
from server.usecases.ports import Clock, Transaction, UnitOfWork

_log = structlog.get_logger(__name__)

_PAGE: Final = 500


class Obstacle(StrEnum):
    """Why a step is not carried out again."""

    NO_DELIVERY = "there is no such delivery"
    NO_STEP = "the delivery's policy has no such step"
    OVER = "the delivery is notified or withdrawn"
    LAPSED = "the delivery is notified by lapse of time, which is about to be recorded"
    SIGNED_IN = "a sign-in of the recipient is just being recorded: try again in a minute"
    NOT_DUE = "the step is not taken yet: it is taken by itself when it is due"
    ORDERED = "the step did not fail: it was ordered"
    NEEDLESS = "what the step is for has happened meanwhile"
    NOT_CONFIGURED = "nothing is configured that carries the action out"
    UNKNOWN = "this release does not know the delivery's policy or calendar"


SETTLED: Final = frozenset(
    {Obstacle.NO_DELIVERY, Obstacle.OVER, Obstacle.LAPSED, Obstacle.ORDERED, Obstacle.NEEDLESS}
)
"""Where nothing is left to do for the operator."""


class NotCarriedOut(Exception):
    """A step is not carried out again, and nothing was changed."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.value)
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of a delivery's policy, and how far it is.

    Attributes:
        due: from when it is to be taken, or was; None where what it waits for has not happened, and where
            it is not taken any more.
        taken: what was noted when it was taken; None before.
    """

    step: Step
    due: datetime | None
    taken: TakenStep | None


@dataclass(frozen=True, slots=True)
class LadderView:
    """A delivery's ladder.

    Attributes:
        rungs: all steps of its policy, in its order.
        notified_by: the rule of the effect that is recorded; None where none is.
        lapses_at: when it is notified by lapse of time, if nothing comes before.
        looked_at: when it is looked at again; None where nothing comes by itself.
    """

    delivery: Delivery
    rungs: Sequence[Rung]
    notified_by: str | None
    lapses_at: datetime | None
    looked_at: datetime | None


class LadderDesk:
    """Shows ladders, and has failed steps carried out again. Each time leaves a line in the log."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, actions: Actions) -> None:
        self._uow = uow
        self._clock = clock
        self._actions = actions

    async def failed(
        self, wanted: FailedSteps = ALL_FAILED, *, after: TakenStep | None, limit: int
    ) -> Sequence[TakenStep]:
        """Lists steps that failed and whose deliveries are still open, those first that were taken first.
        Raises `ServiceUnavailable`.
        """
        async with self._uow.reading() as tx:
            return await tx.ladders.failed(wanted, after=after, limit=limit)

    async def retry_all(
        self, wanted: FailedSteps, *, limit: int | None, dry_run: bool = False
    ) -> AsyncIterator[tuple[TakenStep, Obstacle | None]]:
        """Has failed steps carried out again as `retry` does, so many at most, each in a transaction of its
        own; yields each as it was, and why it is not. One that fails again meanwhile is left at that.

        Raises `ServiceUnavailable`: those that were yielded are done, of one more it is not known.
        """
        after: TakenStep | None = None
        left = limit
        while left is None or left > 0:
            page = await self.failed(wanted, after=after, limit=_PAGE if left is None else min(_PAGE, left))
            for each in page:
                yield each, await self._retried(each, dry_run)
            if len(page) < _PAGE:
                return
            after = page[-1]
            left = None if left is None else left - len(page)

    async def _retried(self, failed: TakenStep, dry_run: bool) -> Obstacle | None:
        try:
            await self.retry(failed.delivery_id, failed.step, dry_run=dry_run)
        except NotCarriedOut as refused:
            return refused.obstacle
        except (UnknownPolicy, UnknownCalendar):
            return Obstacle.UNKNOWN
        return None

    async def show(self, delivery_id: UUID) -> LadderView | None:
        """Shows a delivery's ladder; None where there is no such delivery.

        Raises:
            ServiceUnavailable.
            UnknownPolicy, UnknownCalendar: this release does not know what it goes by.
        """
        async with self._uow.reading() as tx:
            delivery = await tx.ladders.find(delivery_id)
            if delivery is None:
                return None
            facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
            taken = await tx.ladders.steps_of(delivery.mailbox_id, delivery.id)
            looked_at = await tx.ladders.looked_at(delivery.mailbox_id, delivery.id)
        return _view(delivery, facts, {each.step: each for each in taken}, looked_at)

    async def retry(self, delivery_id: UUID, step: str, *, dry_run: bool = False) -> TakenStep:
        """Has a failed step carried out again; its job is deferred in the same transaction, once, even where
        two do so at the same moment. Returns the step as it was. With `dry_run` nothing is changed.

        Raises:
            NotCarriedOut: it isn't, and why.
            ServiceUnavailable: the outcome is unknown; show it.
            UnknownPolicy, UnknownCalendar: this release does not know what the delivery goes by.
        """
        async with self._uow.writing() as tx:
            now = self._clock.now()
            found = await tx.ladders.find(delivery_id)
            delivery = await tx.deliveries.lock(found.mailbox_id, found.id) if found else None
            if delivery is None:
                raise NotCarriedOut(Obstacle.NO_DELIVERY)
            number, failed = await self._failed(tx, delivery, step, now)
            if dry_run:
                return failed
            if not await tx.ladders.order_again(delivery.mailbox_id, delivery.id, step, now):
                raise LookupError("a step of a locked delivery changed its state")
            order = Order(delivery.mailbox_id, delivery.id, failed.action, step, number)
            await self._actions.enqueue(tx, [order])
            await tx.commit()
        _log.info(
            "a step of a ladder is carried out again",
            delivery_id=str(delivery_id),
            step=step,
            action=failed.action.value,
            reason=failed.reason,
        )
        return failed

    async def _failed(
        self, tx: Transaction, delivery: Delivery, step: str, now: datetime
    ) -> tuple[int, TakenStep]:
        """Returns the number of a step of a locked delivery in its policy, and how it failed. Raises
        `NotCarriedOut`.
        """
        steps = policy_named(delivery.notification_policy).steps
        number = next((number for number, each in enumerate(steps) if each.id == step), None)
        if number is None:
            raise NotCarriedOut(Obstacle.NO_STEP)
        taken = await tx.ladders.steps_of(delivery.mailbox_id, delivery.id)
        failed = next((each for each in taken if each.step == step), None)
        facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
        obstacle = _obstacle(delivery, steps[number], failed, facts, now)
        if obstacle is None and await tx.ladders.waits_for_a_sign_in(delivery.mailbox_id):
            obstacle = Obstacle.SIGNED_IN
        if obstacle is None and steps[number].action not in self._actions.available():
            obstacle = Obstacle.NOT_CONFIGURED
        if obstacle is not None or failed is None:
            raise NotCarriedOut(obstacle or Obstacle.NOT_DUE)
        return number, failed


def _obstacle(
    delivery: Delivery, step: Step, taken: TakenStep | None, facts: Sequence[Fact], now: datetime
) -> Obstacle | None:
    if delivery.state is not DeliveryState.CONSIGNED:
        return Obstacle.OVER
    if evidence_building.effect_by(facts, now) is not None:
        return Obstacle.LAPSED
    if taken is None:
        return Obstacle.NOT_DUE
    if taken.state is StepState.ORDERED:
        return Obstacle.ORDERED
    if any(fact.event in step.unless for fact in facts):
        return Obstacle.NEEDLESS
    return None


def _view(
    delivery: Delivery, facts: Sequence[Fact], taken: dict[str, TakenStep], looked_at: datetime | None
) -> LadderView:
    policy = policy_named(delivery.notification_policy)
    recorded = [RecordedFact.parse(fact.data) for fact in facts]
    is_open = delivery.state is DeliveryState.CONSIGNED
    left = {each.step.id: each.due for each in policy.steps_left(recorded, taken)} if is_open else {}
    effect = next((each for each in recorded if each.document.event == events.NOTIFICATION_EFFECTED), None)
    return LadderView(
        delivery=delivery,
        rungs=[
            Rung(step, taken[step.id].due_at if step.id in taken else left.get(step.id), taken.get(step.id))
            for step in policy.steps
        ],
        notified_by=getattr(effect.document.details, "rule", None) if effect else None,
        lapses_at=policy.lapses_at(recorded) if is_open else None,
        looked_at=looked_at,
    )
