"""A post as it lies in the database, written straight into its tables: what a check goes through.

Of ten deliveries five lie unread, three were opened under a policy by which that notifies, two were opened
and confirmed. Documents are those that the server makes, of two parts each; signatures of confirmations and
revocation lists are random bytes of the usual lengths.
"""

import asyncio
import ipaddress
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence import mailbox_link
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.document import RecordedFact
from namak.evidence.note import Verifier, sign_note
from namak.evidence.tiles import TileId, extend, tiles_for_root
from namak.evidence.tree import EMPTY_ROOT, leaf_hash
from server.domain import evidence_building
from server.domain.deliveries import Delivery, PartInfo
from server.domain.evidence_building import SignedStatement, Stamp
from server.domain.facts import Fact
from server.domain.ids import OPERATOR_ID, first_id
from server.jurisdictions.am import AM
from server.storage.log_connection import driver_url

ORIGIN: Final = "log.example.am/2026"
LEAVES_A_TREE: Final = 100
DELIVERIES_A_MAILBOX: Final = 50
LEAVES_OF_TEN: Final = 5 * 2 + 3 * 4 + 2 * 5
_PORTION: Final = 2000
"""Deliveries that are written at once."""
_BEGAN: Final = datetime(2026, 11, 22, 8, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_FROM: Final = ipaddress.ip_address("198.51.100.1")
_PARTS: Final = tuple(
    PartInfo(f"decision-{number}.pdf", "application/pdf", 40_000, sha256(bytes([number])).digest())
    for number in (1, 2)
)


class _LogKey:
    """Signs checkpoints, as a key in a file does."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.verifier = Verifier(ORIGIN, self._key.public_key().public_bytes_raw())
        self.name, self.key_id = ORIGIN, self.verifier.key_id

    async def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@dataclass
class _Log:
    """Grows the tree, and has a checkpoint for every hundred leaves."""

    key: _LogKey
    size: int = 0
    root: bytes = EMPTY_ROOT
    waiting: list[bytes] = field(default_factory=list)
    edge: dict[TileId, bytes] = field(default_factory=dict)
    changed: dict[TileId, bytes] = field(default_factory=dict)

    async def grow(
        self, entries: Sequence[bytes], *, to_end: bool
    ) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Yields each new tree with its note."""
        self.waiting += entries
        while len(self.waiting) >= LEAVES_A_TREE or (to_end and self.waiting):
            leaves, self.waiting = self.waiting[:LEAVES_A_TREE], self.waiting[LEAVES_A_TREE:]
            grown = extend(self.edge, self.size, [leaf_hash(entry) for entry in leaves])
            self.size, self.root = grown.new_size, grown.root
            tiles = {**self.edge, **grown.changed}
            self.edge = {tile: tiles[tile] for tile in tiles_for_root(self.size)}
            self.changed.update(grown.changed)
            note = await sign_note(Checkpoint(ORIGIN, self.size, self.root).text(), self.key)
            yield self.size, self.root, note


@dataclass
class StoredOffice:
    """Makes deliveries, their evidence, and the links of their mailboxes."""

    organisation: UUID
    count: int = 0
    at: datetime = _BEGAN
    mailbox: UUID = OPERATOR_ID
    link: bytes = mailbox_link.GENESIS

    def portion(self, deliveries: int) -> Iterator[tuple[Delivery, Sequence[Fact], tuple[Any, ...]]]:
        """Yields deliveries, each with its facts and its link."""
        for _ in range(deliveries):
            if self.count % DELIVERIES_A_MAILBOX == 0:
                self.mailbox, self.link = self._new_id(), mailbox_link.GENESIS
            yield self._made(self.count % 10, self.count % DELIVERIES_A_MAILBOX + 1)
            self.count += 1

    def _new_id(self) -> UUID:
        self.at += timedelta(milliseconds=1)
        return UUID(int=first_id(self.at).int | 7 << 76 | 2 << 62)

    def _made(self, kind: int, sequence: int) -> tuple[Delivery, Sequence[Fact], tuple[Any, ...]]:
        delivery_id, previous, nonce = self._new_id(), self.link, os.urandom(32)
        recipient = f"{self.mailbox.int >> 64 & 0xFFFFFFFF:010}@e-citizen.am"
        delivery = Delivery(
            *(delivery_id, self.mailbox, self.organisation, self.organisation, "00000001", "Committee"),
            *("notices@src.am", recipient, "A decision", _PARTS),
            "am-2025@2" if 5 <= kind < 8 else "am-2015@1",
            sequence,
            self.at,
        )
        self.link = mailbox_link.link(nonce, recipient, sequence, delivery_id, previous)
        facts = self._facts(kind, delivery)
        effects = [fact.recorded_at for fact in facts[3:]][-1:]
        if effects:
            delivery = replace(delivery, notified_at=effects[0])
        link = (self.mailbox, sequence, delivery_id, nonce, previous, self.link)
        return delivery, facts, link

    def _facts(self, kind: int, delivery: Delivery) -> list[Fact]:
        make = evidence_building
        facts = [
            make.submission_acceptance(self._stamp(), delivery, f"r{self.count}", _FROM),
            make.content_consignment(self._stamp(), delivery, self.link),
        ]
        if kind < 5:
            return facts
        consignment, opened = facts[1], self._stamp(self.at + _TICK)
        facts.append(make.content_access_tracking(opened, delivery, consignment))
        if kind >= 8:
            at = self.at + 3 * _TICK
            expires = at + timedelta(hours=1)
            text = make.statement_to_sign(
                self._new_id(), delivery, at - _TICK, expires, language=AM.statement_language
            )
            signed = SignedStatement(text, os.urandom(3000), [os.urandom(1500)])
            facts.append(make.reading_confirmed(self._stamp(at), delivery, consignment, facts[2], signed))
        effect = make.effect_after(facts[-1], facts[:-1])
        assert effect is not None, "a policy changed: an opening or a confirmation notifies no more"
        facts.append(make.notification_effected(self._stamp(facts[-1].recorded_at), delivery, effect))
        return facts

    def _stamp(self, at: datetime | None = None) -> Stamp:
        recorded_at = at or self.at
        return Stamp(self._new_id(), os.urandom(16), recorded_at, AM)


async def fill(url: str, leaves: int) -> tuple[int, Verifier]:
    """Writes a post of about so many leaves; returns how many there are, and the log's key."""
    connection = await asyncpg.connect(driver_url(url))
    organisation = UUID(int=first_id(_BEGAN).int | 1)
    await connection.execute(
        "INSERT INTO organisations (id, code, name, contract_state, registered_at)"
        " VALUES ($1, '00000001', 'Committee', 'IN_FORCE', $2)",
        *(organisation, _BEGAN),
    )
    office, log = StoredOffice(organisation), _Log(_LogKey())
    deliveries, leaf = leaves * 10 // LEAVES_OF_TEN // 10 * 10, 0
    while office.count < deliveries:
        made = await asyncio.to_thread(list, office.portion(min(_PORTION, deliveries - office.count)))
        # As they are recorded: what becomes of deliveries comes later than they do.
        facts = sorted((fact for _, those, _ in made for fact in those), key=lambda fact: fact.id)
        await _write_deliveries(connection, made)
        await _write_facts(connection, facts, leaf)
        leaf += len(facts)
        entries = [fact.entry for fact in facts]
        grown = [each async for each in log.grow(entries, to_end=office.count == deliveries)]
        await _copied(connection, "log_trees", [(ORIGIN, size, root, _BEGAN) for size, root, _ in grown])
        await _copied(
            connection, "log_checkpoints", [(ORIGIN, size, note, _BEGAN) for size, _, note in grown]
        )
    tiles = [(ORIGIN, tile.level, tile.index, row) for tile, row in log.changed.items()]
    await _copied(connection, "log_tiles", tiles)
    await connection.execute("INSERT INTO log_heads VALUES ($1, $2, $3, $2)", ORIGIN, log.size, log.root)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return log.size, log.key.verifier


async def _write_deliveries(
    connection: Any, made: Sequence[tuple[Delivery, Sequence[Fact], tuple[Any, ...]]]
) -> None:
    boxes = {each.mailbox_id: each.recipient for each, _, _ in made}
    ends = {link[0]: (link[0], link[1], link[5]) for _, _, link in made}
    await _copied(
        connection,
        "mailboxes",
        [(box, to, "PERSON", to.partition("@")[0], "OPEN", _BEGAN) for box, to in boxes.items()],
        *("id", "address", "holder_kind", "holder_number", "state", "opened_at"),
    )
    await _copied(connection, "mailbox_heads", list(ends.values()))
    await _copied(connection, "mailbox_links", [link for _, _, link in made])
    await _copied(connection, "deliveries", [_delivery_row(each) for each, _, _ in made], *_DELIVERY_COLUMNS)
    openings, confirmations = [], []
    for each, facts, _ in made:
        if len(facts) > 2:
            openings.append((each.mailbox_id, each.id, "1", facts[2].id, facts[2].recorded_at))
        if len(facts) > 4:
            details: Any = RecordedFact.parse(facts[3].data).document.details
            ids, digest = [facts[3].id, facts[4].id], sha256(details.cms).digest()
            confirmations.append((each.mailbox_id, each.id, "1", digest, ids, facts[3].recorded_at))
    await _copied(connection, "openings", openings)
    await _copied(
        connection,
        "confirmations",
        confirmations,
        *("mailbox_id", "delivery_id", "person_number", "cms_digest", "evidence_ids", "confirmed_at"),
    )


_DELIVERY_COLUMNS: Final = (
    *("mailbox_id", "id", "organisation_id", "sender_address_id", "organisation_code", "organisation_name"),
    *("sender", "recipient", "subject", "notification_policy", "sequence", "submitted_at", "state"),
    "notified_at",
)


def _delivery_row(each: Delivery) -> tuple[Any, ...]:
    state = "CONSIGNED" if each.notified_at is None else "NOTIFIED"
    return (
        *(each.mailbox_id, each.id, each.organisation_id, each.sender_address_id, each.organisation_code),
        *(each.organisation_name, each.sender, each.recipient, each.subject, each.notification_policy),
        *(each.sequence, each.submitted_at, state, each.notified_at),
    )


async def _write_facts(connection: Any, facts: Sequence[Fact], leaf: int) -> None:
    await _copied(
        connection,
        "evidence",
        [
            (
                *(each.owner_id, each.id, each.event.uri, each.organisation_id, each.delivery_id),
                *(each.data, each.entry, each.recorded_at),
            )
            for each in facts
        ],
        *("owner_id", "id", "event", "organisation_id", "delivery_id", "document", "entry", "recorded_at"),
    )
    await _copied(
        connection,
        "log_entries",
        [
            (ORIGIN, index, each.entry, each.id, each.organisation_id)
            for index, each in enumerate(facts, leaf)
        ],
        *("origin", "leaf_index", "entry", "evidence_id", "organisation_id"),
    )


async def _copied(connection: Any, table: str, rows: Sequence[tuple[Any, ...]], *columns: str) -> None:
    await connection.copy_records_to_table(table, records=rows, columns=columns or None)
