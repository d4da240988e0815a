"""The reader of facts keeps the contract, over what this release integrated and over what the one before
did.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from namak.evidence import events
from namak.evidence.events import Event
from server.storage.fact_reader import PostgresFactReader
from tests.contracts.published_facts_contract import ANI, BOB, PublishedFactsContract
from tests.integration.transparency.correspondence import NOW, Correspondence
from tests.integration.transparency.ledger import Ledger

_INTEGRATE = """
WITH taken AS (DELETE FROM log_queue RETURNING position, entry, evidence_id, organisation_id)
INSERT INTO log_entries (origin, leaf_index, entry, evidence_id, organisation_id)
SELECT $1, (SELECT count(*) FROM log_entries) + row_number() OVER (ORDER BY position) - 1,
    entry, evidence_id, organisation_id
FROM taken
"""


@dataclass
class StoredShelf:
    """Facts in a database."""

    letters: Correspondence
    facts: PostgresFactReader
    as_before: bool
    origin: str = "log.example.am/2026"

    async def put(
        self, mailbox: UUID, organisation: UUID, address: UUID, events: Sequence[Event]
    ) -> Sequence[UUID]:
        known = len(self.letters.written)
        await self.letters.send(mailbox, organisation, address, *events, as_before=self.as_before)
        await self.letters.ledger.rows(_INTEGRATE, self.origin)
        return [each.evidence_id for each in self.letters.written[known:]]

    async def refuse(self, organisation: UUID) -> UUID:
        evidence_id = uuid4()
        await self.letters.ledger.rows(
            "INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry, recorded_at)"
            " VALUES ($1, $2, $3, $1, $4, sha256($4), $5)",
            *(organisation, evidence_id, events.SUBMISSION_REJECTION.uri, b"refused", NOW),
        )
        await self.letters.ledger.rows(
            "INSERT INTO log_queue (evidence_id, entry, organisation_id) VALUES ($1, sha256($2), $3)",
            *(evidence_id, b"refused", None if self.as_before else organisation),
        )
        await self.letters.ledger.rows(_INTEGRATE, self.origin)
        return evidence_id


@pytest.fixture(params=[False, True], ids=["this release", "the release before"])
async def shelf(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[StoredShelf]:
    letters = Correspondence(Ledger(database_url))
    await letters.mailbox("5001950015", ANI)
    await letters.mailbox("5001950016", BOB)
    facts = PostgresFactReader(database_url, connections=2)
    yield StoredShelf(letters, facts, request.param)
    await facts.close()


class TestPostgresFactReader(PublishedFactsContract):
    """The contract, on PostgreSQL."""


async def test_the_index_by_organisation_is_built(shelf: StoredShelf) -> None:
    plan = await shelf.letters.ledger.rows(
        "SELECT indexdef FROM pg_indexes JOIN pg_index ON indexrelid = indexname::regclass"
        " WHERE indexname = 'ix_log_entries_organisation_id_origin_leaf_index' AND indisvalid"
    )
    assert len(plan) == 1
