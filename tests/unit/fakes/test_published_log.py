"""The published log in memory keeps the contract of the real one."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from namak.evidence import events
from namak.evidence.events import Event
from server.domain.facts import Fact
from tests.contracts.published_facts_contract import PublishedFactsContract
from tests.fakes.published_log import MemoryFacts, MemoryShard

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class MemoryShelf:
    """Facts in memory."""

    origin = "log.example.am/2026"

    def __init__(self) -> None:
        self.shard = MemoryShard(self.origin)
        self.facts = MemoryFacts(self.shard)

    async def put(
        self, mailbox: UUID, organisation: UUID, address: UUID, events: Sequence[Event]
    ) -> Sequence[UUID]:
        delivery_id = uuid4()
        self.facts.senders[delivery_id] = address
        return [self._add(event, mailbox, organisation, delivery_id) for event in events]

    async def refuse(self, organisation: UUID) -> UUID:
        return self._add(events.SUBMISSION_REJECTION, organisation, organisation, None)

    def _add(self, event: Event, owner: UUID, organisation: UUID, delivery_id: UUID | None) -> UUID:
        data = str(uuid4()).encode()
        fact = Fact(
            uuid4(), event, owner, organisation, delivery_id, NOW, data, hashlib.sha256(data).digest()
        )
        self.shard.integrate(fact)
        return fact.id


@pytest.fixture
def shelf() -> MemoryShelf:
    return MemoryShelf()


class TestMemoryFacts(PublishedFactsContract):
    """The contract, in memory."""
