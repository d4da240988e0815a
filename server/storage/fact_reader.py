"""Finds facts by their places in the published log, for those who follow it.

An organisation's leaves stand in an index by leaf. A mailbox's do not, for that index would cost every
delivery; its facts are found by their identifiers, in portions. These begin with the time of their making,
and a fact comes into the log behind all that were made more than `ID_MARGIN` before it: no transaction lasts
so long, and no two clocks are so far apart. A look therefore reads, besides what it returns, what the mailbox
got within such a margin.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from namak.evidence.events import by_uri
from server.domain.facts import Fact
from server.domain.ids import ID_MARGIN, moved
from server.storage.facts import fact_of, plain
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
_IDS_AT_LEAVES = """
SELECT leaf_index, evidence_id FROM log_entries WHERE origin = $1 AND leaf_index = ANY($2::bigint[])
"""
_OF_A_MAILBOX = """
SELECT e.id, e.event, e.delivery_id, octet_length(e.document) AS size, l.leaf_index
FROM (SELECT * FROM evidence WHERE owner_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $5) e
LEFT JOIN LATERAL (
    SELECT leaf_index FROM log_entries WHERE evidence_id = e.id AND origin = $4 OFFSET 0
) l ON true
ORDER BY e.id
"""
_SENT_AMONG = """
SELECT e.id, e.event, e.delivery_id, octet_length(e.document) AS size
FROM evidence e JOIN deliveries d ON d.mailbox_id = e.owner_id AND d.id = e.delivery_id
WHERE e.id = ANY($1::uuid[]) AND e.organisation_id = $2 AND d.organisation_id = $2
AND ($3::uuid IS NULL OR d.sender_address_id = $3)
"""
_FACTS = """
SELECT id, event, owner_id, organisation_id, delivery_id, recorded_at, document, entry
FROM evidence WHERE id = ANY($1::uuid[])
"""

_LOWEST, _HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)
_ROUNDED = timedelta(milliseconds=1)


class PostgresFactReader:
    """Implements `PublishedFacts`, with a few connections of its own."""

    def __init__(self, url: str, *, connections: int) -> None:
        """Takes the database's URL and how many connections it may hold."""
        self._pool = ReadingPool(url, connections=connections, application="namak fact reader")

    async def look(self, followed: Followed, origin: str, first: int, end: int, *, limit: int) -> Looked:
        """See `PublishedFacts`."""
        match followed:
            case SentBy():
                return await self._sent_by(followed, origin, first, end, limit)
            case LaidInto():
                return await self._laid_into(followed.mailbox_id, origin, first, end, limit)

    async def facts(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        """See `PublishedFacts`."""
        rows = await self._pool.rows(_FACTS, list(evidence_ids)) if evidence_ids else ()
        return {fact.id: fact for fact in (fact_of(SimpleNamespace(**row)) for row in rows)}

    async def close(self) -> None:
        """Closes the connections, not waiting for queries under way."""
        await self._pool.close()

    async def _sent_by(self, followed: SentBy, origin: str, first: int, end: int, limit: int) -> Looked:
        organisation = followed.organisation_id
        leaves = await self._pool.rows(_LEAVES_OF_AN_ORGANISATION, organisation, origin, first, end, limit)
        if len(leaves) == limit:
            end = leaves[-1]["leaf_index"] + 1
        if not leaves:
            return Looked((), end)
        ids = [row["evidence_id"] for row in leaves]
        rows = await self._pool.rows(_SENT_AMONG, ids, organisation, followed.sender_address_id)
        found = {row["id"]: row for row in rows}
        places = [
            _place(row["leaf_index"], found[each])
            for each, row in zip(ids, leaves, strict=True)
            if each in found
        ]
        return Looked(places, end)

    async def _laid_into(self, mailbox_id: UUID, origin: str, first: int, end: int, limit: int) -> Looked:
        after, before = await self._around(origin, first, end)
        own: list[Any] = []
        portion = limit
        while True:
            rows = await self._pool.rows(_OF_A_MAILBOX, mailbox_id, after, before, origin, portion)
            own += (row for row in rows if row["leaf_index"] is not None)
            if len(rows) < portion:
                break
            after = plain(rows[-1]["id"])
            # What was not read yet stands behind all of these.
            settled = moved(after, -ID_MARGIN)
            known = max((_leaf(row) + 1 for row in own if plain(row["id"]) < settled), default=0)
            if known > first:
                end = min(end, known)
                break
            # However many there are within the margin, the portions are few.
            portion *= 2
        found = sorted((row for row in own if first <= row["leaf_index"] < end), key=_leaf)
        if len(found) >= limit:
            found = found[:limit]
            end = _leaf(found[-1]) + 1
        return Looked([_place(_leaf(row), row) for row in found if row["delivery_id"] is not None], end)

    async def _around(self, origin: str, first: int, end: int) -> tuple[UUID, UUID]:
        """Returns bounds below and above the identifiers of all that stands from `first` up to `end`."""
        rows = await self._pool.rows(_IDS_AT_LEAVES, origin, [first, end - 1])
        at = {_leaf(row): plain(row["evidence_id"]) for row in rows if row["evidence_id"].version == 7}
        lowest, highest = at.get(first, _LOWEST), at.get(end - 1, _HIGHEST)
        return moved(lowest, -ID_MARGIN), moved(highest, ID_MARGIN + _ROUNDED)


def _place(leaf_index: int, row: Any) -> Place:
    return Place(leaf_index, plain(row["id"]), by_uri[row["event"]], plain(row["delivery_id"]), row["size"])


def _leaf(row: Any) -> int:
    leaf_index: int = row["leaf_index"]
    return leaf_index
