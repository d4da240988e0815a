"""What one walk over deliveries finds in order for other parts, which are left with the rest.

Evidence, links and acceptances all lie in the same documents, so whoever goes through the deliveries has
them before him. Nothing is found wrong here: what is not in order is left to the part whose it is, which
looks at it as it does alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from namak.evidence import events
from namak.evidence.as_written import document_as_written
from namak.evidence.document import EvidenceDocument
from namak.evidence.errors import EvidenceError
from server.domain.paper_desk import PAPER_DESK_ID
from server.fsck.chains import Chains
from server.fsck.delivery_ports import DeliveryPage, StoredDelivery, StoredFact
from server.fsck.kinds import Part
from server.fsck.ours import acceptance_in
from server.fsck.span_ports import Span

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

GLEANED: Final = (Part.EVIDENCE, Part.MAILBOXES, Part.USAGE)
"""Parts that the walk spares most of their work."""

_ACCEPTED: Final = events.SUBMISSION_ACCEPTANCE.uri
_HASH: Final = sha256()
_BITS: Final = tuple(1 << bit for bit in range(8))

AcceptedKey = tuple[UUID, date, str]
"""Organisation, local day, sender address."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """For which parts to glean.

    Attributes:
        sizes: shards and how many of their leaves count; evidence of those is hashed.
        until: acceptances of submissions before this time are counted.
    """

    parts: frozenset[Part] = frozenset()
    sizes: tuple[tuple[str, int], ...] = ()
    until: datetime = _NEVER


NOTHING: Final = Wanted()


@dataclass
class Gleaned:
    """What was found in order.

    Attributes:
        wanted: for which parts.
        leaves: by shard a bit for each leaf that is the SHA-256 of its evidence, lowest bit first.
        links, mailboxes: of chains that are whole.
        unsure: mailboxes to look at link by link; None where it is all of them.
        accepted: how many submissions; None where each has to be looked at.
    """

    wanted: Wanted = NOTHING
    leaves: dict[str, bytearray] = field(default_factory=dict)
    links: int = 0
    mailboxes: int = 0
    unsure: Sequence[Span] | None = ()
    accepted: Mapping[AcceptedKey, int] | None = field(default_factory=dict)

    @classmethod
    def together(cls, those: Sequence["Gleaned"]) -> "Gleaned":
        """Returns what was gleaned of several spans, given in their order."""
        whole = cls(those[0].wanted if those else NOTHING)
        unsure: list[Span] | None = []
        accepted: Counter[AcceptedKey] | None = Counter()
        for each in those:
            for origin, bits in each.leaves.items():
                before = int.from_bytes(whole.leaves.get(origin, b""), "little")
                joined = before | int.from_bytes(bits, "little")
                whole.leaves[origin] = bytearray(joined.to_bytes(len(bits), "little"))
            whole.links += each.links
            whole.mailboxes += each.mailboxes
            unsure = None if unsure is None or each.unsure is None else [*unsure, *each.unsure]
            if accepted is not None:
                accepted = None if each.accepted is None else accepted + Counter(each.accepted)
        if unsure is None:
            whole.links = whole.mailboxes = 0
        whole.unsure, whole.accepted = unsure, accepted
        return whole


class Gleaner:
    """Takes in order what it can of deliveries, a page at a time."""

    def __init__(self, wanted: Wanted, zone: ZoneInfo) -> None:
        """Takes the zone whose days are billed."""
        self.hashes = Part.EVIDENCE in wanted.parts
        self.links = Part.MAILBOXES in wanted.parts
        self.counts = Part.USAGE in wanted.parts
        self._zone = zone
        self._wanted = wanted
        self._until = wanted.until
        self._bits = {origin: bytearray((size + 7) // 8) for origin, size in wanted.sizes}
        self._sizes = dict(wanted.sizes)
        self._wrong: list[tuple[str, int]] = []
        self._chains = Chains()
        self._accepted: Counter[AcceptedKey] = Counter()
        self._page: Counter[AcceptedKey] = Counter()
        self._is_counted = True
        self._billed: set[UUID] = set()

    @property
    def reads_leaves(self) -> bool:
        return self.hashes or self.counts

    def page(self, page: DeliveryPage, are_usual: Sequence[bool]) -> None:
        """Takes a page; `are_usual` tells of each delivery whether it is in order by its bytes."""
        if self.links:
            self._chains.page(page.deliveries, are_usual, page.boxes)
        if page.strays:
            for _, fact in page.strays:
                self.digest(fact)
                if fact.event == _ACCEPTED:
                    self._is_counted = False
        if self.counts:
            for delivery, is_usual in zip(page.deliveries, are_usual, strict=True):
                self._count(delivery, is_usual=is_usual)

    def digest(self, fact: StoredFact) -> bytes:
        """Returns the SHA-256 of evidence; its leaf is in order if that is what stands there."""
        hashing = _HASH.copy()
        hashing.update(fact.document)
        digest = hashing.digest()
        origin = fact.origin
        if origin is None:
            return digest
        if not digest == fact.entry == fact.digest:
            self._wrong.append((origin, fact.leaf_index))
            self._is_counted = self._is_counted and fact.event != _ACCEPTED
        elif self.hashes and 0 <= (index := fact.leaf_index) < self._sizes.get(origin, 0):
            self._bits[origin][index >> 3] |= _BITS[index & 7]
        return digest

    def _count(self, delivery: StoredDelivery, *, is_usual: bool) -> None:
        if is_usual:
            self._add(delivery.facts[0].organisation_id, delivery.submitted_at, delivery.sender)
            return
        for fact in delivery.facts:
            if fact.event == _ACCEPTED:
                found = _submission(fact.document)
                if found is None:
                    self._is_counted = False
                else:
                    self._add(fact.organisation_id, found[1], found[0])

    def _add(self, organisation: UUID | None, at: datetime, sender: str) -> None:
        assert organisation is not None
        if at < self._until:
            self._page[organisation, at.astimezone(self._zone).date(), sender] += 1

    def unknown(self) -> set[UUID]:
        """Returns whose acceptances were taken that may be mailboxes': theirs nobody is billed for."""
        return {key[0] for key in self._page} - self._billed

    def settle(self, mailboxes: Iterable[UUID]) -> None:
        """Counts what was taken since, but for these mailboxes' and the desk's of the post."""
        unbilled = {each.int for each in mailboxes} | {PAPER_DESK_ID.int}
        for key, count in self._page.items():
            if key[0].int not in unbilled:
                self._accepted[key] += count
                self._billed.add(key[0])
        self._page.clear()

    def gleaned(self) -> Gleaned:
        """Returns what was found in order, at the end."""
        found = Gleaned(self._wanted, self._bits)
        for origin, index in self._wrong:
            if 0 <= index < self._sizes.get(origin, 0):
                self._bits[origin][index >> 3] &= ~_BITS[index & 7]
        if self.links:
            found.links, found.mailboxes, found.unsure = self._chains.ended()
        found.accepted = None
        if self._is_counted:
            # asyncpg's own identifiers do not compare with others.
            found.accepted = {(UUID(int=key[0].int), *key[1:]): n for key, n in self._accepted.items()}
        return found


def _submission(document: bytes) -> tuple[str, datetime] | None:
    if (found := acceptance_in(document)) is not None:
        return found
    try:
        read = document_as_written(document) or EvidenceDocument.parse(document)
    except EvidenceError:
        return None
    return read.sender.identifier, read.submission_time
