"""What proofs say of one delivery, put together in order. Pure, and nothing is verified here.

Both the post that makes a certificate and who verifies one read the proof files by this, so that what is
printed and what is compared with it are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from namak.delivery_certificate.stated_time import by_proof, stated_time
from namak.evidence import events
from namak.evidence.administrative_act import RecordedAct
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import cosignature_time
from namak.evidence.details import EffectDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.note import parse_note
from namak.evidence.outage import RecordedOutage
from namak.evidence.recorded import recorded
from namak.evidence.tlog_proof import SUFFIX, TlogProof
from namak.evidence.verify_confirmation import is_same_delivery

MOST_PROOFS: Final = 256
"""A certificate holds at most so many proofs."""

MOST_PROOF_BYTES: Final = 16 * 1024 * 1024
"""The proofs of a certificate have together at most so many bytes."""


MOST_TIMESTAMPS: Final = 4
"""A certificate holds at most so many timestamps over the checkpoint of each proof."""

_NONE: Final[Mapping[str, bytes]] = MappingProxyType({})


class NoAccount(EvidenceError):
    """The proofs do not tell of one delivery."""

    reason = "NO_ACCOUNT"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A cosignature that stands under a checkpoint, or a timestamp over it: whose name it bears, and the time
    that it states.
    """

    name: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """One piece of evidence, and where its proof says that it stands."""

    file: str
    evidence: RecordedFact | RecordedAct
    index: int
    checkpoint: Checkpoint
    witnesses: tuple[Witnessed, ...]
    timestamps: tuple[Witnessed, ...] = ()

    @property
    def at(self) -> datetime:
        """When it was recorded."""
        return self.evidence.document.event_time


@dataclass(frozen=True, slots=True)
class ProvenFact:
    """A fact about the delivery, with its proof."""

    proven: Proven
    fact: RecordedFact

    @property
    def document(self) -> EvidenceDocument:
        """What the fact says."""
        return self.fact.document


@dataclass(frozen=True, slots=True)
class Account:
    """One delivery by its proofs.

    Attributes:
        facts: those about the delivery, in the order in which they were recorded; there is at least one.
        acts: those that gave others the right to act on the recipient's behalf.
    """

    facts: tuple[ProvenFact, ...]
    acts: tuple[Proven, ...]

    @property
    def document(self) -> EvidenceDocument:
        """What all facts say alike: parties, parts, policy."""
        return self.facts[0].document

    @property
    def delivery_id(self) -> UUID:
        """The delivery's identifier."""
        found = self.document.delivery_id
        assert found is not None
        return found

    @property
    def proofs(self) -> tuple[Proven, ...]:
        """All proofs: the facts' in their order, then the acts'."""
        return (*(each.proven for each in self.facts), *self.acts)

    @property
    def effect(self) -> tuple[ProvenFact, EffectDetails] | None:
        """The recorded legal effect, if there is one."""
        for each in self.facts:
            if isinstance(each.document.details, EffectDetails):
                return each, each.document.details
        return None

    @property
    def withdrawn(self) -> bool:
        """Whether the sender withdrew the message."""
        return any(each.document.event == events.WITHDRAWN for each in self.facts)

    @property
    def checkpoints(self) -> tuple[Proven, ...]:
        """For each shard of the log one proof under its newest checkpoint, the shards by their names."""
        newest: dict[str, Proven] = {}
        for proven in self.proofs:
            origin = proven.checkpoint.origin
            if origin not in newest or newest[origin].checkpoint.size < proven.checkpoint.size:
                newest[origin] = proven
        return tuple(newest[origin] for origin in sorted(newest))

    def named(self, digest: str) -> ProvenFact | None:
        """Returns the fact with that digest (hexadecimal)."""
        return next((each for each in self.facts if each.fact.digest == digest), None)


def account_of(files: Mapping[str, bytes], timestamps: Mapping[str, bytes] = _NONE) -> Account:
    """Returns what the proof files tell, whatever their order, with the timestamps that belong to them.

    Raises :class:`NoAccount`.
    """
    if not 1 <= len(files) <= MOST_PROOFS:
        raise NoAccount(f"there are {len(files)} proofs, not 1 to {MOST_PROOFS}")
    if sum(map(len, files.values())) > MOST_PROOF_BYTES:
        raise NoAccount(f"the proofs have more than {MOST_PROOF_BYTES} bytes")
    stamps = by_proof(timestamps, files)
    found = [
        _proven(name, data, {by: timestamps[file] for by, file in stamps.get(name, {}).items()})
        for name, data in files.items()
    ]
    if len({each.evidence.digest for each in found}) != len(found):
        raise NoAccount("two proofs are of the same evidence")
    facts = [ProvenFact(each, each.evidence) for each in found if isinstance(each.evidence, RecordedFact)]
    if not facts:
        raise NoAccount("no proof is about a delivery")
    facts.sort(key=lambda each: _order(each.proven))
    _check_one(facts)
    acts = sorted((each for each in found if isinstance(each.evidence, RecordedAct)), key=_order)
    return Account(tuple(facts), tuple(acts))


def _order(proven: Proven) -> tuple[datetime, str, int]:
    """Of what was recorded at one time, what stands in the next shard comes after: its index begins anew."""
    return proven.at, proven.checkpoint.origin, proven.index


def named(proofs: Sequence[bytes]) -> dict[str, bytes]:
    """Returns proof files by the names that certificates give them, in their order. Raises
    :class:`NoAccount`.
    """
    by_place = {str(place): data for place, data in enumerate(proofs)}
    return {
        f"{number:02}-{proven.evidence.document.event.name}{SUFFIX}": by_place[proven.file]
        for number, proven in enumerate(account_of(by_place).proofs, 1)
    }


def _check_one(facts: Sequence[ProvenFact]) -> None:
    first = facts[0].document
    if first.delivery_id is None:
        raise NoAccount("a proof is about a message that was never delivered")
    for each in facts[1:]:
        if not is_same_delivery(first, each.document):
            raise NoAccount("the proofs are of different deliveries")


def _proven(name: str, data: bytes, stamps: Mapping[str, bytes]) -> Proven:
    try:
        proof = TlogProof.parse(data)
        if proof.extra is None:
            raise NoAccount(f"{name} does not hold the evidence that it is about")
        note = parse_note(proof.checkpoint)
        checkpoint = Checkpoint.parse(note.text)
        witnesses: dict[str, datetime] = {}
        for signature in note.signatures:
            if signature.name != checkpoint.origin:
                try:
                    # Of several by one name the earliest bounds the checkpoint's age best.
                    time = datetime.fromtimestamp(cosignature_time(signature), UTC)
                except (EvidenceError, ValueError, OverflowError, OSError):
                    continue  # not a cosignature that states a time
                witnesses[signature.name] = min(time, witnesses.get(signature.name, time))
        evidence = recorded(proof.extra)
        if isinstance(evidence, RecordedOutage):
            raise NoAccount(f"{name} is of an outage, and of no delivery")
    except NoAccount:
        raise
    except EvidenceError as wrong:
        raise NoAccount(f"{name} is no proof: {wrong.detail}") from None
    seen = tuple(Witnessed(each, time) for each, time in sorted(witnesses.items()))
    told = ((by, stated_time(content, proof.checkpoint)) for by, content in sorted(stamps.items()))
    stamped = tuple(Witnessed(by, time) for by, time in told if time is not None)
    return Proven(name, evidence, proof.index, checkpoint, seen, stamped)
