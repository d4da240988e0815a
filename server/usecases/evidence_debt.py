"""Keeps evidence debt within its limit: what begins and ends an outage (docs/log-operations.md).

While there is an outage no new submission is taken; what was taken before is answered as ever, and reading
and confirming go on, so that nobody loses what the law gives them for want of a witness.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from namak.evidence.outage import OutageBeganDetails, OutageDocument
from server.domain.outages import EvidenceDebt, Outage, outage_began, outage_ended
from server.domain.profile import Profile
from server.domain.refusals import EvidenceDebtExceeded, Refused
from server.usecases.outage_ports import Debts
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork
from server.usecases.stamps import Stamps

_log = structlog.get_logger(__name__)


_FIRST_ASKED: Final = timedelta(minutes=1)
"""How long a server that has just started, or has just seen an outage end, has witnesses asked before it
finds them away. A replica with other settings may have ended it, and the log is not to fill with begins and
ends.
"""


class Wakeable(Protocol):
    """The log, as far as it is told of new evidence."""

    def wake(self) -> None:
        """Tells that evidence was recorded."""
        ...


class OutageGate:
    """Implements `SubmissionGate` and `OutageView` by what the database said last.

    Between two looks a submission may still be taken: it is as good as any other, and its evidence waits for
    witnesses like the rest.
    """

    def __init__(self, uow: UnitOfWork, limit: timedelta | None = None) -> None:
        """Takes the limit on debt, to be shown; None where nobody witnesses."""
        self._uow = uow
        self.limit = limit
        self.outage: Outage | None = None

    async def look(self) -> None:
        """Asks whether there is an outage. Raises `ServiceUnavailable`; what was seen last stands then."""
        async with self._uow.reading() as tx:
            self.outage = await tx.outages.open()

    def refusal(self) -> Refused | None:
        """See `SubmissionGate`."""
        return None if self.outage is None else EvidenceDebtExceeded(self.outage.began_at)


class DebtWatch:
    """Begins an outage when evidence debt is too old, and ends it when it is not any more.

    Every replica watches; of each begin and end one records the evidence. Should they have different limits,
    the smallest keeps submissions out: who has it begins the outage, and the others end it by the same limit.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Wakeable,
        profile: Profile,
        debts: Debts,
        gate: OutageGate,
    ) -> None:
        """Where the gate knows no limit, nobody witnesses: no outage begins, and one that began ends."""
        self._uow = uow
        self._clock = clock
        self._log = log
        self._stamps = Stamps(profile, entropy)
        self._debts = debts
        self._gate = gate
        self._watching_since: datetime | None = None
        # By which limit the outage began that was looked at last.
        self._begun_by: tuple[UUID, timedelta] | None = None

    async def look(self) -> None:
        """Looks once. Raises `ServiceUnavailable`.

        First whether there is an outage: what is seen of the debt then is no older than that, and a log that
        can't be read keeps nobody from learning that others began one.
        """
        before = self._gate.outage
        await self._gate.look()
        debts = await self._debts.debts()
        oldest = min(debts, key=_age)
        limit, outage = self._gate.limit, self._gate.outage
        now = self._clock.now()
        if self._watching_since is None or (before is not None and outage is None):
            self._watching_since = now
        if limit is not None and oldest.exceeds(limit, now):
            # Of what a post left behind that was off, or had no witnesses yet, they are asked first.
            if outage is None and now - self._watching_since >= min(limit, _FIRST_ASKED):
                await self._begin(oldest, limit)
        elif outage is not None and (limit is None or await self._is_over(oldest, outage, limit)):
            await self._end(debts, outage)

    async def _is_over(self, oldest: EvidenceDebt, outage: Outage, limit: timedelta) -> bool:
        """Tells whether the debt is within the limit that the outage began by, and within ours."""
        if oldest.began(outage, limit):
            return False
        if self._begun_by is None or self._begun_by[0] != outage.id:
            async with self._uow.reading() as tx:
                self._begun_by = (outage.id, (await _begun(tx, outage)).debt_limit)
        limit = min(limit, self._begun_by[1])
        return not oldest.exceeds(limit, self._clock.now()) and not oldest.began(outage, limit)

    async def _begin(self, debt: EvidenceDebt, limit: timedelta) -> None:
        now = self._clock.now()
        fact = outage_began(self._stamps.at(now), debt, limit)
        async with self._uow.writing() as tx:
            if await tx.outages.begin(Outage(fact.id, fact.entry.hex(), now)):
                await tx.evidence.record([fact])
                await tx.commit()
                _log.critical(
                    "ALARM: no submission is accepted: witnesses have not cosigned for too long",
                    origin=debt.shard,
                    witnessed_size=debt.witnessed_size,
                    evidence_id=str(fact.id),
                )
        self._log.wake()
        await self._gate.look()

    async def _end(self, debts: Sequence[EvidenceDebt], outage: Outage) -> None:
        now = self._clock.now()
        async with self._uow.writing() as tx:
            began = await _begun(tx, outage)
            # Of the shard whose debt began it, unless this server knows it no more.
            debt = next((each for each in debts if each.shard == began.shard), debts[0])
            fact = outage_ended(self._stamps.at(now), debt, outage)
            if await tx.outages.end(outage.id, now):
                await tx.evidence.record([fact])
                await tx.commit()
                _log.warning("submissions are accepted again", origin=debt.shard, evidence_id=str(fact.id))
        self._log.wake()
        await self._gate.look()


async def _begun(tx: Transaction, outage: Outage) -> OutageBeganDetails:
    """Reads how an outage began."""
    details = OutageDocument.parse((await tx.evidence.get([outage.id]))[outage.id].data).details
    if not isinstance(details, OutageBeganDetails):
        raise TypeError("an outage is known by the evidence of its begin")
    return details


def _age(debt: EvidenceDebt) -> tuple[bool, float]:
    """Sorts the oldest debt first."""
    return (debt.since is None, 0.0 if debt.since is None else debt.since.timestamp())
