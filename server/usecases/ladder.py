"""Takes the due steps of notification policies, and records the effects that come by lapse of time
(LADDER-1).

Nothing is remembered between two looks but what is committed: the facts, the steps taken, and when to look
again. So any replica goes on where any other ended, however that ended; a clock that jumps makes nothing
happen twice, for what was taken stays taken; and what an outage delayed is caught up in its order, with the
effective times of the rules.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from namak.evidence.notification_policy import policy_named
from namak.evidence.notification_steps import Action
from server.domain import evidence_building
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.jobs import Job
from server.domain.ladder import StepState, TakenStep, Turn, Wake, turn_of
from server.domain.mail_receipts import receipt_jobs
from server.domain.profile import Profile
from server.usecases.ladder_ports import Actions, Order
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork
from server.usecases.stamps import Stamps

_log = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 50
"""So many deliveries are gone on with in one transaction at most."""
AGAIN_AFTER: Final = timedelta(hours=1)
"""A delivery that can't be gone on with is looked at again after this time."""
NOT_CONFIGURED: Final = "NOT_CONFIGURED"
"""Why a step failed: nothing is configured that carries out its action."""

_BETWEEN_PAUSES = 4


@dataclass(slots=True)
class _Pages:
    """What one transaction is going to write."""

    facts: list[Fact] = field(default_factory=list)
    notified: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)
    steps: list[TakenStep] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    mails: list[Job] = field(default_factory=list)
    wakes: dict[tuple[UUID, UUID], datetime | None] = field(default_factory=dict)


class DueSteps:
    """Goes on with deliveries whose time has come. Every replica does so: each batch is of deliveries that no
    other one has, and is one transaction.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log,
        profile: Profile,
        actions: Actions,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._log = log
        self._stamps = Stamps(profile, entropy)
        self._actions = actions
        self._most = most_at_once

    async def work_off(self) -> int:
        """Goes on until nothing is due that others do not have in hand; returns with how many deliveries.

        A delivery that can't be gone on with, because this release does not know its policy or calendar say,
        is told to the operator, and put off: it holds up no other.

        Raises:
            ServiceUnavailable: the database does not answer; what is due stays.
        """
        done = 0
        while count := await self._batch():
            done += count
        return done

    async def _batch(self) -> int:
        now = self._clock.now()
        pages = _Pages()
        async with self._uow.writing() as tx:
            deliveries = await tx.ladders.take_due(now, limit=self._most)
            if not deliveries:
                return 0
            earlier = await tx.evidence.of_deliveries(deliveries)
            taken = await tx.ladders.taken(deliveries)
            for number, delivery in enumerate(deliveries, 1):
                self._go_on(pages, delivery, earlier[delivery.id], taken.get(delivery.id, frozenset()), now)
                if number % _BETWEEN_PAUSES == 0:
                    # Others are served meanwhile.
                    await asyncio.sleep(0)
            await self._write(tx, pages)
            await tx.commit()
        if pages.facts:
            self._log.wake()
        for step in pages.steps:
            if step.state is StepState.FAILED:
                _log.error(
                    "a step of a ladder failed",
                    delivery_id=str(step.delivery_id),
                    step=step.step,
                    action=step.action.value,
                    reason=step.reason,
                )
        return len(deliveries)

    async def _write(self, tx: Transaction, pages: _Pages) -> None:
        await tx.deliveries.set_all_notified(pages.notified)
        await tx.evidence.record(pages.facts)
        await tx.jobs.defer(pages.mails)
        await tx.ladders.take(pages.steps)
        if pages.orders:
            await self._actions.enqueue(tx, pages.orders)
        await tx.ladders.wake([Wake(*key, at) for key, at in pages.wakes.items() if at is not None])
        await tx.ladders.forget([key for key, at in pages.wakes.items() if at is None])

    def _go_on(
        self,
        pages: _Pages,
        delivery: Delivery,
        earlier: Sequence[Fact],
        taken: Collection[str],
        now: datetime,
    ) -> None:
        key = (delivery.mailbox_id, delivery.id)
        if delivery.state is not DeliveryState.CONSIGNED:
            # Notified or withdrawn meanwhile: whoever did that need not know of any ladder.
            pages.wakes[key] = None
            return
        try:
            turn = turn_of(earlier, taken, now)
            effect = self._effect(delivery, earlier, turn, now)
        except Exception:  # noqa: BLE001 - whatever it is, it must not hold up the others
            _log.exception("a delivery's ladder can't be gone on with", delivery_id=str(delivery.id))
            pages.wakes[key] = now + AGAIN_AFTER
            return
        pages.wakes[key] = turn.wake_at
        if effect is not None and turn.effect is not None:
            pages.facts.append(effect)
            pages.mails += receipt_jobs(delivery, [effect])
            pages.notified[key] = turn.effect.effective_time
        for each in turn.steps:
            state, reason = self._state(each.step.action)
            step, action = each.step.id, each.step.action
            pages.steps.append(TakenStep(*key, step, action, each.due, now, state, reason))
            if state is StepState.ORDERED:
                number = policy_named(delivery.notification_policy).steps.index(each.step)
                pages.orders.append(Order(*key, action, step, number))

    def _effect(self, delivery: Delivery, earlier: Sequence[Fact], turn: Turn, now: datetime) -> Fact | None:
        if turn.effect is None:
            return None
        at = evidence_building.recording_time(now, earlier)
        return evidence_building.notification_effected(self._stamps.at(at), delivery, turn.effect)

    def _state(self, action: Action) -> tuple[StepState, str | None]:
        if action in self._actions.available():
            return StepState.ORDERED, None
        return StepState.FAILED, NOT_CONFIGURED


async def plan_again(tx: Transaction, delivery: Delivery, facts: Sequence[Fact], now: datetime) -> None:
    """Sets when a locked delivery is looked at again, after a fact that a wait may start from was recorded.

    `facts` are all of the delivery's, in their order. Who records facts of what happens outside (letters,
    notices) calls this in the same transaction.
    """
    taken = await tx.ladders.taken([delivery])
    soon = turn_of(facts, taken.get(delivery.id, frozenset()), now).look_at(now)
    if soon is None:
        await tx.ladders.forget([(delivery.mailbox_id, delivery.id)])
    else:
        await tx.ladders.wake([Wake(delivery.mailbox_id, delivery.id, soon)])
