"""A log in memory that grows, signs with a key made at run time, and is cosigned; of nothing but entries."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import (
    COSIGNATURE,
    CosignatureVerifier,
    cosigned_message,
    timestamped_signature,
)
from namak.evidence.note import Verifier, note_from, parse_note, signature_line, vkey
from namak.evidence.tiles import TileId, extend, root_from_tiles, tiles_for_extend
from namak.evidence.tree import leaf_hash
from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import Leaf, Owner, ShardInLine, ShardRow
from server.usecases.records import PublishedCheckpoint
from tests.fakes.witnessed_trees import MemoryWitnessedTrees

ORIGIN = "log.example.am/2026"
PUBLISHED_AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Cosigner:
    """A witness that signs whatever it is given."""

    name: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def verifier(self) -> CosignatureVerifier:
        return CosignatureVerifier(self.name, self.key.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        return vkey(self.name, self.verifier.public_key, COSIGNATURE)

    def cosigned(self, note: bytes, time: int) -> bytes:
        """Returns the note with one line more."""
        signature = self.key.sign(cosigned_message(parse_note(note).text, time))
        return note + signature_line(self.name, self.verifier.key_id, timestamped_signature(time, signature))


@dataclass
class GrownLog:
    """A `LogReader` of one shard; `away` makes it unavailable."""

    origin: str = ORIGIN
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    entries_: list[bytes] = field(default_factory=list)
    rows: dict[TileId, bytes] = field(default_factory=dict)
    published: int = 0
    note: bytes | None = None
    away: bool = False
    witnessed: MemoryWitnessedTrees = field(default_factory=MemoryWitnessedTrees)
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.origin, self.key.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        return vkey(self.origin, self.verifier.public_key)

    def forked(self, at: int) -> "GrownLog":
        """Returns a log of the same name and key that begins with the same leaves, and goes on otherwise."""
        other = replace(self, entries_=[], rows={}, published=0, note=None, asked=[])
        other.witnessed = MemoryWitnessedTrees()
        other.add(self.entries_[:at])
        return other

    def add(self, entries: Sequence[bytes]) -> None:
        """Integrates these entries, published by nobody."""
        size = len(self.entries_)
        needed = {tile: self.rows[tile] for tile in tiles_for_extend(size)}
        self.rows.update(extend(needed, size, [leaf_hash(entry) for entry in entries]).changed)
        self.entries_ += entries

    def grow(self, count: int, *, salt: str = "") -> bytes:
        """Adds so many leaves and publishes the tree; returns its note."""
        first = len(self.entries_)
        self.add(
            [hashlib.sha256(f"{salt}{index}".encode()).digest() for index in range(first, first + count)]
        )
        return self.publish()

    def publish(self) -> bytes:
        """Publishes the tree as it is."""
        self.published = len(self.entries_)
        self.note = self.signed(self.published)
        return self.note

    def signed(self, size: int, root: bytes | None = None) -> bytes:
        """Returns a note that the log signs."""
        text = Checkpoint(self.origin, size, root or root_from_tiles(self.rows, size)).text()
        return note_from(text, [signature_line(self.origin, self.verifier.key_id, self.key.sign(text))])

    def _answering(self) -> None:
        if self.away:
            raise ServiceUnavailable("database")

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        self._answering()
        if self.note is None or self.origin not in origins:
            return {}
        tree = Checkpoint.parse(parse_note(self.note).text)
        return {self.origin: PublishedCheckpoint(self.origin, self.published, tree.root, self.note)}

    async def shards(self, origins: Collection[str]) -> Mapping[str, ShardRow]:
        self._answering()
        if not self.entries_ or self.origin not in origins:
            return {}
        row = ShardRow(self.origin, len(self.entries_), self.published, self.note, PUBLISHED_AT)
        return {self.origin: row}

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        self._answering()
        return {key: self.rows[key[1]] for key in wanted if key[1] in self.rows and key[0] == self.origin}

    async def entries(self, origin: str, first: int, count: int) -> Sequence[bytes]:
        self._answering()
        self.asked.append((first, count))
        return self.entries_[first : first + count] if origin == self.origin else []

    async def leaves(self, evidence_ids: Collection[object]) -> Sequence[Leaf]:
        raise NotImplementedError

    async def line(self) -> Sequence[ShardInLine]:
        raise NotImplementedError

    async def owners(self, origin: str, first: int, end: int) -> Collection[Owner]:
        raise NotImplementedError

    async def oldest_queued(self) -> datetime | None:
        return None

    async def queued(self) -> int:
        return 0

    async def close(self) -> None:
        return None
