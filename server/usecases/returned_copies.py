"""Takes in what comes back of copies: a mail server took one, and reports later that it could not deliver it.

A bounce is a report by whoever knows the copy's token, and recorded as no more than that: a fact of the
holder's alone, which touches neither state nor effect of the delivery (POST-7). It is never answered.
"""

from uuid import UUID

from server.domain.delivery_reports import ReportedFailure
from server.domain.forwarding import BOUNCE_PERIOD, CopyState, ForwardedContent, ForwardedCopy, Result
from server.domain.profile import Profile
from server.usecases.copy_records import CopyRecords
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork
from server.usecases.returned_mails import Awaited

_CHANNEL = "EMAIL"


_PERHAPS_TAKEN = frozenset({CopyState.SENT, CopyState.BOUNCED, CopyState.FAILED})
"""A copy that failed may have been taken all the same, where the answer was lost."""


class ReturnedCopies:
    """Knows which tokens are awaited, and records failures."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, log: Log | None, profile: Profile
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._records = CopyRecords(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile, kinds=())

    async def awaited(self, token: UUID) -> Awaited:
        """Tells whether a report may come to this token. Raises ServiceUnavailable."""
        async with self._uow.reading() as tx:
            copy = await tx.forwarded_copies.by_token(token)
            if copy is None:
                return Awaited.NO
            key = copy.mailbox_id, copy.delivery_id
            delivery = (await tx.deliveries.found({key})).get(copy.delivery_id)
        if delivery is None or delivery.submitted_at + BOUNCE_PERIOD < self._clock.now():
            return Awaited.NO
        if copy.state is CopyState.WAITING:
            return Awaited.NOT_YET
        return Awaited.YES if copy.state in _PERHAPS_TAKEN else Awaited.NO

    async def failed(self, token: UUID, failure: ReportedFailure) -> ForwardedCopy | None:
        """Records that a copy came back; None, and nothing is recorded, where that was known before, or the
        copy is not known or recorded as not sent. Raises ServiceUnavailable.
        """
        async with self._uow.reading() as tx:
            copy = await tx.forwarded_copies.by_token(token)
        if copy is None or copy.state is not CopyState.SENT:
            return None
        # That it carried more than a notice is not said where nobody kept that it did.
        content = copy.content or ForwardedContent.NOTICE
        recorded = await self._records.record_later(
            copy,
            content,
            _CHANNEL,
            CopyState.BOUNCED,
            Result.BOUNCED,
            failure.cause,
            diagnostic=failure.diagnostic,
        )
        return copy if recorded else None
