"""Receipts under checkpoints that witnesses cosigned: under the first one that has the leaf.

Its witnesses saw the evidence soonest, so their times bound its time best, also for who asks in ten years.
"""

import asyncio
from dataclasses import replace
from uuid import UUID

from namak.evidence import EvidenceError
from namak.evidence.note import Verifier
from namak.evidence.tiles import inclusion_proof, tiles_for_inclusion
from namak.evidence.tree import leaf_hash, verify_inclusion
from server.transparency.guard import verified
from server.transparency.news import News
from server.transparency.ports import Announcements, Leaf, LogReader, WitnessedTrees
from server.transparency.proofs import Contradicted, Outcome, Proven
from server.transparency.receipt_board import receipt_of
from server.transparency.shard_directory import ShardDirectory
from server.transparency.successions import Successions
from server.transparency.tile_cache import TileCache
from server.usecases.records import LoggedReceipt, PublishedCheckpoint


class WitnessedReceipts:
    """Finds them, on every replica."""

    def __init__(
        self,
        reader: LogReader,
        store: WitnessedTrees,
        directory: ShardDirectory,
        witnessed: News,
        *,
        poll: float | None,
        announcements: Announcements,
    ) -> None:
        """Takes which shards there are with their keys, what tells of newly witnessed checkpoints on this
        replica, and how often those who wait look by themselves; None lets nobody wait.
        """
        self._reader = reader
        self._store = store
        self._directory = directory
        self._witnessed = witnessed
        self._poll = poll
        self._successions = Successions(reader, store, announcements)
        self._tiles = TileCache(reader)

    @property
    def active(self) -> bool:
        """See `WitnessedLog`."""
        return self._poll is not None

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float
    ) -> LoggedReceipt | None:
        """See `WitnessedLog`."""
        clock = asyncio.get_running_loop()
        give_up = min(clock.time() + wait_seconds, reply_by)
        while True:
            seen = self._witnessed.count
            found = await self._find(evidence_id)
            if found is not None:
                return replace(receipt_of(found, document), witnessed=True)
            left = give_up - clock.time()
            if left <= 0 or self._poll is None:
                return None
            await self._witnessed.beyond(seen, min(self._poll, left))

    async def checkpoint(self, origin: str) -> bytes | None:
        """See `WitnessedLog`."""
        found = (await self._store.freshest([origin])).get(origin)
        return None if found is None else found.note

    async def successor(self, origin: str) -> bytes | None:
        """See `WitnessedLog`."""
        return await self._successions.receipt(origin)

    async def _find(self, evidence_id: UUID) -> Outcome | None:
        for leaf in await self._reader.leaves([evidence_id]):
            tree = await self._store.first_over(leaf.origin, leaf.index)
            if tree is not None:
                return await self.proven(leaf, tree.origin, tree.size, tree.note)
        return None

    async def proven(self, leaf: Leaf, origin: str, size: int, note: bytes) -> Outcome:
        """Returns the path from a leaf to the root of a checkpoint of so many leaves, verified."""
        wanted = {(leaf.origin, tile) for tile in tiles_for_inclusion(leaf.index, size)}
        tiles = {tile: row for (_, tile), row in (await self._tiles.tiles(wanted)).items()}
        try:
            if (verifier := await self._verifier(origin)) is None:
                return Contradicted(leaf, "no key is known for its shard")
            checkpoint = verified(note, verifier).checkpoint
            hashes = inclusion_proof(tiles, leaf.index, checkpoint.size)
            verify_inclusion(leaf.index, size, leaf_hash(leaf.entry), hashes, checkpoint.root)
        except EvidenceError as error:
            self._tiles.forget()
            return Contradicted(leaf, type(error).__name__)
        published = PublishedCheckpoint(origin, size, checkpoint.root, note)
        return Proven(leaf, tuple(hashes), published)

    async def _verifier(self, origin: str) -> Verifier | None:
        if self._directory.verifier(origin) is None:
            # Another replica opened it a moment ago.
            await self._directory.refresh()
        return self._directory.verifier(origin)
