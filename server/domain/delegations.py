"""Rights in somebody else's mailbox: delegates, and the registered signatories of entities."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from namak.evidence.delegation import DelegationTerms, Right
from namak.evidence.times import format_time
from server.domain import limits
from server.domain.administration import Snapshot
from server.domain.refusals import FieldProblem


@dataclass(frozen=True, slots=True, repr=False)
class Delegation:
    """One person's rights in a mailbox.

    Attributes:
        grantor: the personal number of who granted it.
        granted_at: when the act was made, which is not when the right begins.
        grant_evidence_id, grant_digest: the evidence of that act, and the SHA-256 of its bytes.
        under_evidence_id: the evidence of the act that `terms.under` names.
        revoked_at, revoke_evidence_id: when it was revoked, and the evidence of that; None unless it was.
    """

    id: UUID
    mailbox_id: UUID
    terms: DelegationTerms
    grantor: str
    granted_at: datetime
    grant_evidence_id: UUID
    grant_digest: bytes
    under_evidence_id: UUID | None = None
    revoked_at: datetime | None = None
    revoke_evidence_id: UUID | None = None

    def is_ended(self, at: datetime) -> bool:
        """Whether it was revoked, or is over; one that has not begun is not ended."""
        return self.revoked_at is not None or self.terms.expire <= at

    def is_in_force(self, at: datetime) -> bool:
        """Whether the delegate may act by it now."""
        return self.terms.start <= at and not self.is_ended(at)


@dataclass(frozen=True, slots=True, repr=False)
class Signatory:
    """The person who may sign for an entity, as the register of entities said at `register_time`.

    `evidence_id` and `digest` are of the act that entered them.
    """

    mailbox_id: UUID
    person_number: str
    register_time: datetime
    evidence_id: UUID
    digest: bytes


@dataclass(frozen=True, slots=True, repr=False)
class KnownSignatories:
    """Who may sign for an entity, as the register of entities said last, at `register_time`.

    `entries` are those in force: none twice of one person.
    """

    mailbox_id: UUID
    register_time: datetime
    entries: tuple[Signatory, ...]

    def of(self, person_number: str) -> Signatory | None:
        """Returns the person's entry, if they may sign."""
        return next((each for each in self.entries if each.person_number == person_number), None)


def may_confirm(right: Right) -> bool:
    """Whether a delegate with this right may confirm the reading."""
    return right is Right.READ_AND_CONFIRM


def term_problems(start: datetime, expire: datetime, now: datetime) -> list[FieldProblem]:
    """Returns what is wrong with the time that a right is given for; it begins at `start`, never before
    `now`.
    """
    if expire <= max(start, now):
        return [FieldProblem("expire_time", "TIMES_REVERSED", "must be after it begins, and after now")]
    if expire - now > limits.DELEGATION_LIFE:
        days = limits.DELEGATION_LIFE.days
        return [FieldProblem("expire_time", "TOO_LATE", f"must be at most {days} days from now")]
    return []


def revoked_snapshot(terms: DelegationTerms, at: datetime) -> Snapshot:
    """Returns a delegation's fields once it is revoked."""
    return {**terms.fields(), "revoke_time": format_time(at)}
