"""Makes an archive as senders and holders keep it: receipts of whole deliveries, logged and witnessed.

Each delivery has a recipient of its own, whose card signs; their authority renews its revocation list now and
then. The log is large already, and what happens meanwhile to others lies between the leaves.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import COSIGNATURE, cosigned_message, timestamped_signature
from namak.evidence.note import ED25519, key_id, note_from, signature_line, vkey
from namak.evidence.signature import build_confirmation_signature
from namak.evidence.tiles import InclusionProver, extend, tiles_for_root
from namak.evidence.tlog_proof import SUFFIX, TlogProof
from namak.evidence.tree import leaf_hash
from server.dev.authority import Purpose
from server.dev.pki import DevelopmentPki, Person
from server.domain import evidence_building as building
from server.domain.deliveries import Delivery, PartInfo
from server.domain.evidence_building import SignedStatement, Stamp
from server.domain.facts import Fact
from server.jurisdictions.am import AM

ORIGIN = "log.example.am/2026"
LEAVES_BEFORE = 1_000_000
"""In the log before the archive's first receipt: a proof has some twenty hashes."""
WITNESSES = ("bar.example.am", "court.example.am", "university.example.am")
QUORUM = 2
REVOKED = 100
"""Certificates on the revocation list of the citizens' authority."""
CONFIRMATIONS_A_LIST = 200
_PARTS = (PartInfo("Ծանուցում 2026.pdf", "application/pdf", 48_213, bytes(range(32))),)
_MESSAGE = "Հարկային ծանուցում"


@dataclass
class Citizens:
    """The authority of citizens' cards, and its revocation lists."""

    pki: DevelopmentPki
    revoked: int = REVOKED
    _signed: int = 0
    _lists: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Fills the list."""
        entries = [
            x509.RevokedCertificateBuilder()
            .serial_number(x509.random_serial_number())
            .revocation_date(datetime.now(UTC) - timedelta(days=1))
            .build()
            for _ in range(self.revoked)
        ]
        self.pki.citizen_authority._write_crl(entries, None, None)  # noqa: SLF001 - not one certificate after the other

    @property
    def root(self) -> Path:
        """The citizen root, PEM."""
        return self.pki.citizen_roots_path

    def sign(self, number: str, statement: bytes, at: datetime) -> tuple[bytes, tuple[bytes, ...]]:
        """Returns a citizen's signature with a new card, and the lists in force then."""
        if self._signed % CONFIRMATIONS_A_LIST == 0:
            paths = self.pki.write_crls(this_update=at - timedelta(seconds=1))
            self._lists = tuple(
                x509.load_pem_x509_crl(path.read_bytes()).public_bytes(Encoding.DER) for path in paths
            )
        self._signed += 1
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self.pki.citizen_authority
        certificate = authority.issue(
            Person(number, "Անի", "Սարգսյան").subject, key.public_key(), Purpose(content_commitment=True)
        ).public_bytes(Encoding.DER)
        chain = [one.public_bytes(Encoding.DER) for one in authority.chain]
        cms = build_confirmation_signature(
            statement, certificate, chain, lambda data: key.sign(data, ec.ECDSA(SHA256()))
        )
        return cms, self._lists


@dataclass
class WitnessedLog:
    """A log with three witnesses, in memory: the last tree's edge and what was appended under it."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    witnesses: Sequence[tuple[str, Ed25519PrivateKey]] = field(
        default_factory=lambda: [(name, Ed25519PrivateKey.generate()) for name in WITNESSES]
    )

    def __post_init__(self) -> None:
        """Begins with many leaves of others."""
        chance = random.Random(6)  # noqa: S311 - leaves, no secrets
        grown = extend({}, 0, [chance.randbytes(32) for _ in range(LEAVES_BEFORE)])
        self._size = grown.new_size
        self._tiles = dict(grown.changed)

    @property
    def policy(self) -> bytes:
        """What a verifier trusts: the log, and two of its witnesses."""
        lines = [f"log {vkey(ORIGIN, _public(self.key), ED25519)}"]
        lines += [
            f"witness w{number} {vkey(name, _public(key), COSIGNATURE)}"
            for number, (name, key) in enumerate(self.witnesses)
        ]
        members = " ".join(f"w{number}" for number in range(len(self.witnesses)))
        return "\n".join([*lines, f"group quorum {QUORUM} {members}", "quorum quorum", ""]).encode()

    def append(self, facts: Sequence[Fact], at: datetime) -> list[bytes]:
        """Logs facts in one tree, has it witnessed a second later; returns their receipts."""
        first, hashes = self._size, [leaf_hash(fact.entry) for fact in facts]
        edge = {tile: self._tiles[tile] for tile in tiles_for_root(first)}
        grown = extend(edge, first, hashes)
        self._tiles.update(grown.changed)
        self._size = grown.new_size
        leaves = dict(enumerate(hashes, first))
        proofs = InclusionProver(self._tiles).verified_proofs(leaves, grown.new_size, grown.root)
        note = self._note(Checkpoint(ORIGIN, grown.new_size, grown.root).text(), at + timedelta(seconds=1))
        return [
            TlogProof(fact.data, index, proofs[index], note).encode()
            for index, fact in enumerate(facts, first)
        ]

    def _note(self, text: bytes, witnessed: datetime) -> bytes:
        time = int(witnessed.timestamp()) + 1
        lines = [signature_line(ORIGIN, key_id(ORIGIN, ED25519, _public(self.key)), self.key.sign(text))]
        for name, key in self.witnesses:
            signed = timestamped_signature(time, key.sign(cosigned_message(text, time)))
            lines.append(signature_line(name, key_id(name, COSIGNATURE, _public(key)), signed))
        return note_from(text, lines)


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


@dataclass
class Archive:
    """A directory of receipts, and what their verifier trusts, as files beside it."""

    place: Path
    leaves_a_checkpoint: int = 100
    revoked: int = REVOKED

    @property
    def receipts(self) -> Path:
        """The directory."""
        return self.place / "receipts"

    @property
    def log_policy(self) -> Path:
        """A tlog-policy."""
        return self.place / "log-policy.txt"

    @property
    def citizen_roots(self) -> Path:
        """PEM."""
        return self.place / "citizen-roots.pem"

    def fill(self, deliveries: int) -> None:
        """Makes the receipts of so many deliveries: first all are sent, then all are opened and confirmed, in
        another order.
        """
        self.receipts.mkdir(parents=True)
        citizens = Citizens(DevelopmentPki.open(self.place / "pki"), self.revoked)
        log = WitnessedLog()
        self.log_policy.write_bytes(log.policy)
        self.citizen_roots.write_bytes(citizens.root.read_bytes())
        clock = itertools.count()
        began = datetime.now(UTC).replace(microsecond=0)

        def now() -> datetime:
            return began + timedelta(milliseconds=next(clock))

        sent = [(number, _delivery(number, now())) for number in range(deliveries)]
        self._log(log, (_sent(delivery, now) for _, delivery in sent), now)
        random.Random(6).shuffle(sent)  # noqa: S311 - an order, no secret
        self._log(log, (_confirmed(delivery, now, citizens) for _, delivery in sent), now)

    def _log(
        self, log: WitnessedLog, stories: Iterator[Sequence[tuple[int, Fact]]], now: Callable[[], datetime]
    ) -> None:
        facts = itertools.chain.from_iterable(stories)
        while tree := list(itertools.islice(facts, self.leaves_a_checkpoint)):
            files = log.append([fact for _, fact in tree], now())
            for (number, fact), receipt in zip(tree, files, strict=True):
                name = f"{fact.delivery_id}-{number:02}-{fact.event.name}{SUFFIX}"
                (self.receipts / name).write_bytes(receipt)


_salts = random.Random(7)  # noqa: S311 - salts that nobody guesses at


def _uuid(number: int) -> UUID:
    """Returns an identifier that grows as those of version 7 do."""
    return UUID(int=(0x0192F0C40000 + number << 80) | (7 << 76) | (2 << 62) | _salts.getrandbits(62))


def _stamp(at: datetime) -> Stamp:
    return Stamp(_uuid(_salts.getrandbits(24)), _salts.randbytes(16), at, AM)


def _delivery(number: int, at: datetime) -> Delivery:
    return Delivery(
        id=_uuid(number),
        mailbox_id=_uuid(number),
        organisation_id=_uuid(0),
        sender_address_id=_uuid(0),
        organisation_code="00000701",
        organisation_name="State Revenue Committee",
        sender="notices@src.am",
        recipient=f"{5_001_950_000 + number}@{AM.mailbox_domain}",
        subject=_MESSAGE,
        parts=_PARTS,
        notification_policy="am-2015@1",
        sequence=1,
        submitted_at=at,
    )


_consigned: dict[UUID, Fact] = {}
"""The consignment of each delivery that is not yet confirmed."""


def _sent(delivery: Delivery, now: Callable[[], datetime]) -> Sequence[tuple[int, Fact]]:
    accepted = building.submission_acceptance(
        _stamp(now()), delivery, delivery.id.hex, ip_address("192.0.2.7")
    )
    consigned = building.content_consignment(_stamp(now()), delivery, _salts.randbytes(32))
    _consigned[delivery.id] = consigned
    return [(1, accepted), (2, consigned)]


def _confirmed(
    delivery: Delivery, now: Callable[[], datetime], citizens: Citizens
) -> Sequence[tuple[int, Fact]]:
    consigned = _consigned.pop(delivery.id)
    opened = building.content_access_tracking(_stamp(now()), delivery, consigned)
    issued = now()
    statement = building.statement_to_sign(
        _uuid(1), delivery, issued, issued + timedelta(minutes=30), language=AM.statement_language
    )
    cms, lists = citizens.sign(delivery.recipient.partition("@")[0], statement, issued)
    signed = SignedStatement(statement, cms, lists)
    confirmed = building.reading_confirmed(_stamp(now()), delivery, consigned, opened, signed)
    effect = building.effect_after(confirmed, [consigned, opened])
    if effect is None:
        raise RuntimeError("a confirmation has no effect")
    effected = building.notification_effected(_stamp(confirmed.recorded_at), delivery, effect)
    return [(3, opened), (4, confirmed), (5, effected)]
