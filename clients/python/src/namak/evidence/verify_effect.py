"""Verifies legal effects: that the facts given carry exactly the effect that the operator recorded.

The policy's derivation is run again. What the operator says about the effect counts for nothing (LADDER-2).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from namak.evidence.details import AccessDetails, ConfirmationDetails, EffectDetails, SignInDetails
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
    withdrawals: Mapping[UUID | None, Sequence[Receipt]],
) -> None:
    """Notes on ``receipt``, which holds a NotificationEffected, whether its effect follows from the facts
    given.

    ``effects`` says how many different effects of each delivery are among ``given``, this one included, and
    ``withdrawals`` which Withdrawn. The fact's own checks MUST have been made before.
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
    # A withdrawal counts though the fact does not name it: what was withdrawn before notifies nobody.
    withdrawn = [
        withdrawal.fact
        for withdrawal in withdrawals.get(effect.document.delivery_id, ())
        if withdrawal.fact is not None and is_before(withdrawal, receipt)
    ]
    _check_derivation(receipt, effect, effect.document.details, carrier.fact, given, withdrawn)
    _check_once(receipt, effects[effect.document.delivery_id])


def _check_derivation(
    receipt: Receipt,
    effect: RecordedFact,
    details: EffectDetails,
    fact: RecordedFact,
    given: Mapping[str, Receipt],
    withdrawn: Sequence[RecordedFact],
) -> None:
    named = _named_by(fact.document)
    before = [
        found.fact for digest in named if (found := given.get(digest)) and found.is_sound and found.fact
    ]
    try:
        policy = policy_named(effect.document.notification_policy)
    except EvidenceError as wrong:
        receipt.failed("derivation", wrong.detail)
        return
    derived = policy.effect_of(fact, [*before, *withdrawn])
    if derived is None and withdrawn:
        receipt.failed("derivation", "the sender had withdrawn the message before")
        return
    if derived is None:
        required = {
            event.name for rule in policy.rules if rule.fact == fact.document.event for event in rule.requires
        }
        missing = sorted(required - {earlier.document.event.name for earlier in before})
        why = f"; the receipt of its {', '.join(missing)} is missing" if missing else ""
        receipt.failed(
            "derivation", f"under {policy.key} the {fact.document.event.name} has no such effect{why}"
        )
        return
    receipt.settle(
        "derivation",
        _differences(derived, details),
        f"{policy.key} derives the same: {derived.rule}, since {format_time(derived.effective_time)}",
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
        case AccessDetails(consignment=consignment) | SignInDetails(consignment=consignment):
            return (consignment,)
    return ()


def _check_once(receipt: Receipt, effects: int) -> None:
    problems = ["the operator recorded another effect of the same delivery"] if effects > 1 else []
    receipt.settle("once", problems, "no other effect of this delivery is among the files")
