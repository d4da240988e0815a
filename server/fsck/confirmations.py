"""Checks that what was stored of a holder's acts and their evidence belong together, and have all parts."""

import hashlib
from collections.abc import Iterator, Sequence
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import ConfirmationDetails, NamedList
from namak.evidence.document import RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.statement import Statement, language_under, stated_parts
from server.fsck.delivery_ports import StoredDelivery
from server.fsck.kinds import Kind


def act_flaws(delivery: StoredDelivery, facts: Sequence[RecordedFact]) -> Iterator[tuple[Kind, str]]:
    """Yields openings and confirmations without their evidence, and such evidence without them."""
    accesses = _ids(facts, events.CONTENT_ACCESS_TRACKING.uri)
    for missing in sorted(set(delivery.openings) ^ accesses):
        without = "its opening" if missing in accesses else "evidence of that"
        yield Kind.ACT_WRONG, f"opening, evidence {missing}: without {without}"
    confirmed = {fact.document.evidence_id: fact for fact in facts if _confirmation(fact) is not None}
    there = {fact.document.evidence_id for fact in facts}
    left = set(confirmed)
    for each in delivery.confirmations:
        named = [fact for evidence_id, fact in confirmed.items() if evidence_id in each.evidence_ids]
        left.difference_update(each.evidence_ids)
        if gone := sorted(set(each.evidence_ids) - there):
            yield Kind.ACT_WRONG, f"confirmation, evidence {gone[0]}: without evidence of that"
        elif not any(_cms_digest(fact) == each.cms_digest for fact in named):
            yield Kind.ACT_WRONG, "confirmation: its evidence holds another signature"
    for evidence_id in sorted(left):
        yield Kind.ACT_WRONG, f"confirmation, evidence {evidence_id}: without its confirmation"


def confirmation_flaws(fact: RecordedFact) -> Iterator[str]:
    """Yields why what is said to be signed can't be what the holder signed of this delivery.

    The signature itself is verified where that is asked for (`server.fsck.signatures`).
    """
    details, document = _confirmation(fact), fact.document
    if details is None:
        return
    try:
        statement = Statement.parse(details.statement.encode())
    except EvidenceError as wrong:
        yield f"its statement can't be read: {wrong.detail}"
        return
    pairs = (
        ("delivery", statement.delivery_id, document.delivery_id),
        ("sender", statement.sender, document.sender.identifier),
        ("recipient", statement.recipient, document.recipient.identifier),
        ("right", statement.right, details.right),
        ("parts", statement.parts, stated_parts(document.parts)),
        ("language", statement.language, language_under(document.policy_id)),
    )
    for name, said, other in pairs:
        if said != other:
            yield f"its statement names another {name}"
    if not statement.issued <= document.event_time <= statement.expires:
        yield "it was not recorded while its statement was good"


def published_lists_of(facts: Sequence[RecordedFact]) -> Iterator[tuple[UUID, bytes]]:
    """Yields the revocation lists that confirmations name by digest instead of holding them."""
    for fact in facts:
        details = _confirmation(fact)
        for each in () if details is None else details.revocation:
            if isinstance(each, NamedList):
                yield fact.document.evidence_id, bytes.fromhex(each.digest)


def _confirmation(fact: RecordedFact) -> ConfirmationDetails | None:
    details = fact.document.details
    return details if isinstance(details, ConfirmationDetails) else None


def _cms_digest(fact: RecordedFact) -> bytes:
    details = _confirmation(fact)
    return b"" if details is None else hashlib.sha256(details.cms).digest()


def _ids(facts: Sequence[RecordedFact], event: str) -> set[UUID]:
    return {fact.document.evidence_id for fact in facts if fact.document.event.uri == event}
