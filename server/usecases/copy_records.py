"""What is kept of copies: which there are to be of a message, and what became of each. Many at a time."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from namak.evidence import events
from server.domain import evidence_building
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.forwarding import (
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    Result,
    TargetKind,
    TargetResult,
)
from server.domain.profile import Profile
from server.usecases.grouping import Grouped
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork
from server.usecases.stamps import Stamps

_TOKEN_BYTES: Final = 16
"""Of which 122 bits are left in a UUID."""
_MOST: Final = 50
"""Messages, or outcomes, that share a transaction at most."""

RESULT_EVENTS = {
    (ForwardedContent.WHOLE, True): events.RELAY_TO_NON_ERDS,
    (ForwardedContent.WHOLE, False): events.RELAY_TO_NON_ERDS_FAILURE,
    (ForwardedContent.NOTICE, True): events.CONSIGNMENT_NOTIFICATION,
    (ForwardedContent.NOTICE, False): events.CONSIGNMENT_NOTIFICATION_FAILURE,
}
"""A whole message is relayed; a notice tells that one was consigned."""

DeliveryKey = tuple[UUID, UUID]
"""A mailbox and a delivery in it."""


@dataclass(frozen=True, slots=True)
class DueCopy:
    """A copy that is to be sent, of what, and to whom."""

    copy: ForwardedCopy
    target: ForwardingTarget
    delivery: Delivery


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of a copy: what it carried, by which channel, its state from then on, what its target
    shows, of a failure why, whether a phone's network reported it, and the words of a server that sent it
    back. The target is None where it was removed since.
    """

    copy: ForwardedCopy
    delivery: Delivery
    target_id: UUID | None
    content: ForwardedContent
    channel: str
    state: CopyState
    result: Result
    why: str = ""
    reported: bool = False
    diagnostic: str = ""


class CopyRecords:
    """Opens copies and records what became of them, in transactions that jobs at the same time share."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log | None,
        profile: Profile,
        kinds: Collection[TargetKind],
    ) -> None:
        """`kinds` are those of the targets that there is a route to."""
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._stamps = Stamps(profile, entropy)
        self._kinds = frozenset(kinds)
        self._opening = Grouped[DeliveryKey, Sequence[DueCopy]](self._open, most=_MOST)
        self._recording = Grouped[Outcome, bool](self._record, most=_MOST)

    async def open(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[DueCopy]:
        """Has a copy of a message for each verified target of its mailbox; returns those that wait to be
        sent. Run again it makes none anew.
        """
        return await self._opening.do((mailbox_id, delivery_id))

    async def record(self, outcome: Outcome) -> bool:
        """Records what became of a copy, as a fact; False where something was recorded before."""
        return await self._recording.do(outcome)

    async def record_later(
        self,
        copy: ForwardedCopy,
        content: ForwardedContent,
        channel: str,
        state: CopyState,
        result: Result,
        why: str,
        *,
        reported: bool = False,
        diagnostic: str = "",
    ) -> bool:
        """Records what became of a copy since it was sent; its target may be gone by then."""
        async with self._uow.reading() as tx:
            target = await tx.forwarding_targets.get(copy.mailbox_id, copy.target_id)
            delivery = (await tx.deliveries.found({(copy.mailbox_id, copy.delivery_id)}))[copy.delivery_id]
        target_id = None if target is None else target.id
        return await self.record(
            Outcome(copy, delivery, target_id, content, channel, state, result, why, reported, diagnostic)
        )

    def _token(self) -> UUID:
        # No identifier as others are: those that are made together can be guessed from one another, and each
        # recipient sees its own.
        return UUID(bytes=self._entropy.random(_TOKEN_BYTES), version=4)

    async def _open(self, keys: Sequence[DeliveryKey]) -> Sequence[Sequence[DueCopy]]:
        async with self._uow.writing() as tx:
            targets = defaultdict(list)
            for target in await tx.forwarding_targets.verified_of({mailbox_id for mailbox_id, _ in keys}):
                targets[target.mailbox_id].append(target)
            deliveries = await tx.deliveries.found(set(keys))
            wanted = [
                DueCopy(
                    ForwardedCopy(mailbox_id, delivery_id, target.id, self._token()),
                    target,
                    deliveries[delivery_id],
                )
                for mailbox_id, delivery_id in sorted(set(keys))
                for target in targets[mailbox_id]
                if target.kind in self._kinds and delivery_id in deliveries
            ]
            copies = {
                (copy.delivery_id, copy.target_id): copy
                for copy in await tx.forwarded_copies.add([each.copy for each in wanted])
            }
            if len(copies) < len(wanted):  # some of the messages were spread before
                for copy in await tx.forwarded_copies.of_deliveries(list(deliveries)):
                    copies[copy.delivery_id, copy.target_id] = copy
            await tx.commit()
        due = defaultdict(list)
        for each in wanted:
            copy = copies[each.copy.delivery_id, each.target.id]
            if copy.state is CopyState.WAITING:
                due[each.delivery.id].append(DueCopy(copy, each.target, each.delivery))
        return [due[delivery_id] for _, delivery_id in keys]

    async def _record(self, outcomes: Sequence[Outcome]) -> Sequence[bool]:
        deliveries = {each.delivery.id: each.delivery for each in outcomes}
        first = {each.copy.token: each for each in reversed(outcomes)}
        async with self._uow.writing() as tx:
            # Whoever records facts about deliveries locks them first.
            await tx.deliveries.lock_all({(each.mailbox_id, each.id) for each in deliveries.values()})
            moved = await tx.forwarded_copies.move_all(
                [(each.copy, each.state, each.content) for each in first.values()]
            )
            # Of two outcomes of one copy the first counts, also within a group.
            recorded = [each for token, each in first.items() if token in moved]
            found = await tx.evidence.of_deliveries(list(deliveries.values()))
            earlier = {delivery_id: list(facts) for delivery_id, facts in found.items()}
            failed = [each.copy for each in recorded if each.why and each.target_id is not None]
            before = await tx.forwarded_copies.failed_before(failed) if failed else {}
            now, last, facts = self._clock.now(), {}, []
            for each in recorded:
                facts.append(self._fact(each, earlier[each.delivery.id]))
                if each.target_id is not None:
                    in_a_row = before[each.copy.token] + 1 if each.why else 0
                    last[each.target_id] = TargetResult(each.result, now, each.why, each.diagnostic, in_a_row)
            await tx.evidence.record(facts)
            await tx.forwarding_targets.set_all_last(last)
            await tx.commit()
        if self._log is not None:
            self._log.wake()
        return [each in recorded for each in outcomes]

    def _fact(self, outcome: Outcome, earlier: list[Fact]) -> Fact:
        """Returns the fact of an outcome, and adds it to the delivery's earlier ones."""
        consignment = evidence_building.fact_of(earlier, events.CONTENT_CONSIGNMENT)
        stamp = self._stamps.at(evidence_building.recording_time(self._clock.now(), earlier))
        event = RESULT_EVENTS[outcome.content, not outcome.why]
        fact = evidence_building.forwarded(
            stamp,
            event,
            outcome.delivery,
            consignment,
            outcome.channel,
            outcome.why,
            reported_time=stamp.recorded_at if outcome.reported else None,
        )
        earlier.append(fact)
        return fact
