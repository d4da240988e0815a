"""Mails senders the receipts of what came in by mail (ADMIN-6), once it is proved.

What becomes of such a mail is no fact: the evidence and its receipts are there all the same, over the API.
"""

from typing import Final
from uuid import UUID

import structlog

from server.domain.jobs import JobFailed, RunningJob
from server.domain.mail_receipts import IN_ONE_MAIL
from server.usecases.forwarding_ports import MailNotSent, MailRoute
from server.usecases.mail_ports import ReceiptComposer, Receipts
from server.usecases.ports import UnitOfWork

WAIT_SECONDS: Final = 10.0
"""How long a job waits for the log, which takes a tenth of a second when all is well."""

_log = structlog.get_logger(__name__)


class MailedReceipts:
    """Does the jobs of such mails."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        log: Receipts,
        composer: ReceiptComposer,
        route: MailRoute,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._uow = uow
        self._log = log
        self._composer = composer
        self._route = route
        self._wait_seconds = wait_seconds

    async def send(self, job: RunningJob) -> None:
        """Sends one mail, with the null sender, so that nothing ever comes back of it (RFC 5321, 4.5.5). Run
        again it sends the same one, by its Message-ID.

        An address that takes no mail at all is told in the log alone: it is the sender's own, and one letter
        of an operator's list for each message to it would help nobody.

        Raises:
            JobFailed: the log has no receipt yet, or the mail was not taken.
        """
        mailbox_id, delivery_id = _id(job, "mailbox"), _id(job, "delivery")
        wanted = [_id(job, name) for name in IN_ONE_MAIL if name in job.arguments]
        async with self._uow.writing() as tx:  # to look at it under its lock; nothing is written
            delivery = await tx.deliveries.lock(mailbox_id, delivery_id)
            origin = await tx.mail_origins.get(mailbox_id, delivery_id)
            facts = await tx.evidence.get(wanted)
        if delivery is None or origin is None:
            raise LookupError("a delivery that came in by mail is not there")
        documents = {each: facts[each].data for each in wanted}
        found = await self._log.receipts(documents, wait_seconds=self._wait_seconds)
        if len(found) < len(wanted):
            raise JobFailed("NOT_PROVED_YET")
        mail = self._composer.receipt(delivery, origin, [(facts[each], found[each]) for each in wanted])
        try:
            await self._route.send(mail, bounces_to="", to=delivery.sender)
        except MailNotSent as failure:
            if not failure.for_good:
                raise JobFailed(failure.reason) from None
            _log.warning("a receipt was refused", delivery_id=str(delivery_id), reason=failure.reason)


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
