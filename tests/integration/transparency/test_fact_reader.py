"""The reader of facts keeps the contract, over what this release integrated and over what the one before
did; and what it reads for a mailbox is in proportion to what it returns.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.events import Event
from server.domain.ids import ID_MARGIN
from server.storage.fact_reader import PostgresFactReader
from server.storage.reading_pool import ReadingPool
from server.usecases.log_ports import LaidInto
from tests.contracts.published_facts_contract import ANI, BOB, PublishedFactsContract
from tests.explained import rows_read
from tests.integration.transparency.correspondence import IDS, NOW, Correspondence
from tests.integration.transparency.ledger import Ledger

_INTEGRATE = """
WITH taken AS (DELETE FROM log_queue RETURNING position, entry, evidence_id, organisation_id)
INSERT INTO log_entries (origin, leaf_index, entry, evidence_id, organisation_id)
SELECT $1, (SELECT count(*) FROM log_entries) + row_number() OVER (ORDER BY position) - 1,
    entry, evidence_id, organisation_id
FROM taken
"""
_PLACE = """
WITH logged AS (
    INSERT INTO log_entries (origin, leaf_index, entry, evidence_id)
    SELECT $3, leaf - 1, sha256(document), id
    FROM unnest($1::uuid[], $2::bytea[]) WITH ORDINALITY AS given (id, document, leaf)
)
INSERT INTO evidence (owner_id, id, event, organisation_id, delivery_id, document, entry, recorded_at)
SELECT owner, id, $4, owner, owner, document, sha256(document), $5
FROM unnest($6::uuid[], $1::uuid[], $2::bytea[]) AS given (owner, id, document)
"""
_HOUR = 3_600_000
_MARGIN = ID_MARGIN // timedelta(milliseconds=1)


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
        evidence_id = IDS.new_id()
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


async def _place(ledger: Ledger, origin: str, made: Sequence[tuple[int, UUID]]) -> None:
    """Puts facts into a shard in this order; each was made at a time (ms), and lies in a mailbox."""
    ids = [UUID(int=(at << 80) | (uuid4().int & ((1 << 80) - 1)) & ~(0xF << 76) | 7 << 76) for at, _ in made]
    owners = [owner for _, owner in made]
    documents = [each.bytes for each in ids]
    event = events.CONTENT_CONSIGNMENT.uri
    await ledger.rows(_PLACE, ids, documents, origin, event, NOW, owners)


async def _all_in_steps(
    reader: PostgresFactReader, mailbox: UUID, origin: str, end: int, limit: int
) -> list[int]:
    found: list[int] = []
    first = 0
    while first < end:
        looked = await reader.look(LaidInto(mailbox), origin, first, end, limit=limit)
        assert len(looked.places) <= limit
        assert first < looked.end <= end
        assert all(first <= place.leaf_index < looked.end for place in looked.places)
        found += [place.leaf_index for place in looked.places]
        first = looked.end
    return found


@pytest.mark.parametrize("shelf", [False], indirect=True, ids=["this release"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # How long after the one before it came into the log, how long before that it was made, and whose it is.
    facts=st.lists(
        st.tuples(
            st.sampled_from([0, 1, 1000, _HOUR // 2, _HOUR, 3 * _HOUR]),
            st.sampled_from([0, 1, _HOUR // 2, _MARGIN - 1, _MARGIN]),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    limit=st.integers(1, 8),
    cut=st.integers(0, 5),
)
async def test_a_mailbox_s_looks_give_all_its_leaves_however_late_facts_came_into_the_log(
    shelf: StoredShelf, facts: list[tuple[int, int, bool]], limit: int, cut: int
) -> None:
    mailbox, origin, now = uuid4(), f"log.example.am/{uuid4()}", 1_795_305_765_123
    made = []
    for later, before, own in facts:
        now += later
        made.append((now - before, mailbox if own else uuid4()))
    await _place(shelf.letters.ledger, origin, made)
    end = max(1, len(made) - cut)
    expected = [leaf for leaf, (_, owner) in enumerate(made[:end]) if owner == mailbox]
    assert await _all_in_steps(shelf.facts, mailbox, origin, end, limit) == expected


@pytest.mark.parametrize("shelf", [False], indirect=True, ids=["this release"])
async def test_a_look_into_a_full_mailbox_reads_in_proportion_to_its_page(
    shelf: StoredShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, start, count = uuid4(), 1_795_305_765_123, 3000
    made = [(start + leaf * _HOUR // 4, mailbox) for leaf in range(count)]
    await _place(shelf.letters.ledger, shelf.origin, made)
    read = 0.0
    rows = ReadingPool.rows

    async def counted(pool: ReadingPool, statement: str, *values: object) -> Sequence[Any]:
        nonlocal read
        ((plan,),) = await rows(pool, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)
        read += rows_read(json.loads(plan))
        return await rows(pool, statement, *values)

    monkeypatch.setattr(ReadingPool, "rows", counted)
    for first in (0, count // 2, count - 20):
        read = 0.0
        looked = await shelf.facts.look(LaidInto(mailbox), shelf.origin, first, count, limit=20)
        assert looked.places[0].leaf_index == first
        assert 0 < read < 300
