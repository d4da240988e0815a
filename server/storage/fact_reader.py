"""Finds facts by their places in the published log, for those who follow it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from namak.evidence.events import by_uri
from server.domain.facts import Fact
from server.storage.reading_pool import ReadingPool
from server.usecases.log_ports import Followed, LaidInto, Looked, Place, SentBy

# What the release before integrated says not whose it is: such leaves are among the candidates, and the
# evidence tells. Both halves walk one index in its own order.
_LEAVES_OF_AN_ORGANISATION = """
SELECT leaf_index, evidence_id FROM (
    (SELECT leaf_index, evidence_id FROM log_entries
    WHERE organisation_id = $1 AND origin = $2 AND leaf_index >= $3 AND leaf_index < $4
    ORDER BY leaf_index LIMIT $5)
    UNION ALL
    (SELECT leaf_index, evidence_id FROM log_entries
    WHERE organisation_id IS NULL AND origin = $2 AND leaf_index >= $3 AND leaf_index < $4
    ORDER BY organisation_id, origin, leaf_index LIMIT $5)
) leaves
ORDER BY leaf_index LIMIT $5
"""
# A mailbox holds few facts: all are looked up, rather than all leaves between them.
_LEAVES_OF_A_MAILBOX = """
WITH own AS MATERIALIZED (
    SELECT origin, leaf_index, evidence_id FROM log_entries
    WHERE evidence_id = ANY(ARRAY(SELECT id FROM evidence WHERE owner_id = $1))
)
SELECT leaf_index, evidence_id FROM own
WHERE origin = $2 AND leaf_index >= $3 AND leaf_index < $4
ORDER BY leaf_index LIMIT $5
"""
_SENT_AMONG = """
SELECT e.id, e.event, e.delivery_id, octet_length(e.document) AS size
FROM evidence e JOIN deliveries d ON d.mailbox_id = e.owner_id AND d.id = e.delivery_id
WHERE e.id = ANY($1::uuid[]) AND e.organisation_id = $2 AND d.organisation_id = $2
AND ($3::uuid IS NULL OR d.sender_address_id = $3)
"""
_LAID_IN_AMONG = """
SELECT id, event, delivery_id, octet_length(document) AS size
FROM evidence WHERE id = ANY($1::uuid[]) AND owner_id = $2 AND delivery_id IS NOT NULL
"""
_FACTS = """
SELECT id, event, owner_id, organisation_id, delivery_id, recorded_at, document, entry
FROM evidence WHERE id = ANY($1::uuid[])
"""


class PostgresFactReader:
    """Implements `PublishedFacts`, with a few connections of its own."""

    def __init__(self, url: str, *, connections: int) -> None:
        """Takes the database's URL and how many connections it may hold."""
        self._pool = ReadingPool(url, connections=connections, application="namak fact reader")

    async def look(self, followed: Followed, origin: str, first: int, end: int, *, limit: int) -> Looked:
        """See `PublishedFacts`."""
        leaves = await self._pool.rows(*_candidates(followed), origin, first, end, limit)
        if len(leaves) == limit:
            end = leaves[-1]["leaf_index"] + 1
        if not leaves:
            return Looked((), end)
        ids = [row["evidence_id"] for row in leaves]
        found = {row["id"]: row for row in await self._belonging(followed, ids)}
        places = [
            _place(row["leaf_index"], found[each])
            for each, row in zip(ids, leaves, strict=True)
            if each in found
        ]
        return Looked(places, end)

    async def facts(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        """See `PublishedFacts`."""
        rows = await self._pool.rows(_FACTS, list(evidence_ids)) if evidence_ids else ()
        return {fact.id: fact for fact in map(_fact, rows)}

    async def close(self) -> None:
        """Closes the connections, not waiting for queries under way."""
        await self._pool.close()

    async def _belonging(self, followed: Followed, evidence_ids: Sequence[UUID]) -> Sequence[Any]:
        match followed:
            case SentBy():
                owners = (followed.organisation_id, followed.sender_address_id)
                return await self._pool.rows(_SENT_AMONG, evidence_ids, *owners)
            case LaidInto():
                return await self._pool.rows(_LAID_IN_AMONG, evidence_ids, followed.mailbox_id)


def _candidates(followed: Followed) -> tuple[str, UUID]:
    match followed:
        case SentBy():
            return _LEAVES_OF_AN_ORGANISATION, followed.organisation_id
        case LaidInto():
            return _LEAVES_OF_A_MAILBOX, followed.mailbox_id


def _place(leaf_index: int, row: Any) -> Place:
    return Place(leaf_index, _uuid(row["id"]), by_uri[row["event"]], _uuid(row["delivery_id"]), row["size"])


def _fact(row: Any) -> Fact:
    return Fact(
        id=_uuid(row["id"]),
        event=by_uri[row["event"]],
        owner_id=_uuid(row["owner_id"]),
        organisation_id=_uuid(row["organisation_id"]),
        delivery_id=None if row["delivery_id"] is None else _uuid(row["delivery_id"]),
        recorded_at=row["recorded_at"],
        data=row["document"],
        entry=row["entry"],
    )


def _uuid(value: Any) -> UUID:
    # asyncpg gives a subclass of its own, which does not compare with every UUID.
    return UUID(int=value.int)
