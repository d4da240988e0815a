"""The receipts that senders get by mail of what came in by mail (ADMIN-6).

A receipt is mailed at acceptance with consignment, which are one moment here, and whenever the delivery is
confirmed or notified. It carries what is proved at that moment; nothing follows from the mail itself.
"""

from collections.abc import Sequence
from typing import Final

from namak.evidence import events
from namak.evidence.events import Audience, Event
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.jobs import MAIL_RECEIPT, Job

TOLD: Final[frozenset[Event]] = frozenset(
    {
        events.SUBMISSION_ACCEPTANCE,
        events.CONTENT_CONSIGNMENT,
        events.READING_CONFIRMED,
        events.NOTIFICATION_EFFECTED,
    }
)
"""What is worth a mail."""
IN_ONE_MAIL: Final = ("first", "second")
"""The names of a job's arguments, one for each piece of evidence that the mail carries."""


def receipt_jobs(delivery: Delivery, facts: Sequence[Fact]) -> Sequence[Job]:
    """Returns the job that mails its sender what these new facts of a delivery prove; none for a delivery
    that came in otherwise, or where nothing of it is worth a mail.
    """
    if not delivery.receipts_by_mail or TOLD.isdisjoint(fact.event for fact in facts):
        return ()
    seen = [fact.id for fact in facts if fact.event.audience in (Audience.SENDER, Audience.BOTH)]
    about = {"mailbox": delivery.mailbox_id, "delivery": delivery.id}
    return (Job(MAIL_RECEIPT, {**about, **dict(zip(IN_ONE_MAIL, seen, strict=False))}),)
