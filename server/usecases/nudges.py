"""What jobs of nudges do: ask for one to each verified target of a mailbox, send them, and take in what
phones' networks report (LADDER-1).

What becomes of them `nudge_records` records.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from namak.evidence.notification_policy import policy_named
from namak.evidence.notification_steps import Step
from server.domain import evidence_building
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.forwarding import ForwardingTarget, Result, TargetKind
from server.domain.jobs import SEND_NUDGE, Job, JobFailed, RunningJob
from server.domain.ladder import StepState
from server.domain.nudges import (
    NO_GATEWAY,
    NO_VERIFIED_TARGET,
    NOBODY_REACHED,
    Nudge,
    NudgeState,
    all_lost,
    last_attempt,
)
from server.domain.profile import Profile
from server.usecases.forwarding_ports import NotSent
from server.usecases.nudge_ports import NudgeRoute
from server.usecases.nudge_records import NudgeRecords, fail_if_all_are_lost, tell_of_failure
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork

_SIGN_IN_WAIT: Final = timedelta(seconds=10)
"""A sign-in that is not recorded of all open deliveries yet is so within seconds."""
_TOKEN_BYTES: Final = 16


class NudgeWork:
    """Does the jobs of nudges, by whichever route leads to a target."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log | None,
        profile: Profile,
        routes: Mapping[TargetKind, NudgeRoute],
    ) -> None:
        """`log` is told of new evidence; a process without one leaves that to the leader's own rounds.
        `routes` are those that this post has; nothing is sent to targets of other kinds.
        """
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._records = NudgeRecords(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile)
        self._routes = routes

    async def ask(self, job: RunningJob) -> None:
        """Asks for a nudge to each verified target, each sent by a job of its own, in one transaction. Where
        there is no such target the step fails.

        Run again it does nothing, unless all nudges were lost and the operator has the step carried out again
        since (`server.usecases.ladder_desk`): then it asks for new ones.

        Raises:
            JobFailed: there is no such delivery.
        """
        number = job.arguments["step"]
        assert isinstance(number, int)
        async with self._uow.writing() as tx:
            delivery = await tx.deliveries.lock(_id(job, "mailbox"), _id(job, "delivery"))
            if delivery is None:
                raise JobFailed("NO_DELIVERY", for_good=True)
            step = policy_named(delivery.notification_policy).steps[number]
            if await self._is_needless(tx, delivery, step) or not await _is_ordered(tx, delivery, step):
                return
            earlier = await tx.nudges.of_step(delivery.mailbox_id, delivery.id, step.id)
            if earlier and not all_lost(earlier):
                return
            failure = await self._ask(tx, delivery, step, last_attempt(earlier) + 1)
            if failure is not None:
                await tx.ladders.fail(delivery.mailbox_id, delivery.id, step.id, failure)
            await tx.commit()
        if failure is not None:
            tell_of_failure(delivery.id, step.id, failure)

    async def send(self, job: RunningJob) -> None:
        """Sends one nudge, and records what became of it.

        Looked at under the delivery's lock right before: what was notified or withdrawn meanwhile is told
        nobody. Run again after it was recorded it does nothing. Where a worker is killed between another
        server's answer and the record, it is sent twice, with one Message-ID; of a short message only what
        was not kept as taken.

        Raises:
            JobFailed: another try may do.
        """
        found = await self._due(_id(job, "nudge"))
        if found is None:
            return
        nudge, target, delivery = found
        route = self._routes.get(nudge.kind)
        if route is None:
            # The operator has taken the gateway away since, or gave it to other workers only.
            raise JobFailed(NO_GATEWAY)
        try:
            segments = await route.send(target, nudge, delivery)
        except NotSent as failure:
            if not failure.for_good and not job.is_last:
                raise JobFailed(failure.reason) from None
            await self._records.record(nudge, Result.FAILED, why=failure.reason)
        else:
            await self._records.record(nudge, Result.SENT, segments=segments)

    async def reported(self, nudge_id: UUID, failure: str) -> bool:
        """Records what a phone's network reported of a nudge: why the phone did not get it, or, where that is
        empty, that it has it. The first report counts. False while it is not recorded as sent.
        """
        async with self._uow.reading() as tx:
            nudge = await tx.nudges.get(nudge_id)
        if nudge is None or nudge.state is not NudgeState.SENT:
            return nudge is None or nudge.state is not NudgeState.WAITING
        became = Result.BOUNCED if failure else Result.DELIVERED
        await self._records.record(nudge, became, why=failure, reported=True)
        return True

    async def _ask(self, tx: Transaction, delivery: Delivery, step: Step, attempt: int) -> str | None:
        """Adds nudges with their jobs; returns why there is none."""
        targets = await tx.forwarding_targets.verified_of({delivery.mailbox_id})
        reachable = [target for target in targets if target.kind in self._routes]
        if not reachable:
            return NO_GATEWAY if targets else NO_VERIFIED_TARGET
        now = self._clock.now()
        new = [
            Nudge(
                # Random, not as other identifiers are, which can be guessed from one another.
                UUID(bytes=self._entropy.random(_TOKEN_BYTES), version=4),
                delivery.mailbox_id,
                delivery.id,
                step.id,
                target.id,
                target.kind,
                now,
                attempt,
            )
            for target in reachable
        ]
        await tx.nudges.add(new)
        await tx.jobs.defer([Job(SEND_NUDGE, {"nudge": each.id}) for each in new])
        return None

    async def _due(self, nudge_id: UUID) -> tuple[Nudge, ForwardingTarget, Delivery] | None:
        """Returns a nudge that waits and is still to be sent, and to whom; one that is not is skipped."""
        failed = False
        async with self._uow.writing() as tx:
            nudge = await tx.nudges.get(nudge_id)
            if nudge is None or nudge.state is not NudgeState.WAITING:
                return None
            delivery = await tx.deliveries.lock(nudge.mailbox_id, nudge.delivery_id)
            assert delivery is not None
            if await tx.ladders.waits_for_a_sign_in(delivery.mailbox_id):
                raise JobFailed("SIGN_IN_PENDING", wait=_SIGN_IN_WAIT)
            steps = policy_named(delivery.notification_policy).steps
            step = next(each for each in steps if each.id == nudge.step)
            needless = await self._is_needless(tx, delivery, step)
            target = await tx.forwarding_targets.get(nudge.mailbox_id, nudge.target_id)
            if not needless and target is not None:
                return nudge, target, delivery
            if await tx.nudges.move(nudge, NudgeState.SKIPPED, at=self._clock.now()) and not needless:
                failed = await fail_if_all_are_lost(tx, nudge)
            await tx.commit()
        if failed:
            tell_of_failure(nudge.delivery_id, nudge.step, NOBODY_REACHED)
        return None

    async def _is_needless(self, tx: Transaction, delivery: Delivery, step: Step) -> bool:
        """Tells whether nobody is to be told any more: the locked delivery is notified, also by lapse of time
        alone, or withdrawn, or what the step is for has happened.
        """
        if delivery.state is not DeliveryState.CONSIGNED:
            return True
        facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
        if evidence_building.effect_by(facts, self._clock.now()) is not None:
            return True
        return any(fact.event in step.unless for fact in facts)


async def _is_ordered(tx: Transaction, delivery: Delivery, step: Step) -> bool:
    taken = await tx.ladders.steps_of(delivery.mailbox_id, delivery.id)
    return (step.id, StepState.ORDERED) in [(each.step, each.state) for each in taken]


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
