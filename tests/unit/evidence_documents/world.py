"""A little world to verify in: citizens and their authority, a log, the story of one delivery."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence import events
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import cosigned_message, timestamped_signature
from namak.evidence.details import (
    AccessDetails,
    ConfirmationDetails,
    ConsignmentDetails,
    EffectDetails,
    revocation_list,
)
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.mailbox_link import GENESIS, link
from namak.evidence.note import ED25519, key_id, note_from, signature_line, vkey
from namak.evidence.signature import build_confirmation_signature
from namak.evidence.statement import Statement, stated_parts
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash, root_of, split_of
from namak.evidence.verify import Report, Trust, verify_receipts
from tests.unit.evidence_documents.documents import DELIVERY, SUBMITTED, document
from tests.unit.evidence_documents.pki import Authority, Card

ORIGIN = "log.e-citizen.am/2026"
STATEMENT_ID = UUID("0192f0c4-0000-7000-8000-0000000000aa")


@dataclass
class Key:
    """An Ed25519 key of a log (or, with the other type, of a witness)."""

    name: str
    type: int = ED25519
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        return vkey(self.name, self.public, self.type)

    def line(self, signature: bytes) -> bytes:
        return signature_line(self.name, key_id(self.name, self.type, self.public), signature)


@dataclass
class Log:
    """A log in memory."""

    key: Key = field(default_factory=lambda: Key(ORIGIN))
    entries: list[bytes] = field(default_factory=list)

    def append(self, fact: RecordedFact) -> int:
        self.entries.append(fact.entry)
        return len(self.entries) - 1

    def checkpoint(self, size: int | None = None, witnesses: Sequence[tuple[Key, int]] = ()) -> bytes:
        """Returns the note over the first ``size`` entries, cosigned by the witnesses at their times."""
        leaves = self.leaves(size)
        text = Checkpoint(self.key.name, len(leaves), root_of(leaves)).text()
        lines = [self.key.line(self.key.private.sign(text))]
        for witness, time in witnesses:
            signature = witness.private.sign(cosigned_message(text, time))
            lines.append(witness.line(timestamped_signature(time, signature)))
        return note_from(text, lines)

    def leaves(self, size: int | None = None) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.entries[:size]]

    def proof(self, data: bytes, index: int, witnesses: Sequence[tuple[Key, int]] = ()) -> TlogProof:
        path = tuple(inclusion_path(index, self.leaves()))
        return TlogProof(data, index, path, self.checkpoint(witnesses=witnesses))


def inclusion_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1, from the definition."""
    if len(leaves) == 1:
        return []
    split = split_of(len(leaves))
    if index < split:
        return [*inclusion_path(index, leaves[:split]), root_of(leaves[split:])]
    return [*inclusion_path(index - split, leaves[split:]), root_of(leaves[:split])]


@dataclass
class World:
    """The authorities, the card of the recipient, and the log."""

    root: Authority = field(default_factory=lambda: Authority.root("Citizen root"))
    log: Log = field(default_factory=Log)

    def __post_init__(self) -> None:
        self.issuer = self.root.authority("Citizen authority")
        self.card = self.issuer.card()

    def trust(self, policy: str | None = None, crls: Mapping[str, bytes] | None = None) -> Trust:
        lines = policy or f"log {self.log.key.vkey}\nquorum none\n"
        return Trust(TlogPolicy.parse(lines.encode()), [self.root.der], crls=crls or {})

    def record(self, evidence: EvidenceDocument | bytes) -> RecordedFact:
        """Logs evidence, whatever it says."""
        data = evidence if isinstance(evidence, bytes) else evidence.encode()
        fact = RecordedFact.parse(data)
        self.log.append(fact)
        return fact

    def receipt(self, fact: RecordedFact, witnesses: Sequence[tuple[Key, int]] = ()) -> bytes:
        return self.log.proof(fact.data, self.log.entries.index(fact.entry), witnesses).encode()

    def crls(self) -> tuple[bytes, ...]:
        """The lists for the path of :attr:`card`, the signer's first."""
        return self.issuer.crl(), self.root.crl()


@dataclass
class Story:
    """One delivery, from its acceptance to its effect; each step can be recorded otherwise, too."""

    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        sealed = link(bytes(32), "5001950015@e-citizen.am", 1, DELIVERY, GENESIS)
        record = self.world.record
        self.acceptance = record(document(events.SUBMISSION_ACCEPTANCE, SUBMITTED, number=1))
        self.consignment = record(document(events.CONTENT_CONSIGNMENT, ConsignmentDetails(sealed), number=2))
        opened = document(
            events.CONTENT_ACCESS_TRACKING,
            AccessDetails(self.consignment.digest),
            after=timedelta(minutes=5),
            number=3,
        )
        self.access = record(opened)

    @property
    def opening_time(self) -> datetime:
        return self.access.document.event_time

    def statement(self) -> Statement:
        about = self.consignment.document
        return Statement(
            statement_id=STATEMENT_ID,
            delivery_id=DELIVERY,
            sender=about.sender.identifier,
            recipient=about.recipient.identifier,
            parts=stated_parts(about.parts),
            issued=self.opening_time + timedelta(seconds=1),
            expires=self.opening_time + timedelta(minutes=30),
        )

    def confirmation_details(
        self,
        *,
        statement: bytes | None = None,
        card: Card | None = None,
        cms: bytes | None = None,
        crls: Sequence[bytes] | None = None,
    ) -> ConfirmationDetails:
        text = statement or self.statement().encode()
        card = card or self.world.card
        lists = self.world.crls() if crls is None else crls
        return ConfirmationDetails(
            consignment=self.consignment.digest,
            access=self.access.digest,
            statement=text.decode(),
            cms=cms or build_confirmation_signature(text, card.der, card.chain, card.sign),
            revocation=tuple(revocation_list(crl) for crl in lists),
        )

    def confirmation(self, details: ConfirmationDetails | None = None) -> EvidenceDocument:
        return document(
            events.READING_CONFIRMED,
            details or self.confirmation_details(),
            after=timedelta(minutes=15),
            number=4,
        )

    def effect(self, confirmed: RecordedFact, details: EffectDetails | None = None) -> EvidenceDocument:
        event_time = confirmed.document.event_time
        return replace(
            document(
                events.NOTIFICATION_EFFECTED,
                details or EffectDetails(confirmed.digest, "POST-2", event_time),
                number=5,
            ),
            event_time=event_time,
        )

    def files(self, *facts: RecordedFact) -> dict[str, bytes]:
        """The receipts of these facts, under the checkpoint over all that is logged by now."""
        return {f"{fact.document.event.name}.tlog-proof": self.world.receipt(fact) for fact in facts}

    def verify(self, *facts: RecordedFact) -> Report:
        return self.verify_files(self.files(*facts))

    def verify_files(self, files: Mapping[str, bytes]) -> Report:
        return verify_receipts(files, self.world.trust())
