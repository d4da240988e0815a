"""Verifies withdrawals: that what a sender withdrew had been neither opened nor notified, as far as the
files tell.

That nobody opened the message is the operator's word; an opening that was recorded before proves it false.
"""

from collections.abc import Mapping, Sequence

from namak.evidence import events
from namak.evidence.details import WithdrawalDetails
from namak.evidence.report import Receipt
from namak.evidence.verify_confirmation import check_named, is_before

_TOO_LATE = frozenset(
    {events.CONTENT_ACCESS_TRACKING, events.READING_CONFIRMED, events.NOTIFICATION_EFFECTED}
)


def check_withdrawal(receipt: Receipt, given: Mapping[str, Receipt], story: Sequence[Receipt]) -> None:
    """Notes on ``receipt``, which holds a Withdrawn, whether it agrees with the other facts of its delivery.

    ``story`` holds the receipts of that delivery, this one included.
    """
    fact = receipt.fact
    if fact is None or not isinstance(fact.document.details, WithdrawalDetails):
        raise ValueError("the receipt does not hold a withdrawal")
    check_named(
        receipt, fact, given, "consignment", fact.document.details.consignment, events.CONTENT_CONSIGNMENT
    )
    early = {
        other.fact.document.event.name
        for other in story
        if other.fact and other.fact.document.event in _TOO_LATE and is_before(other, receipt)
    }
    receipt.settle(
        "unopened",
        [f"the {name} of this delivery had been recorded before" for name in sorted(early)],
        "no earlier opening of this message is among the files",
    )
    others = any(
        other is not receipt and other.fact and other.fact.document.event == events.WITHDRAWN
        for other in story
    )
    receipt.settle(
        "once",
        ["the operator recorded another withdrawal of the same delivery"] if others else [],
        "no other withdrawal of this delivery is among the files",
    )
