"""Records what becomes of nudges: facts of the holder's alone, which change neither state nor effect
(POST-7).

A step of which nobody is reached fails, for the operator to see, and the ladder goes on.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from namak.evidence import events
from namak.evidence.details import Details
from namak.evidence.details_outside import NudgeDetails, NudgeFailureDetails
from namak.evidence.notification_steps import Action
from server.domain.deliveries import DeliveryState
from server.domain.forwarding import Result, TargetKind, TargetResult
from server.domain.nudges import NOBODY_REACHED, Nudge, NudgeState, all_lost
from server.domain.profile import Profile
from server.usecases.outside_facts import OutsideFacts
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork

_log = structlog.get_logger(__name__)

_STATES: Final = {
    Result.SENT: NudgeState.SENT,
    Result.DELIVERED: NudgeState.DELIVERED,
    Result.FAILED: NudgeState.FAILED,
    Result.BOUNCED: NudgeState.FAILED,
}
CHANNELS: Final = {TargetKind.EMAIL: "EMAIL", TargetKind.PHONE: "SMS"}
"""What evidence calls the ways to targets."""


class NudgeRecords:
    """Records outcomes, each in a transaction of its own."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, log: Log | None, profile: Profile
    ) -> None:
        """`log` is told of new evidence; a process without one leaves that to the leader's own rounds."""
        self._uow = uow
        self._clock = clock
        self._log = log
        self._outside = OutsideFacts(entropy=entropy, profile=profile)

    async def record(
        self, nudge: Nudge, result: Result, *, why: str = "", segments: int = 0, reported: bool = False
    ) -> bool:
        """Records what became of a nudge, of a failure why, how many segments it took, and whether a phone's
        network reported it; False, and nothing, where something was recorded before.
        """
        now, failed = self._clock.now(), False
        event = events.CONSIGNMENT_NOTIFICATION_FAILURE if why else events.CONSIGNMENT_NOTIFICATION

        def details(consignment: str) -> Details:
            return _details(nudge, consignment, why, now if reported else None)

        async with self._uow.writing() as tx:
            # Whoever records facts about deliveries locks them first.
            delivery = await tx.deliveries.lock(nudge.mailbox_id, nudge.delivery_id)
            assert delivery is not None
            if not await tx.nudges.move(nudge, _STATES[result], at=now, segments=segments, why=why):
                return False
            await self._outside.record(tx, nudge.mailbox_id, nudge.delivery_id, event, details, now)
            await tx.forwarding_targets.set_last(nudge.target_id, TargetResult(result, now, why))
            if why and delivery.state is DeliveryState.CONSIGNED:
                failed = await fail_if_all_are_lost(tx, replace(nudge, state=_STATES[result]))
            await tx.commit()
        if self._log is not None:
            self._log.wake()
        if failed:
            tell_of_failure(nudge.delivery_id, nudge.step, NOBODY_REACHED)
        return True


async def fail_if_all_are_lost(tx: Transaction, nudge: Nudge) -> bool:
    """Has a step of a locked delivery fail where no nudge of it reached anybody; tells whether it did."""
    key = (nudge.mailbox_id, nudge.delivery_id, nudge.step)
    return all_lost(await tx.nudges.of_step(*key)) and await tx.ladders.fail(*key, NOBODY_REACHED)


def tell_of_failure(delivery_id: UUID, step: str, reason: str) -> None:
    """Tells the operator that a step failed."""
    _log.error(
        "a step of a ladder failed",
        delivery_id=str(delivery_id),
        step=step,
        action=Action.NUDGE.value,
        reason=reason,
    )


def _details(nudge: Nudge, consignment: str, why: str, reported: datetime | None) -> Details:
    channel = CHANNELS[nudge.kind]
    if why:
        return NudgeFailureDetails(consignment, nudge.step, reported, channel=channel, cause=why)
    return NudgeDetails(consignment, nudge.step, reported, channel=channel)
