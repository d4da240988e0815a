"""Reads deliveries with all that is stored of them, for who checks all of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from server.fsck.delivery_ports import (
    DeliveryKey,
    DeliveryPage,
    StoredConfirmation,
    StoredDelivery,
    StoredFact,
)
from server.fsck.span_ports import WHOLE, Span
from server.storage.log_inspection import PostgresLogInspection

FACTS_AT_ONCE: Final = 4096
"""A page ends before a delivery with which it would have more facts."""

_LAST: Final = UUID(int=2**128 - 1)

# OFFSET: each link is looked up by its place, whatever the statistics say.
_DELIVERIES = """
SELECT d.mailbox_id, d.id, d.sender, d.recipient, d.notification_policy, d.submitted_at, d.state,
    d.notified_at, d.withdrawn_at, l.delivery_id IS NOT NULL AS linked
FROM (
    SELECT * FROM deliveries WHERE (mailbox_id, id) > ($1, $2) AND (mailbox_id, id) <= ($3, $4)
    ORDER BY mailbox_id, id LIMIT $5
) d
LEFT JOIN LATERAL (
    SELECT delivery_id FROM mailbox_links
    WHERE mailbox_id = d.mailbox_id AND sequence = d.sequence AND delivery_id = d.id OFFSET 0
) l ON true
ORDER BY d.mailbox_id, d.id
"""
_FACTS = """
SELECT owner_id, delivery_id, id, event, document, recorded_at FROM evidence
WHERE (owner_id, delivery_id) > ($1, $2) AND (owner_id, delivery_id) <= ($3, $4) AND delivery_id IS NOT NULL
ORDER BY owner_id, delivery_id, id LIMIT $5
"""
_OPENINGS = """
SELECT mailbox_id, delivery_id, evidence_id FROM openings
WHERE (mailbox_id, delivery_id) > ($1, $2) AND (mailbox_id, delivery_id) <= ($3, $4)
"""
_CONFIRMATIONS = """
SELECT mailbox_id, delivery_id, cms_digest, evidence_ids FROM confirmations
WHERE (mailbox_id, delivery_id) > ($1, $2) AND (mailbox_id, delivery_id) <= ($3, $4)
"""
_LISTS = "SELECT digest FROM revocation_lists WHERE digest = ANY ($1)"


class PostgresDeliveryInspection:
    """A `DeliveryInspection` on the connection of who reads the log, of the mailboxes of a span."""

    def __init__(
        self, log: PostgresLogInspection, span: Span = WHOLE, *, facts_at_once: int = FACTS_AT_ONCE
    ) -> None:
        self._log = log
        self._begin = (span.after, _LAST)
        self._end = (span.up_to, _LAST)
        self._facts_at_once = facts_at_once

    async def page(self, after: DeliveryKey, limit: int) -> DeliveryPage:
        """See `DeliveryInspection`."""
        after = max(after, self._begin)
        async with self._log.snapshot() as fetch:
            rows = await fetch(_DELIVERIES, *after, *self._end, limit)
            until = (rows[-1]["mailbox_id"], rows[-1]["id"]) if len(rows) == limit else None
            most = self._facts_at_once
            while True:
                found = await fetch(_FACTS, *after, *(until or self._end), most)
                if len(found) < most:
                    break
                # Of the last delivery there may be more: the page ends with the one before it.
                last = _key_of(found[-1])
                before = [key for each in found if (key := _key_of(each)) < last]
                if before:
                    until = before[-1]
                    found = found[: len(before)]
                    break
                most *= 2
            end = until or self._end
            openings = await fetch(_OPENINGS, *after, *end)
            confirmations = await fetch(_CONFIRMATIONS, *after, *end)
        kept = [each for each in rows if until is None or (each["mailbox_id"], each["id"]) <= until]
        return _page(kept, found, openings, confirmations, until)

    async def published_lists(self, digests: Collection[bytes]) -> Collection[bytes]:
        """See `DeliveryInspection`."""
        return {row["digest"] for row in await self._log.rows(_LISTS, list(digests))}


def _key_of(row: Any) -> DeliveryKey:
    return row["owner_id"], row["delivery_id"]


_RECORDED_AT: Final = attrgetter("recorded_at")


def _page(
    rows: Sequence[Any],
    found: Sequence[Any],
    openings: Sequence[Any],
    confirmations: Sequence[Any],
    until: DeliveryKey | None,
) -> DeliveryPage:
    facts: defaultdict[DeliveryKey, list[StoredFact]] = defaultdict(list)
    for owner, delivery, *fact in found:
        facts[owner, delivery].append(StoredFact._make(fact))
    opened: defaultdict[DeliveryKey, list[UUID]] = defaultdict(list)
    for mailbox, delivery, evidence_id in openings:
        opened[mailbox, delivery].append(evidence_id)
    confirmed: defaultdict[DeliveryKey, list[StoredConfirmation]] = defaultdict(list)
    for mailbox, delivery, *confirmation in confirmations:
        confirmed[mailbox, delivery].append(StoredConfirmation._make(confirmation))
    deliveries = []
    for row in rows:
        key = row[0], row[1]
        # Identifiers of two replicas are in order as far as their clocks agree; a delivery's times are. Of
        # the same time they stay in the order of identifiers.
        own = sorted(facts.pop(key, ()), key=_RECORDED_AT)
        deliveries.append(StoredDelivery._make((*row, own, opened.get(key, ()), confirmed.get(key, ()))))
    strays = [(key, fact.id) for key, those in facts.items() for fact in those]
    return DeliveryPage(deliveries, strays, until)
