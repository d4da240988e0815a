"""The account at the end, from outside: reads the database, recomputes everything, and compares it with what
the callers were told. Nothing here asks the server.
"""

import contextlib
import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from namak.evidence import events, mailbox_link
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.details import ConsignmentDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.note import Verifier, open_note, parse_note
from namak.evidence.recorded import recorded
from namak.evidence.report import Verdict
from namak.evidence.tiles import TileId, consistency_proof, root_from_tiles, tiles_of
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import EMPTY_ROOT, leaf_hash, node_hash, verify_consistency
from namak.evidence.verify import Trust, verify_receipts
from server.dev.world import ORIGIN, World
from server.domain.ids import OPERATOR_ID
from server.storage.log_connection import driver_url
from tests.faults.told import Told

_DRAINED = """
SELECT NOT EXISTS (SELECT 1 FROM log_queue)
   AND NOT EXISTS (SELECT 1 FROM log_heads WHERE published_size <> integrated_size)
"""

_QUERIES: Mapping[str, str] = {
    "evidence": "SELECT id, event, delivery_id, document, entry FROM evidence ORDER BY id",
    "queue": "SELECT evidence_id FROM log_queue",
    "entries": "SELECT origin, leaf_index, entry, evidence_id FROM log_entries ORDER BY leaf_index",
    "tiles": "SELECT level, tile_index, hashes FROM log_tiles",
    "trees": "SELECT size, root FROM log_trees ORDER BY size",
    "checkpoints": "SELECT origin, size, note FROM log_checkpoints ORDER BY size",
    "heads": "SELECT origin, integrated_size, root, published_size FROM log_heads",
    "mailboxes": """
        SELECT m.id, m.address, h.sequence, h.link
        FROM mailboxes m LEFT JOIN mailbox_heads h ON h.mailbox_id = m.id
    """,
    "links": "SELECT * FROM mailbox_links ORDER BY mailbox_id, sequence",
    "deliveries": "SELECT id, mailbox_id, sequence FROM deliveries",
    "claims": """
        SELECT request_id, subject_id FROM claims
        WHERE owner_id <> $1 AND owner_id IN (SELECT id FROM organisations)
    """,
    "mailed": "SELECT mailbox_id, delivery_id, message_id FROM mail_origins",
    "refusals": "SELECT request_id, reason, evidence_id FROM refusals",
    "acts": "SELECT evidence_id FROM administrative_acts",
}


@dataclass
class Account:
    """What the tables hold, and what must be true of it.

    `besides` are the URIs of what may have happened to deliveries after they were accepted.
    """

    connection: Any
    verifier: Verifier
    policy: TlogPolicy
    besides: frozenset[str] = frozenset()
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, url: str, world: World, *, besides: frozenset[str] = frozenset()
    ) -> AsyncIterator["Account"]:
        """Connects; the checks that follow `read` need the connection no more."""
        policy = TlogPolicy.parse(world.log_policy.read_bytes())
        connection = await asyncpg.connect(driver_url(url))
        try:
            yield cls(connection, Verifier.parse(world.log_vkey), policy, besides)
        finally:
            await connection.close()

    async def drained(self) -> bool:
        """Whether everything recorded is in a published tree."""
        return bool(await self.connection.fetchval(_DRAINED))

    async def read(self) -> None:
        """Reads all tables, as they are for the connection's transaction."""
        for name, query in _QUERIES.items():
            values = [OPERATOR_ID] if "$1" in query else []
            self.rows[name] = await self.connection.fetch(query, *values)

    @property
    def leaves(self) -> list[bytes]:
        """The leaf hashes, in order."""
        return [leaf_hash(row["entry"]) for row in self.rows["entries"]]

    @property
    def size(self) -> int:
        return len(self.rows["entries"])

    def checks(self) -> Mapping[str, Callable[[], None]]:
        """Returns what must be true of the tables, everything being published, each with what fails unless it
        is.
        """
        return {
            "every fact is one entry of the log, and every entry a fact": self._check_entries,
            "every tree has the root of its leaves, and so have the tiles": self._check_trees,
            "every checkpoint is signed, and extends the one before": self._check_checkpoints,
            "every mailbox's chain is dense and whole": self._check_mailboxes,
            "every request has exactly one outcome": self._check_outcomes,
        }

    def check(self) -> None:
        """Fails unless the tables agree with each other, everything being published."""
        for check in self.checks().values():
            check()

    def _check_entries(self) -> None:
        """Every fact is one entry and every entry a fact; indexes are dense; one shard."""
        facts = {row["id"]: hashlib.sha256(row["document"]).digest() for row in self.rows["evidence"]}
        assert len(facts) == len(self.rows["evidence"])
        assert facts == {row["id"]: row["entry"] for row in self.rows["evidence"]}
        entries = self.rows["entries"]
        assert not self.rows["queue"]
        assert Counter(row["evidence_id"] for row in entries) == Counter(list(facts))
        assert facts == {row["evidence_id"]: row["entry"] for row in entries}
        assert [row["leaf_index"] for row in entries] == list(range(len(entries)))
        assert {row["origin"] for row in entries} <= {ORIGIN}
        for row in self.rows["evidence"]:
            assert recorded(row["document"]).document.evidence_id == row["id"]

    def _check_trees(self) -> None:
        """Every tree and the head have the root of their leaves; the tiles give the same."""
        trees, roots = self.rows["trees"], roots_of(self.leaves)
        assert [row["root"] for row in trees] == [roots[row["size"]] for row in trees]
        (head,) = self.rows["heads"]
        assert tuple(head) == (ORIGIN, self.size, roots[self.size], self.size)
        tiles = self._tiles()
        assert {tile: len(tiles[tile]) // 32 for tile in tiles} == dict(tiles_of(self.size))
        assert root_from_tiles(tiles, self.size) == roots[self.size]

    def _check_checkpoints(self) -> None:
        """One note a tree, by the log's key; each extends the one before."""
        trees = {row["size"]: row["root"] for row in self.rows["trees"]}
        notes = {row["size"]: self.opened_note(row["note"]) for row in self.rows["checkpoints"]}
        assert len(notes) == len(self.rows["checkpoints"])
        assert {size: (note.size, note.root) for size, note in notes.items()} == {
            size: (size, root) for size, root in trees.items()
        }
        tiles = self._tiles()
        for (old, before), (new, after) in itertools.pairwise(sorted(notes.items())):
            verify_consistency(old, before.root, new, after.root, consistency_proof(tiles, old, new))

    def opened_note(self, note: bytes) -> Checkpoint:
        """Returns what a note of this log says; fails without the log's signature."""
        parsed = parse_note(note)
        open_note(parsed, [self.verifier])
        checkpoint = Checkpoint.parse(parsed.text)
        assert checkpoint.origin == ORIGIN
        return checkpoint

    def _tiles(self) -> dict[TileId, bytes]:
        return {TileId(row["level"], row["tile_index"]): row["hashes"] for row in self.rows["tiles"]}

    def _check_mailboxes(self) -> None:
        """Each chain is whole, ends at its head, and is what the evidence commits to."""
        links = {
            mailbox: list(rows)
            for mailbox, rows in itertools.groupby(self.rows["links"], lambda row: row["mailbox_id"])
        }
        places = {}
        for mailbox in self.rows["mailboxes"]:
            previous = mailbox_link.GENESIS
            chain = links.pop(mailbox["id"], [])
            for number, row in enumerate(chain, 1):
                place = (number, row["delivery_id"], previous)
                assert (row["sequence"], row["delivery_id"], row["previous"]) == place
                previous = mailbox_link.link(row["nonce"], mailbox["address"], *place)
                assert row["link"] == previous
                places[row["delivery_id"]] = (mailbox["id"], number, previous)
            assert (mailbox["sequence"] or 0, mailbox["link"] or mailbox_link.GENESIS) == (
                len(chain),
                previous,
            )
        assert not links
        deliveries = {row["id"]: (row["mailbox_id"], row["sequence"]) for row in self.rows["deliveries"]}
        assert deliveries == {delivery: (box, number) for delivery, (box, number, _) in places.items()}
        committed = {}
        for row in self.rows["evidence"]:
            if row["event"] == events.CONTENT_CONSIGNMENT.uri:
                details = EvidenceDocument.parse(row["document"]).details
                assert isinstance(details, ConsignmentDetails)
                committed[row["delivery_id"]] = details.mailbox_link
        assert committed == {delivery: link for delivery, (_, _, link) in places.items()}

    def _check_outcomes(self) -> None:
        """Every claim has exactly one outcome: a delivery with its two facts, or a refusal with its one."""
        deliveries = {row["id"] for row in self.rows["deliveries"]}
        refusals = {row["request_id"]: row for row in self.rows["refusals"]}
        facts: dict[UUID, list[str]] = defaultdict(list)
        rejections, acts = set(), set()
        for row in self.rows["evidence"]:
            if row["event"] == events.ADMINISTRATIVE_ACT.uri:
                acts.add(row["id"])
            elif row["delivery_id"] is None:
                assert row["event"] == events.SUBMISSION_REJECTION.uri
                rejections.add(row["id"])
            elif row["event"] not in self.besides:
                facts[row["delivery_id"]].append(row["event"])
        claimed = {row["request_id"]: row["subject_id"] for row in self.rows["claims"]}
        assert len(claimed) == len(self.rows["claims"])
        delivered = {each for each, subject in claimed.items() if subject in deliveries}
        assert delivered.isdisjoint(refusals)
        assert delivered | refusals.keys() == claimed.keys()
        assert {claimed[each] for each in delivered} == deliveries
        both = [events.SUBMISSION_ACCEPTANCE.uri, events.CONTENT_CONSIGNMENT.uri]
        assert facts == dict.fromkeys(deliveries, both)
        assert acts == {row["evidence_id"] for row in self.rows["acts"]}
        assert {row["evidence_id"] for row in refusals.values()} == rejections
        assert len(rejections) == len(refusals)

    def check_guard(self, note: bytes) -> None:
        """Fails unless the guard is the newest published note: all that was committed being published, a
        guard ahead of it would have seen a tree that nobody committed.
        """
        assert note == self.rows["checkpoints"][-1]["note"]

    def check_told(self, told: Told) -> None:
        """Fails unless everything that callers were told stands in the books, once, and in the log."""
        for check in self.checks_of_told(told).values():
            check()

    def checks_of_told(self, told: Told) -> Mapping[str, Callable[[], None]]:
        """Returns what must be true of what callers were told, each with what fails unless it is."""
        return {
            "every answer stands in the books, as it was given": lambda: self._check_answers(told),
            "every receipt verifies, and is of an entry at its place": lambda: self._check_receipts(told),
            "every checkpoint that anybody saw is of this one log": lambda: self._check_seen(told),
        }

    def _check_seen(self, told: Told) -> None:
        roots = roots_of(self.leaves)
        for note in told.checkpoints | {TlogProof.parse(receipt).checkpoint for receipt in told.receipts}:
            seen = self.opened_note(note)
            assert 0 < seen.size < len(roots)
            assert seen.root == roots[seen.size]

    def _check_answers(self, told: Told) -> None:
        claims = {row["request_id"]: row["subject_id"] for row in self.rows["claims"]}
        refusals = {row["request_id"]: row for row in self.rows["refusals"]}
        documents: dict[UUID, list[bytes]] = defaultdict(list)
        for row in self.rows["evidence"]:
            if row["event"] not in self.besides:
                documents[row["delivery_id"]].append(row["document"])
        assert told.answers
        for request_id, answer in told.accepted.items():
            assert str(claims[request_id]) == answer.delivery_id
            assert tuple(documents[UUID(answer.delivery_id)]) == answer.documents
        for request_id, answer in told.refused.items():
            refusal = refusals[request_id]
            assert (refusal["reason"], str(refusal["evidence_id"])) == (answer.reason, answer.evidence_id)
        # An answer that nobody got may stand in the books as well, but nothing that nobody asked for.
        mailed = {row["delivery_id"] for row in self.rows["mailed"]}
        assert {each for each, subject in claims.items() if subject not in mailed} <= told.submissions.keys()

    def _check_receipts(self, told: Told) -> None:
        trust = Trust(self.policy, citizen_roots=[])
        report = verify_receipts({str(n): receipt for n, receipt in enumerate(told.receipts)}, trust)
        wrong = [file.proves for file in report.files if file.verdict is not Verdict.VALID]
        assert not wrong
        indexes = {bytes(row["entry"]): row["leaf_index"] for row in self.rows["entries"]}
        for proof in map(TlogProof.parse, told.receipts):
            assert proof.extra is not None
            assert indexes[hashlib.sha256(proof.extra).digest()] == proof.index


def roots_of(leaves: Iterable[bytes]) -> Sequence[bytes]:
    """Returns the roots of all trees over the first leaves, by their sizes: each leaf closes the subtrees
    that are full with it (RFC 6962, 2.1), and the root hangs the full ones together from the right.
    """
    roots, full = [EMPTY_ROOT], list[tuple[int, bytes]]()
    for leaf in leaves:
        height, hashed = 0, leaf
        while full and full[-1][0] == height:
            hashed = node_hash(full.pop()[1], hashed)
            height += 1
        full.append((height, hashed))
        root = hashed
        for _, left in reversed(full[:-1]):
            root = node_hash(left, root)
        roots.append(root)
    return roots
