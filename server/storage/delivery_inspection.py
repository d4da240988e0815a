"""Reads deliveries with all that is stored of them, for who checks all of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from namak.evidence import events
from server.fsck.delivery_ports import (
    DeliveryKey,
    DeliveryPage,
    StoredBox,
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
    d.notified_at, d.withdrawn_at, l.link IS NOT NULL AS linked, d.sequence,
    coalesce(l.nonce, ''), coalesce(l.previous, ''), coalesce(l.link, '')
FROM (
    SELECT * FROM deliveries WHERE (mailbox_id, id) > ($1, $2) AND (mailbox_id, id) <= ($3, $4)
    ORDER BY mailbox_id, id LIMIT $5
) d
LEFT JOIN LATERAL (
    SELECT nonce, previous, link FROM mailbox_links
    WHERE mailbox_id = d.mailbox_id AND sequence = d.sequence AND delivery_id = d.id OFFSET 0
) l ON true
ORDER BY d.mailbox_id, d.id
"""
_FACT = "id, event, document, recorded_at, organisation_id, entry"
_RANGE = """
WHERE (owner_id, delivery_id) > ($1, $2) AND (owner_id, delivery_id) <= ($3, $4) AND delivery_id IS NOT NULL
ORDER BY owner_id, delivery_id, id LIMIT $5
"""
_FACTS = f"""
SELECT {_FACT}, NULL, 0, NULL, owner_id, delivery_id FROM evidence {_RANGE}
"""  # noqa: S608
_FACTS_WITH_LEAVES = f"""
SELECT {", ".join(f"e.{name}" for name in _FACT.split(", "))}, l.origin, l.leaf_index, l.entry,
    e.owner_id, e.delivery_id
FROM (SELECT {_FACT}, owner_id, delivery_id FROM evidence {_RANGE}) e
LEFT JOIN LATERAL (
    SELECT origin, leaf_index, entry FROM log_entries WHERE evidence_id = e.id OFFSET 0
) l ON true
ORDER BY e.owner_id, e.delivery_id, e.id
"""  # noqa: S608
_BOXES = """
SELECT m.id, m.address, coalesce(h.sequence, 0), coalesce(h.link, ''),
    (SELECT min(sequence) FROM mailbox_links WHERE mailbox_id = m.id),
    (SELECT max(sequence) FROM mailbox_links WHERE mailbox_id = m.id)
FROM mailboxes m LEFT JOIN mailbox_heads h ON h.mailbox_id = m.id
WHERE m.id > $1 AND m.id >= $2 AND m.id <= $3 ORDER BY m.id
"""
_MAILBOXES = "SELECT id FROM mailboxes WHERE id = ANY ($1)"
# Of other mailboxes than that of noughts all is met.
_ODD = """
SELECT EXISTS (
    SELECT FROM evidence e WHERE e.delivery_id IS NULL AND (
        e.event = $1
        OR EXISTS (SELECT FROM evidence o WHERE o.id = e.id AND o.owner_id <> e.owner_id OFFSET 0)
    )
) OR EXISTS (
    SELECT FROM evidence WHERE owner_id = '00000000-0000-0000-0000-000000000000' AND delivery_id IS NOT NULL
) AS odd
"""
_OPENINGS = """
SELECT mailbox_id, delivery_id, evidence_id FROM openings
WHERE (mailbox_id, delivery_id) > ($1, $2) AND (mailbox_id, delivery_id) <= ($3, $4)
"""
_CONFIRMATIONS = """
SELECT mailbox_id, delivery_id, cms_digest, evidence_ids FROM confirmations
WHERE (mailbox_id, delivery_id) > ($1, $2) AND (mailbox_id, delivery_id) <= ($3, $4)
"""
_LISTS = "SELECT digest FROM revocation_lists WHERE digest = ANY ($1) AND digest = sha256(der)"


class PostgresDeliveryInspection:
    """A `DeliveryInspection` on the connection of who reads the log, of the mailboxes of a span."""

    def __init__(
        self, log: PostgresLogInspection, span: Span = WHOLE, *, facts_at_once: int = FACTS_AT_ONCE
    ) -> None:
        self._log = log
        self._begin = (span.after, _LAST)
        self._end = (span.up_to, _LAST)
        self._facts_at_once = facts_at_once

    async def page(
        self, after: DeliveryKey, limit: int, *, leaves: bool = False, boxes: bool = False
    ) -> DeliveryPage:
        """See `DeliveryInspection`."""
        after = max(after, self._begin)
        statement = _FACTS_WITH_LEAVES if leaves else _FACTS
        async with self._log.snapshot() as fetch:
            rows = await fetch(_DELIVERIES, *after, *self._end, limit)
            until = (rows[-1]["mailbox_id"], rows[-1]["id"]) if len(rows) == limit else None
            most = self._facts_at_once
            while True:
                found = await fetch(statement, *after, *(until or self._end), most)
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
            stored = await fetch(_BOXES, self._begin[0], after[0], end[0]) if boxes else ()
        kept = rows if until is None or not rows or _key(rows[-1]) <= until else _up_to(rows, until)
        deliveries, strays = _joined(kept, found, openings, confirmations)
        return DeliveryPage(deliveries, strays, until, [StoredBox._make(each) for each in stored])

    async def published_lists(self, digests: Collection[bytes]) -> Collection[bytes]:
        """See `DeliveryInspection`."""
        return {row["digest"] for row in await self._log.rows(_LISTS, list(digests))}

    async def mailboxes_among(self, identifiers: Collection[UUID]) -> Collection[UUID]:
        """See `DeliveryInspection`."""
        return {row["id"] for row in await self._log.rows(_MAILBOXES, list(identifiers))}

    async def has_odd_evidence(self) -> bool:
        """See `DeliveryInspection`."""
        rows = await self._log.rows(_ODD, events.SUBMISSION_ACCEPTANCE.uri)
        return bool(rows[0]["odd"])


def _key(row: Any) -> DeliveryKey:
    return row["mailbox_id"], row["id"]


def _up_to(rows: Sequence[Any], until: DeliveryKey) -> Sequence[Any]:
    return [each for each in rows if _key(each) <= until]


def _key_of(row: Any) -> DeliveryKey:
    return row["owner_id"], row["delivery_id"]


_RECORDED_AT: Final = attrgetter("recorded_at")


def _joined(
    rows: Sequence[Any], found: Sequence[Any], openings: Sequence[Any], confirmations: Sequence[Any]
) -> tuple[Sequence[StoredDelivery], Sequence[tuple[DeliveryKey, StoredFact]]]:
    """Returns deliveries with what is of them, and evidence of none of them."""
    facts = _facts_by_delivery(found)
    opened: defaultdict[DeliveryKey, list[UUID]] = defaultdict(list)
    for mailbox, delivery, evidence_id in openings:
        opened[mailbox, delivery].append(evidence_id)
    confirmed: defaultdict[DeliveryKey, list[StoredConfirmation]] = defaultdict(list)
    for mailbox, delivery, *confirmation in confirmations:
        confirmed[mailbox, delivery].append(StoredConfirmation._make(confirmation))
    deliveries = []
    for row in rows:
        own = tuple(row)
        key = own[:2]
        # Identifiers of two replicas are in order as far as their clocks agree; a delivery's times are. Of
        # the same time they stay in the order of identifiers.
        those = facts.pop(key, [])
        those.sort(key=_RECORDED_AT)
        of_holder = (opened.get(key, ()), confirmed.get(key, ()))
        deliveries.append(StoredDelivery._make((*own[:10], those, *of_holder, *own[10:])))
    strays = [(key, fact) for key, those in facts.items() for fact in those]
    return deliveries, strays


def _facts_by_delivery(found: Sequence[Any]) -> dict[tuple[Any, Any], list[StoredFact]]:
    facts: dict[tuple[Any, Any], list[StoredFact]] = {}
    owner = delivery = None
    own: list[StoredFact] = []
    for fact in map(_MAKE_FACT, found):
        # Those of a delivery come one after the other.
        if fact.delivery_id != delivery or fact.owner_id != owner:
            owner, delivery = fact.owner_id, fact.delivery_id
            facts[owner, delivery] = own = [fact]
        elif fact.id == own[-1].id:
            # It has two leaves; so neither is its.
            own[-1] = own[-1]._replace(entry=b"")
        else:
            own.append(fact)
    return facts


_MAKE_FACT: Final = partial(tuple.__new__, StoredFact)
