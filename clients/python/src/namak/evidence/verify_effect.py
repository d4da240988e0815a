"""Verifies legal effects: that the facts given carry exactly the effect that the operator recorded.

The policy's derivation is run again. What the operator says about the effect counts for nothing (LADDER-2).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import (
    AccessDetails,
    ConfirmationDetails,
    EffectDetails,
    SignInDetails,
)
from namak.evidence.details_outside import OutsideDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.notification_policy import Effect, policy_named
from namak.evidence.report import Receipt
from namak.evidence.times import format_time
from namak.evidence.verify_confirmation import is_before, is_same_delivery


def check_effect(
    receipt: Receipt,
    given: Mapping[str, Receipt],
    effects: Mapping[UUID | None, int],
    stories: Mapping[UUID | None, Sequence[Receipt]],
) -> None:
    """Notes on ``receipt``, which holds a NotificationEffected, whether its effect follows from the facts
    given.

    ``effects`` says how many different effects of each delivery are among ``given``, this one included, and
    ``stories`` has the receipts of its delivery. The facts' own checks MUST have been made before.
    """
    effect = receipt.fact
    if effect is None or not isinstance(effect.document.details, EffectDetails):
        raise ValueError("the receipt does not hold an effect")
    carrier = given.get(effect.document.details.fact)
    if carrier is None or carrier.fact is None:
        missing = (
            f"the receipt of the fact with SHA-256 {effect.document.details.fact} is missing or not valid"
        )
        receipt.failed("fact", missing)
        return
    problems = []
    if not carrier.is_sound:
        problems.append(f"the {carrier.fact.document.event.name} that it rests on does not hold")
    if not is_same_delivery(carrier.fact.document, effect.document):
        problems.append("the fact that it rests on is of another delivery")
    if not is_before(carrier, receipt):
        problems.append("the effect was recorded before its fact")
    receipt.settle("fact", problems, f"it rests on the {carrier.fact.document.event.name} among the files")
    before = [other for other in stories.get(effect.document.delivery_id, ()) if is_before(other, receipt)]
    # A withdrawal counts though the fact does not name it: what was withdrawn before notifies nobody.
    withdrawn = [
        other.fact for other in before if other.fact and other.fact.document.event == events.WITHDRAWN
    ]
    derived = _check_derivation(receipt, effect, effect.document.details, carrier.fact, given, withdrawn)
    if derived is not None:
        _check_lapse(receipt, effect, derived, before)
    _check_once(receipt, effects[effect.document.delivery_id])


def _check_derivation(
    receipt: Receipt,
    effect: RecordedFact,
    details: EffectDetails,
    fact: RecordedFact,
    given: Mapping[str, Receipt],
    withdrawn: Sequence[RecordedFact],
) -> Effect | None:
    """Notes whether the fact carries the effect; returns what it carries."""
    named = _named_by(fact.document)
    before = [
        found.fact for digest in named if (found := given.get(digest)) and found.is_sound and found.fact
    ]
    try:
        policy = policy_named(effect.document.notification_policy)
        derived = policy.carried_by(fact, [*before, *withdrawn])
    except EvidenceError as wrong:
        receipt.failed("derivation", wrong.detail)
        return None
    if derived is None and withdrawn:
        receipt.failed("derivation", "the sender had withdrawn the message before")
        return None
    if derived is None:
        required = {
            event.name for rule in policy.rules if rule.fact == fact.document.event for event in rule.requires
        }
        missing = sorted(required - {earlier.document.event.name for earlier in before})
        why = f"; the receipt of its {', '.join(missing)} is missing" if missing else ""
        receipt.failed(
            "derivation", f"under {policy.key} the {fact.document.event.name} has no such effect{why}"
        )
        return None
    receipt.settle(
        "derivation",
        _differences(derived, details),
        f"{policy.key} derives the same: {derived.rule}, since {format_time(derived.effective_time)}",
    )
    return derived


def _check_lapse(receipt: Receipt, effect: RecordedFact, derived: Effect, before: Sequence[Receipt]) -> None:
    """Notes, under a policy that knows waits, whether the effect was recorded too early, and whether none of
    the delivery's facts among the files had another effect before.
    """
    policy = policy_named(effect.document.notification_policy)
    if not policy.goes_on_by_itself:
        return
    recorded_at = effect.document.event_time
    problems = []
    if recorded_at < derived.effective_time:
        problems.append(f"the effect was recorded before its time, {format_time(derived.effective_time)}")
    story = [
        (other.fact.document.event_time, other.index or 0, other.fact)
        for other in before
        if other.is_sound and other.fact and is_same_delivery(other.fact.document, effect.document)
    ]
    try:
        first = policy.effect_at([fact for *_, fact in sorted(story, key=lambda each: each[:2])], recorded_at)
    except EvidenceError as wrong:
        receipt.failed("lapse", wrong.detail)
        return
    if first is not None and first != derived:
        since = format_time(first.effective_time)
        problems.append(
            f"by the facts among the files the recipient was notified by {first.rule} since {since}"
        )
    receipt.settle(
        "lapse",
        problems,
        "nothing among the files had notified the recipient before, and its time had come",
    )


def _differences(derived: Effect, details: EffectDetails) -> list[str]:
    problems = []
    if derived.rule != details.rule:
        problems.append(f"the rule is {derived.rule}, not {details.rule}")
    if derived.effective_time != details.effective_time:
        problems.append(f"the effect began at {format_time(derived.effective_time)}")
    return problems


def _named_by(document: EvidenceDocument) -> tuple[str, ...]:
    """Returns the digests of the evidence that a fact rests on by its own words; no other counts for it."""
    match document.details:
        case ConfirmationDetails(consignment=consignment, access=access):
            return consignment, access
        case (
            AccessDetails(consignment=consignment)
            | SignInDetails(consignment=consignment)
            | OutsideDetails(consignment=consignment)
        ):
            return (consignment,)
    return ()


def _check_once(receipt: Receipt, effects: int) -> None:
    problems = ["the operator recorded another effect of the same delivery"] if effects > 1 else []
    receipt.settle("once", problems, "no other effect of this delivery is among the files")
