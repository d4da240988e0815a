"""Deliveries as they are stored, with all that usually becomes of them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from namak.evidence import events
from namak.evidence.document import RecordedFact
from scripts.benchmark.stored_post import StoredOffice
from server.domain import evidence_building
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.fsck.delivery_ports import StoredConfirmation, StoredDelivery, StoredFact


def stored(delivery: Delivery, facts: Sequence[Fact]) -> StoredDelivery:
    """Returns a delivery as the database gives it back with these facts."""
    rows = [StoredFact(each.id, each.event.uri, each.data, each.recorded_at) for each in facts]
    details: dict[str, Any] = {
        each.event.uri: RecordedFact.parse(each.data).document.details for each in facts
    }
    effect = details.get(events.NOTIFICATION_EFFECTED.uri)
    withdrawn = [each.recorded_at for each in facts if each.event == events.WITHDRAWN]
    confirmed = [each.id for each in facts if each.event == events.READING_CONFIRMED]
    signature = details.get(events.READING_CONFIRMED.uri)
    return StoredDelivery(
        *(delivery.mailbox_id, delivery.id, delivery.sender, delivery.recipient),
        *(delivery.notification_policy, delivery.submitted_at),
        "NOTIFIED" if effect else "WITHDRAWN" if withdrawn else "CONSIGNED",
        effect.effective_time if effect else None,
        withdrawn[0] if withdrawn else None,
        linked=True,
        facts=rows,
        openings=[each.id for each in facts if each.event == events.CONTENT_ACCESS_TRACKING],
        confirmations=[StoredConfirmation(sha256(signature.cms).digest(), confirmed)] if signature else [],
    )


def usual_deliveries() -> Iterator[StoredDelivery]:
    """Yields one of each kind: unread, opened, confirmed, notified by either, confirmed after its effect,
    withdrawn.
    """
    office = StoredOffice(UUID(int=7))
    made = [(delivery, facts) for delivery, facts, _ in office.portion(10)]
    (unread, beginning), (notified, by_opening), (confirmed, by_confirmation) = made[0], made[5], made[9]
    yield stored(unread, beginning)
    yield stored(notified, by_opening)
    yield stored(confirmed, by_confirmation)
    yield stored(confirmed, by_confirmation[:3])
    consignment, at = beginning[1], office.at + timedelta(hours=1)
    make = evidence_building
    yield stored(unread, [*beginning, make.withdrawn(office._stamp(at), unread, consignment)])
    text = make.statement_to_sign(office._new_id(), notified, at, at + timedelta(hours=1), language="hy")
    lists = [bytes(70_000), bytes(100)]
    later = make.reading_confirmed(
        office._stamp(at), notified, by_opening[1], by_opening[2], make.SignedStatement(text, b"cms", lists)
    )
    again = make.content_access_tracking(office._stamp(at + timedelta(hours=1)), notified, by_opening[1])
    yield stored(notified, [*by_opening, later, again])
