"""Withdrawing: a sender takes a delivery back that nobody has opened yet (POST-2).

An opening and a withdrawal both lock the delivery's row before they look at it, so that exactly one of the
two comes about; which one is a matter of who was first.
"""

import hashlib
import math
from dataclasses import dataclass
from uuid import UUID

import structlog

from namak.evidence import events
from server.domain import evidence_building
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.letters import Submitter
from server.domain.profile import Profile
from server.domain.refusals import (
    DeliveryNotified,
    DeliveryWithdrawn,
    MessageOpened,
    RequestIdReused,
)
from server.usecases.delivery import sent_by
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork
from server.usecases.receipts import receipts_in_time
from server.usecases.records import Claim, LoggedReceipt
from server.usecases.stamps import Stamps

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WithdrawDelivery:
    """`receipt_wait_seconds` is how long to wait for the receipt at most, once all is committed; 0 asks for
    none. `reply_by` is when the reply must go out with or without it, on the event loop's clock.
    """

    caller: Submitter
    request_id: str
    delivery_id: UUID
    receipt_wait_seconds: float
    reply_by: float = math.inf


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The delivery after its withdrawal, the evidence (Withdrawn), and its receipt if there is one."""

    delivery: Delivery
    evidence: Fact
    receipt: LoggedReceipt | None = None


class Withdrawal:
    """Withdraws deliveries, each once and for ever.

    A delivery of somebody else's and one that does not exist get the same answer.
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, log: Log, profile: Profile
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._stamps = Stamps(profile, entropy)

    async def withdraw(self, command: WithdrawDelivery) -> Withdrawn:
        """Withdraws a delivery that nobody has opened. Repeated under its request id it gives the same
        evidence.

        When it returns, the withdrawal is durable. Its receipt may be missing; that is no failure.

        Raises:
            ResourceNotPermitted, RequestIdReused, MessageOpened, DeliveryNotified, DeliveryWithdrawn.
            ServiceUnavailable: the outcome is unknown; repeat with the same request id.
        """
        async with self._uow.writing() as tx:
            stamp_id = self._entropy.new_id()
            # The claim leads to the evidence, not to the delivery: that is what a submission's leads to.
            claim = Claim(command.request_id, _digest(command.delivery_id), stamp_id)
            claims = await tx.claims.claim(command.caller.party_id, [claim])
            found = await sent_by(tx, command.caller, command.delivery_id)
            if earlier := claims.get(command.request_id):
                if earlier.digest != claim.digest:
                    raise RequestIdReused(command.request_id)
                fact = (await tx.evidence.get([earlier.subject_id]))[earlier.subject_id]
                delivery = found
            else:
                delivery, fact = await self._withdraw(tx, command, found, stamp_id)
                await tx.commit()
        if earlier is None:
            self._log.wake()
        return Withdrawn(delivery, fact, await self._receipt(fact, command))

    async def _withdraw(
        self, tx: Transaction, command: WithdrawDelivery, found: Delivery, evidence_id: UUID
    ) -> tuple[Delivery, Fact]:
        delivery = await tx.deliveries.lock(found.mailbox_id, found.id)
        if delivery is None:
            raise LookupError("a delivery is not in its mailbox")
        match delivery.state:
            case DeliveryState.NOTIFIED:
                raise DeliveryNotified(delivery.id)
            case DeliveryState.WITHDRAWN:
                raise DeliveryWithdrawn(delivery.id)
            case DeliveryState.CONSIGNED:
                pass
        if await tx.deliveries.is_opened(delivery.mailbox_id, delivery.id):
            raise MessageOpened(delivery.id)
        facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
        now = self._clock.now()
        if evidence_building.effect_by(facts, now) is not None:
            # By lapse of time; that it is recorded is another's work, and due.
            raise DeliveryNotified(delivery.id)
        at = evidence_building.recording_time(now, facts)
        if not await tx.deliveries.set_withdrawn(delivery.mailbox_id, delivery.id, at):
            raise LookupError("a locked delivery changed its state")
        fact = evidence_building.withdrawn(
            self._stamps.of(evidence_id, at),
            delivery,
            evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT),
        )
        await tx.evidence.record([fact])
        return await sent_by(tx, command.caller, delivery.id), fact

    async def _receipt(self, fact: Fact, command: WithdrawDelivery) -> LoggedReceipt | None:
        if command.receipt_wait_seconds <= 0:
            return None
        try:
            receipts = await receipts_in_time(
                self._log,
                {fact.id: fact.data},
                wait_seconds=command.receipt_wait_seconds,
                reply_by=command.reply_by,
            )
        except Exception as failure:  # noqa: BLE001 - what is committed is withdrawn, whatever fails afterwards
            _log.warning("no receipt after a commit", error=type(failure).__name__)
            return None
        return receipts.get(fact.id)


def _digest(delivery_id: UUID) -> bytes:
    # Another prefix than a submission's: one request id is used for one of the two.
    return hashlib.sha256(b"namak-withdrawal/1\x00" + delivery_id.bytes).digest()
