"""Outages: times in which nothing new is accepted, since the log's witnesses have not vouched for what was
recorded long ago (docs/log-operations.md).

Evidence that no witness has seen yet is *debt*: only the operator's word bounds its time. The law's clocks
run on such times, so the debt may grow old only so far.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from namak.evidence.document import Issuer, entry_of
from namak.evidence.outage import OutageBeganDetails, OutageDetails, OutageDocument, OutageEndedDetails
from server.domain.evidence_building import Stamp
from server.domain.facts import Fact
from server.domain.ids import OPERATOR_ID


@dataclass(frozen=True, slots=True)
class EvidenceDebt:
    """The debt as it is now: of which shard, the size of its largest tree that witnesses cosigned, and since
    when the oldest evidence beyond that waits; None where none does.
    """

    shard: str
    witnessed_size: int
    since: datetime | None

    def exceeds(self, limit: timedelta, now: datetime) -> bool:
        """Whether the oldest of it waits for longer than it may."""
        return self.since is not None and now - self.since > limit

    def began(self, outage: "Outage", limit: timedelta) -> bool:
        """Whether the oldest of it is what the outage began for, whatever the time is by our clock: another
        replica's may be ahead of it.
        """
        return self.exceeds(limit, outage.began_at)


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage, by the identifier and the hex digest of the evidence of its begin."""

    id: UUID
    began: str
    began_at: datetime


def outage_began(stamp: Stamp, debt: EvidenceDebt, limit: timedelta) -> Fact:
    """Makes the evidence that an outage begins. Raises ValueError where there is no debt."""
    if debt.since is None:
        raise ValueError("there is no debt")
    return _fact(stamp, OutageBeganDetails(debt.shard, debt.witnessed_size, debt.since, limit))


def outage_ended(stamp: Stamp, debt: EvidenceDebt, outage: Outage) -> Fact:
    """Makes the evidence that an outage ends."""
    return _fact(stamp, OutageEndedDetails(debt.shard, debt.witnessed_size, outage.began))


def _fact(stamp: Stamp, details: OutageDetails) -> Fact:
    document = OutageDocument(
        evidence_id=stamp.evidence_id,
        event_time=stamp.recorded_at,
        policy_id=stamp.profile.evidence_policy,
        issuer=Issuer(stamp.profile.operator_identifier, stamp.profile.operator_name),
        salt=stamp.salt,
        details=details,
    )
    data = document.encode()
    return Fact(
        id=document.evidence_id,
        event=document.event,
        owner_id=OPERATOR_ID,
        organisation_id=OPERATOR_ID,
        delivery_id=None,
        recorded_at=document.event_time,
        data=data,
        entry=entry_of(data),
    )
