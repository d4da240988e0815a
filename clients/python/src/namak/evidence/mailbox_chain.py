"""Checks that a mailbox is complete: from the openings of its links, all that was laid into it, in order.

Each ContentConsignment carries a link, and each link follows from the one before
(:mod:`namak.evidence.mailbox_link`). Who has the openings, which is the holder alone, recomputes the chain: a
message that was left out, put in between or exchanged shows. Two things it can't show by itself. That a
consignment stands in the log is for its receipt to prove (:mod:`namak.evidence.verify`). And a chain that is
cut off at its end looks like a shorter one: keep the head that you were told, and give it as ``known`` the
next time; a chain can only go on from there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import ConsignmentDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.errors import EvidenceError
from namak.evidence.mailbox_link import GENESIS, link

__all__ = ["EMPTY", "ChainCheck", "ChainHead", "ChainReport", "Finding", "Flaw", "Opening", "check_chain"]


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of one link as it was handed out; nothing of it is believed.

    ``sequence`` counts from 1, ``delivery_id`` is a UUID as text, ``nonce``, ``previous`` and ``link`` are 32
    bytes, ``consignment`` are the bytes of the ContentConsignment evidence.
    """

    sequence: int
    delivery_id: str
    nonce: bytes
    previous: bytes
    link: bytes
    consignment: bytes


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The end of a chain: how many links it has, and the newest (32 bytes)."""

    sequence: int
    link: bytes


EMPTY = ChainHead(0, GENESIS)
"""The head of a mailbox that nothing was laid into."""


class Flaw(StrEnum):
    """What is wrong with a chain. Each of them means that the operator does not tell the truth, or that what
    was handed out was damaged on its way.
    """

    GAP = "gap"
    """Places are missing."""
    ORDER = "order"
    """A link comes after a later one."""
    TWICE = "twice"
    """Two links, or two consignments, claim one place."""
    DELIVERY_TWICE = "delivery twice"
    """One delivery has two places."""
    BROKEN = "broken"
    """A link does not follow from the one before."""
    FALSE_OPENING = "false opening"
    """The opening does not give the link: nonce, delivery, place, address or link were changed."""
    CONSIGNMENT = "consignment"
    """The evidence is not that of this link: unreadable, of another event, delivery, recipient or link."""
    HEAD = "head"
    """The chain does not end in the head that was told."""
    KNOWN_HEAD = "known head"
    """The chain does not hold a head that was told before: history was rewritten, cut off or told twice."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw, at a place of the chain, in words."""

    sequence: int
    flaw: Flaw
    words: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found of a chain; ``head`` is where the links end that were given."""

    address: str
    links: int
    head: ChainHead
    findings: tuple[Finding, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing was changed, up to the head."""
        return not self.findings

    @property
    def words(self) -> str:
        """One sentence that says what this comes to."""
        if self.findings:
            count = len(self.findings)
            return f"The mailbox {self.address} is not proven complete: {count} problem{'s'[: count > 1]}."
        return (
            f"All {self.head.sequence} messages that were laid into the mailbox {self.address} are there, "
            "in their order."
        )


class ChainCheck:
    """Checks the links of one mailbox as they come, oldest first."""

    def __init__(
        self,
        address: str,
        known: Iterable[ChainHead] = (),
        *,
        is_consigned: Callable[[str, Opening], bool] = lambda _address, _opening: False,
    ) -> None:
        """``address`` is the mailbox's in canonical form, ``known`` are heads that were told before.

        ``is_consigned`` tells of an opening whether its consignment is known to be that of its link in the
        mailbox of this address; the consignments of others are read.
        """
        self._address = address
        self._is_consigned = is_consigned
        self._known: dict[int, set[bytes]] = {}
        for head in known:
            self._known.setdefault(head.sequence, set()).add(head.link)
        self._last = EMPTY
        self._count = 0
        self._sequences: set[int] = set()
        self._deliveries: set[str] = set()
        self._findings: list[Finding] = []

    def add(self, opening: Opening) -> None:
        """Checks the next link."""
        self._count += 1
        self._check_place(opening)
        self._check_opening(opening)
        self._check_consignment(opening)
        if opening.delivery_id in self._deliveries:
            self._note(opening, Flaw.DELIVERY_TWICE, f"the delivery {opening.delivery_id} has two places")
        self._deliveries.add(opening.delivery_id)
        self._sequences.add(opening.sequence)
        self._check_known(opening)
        if opening.sequence > self._last.sequence:
            self._last = ChainHead(opening.sequence, opening.link)

    def report(self, head: ChainHead | None = None) -> ChainReport:
        """Returns what was found; ``head`` is where the chain is said to end."""
        findings = list(self._findings)
        if head is not None and self._last != head:
            words = (
                f"the links end at number {self._last.sequence}, and the newest is said to be another one, "
                f"number {head.sequence}"
            )
            findings.append(Finding(self._last.sequence, Flaw.HEAD, words))
        findings += [
            Finding(sequence, Flaw.KNOWN_HEAD, f"you were told of number {sequence}, which is not there now")
            for sequence, links in sorted(self._known.items())
            if sequence > self._last.sequence or (sequence == EMPTY.sequence and links != {EMPTY.link})
        ]
        return ChainReport(self._address, self._count, self._last, tuple(findings))

    def _check_place(self, opening: Opening) -> None:
        expected = self._last.sequence + 1
        if opening.sequence in self._sequences:
            self._note(opening, Flaw.TWICE, f"two consignments claim the place {opening.sequence}")
        elif opening.sequence < expected:
            self._note(opening, Flaw.ORDER, f"number {opening.sequence} comes after {self._last.sequence}")
        elif opening.sequence > expected:
            missing = (
                f"{expected}" if opening.sequence == expected + 1 else f"{expected} to {opening.sequence - 1}"
            )
            self._note(opening, Flaw.GAP, f"missing: {missing}")
        elif opening.previous != self._last.link:
            self._note(opening, Flaw.BROKEN, f"number {opening.sequence} does not follow from the one before")

    def _check_opening(self, opening: Opening) -> None:
        try:
            computed = link(
                opening.nonce, self._address, opening.sequence, UUID(opening.delivery_id), opening.previous
            )
        except ValueError as wrong:
            self._note(opening, Flaw.FALSE_OPENING, f"number {opening.sequence}: {wrong}")
            return
        if computed != opening.link:
            words = f"number {opening.sequence}: what it is said to be made of gives another link"
            self._note(opening, Flaw.FALSE_OPENING, words)

    def _check_consignment(self, opening: Opening) -> None:
        if self._is_consigned(self._address, opening):
            return
        try:
            document = EvidenceDocument.parse(opening.consignment)
        except EvidenceError as wrong:
            words = f"number {opening.sequence}: the consignment is not evidence: {wrong.detail}"
            self._note(opening, Flaw.CONSIGNMENT, words)
            return
        problems = []
        if document.event != events.CONTENT_CONSIGNMENT:
            problems.append(f"is of {document.event.name}")
        elif not (
            isinstance(document.details, ConsignmentDetails) and document.details.mailbox_link == opening.link
        ):
            problems.append("holds another link")
        if str(document.delivery_id) != opening.delivery_id:
            problems.append("is of another delivery")
        if document.recipient.identifier != self._address:
            problems.append("is of another mailbox")
        for problem in problems:
            self._note(opening, Flaw.CONSIGNMENT, f"number {opening.sequence}: the evidence {problem}")

    def _check_known(self, opening: Opening) -> None:
        # All that were told of this place: of two different ones, at least one was never true.
        if self._known.get(opening.sequence, {opening.link}) != {opening.link}:
            words = f"number {opening.sequence} is not the link that you were told before"
            self._note(opening, Flaw.KNOWN_HEAD, words)

    def _note(self, opening: Opening, flaw: Flaw, words: str) -> None:
        self._findings.append(Finding(opening.sequence, flaw, words))


def check_chain(
    address: str,
    openings: Iterable[Opening],
    head: ChainHead | None = None,
    known: Iterable[ChainHead] = (),
) -> ChainReport:
    """Checks all links of a mailbox, oldest first, against the head that is told and those told before."""
    check = ChainCheck(address, known)
    for opening in openings:
        check.add(opening)
    return check.report(head)
