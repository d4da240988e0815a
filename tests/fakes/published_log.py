"""A published log in memory: leaves, checkpoints, and the facts behind them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, note_from, signature_line, vkey
from namak.evidence.tiles import TileId, extend, tiles_for_extend
from namak.evidence.tree import EMPTY_ROOT, leaf_hash
from server.domain.facts import Fact
from server.domain.log_shards import in_order
from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import Leaf, Owner, ShardInLine, ShardRow
from server.usecases.log_ports import Followed, LaidInto, Looked, Place, SentBy
from server.usecases.records import PublishedCheckpoint

PUBLISHED_AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@dataclass
class MemoryShard:
    """One shard: its facts by leaf, its tiles, and how far it is published."""

    origin: str
    facts: list[Fact] = field(default_factory=list)
    tiles: dict[TileId, bytes] = field(default_factory=dict)
    root: bytes = EMPTY_ROOT
    published: int = 0
    published_root: bytes = EMPTY_ROOT
    note: bytes | None = None
    frozen: bool = False

    @property
    def verifier(self) -> Verifier:
        """Its key, which nobody has."""
        return Verifier(self.origin, bytes(31) + bytes([9]))

    def integrate(self, *facts: Fact) -> None:
        """Adds facts to the committed tree."""
        needed = {tile: self.tiles[tile] for tile in tiles_for_extend(len(self.facts))}
        extension = extend(needed, len(self.facts), [leaf_hash(fact.entry) for fact in facts])
        self.facts += facts
        self.tiles.update(extension.changed)
        self.root = extension.root

    def publish(self) -> None:
        """Publishes the committed tree; its note is signed by nobody."""
        self.published = len(self.facts)
        self.published_root = self.root
        nobodys = signature_line(self.origin, bytes(4), bytes(64))
        self.note = note_from(Checkpoint(self.origin, self.published, self.root).text(), [nobodys])


class MemoryLogReader:
    """A `LogReader` that counts what it is asked; `away` makes it unavailable."""

    def __init__(self, *shards: MemoryShard) -> None:
        self.logs = {shard.origin: shard for shard in shards}
        self.away = False
        self.ranges: list[tuple[str, int, int]] = []
        self.waiting = 0

    def _answering(self) -> None:
        if self.away:
            raise ServiceUnavailable("database")

    async def leaves(self, evidence_ids: Collection[UUID]) -> Sequence[Leaf]:
        self._answering()
        return [
            Leaf(fact.id, origin, index, fact.entry)
            for origin, shard in self.logs.items()
            for index, fact in enumerate(shard.facts)
            if fact.id in evidence_ids
        ]

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        self._answering()
        return {
            origin: PublishedCheckpoint(origin, shard.published, shard.published_root, shard.note)
            for origin, shard in self.logs.items()
            if origin in origins and shard.note is not None
        }

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        self._answering()
        return {
            (origin, tile): row
            for origin, shard in self.logs.items()
            for tile, row in shard.tiles.items()
            if (origin, tile) in wanted
        }

    async def shards(self, origins: Collection[str]) -> Mapping[str, ShardRow]:
        self._answering()
        return {
            origin: ShardRow(
                origin,
                len(shard.facts),
                shard.published,
                shard.note,
                PUBLISHED_AT if shard.note is not None else None,
            )
            for origin, shard in self.logs.items()
            if origin in origins and shard.facts
        }

    async def line(self) -> Sequence[ShardInLine]:
        self._answering()
        shards = list(self.logs.values())
        registered = in_order(
            [(shard.origin, vkey(shard.origin, shard.verifier.public_key)) for shard in shards]
        )
        return [
            ShardInLine(each, len(shard.facts), shard.published, frozen=shard.frozen)
            for each, shard in zip(registered, shards, strict=True)
        ]

    async def owners(self, origin: str, first: int, end: int) -> Collection[Owner]:
        self._answering()
        self.ranges.append((origin, first, end))
        return {Owner(fact.organisation_id, fact.owner_id) for fact in self.logs[origin].facts[first:end]}

    async def entries(self, origin: str, first: int, count: int) -> Sequence[bytes]:
        self._answering()
        return [fact.entry for fact in self.logs[origin].facts[first : first + count]]

    async def oldest_queued(self) -> datetime | None:
        self._answering()
        return PUBLISHED_AT if self.waiting else None

    async def queued(self) -> int:
        self._answering()
        return self.waiting

    async def close(self) -> None:
        """Nothing to close."""


class MemoryFacts:
    """`PublishedFacts` over shards in memory; counts the looks, and the documents that were given out.

    `senders` are the addresses under which deliveries were sent.
    """

    def __init__(self, *shards: MemoryShard) -> None:
        self._logs = {shard.origin: shard for shard in shards}
        self.senders: dict[UUID, UUID] = {}
        self.looks = 0
        self.documents = 0

    async def look(self, followed: Followed, origin: str, first: int, end: int, *, limit: int) -> Looked:
        self.looks += 1
        candidates = [
            (index, fact)
            for index, fact in enumerate(self._logs[origin].facts[:end])
            if index >= first and self._concerns(followed, fact)
        ]
        if len(candidates) >= limit:
            candidates = candidates[:limit]
            end = candidates[-1][0] + 1
        places = [
            Place(index, fact.id, fact.event, fact.delivery_id, len(fact.data))
            for index, fact in candidates
            if fact.delivery_id is not None and self._is_from(followed, fact.delivery_id)
        ]
        return Looked(places, end)

    async def facts(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        self.documents += len(evidence_ids)
        stored = [fact for shard in self._logs.values() for fact in shard.facts]
        return {fact.id: fact for fact in stored if fact.id in evidence_ids}

    def _concerns(self, followed: Followed, fact: Fact) -> bool:
        match followed:
            case SentBy():
                return fact.organisation_id == followed.organisation_id
            case LaidInto():
                return fact.owner_id == followed.mailbox_id

    def _is_from(self, followed: Followed, delivery_id: UUID) -> bool:
        if not isinstance(followed, SentBy) or followed.sender_address_id is None:
            return True
        return self.senders.get(delivery_id) == followed.sender_address_id
