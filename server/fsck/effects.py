"""Derives again what follows from the facts of one delivery, and holds it against what was recorded of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from namak.evidence import events
from namak.evidence.as_written import document_as_written
from namak.evidence.details import EffectDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.events import Event
from namak.evidence.notification_policy import Effect, policy_named
from namak.evidence.times import format_time
from server.domain.deliveries import DeliveryState
from server.fsck.confirmations import act_flaws, confirmation_flaws, published_lists_of
from server.fsck.delivery_ports import StoredDelivery, StoredFact
from server.fsck.kinds import Kind

OVERDUE: Final = timedelta(hours=1)
"""An effect that came by lapse of time is recorded by workers, who may be so late."""

Flaw = tuple[Kind, str]
"""What is wrong, and with what of the delivery."""

_FIRST = (events.SUBMISSION_ACCEPTANCE, events.CONTENT_CONSIGNMENT)
_OPENED = (events.CONTENT_ACCESS_TRACKING, events.READING_CONFIRMED, events.NOTIFICATION_EFFECTED)


class _Underivable(Exception):
    """What follows from the facts can't be said by this release; the text says why."""


@dataclass
class Judged:
    """What there is to say of one delivery.

    Attributes:
        lists: evidence of confirmations, and the SHA-256 of a revocation list that must be published for it.
        underivable: why this release can't say what follows from the facts, if so.
    """

    flaws: list[Flaw] = field(default_factory=list)
    lists: list[tuple[UUID, bytes]] = field(default_factory=list)
    underivable: str = ""


def judged(delivery: StoredDelivery, now: datetime) -> Judged:
    """Returns what is wrong with a delivery as it was stored by `now`."""
    found, facts = Judged(), []
    for stored in delivery.facts:
        try:
            document = document_as_written(stored.document) or EvidenceDocument.parse(stored.document)
            facts.append(RecordedFact(document, stored.document))
        except EvidenceError as unreadable:
            # What follows from evidence that can't be read nobody can say.
            found.flaws.append((Kind.FACT_UNREADABLE, f"evidence {stored.id}: {unreadable.detail}"))
    if found.flaws:
        return found
    found.flaws += _flaws(delivery, facts)
    found.lists += published_lists_of(facts)
    try:
        found.flaws += _effect_flaws(facts, now)
    except _Underivable as underivable:
        found.underivable = str(underivable)
    return found


def _flaws(delivery: StoredDelivery, facts: Sequence[RecordedFact]) -> Iterator[Flaw]:
    if not delivery.linked:
        yield Kind.UNLINKED, "its place"
    for event in _FIRST:
        if (count := len(_of(facts, event))) != 1:
            yield Kind.ORIGIN_MISSING, f"{count} of {event.name}"
    for stored, fact in zip(delivery.facts, facts, strict=True):
        if differing := [*_row_differences(delivery, stored, fact.document, facts[0].document)]:
            yield Kind.FACT_WRONG, f"{_name(fact)}: {', '.join(differing)}"
    yield from _named_flaws(facts)
    yield from act_flaws(delivery, facts)
    for fact in _of(facts, events.READING_CONFIRMED):
        for wrong in confirmation_flaws(fact):
            yield Kind.CONFIRMATION_WRONG, f"{_name(fact)}: {wrong}"
    yield from _withdrawal_flaws(facts)
    yield from _state_flaws(delivery, facts)


def _of(facts: Sequence[RecordedFact], event: Event) -> list[RecordedFact]:
    return [fact for fact in facts if fact.document.event == event]


def _name(fact: RecordedFact) -> str:
    return f"{fact.document.event.name} {fact.document.evidence_id}"


def _row_differences(
    delivery: StoredDelivery, stored: StoredFact, document: EvidenceDocument, first: EvidenceDocument
) -> Iterator[str]:
    """Yields what a fact says otherwise than its row, its delivery's row, or the first of its delivery."""
    pairs = (
        ("identifier", document.evidence_id, stored.id),
        ("event", document.event.uri, stored.event),
        ("time", document.event_time, stored.recorded_at),
        ("delivery", document.delivery_id, delivery.id),
        ("sender", document.sender.identifier, delivery.sender),
        ("recipient", document.recipient.identifier, delivery.recipient),
        ("time of submission", document.submission_time, delivery.submitted_at),
        ("notification policy", document.notification_policy, delivery.notification_policy),
        ("parts", document.parts, first.parts),
    )
    return (name for name, said, other in pairs if said != other)


def _named_flaws(facts: Sequence[RecordedFact]) -> Iterator[Flaw]:
    """Yields facts that name evidence of the delivery which is not there with those bytes."""
    known = {fact.digest: fact.document.event for fact in facts}
    for fact in facts:
        details = fact.document.details
        for name, event in (
            ("consignment", events.CONTENT_CONSIGNMENT),
            ("access", events.CONTENT_ACCESS_TRACKING),
        ):
            digest = getattr(details, name, None)
            if digest is not None and known.get(digest) != event:
                yield Kind.NAMED_MISSING, f"{_name(fact)}: the {event.name} {digest}"
        if isinstance(details, EffectDetails) and details.fact not in known:
            yield Kind.NAMED_MISSING, f"{_name(fact)}: the fact {details.fact}"


def _withdrawal_flaws(facts: Sequence[RecordedFact]) -> Iterator[Flaw]:
    withdrawals = _of(facts, events.WITHDRAWN)
    for withdrawal in withdrawals[:1]:
        at = withdrawal.document.event_time
        for fact in facts:
            if fact.document.event in _OPENED and fact.document.event_time <= at:
                yield Kind.WITHDRAWAL_WRONG, f"{_name(withdrawal)}: {_name(fact)} was before it"
    for again in withdrawals[1:]:
        yield Kind.WITHDRAWAL_WRONG, f"{_name(again)}: it was withdrawn before"


def _state_flaws(delivery: StoredDelivery, facts: Sequence[RecordedFact]) -> Iterator[Flaw]:
    effects, withdrawals = _of(facts, events.NOTIFICATION_EFFECTED), _of(facts, events.WITHDRAWN)
    state, notified_at, withdrawn_at = DeliveryState.CONSIGNED, None, None
    if effects:
        details = effects[0].document.details
        assert isinstance(details, EffectDetails)
        state, notified_at = DeliveryState.NOTIFIED, details.effective_time
    elif withdrawals:
        state, withdrawn_at = DeliveryState.WITHDRAWN, withdrawals[0].document.event_time
    if delivery.state != state:
        yield Kind.STATE_WRONG, f"it is {delivery.state}, and by its evidence {state}"
    elif (delivery.notified_at, delivery.withdrawn_at) != (notified_at, withdrawn_at):
        at = notified_at or withdrawn_at
        yield Kind.STATE_WRONG, f"it is {state} since {'another time' if at is None else format_time(at)}"


def _effect_flaws(facts: Sequence[RecordedFact], now: datetime) -> Iterator[Flaw]:
    recorded = _of(facts, events.NOTIFICATION_EFFECTED)
    for again in recorded[1:]:
        yield Kind.EFFECT_TWICE, _name(again)
    if recorded:
        yield from _effect_differences(recorded[0], _derived(facts, recorded[0].document.event_time))
    elif facts:
        # A replica's clock may be ahead of ours.
        derived = _derived(facts, max(now, facts[-1].document.event_time))
        if derived is not None:
            yield from _unrecorded(facts, derived, now)


def _unrecorded(facts: Sequence[RecordedFact], derived: Effect, now: datetime) -> Iterator[Flaw]:
    cause = next(fact for fact in facts if fact.digest == derived.fact_digest)
    where = f"{_name(cause)} has it by {derived.rule} since {format_time(derived.effective_time)}"
    if derived.effective_time <= cause.document.event_time:
        yield Kind.EFFECT_MISSING, where
    elif derived.effective_time < now - OVERDUE:
        yield Kind.EFFECT_OVERDUE, where


def _effect_differences(effect: RecordedFact, derived: Effect | None) -> Iterator[Flaw]:
    details = effect.document.details
    assert isinstance(details, EffectDetails)
    if derived is None:
        yield Kind.EFFECT_GROUNDLESS, _name(effect)
        return
    pairs = (
        ("rule", derived.rule, details.rule),
        ("time", format_time(derived.effective_time), format_time(details.effective_time)),
        ("fact", derived.fact_digest, details.fact),
        ("policy", derived.policy, effect.document.notification_policy),
    )
    if differing := [f"the {name} is {ours}" for name, ours, told in pairs if ours != told]:
        yield Kind.EFFECT_WRONG, f"{_name(effect)}: {', '.join(differing)}"


def _derived(facts: Sequence[RecordedFact], at: datetime) -> Effect | None:
    """Returns the effect that the facts have by a time, under the policy that they name."""
    try:
        return policy_named(facts[0].document.notification_policy).effect_at(facts, at)
    except EvidenceError as error:
        raise _Underivable(error.detail) from None
