"""Records what happens outside (letters, public notices, nudges) as facts of deliveries, with what
follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import Details
from namak.evidence.events import Event
from namak.evidence.notification_policy import policy_named
from server.domain import evidence_building
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.profile import Profile
from server.usecases import telling
from server.usecases.ladder import plan_again
from server.usecases.ports import Entropy, Transaction
from server.usecases.stamps import Stamps


@dataclass(frozen=True, slots=True)
class RecordedOutside:
    """The delivery before, the fact, and the effect that followed from it or had come before it, if any."""

    delivery: Delivery
    fact: Fact
    effect: Fact | None


class OutsideFacts:
    """Records such facts, in the caller's transaction. Facts are recorded in whatever state the delivery is:
    late ones change nothing (docs/architecture.md).
    """

    def __init__(self, *, entropy: Entropy, profile: Profile) -> None:
        self._stamps = Stamps(profile, entropy)

    async def record(
        self,
        tx: Transaction,
        mailbox_id: UUID,
        delivery_id: UUID,
        event: Event,
        details: Callable[[str], Details],
        now: datetime,
    ) -> RecordedOutside | None:
        """Records a fact of this event; `details` makes what its evidence holds, given the hex digest of the
        delivery's ContentConsignment. Returns None where there is no such delivery.

        Locks the delivery; the caller commits, and wakes the log.
        """
        delivery = await tx.deliveries.lock(mailbox_id, delivery_id)
        if delivery is None:
            return None
        earlier = await tx.evidence.of_delivery(mailbox_id, delivery_id)
        consignment = evidence_building.fact_of(earlier, events.CONTENT_CONSIGNMENT)
        stamp = self._stamps.at(evidence_building.recording_time(now, earlier))
        fact = evidence_building.outside(stamp, delivery, event, details(consignment.entry.hex()))
        effect = None
        if delivery.state is DeliveryState.CONSIGNED:
            effect = await self._effect(tx, delivery, fact, earlier)
        await telling.record(tx, delivery, [fact, *([effect] if effect else [])])
        if delivery.state is DeliveryState.CONSIGNED and effect is None:
            policy = policy_named(delivery.notification_policy)
            if policy.goes_on_by_itself:
                await plan_again(tx, delivery, [*earlier, fact], now)
        return RecordedOutside(delivery, fact, effect)

    async def _effect(
        self, tx: Transaction, delivery: Delivery, fact: Fact, earlier: Sequence[Fact]
    ) -> Fact | None:
        derived = evidence_building.effect_after(fact, earlier)
        if derived is None:
            return None
        if not await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, derived.effective_time):
            raise LookupError("a locked delivery changed its state")
        return evidence_building.notification_effected(self._stamps.at(fact.recorded_at), delivery, derived)
