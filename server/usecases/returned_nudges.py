"""Takes in what comes back of nudges by e-mail, as `returned_copies` does of copies."""

from uuid import UUID

from server.domain.delivery_reports import ReportedFailure
from server.domain.forwarding import BOUNCE_PERIOD, Result, TargetKind
from server.domain.nudges import Nudge, NudgeState
from server.usecases.nudge_records import NudgeRecords
from server.usecases.ports import Clock, UnitOfWork
from server.usecases.returned_mails import Awaited

_AWAITED = {
    NudgeState.WAITING: Awaited.NOT_YET,
    NudgeState.SENT: Awaited.YES,
    NudgeState.FAILED: Awaited.YES,  # it may have been taken all the same, where the answer was lost
}


class ReturnedNudges:
    """Knows which tokens are awaited, and records failures."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, records: NudgeRecords) -> None:
        self._uow = uow
        self._clock = clock
        self._records = records

    async def awaited(self, token: UUID) -> Awaited:
        """Tells whether a report may come to this token. Raises ServiceUnavailable."""
        nudge = await self._mailed(token)
        if nudge is None or nudge.asked_at + BOUNCE_PERIOD < self._clock.now():
            return Awaited.NO
        return _AWAITED.get(nudge.state, Awaited.NO)

    async def failed(self, token: UUID, failure: ReportedFailure) -> Nudge | None:
        """Records that a nudge came back; None, and nothing is recorded, where that was known before, or the
        nudge is not known or recorded as not sent. Raises ServiceUnavailable.
        """
        nudge = await self._mailed(token)
        if nudge is None or nudge.state is not NudgeState.SENT:
            return None
        return nudge if await self._records.record(nudge, Result.BOUNCED, why=failure.cause) else None

    async def _mailed(self, token: UUID) -> Nudge | None:
        async with self._uow.reading() as tx:
            nudge = await tx.nudges.get(token)
        return nudge if nudge is not None and nudge.kind is TargetKind.EMAIL else None
