"""The fake unit of work's usage."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from namak.evidence.events import Event
from server.domain.deliveries import DeliveryState
from server.domain.local_days import Stretch
from server.domain.paper_desk import PAPER_DESK_ID
from server.domain.usage import Usage, UsageRow
from server.usecases.records import UsageFact
from tests.fakes.state import State


class FakeUsage:
    def __init__(self, state: State) -> None:
        self._state = state

    async def accepted(
        self,
        organisation_id: UUID,
        stretches: Sequence[Stretch],
        *,
        sender: str | None,
        sender_address_id: UUID | None,
    ) -> Sequence[UsageRow]:
        counts: Counter[tuple[Stretch, str, bool]] = Counter()
        for delivery in self._state.deliveries.values():
            if (
                delivery.organisation_id == organisation_id
                and sender in (None, delivery.sender)
                and sender_address_id in (None, delivery.sender_address_id)
            ):
                for stretch in stretches:
                    if stretch.start <= delivery.submitted_at < stretch.end:
                        withdrawn = delivery.state is DeliveryState.WITHDRAWN
                        counts[stretch, delivery.sender, withdrawn] += 1
        return [
            UsageRow(stretch.day, address, Usage(count, count if withdrawn else 0))
            for (stretch, address, withdrawn), count in counts.items()
        ]

    async def texts(
        self,
        organisation_id: UUID,
        stretches: Sequence[Stretch],
        *,
        sender: str | None,
        sender_address_id: UUID | None,
    ) -> Sequence[UsageRow]:
        return [
            UsageRow(stretch.day, sms.sender, Usage(sms=1, sms_segments=sms.segments))
            for sms in self._state.sender_texts.values()
            for stretch in stretches
            if sms.organisation_id == organisation_id
            and sender in (None, sms.sender)
            and sender_address_id in (None, sms.sender_address_id)
            and stretch.start <= sms.submitted_at < stretch.end
        ]

    async def organisations(self) -> Sequence[UUID]:
        return list(self._state.organisations)

    async def facts(
        self, event: Event, organisation_id: UUID | None = None, *, after: UUID, before: UUID, limit: int
    ) -> Sequence[UsageFact]:
        found = sorted(
            (
                fact
                for fact in self._state.evidence.values()
                if fact.event == event
                and organisation_id in (None, fact.organisation_id)
                and after < fact.id < before
                and fact.organisation_id not in self._state.mailboxes
                and fact.organisation_id != PAPER_DESK_ID
            ),
            key=lambda fact: fact.id,
        )
        # What waits for the log is not in it yet; the fake has no log, so nothing ever leaves the queue.
        queued = {fact.id for fact in self._state.queue}
        return [
            UsageFact(
                *(fact.id, fact.organisation_id, fact.data, fact.entry),
                None if fact.id in queued else fact.entry,
            )
            for fact in found[:limit]
        ]
