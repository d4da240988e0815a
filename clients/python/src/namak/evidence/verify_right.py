"""Verifies that who acted in somebody else's mailbox was entitled to: by the acts that gave the right.

The operator records the acts. What follows from them for a given signature is judged here, from the acts
themselves: none is taken for granted, so all of them must be among the files.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from namak.evidence.administrative_act import ActorKind, RecordedAct, Resource
from namak.evidence.delegation import SIGNATORY, DelegationTerms, Right, SignatoryEntry, is_ended_by
from namak.evidence.document import EvidenceDocument
from namak.evidence.errors import EvidenceError
from namak.evidence.report import Outcome, Receipt
from namak.evidence.times import format_time


class Acts:
    """The receipts of administrative acts that are given, each act once; found by the digest of its evidence
    and by what was acted on.
    """

    def __init__(self, by_digest: Mapping[str, Receipt]) -> None:
        """Takes the sound receipts of acts by the digest of their evidence."""
        self._by_digest = by_digest
        self._on: dict[Resource, list[Receipt]] = {}
        self._ends: dict[str, Sequence[Receipt]] = {}
        for receipt in by_digest.values():
            if receipt.act is not None:
                self._on.setdefault(receipt.act.document.details.resource, []).append(receipt)

    @classmethod
    def among(cls, receipts: Iterable[Receipt]) -> Self:
        """Finds the acts among receipts; of an act that stands twice the first receipt that is sound
        counts.
        """
        acts: dict[str, Receipt] = {}
        for receipt in receipts:
            if receipt.act is not None and receipt.is_sound:
                acts.setdefault(receipt.act.digest, receipt)
        return cls(acts)

    def get(self, digest: str) -> Receipt | None:
        """Returns the receipt of the act with this digest."""
        return self._by_digest.get(digest)

    def ends_of(self, act: RecordedAct) -> Sequence[Receipt]:
        """Returns the receipts of all acts that take back the right that ``act`` gave."""
        if (known := self._ends.get(act.digest)) is not None:
            return known
        # One right is taken back by acts on the same thing, and a thing has few.
        on_the_same = self._on.get(act.document.details.resource, ())
        ends = [other for other in on_the_same if other.act is not None and is_ended_by(act, other.act)]
        self._ends[act.digest] = ends
        return ends


def check_signers_right(receipt: Receipt, acts: Acts, digest: str, signer: str) -> None:
    """Notes whether ``signer``, a personal number, was entitled to confirm on the recipient's behalf.

    ``digest`` is that of the act by which the signer is said to be entitled.
    """
    document = _document(receipt)
    found = acts.get(digest)
    if found is None or found.act is None:
        words = f"the receipt of the act with SHA-256 {digest}, which gave the right, is not among the files"
        receipt.failed("right", words)
        return
    problems = _problems(receipt, acts, found, signer, Right.READ_AND_CONFIRM)
    recipient = document.recipient.identifier
    words = f"{signer} was entitled to confirm on behalf of {recipient} by the act with SHA-256 {digest}"
    receipt.settle("right", problems, words)


def check_readers_right(receipt: Receipt, acts: Acts, digest: str) -> None:
    """Notes whether somebody was entitled to open the recipient's message; who it was, the act says."""
    found = acts.get(digest)
    if found is None or found.act is None:
        words = f"the receipt of the act with SHA-256 {digest}, which gave the right, is not among the files"
        receipt.note("right", Outcome.NOT_GIVEN, words)
        return
    problems = _problems(receipt, acts, found, None, Right.READ)
    receipt.settle("right", problems, f"the act with SHA-256 {digest} entitled to open it")


def _document(receipt: Receipt) -> EvidenceDocument:
    if receipt.fact is None:
        raise ValueError("the receipt holds no fact about a message")
    return receipt.fact.document


def _problems(receipt: Receipt, acts: Acts, found: Receipt, person: str | None, needed: Right) -> list[str]:
    """Returns why the act that was found does not entitle the person; of a None whoever it names will do."""
    document, act = _document(receipt), found.act
    assert act is not None
    mailbox, at = document.recipient.identifier, document.event_time
    try:
        if act.document.details.resource.kind == SIGNATORY:
            return _signatory_problems(receipt, acts, found, act, mailbox, person)
        terms = DelegationTerms.granted_by(act)
    except EvidenceError as wrong:
        return [wrong.detail]
    problems = _common_problems(receipt, acts, found, act)
    if terms.mailbox != mailbox:
        problems.append("the right is one in another mailbox")
    if person not in (None, terms.delegate):
        problems.append("the right is somebody else's than the signer's")
    if needed is Right.READ_AND_CONFIRM and terms.right is not Right.READ_AND_CONFIRM:
        problems.append("the right is to read, and not to confirm")
    if not terms.start <= at < terms.expire:
        limits = f"{format_time(terms.start)} to {format_time(terms.expire)}"
        problems.append(f"the right was not in force then, but from {limits}")
    return problems + _grantor_problems(acts, found, act, terms)


def _grantor_problems(acts: Acts, found: Receipt, act: RecordedAct, terms: DelegationTerms) -> list[str]:
    """Returns why who granted a delegation could not."""
    actor = act.document.details.actor
    if actor.kind is not ActorKind.HOLDER or actor.person is None:
        return ["the right was granted by nobody who could"]
    if terms.under is None:
        own = terms.mailbox.partition("@")[0]
        return [] if actor.person == own else ["the right was granted by somebody else than the holder"]
    entry = acts.get(terms.under)
    if entry is None or entry.act is None:
        words = (
            f"the receipt of the act with SHA-256 {terms.under}, which made the grantor signatory, is not "
            "among the files"
        )
        return [words]
    return _signatory_problems(found, acts, entry, entry.act, terms.mailbox, actor.person)


def _signatory_problems(
    later: Receipt,
    acts: Acts,
    found: Receipt,
    act: RecordedAct,
    mailbox: str,
    person: str | None,
) -> list[str]:
    """Returns why an act does not make the person the mailbox's signatory when ``later`` was recorded."""
    try:
        entry = SignatoryEntry.made_by(act)
    except EvidenceError as wrong:
        return [wrong.detail]
    problems = _common_problems(later, acts, found, act)
    if entry.mailbox != mailbox:
        problems.append("the act enters the signatory of another mailbox")
    if person not in (None, entry.person):
        problems.append("the registered signatory is somebody else")
    return problems


def _common_problems(later: Receipt, acts: Acts, found: Receipt, act: RecordedAct) -> list[str]:
    """Returns why a right had not begun, or had ended, when ``later`` was recorded."""
    problems = []
    if not found.precedes(later):
        problems.append("the act that gave the right was recorded afterwards")
    ends = [
        other.act.document.event_time
        for other in acts.ends_of(act)
        if other.act is not None and other.precedes(later)
    ]
    if ends:
        problems.append(f"the right had been taken back at {format_time(min(ends))}")
    return problems
