"""Finds proofs of many facts at once: what their paths have in common is read and hashed once."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from namak.evidence import EvidenceError
from namak.evidence.note import Verifier
from namak.evidence.tiles import InclusionProver, KnownNodes, tiles_for_inclusions
from namak.evidence.tree import leaf_hash, verify_inclusion
from server.transparency.guard import verified
from server.transparency.ports import Leaf, LogReader
from server.transparency.tile_cache import TileCache
from server.usecases.records import PublishedCheckpoint

_PROOFS_AT_A_STRETCH = 256
"""How many proofs are computed before other tasks get their turn: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A leaf, and the path from it to the root of a published checkpoint, verified."""

    leaf: Leaf
    hashes: tuple[bytes, ...]
    checkpoint: PublishedCheckpoint


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A leaf that the stored tiles or the published checkpoint contradict."""

    leaf: Leaf
    cause: str


Outcome = Proven | Contradicted


class ProofFinder:
    """Looks up where facts stand in the log, under the newest published checkpoint of their shard."""

    def __init__(self, reader: LogReader, verifier: Callable[[str], Verifier | None]) -> None:
        """Takes where to read, and the shards' keys by origin; without one, notes are not verified."""
        self._reader = reader
        self._verifier = verifier
        self._tiles = TileCache(reader)
        self._nodes: dict[str, KnownNodes] = {}
        self._newest: dict[str, PublishedCheckpoint] = {}

    async def find(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Outcome]:
        """Returns the proofs of those facts that stand under a published checkpoint.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        # The leaves first: the checkpoint read after them may only be newer, and the tiles only wider.
        leaves = await self._reader.leaves(evidence_ids)
        if not leaves:
            return {}
        newest = await self._checkpoints({leaf.origin for leaf in leaves})
        published = [
            (leaf, newest[leaf.origin])
            for leaf in leaves
            if leaf.origin in newest and leaf.index < newest[leaf.origin].size
        ]
        outcomes = await self._prove(published)
        if any(isinstance(outcome, Contradicted) for outcome in outcomes):
            self._forget()
        return {outcome.leaf.evidence_id: outcome for outcome in outcomes}

    async def _checkpoints(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        newest = await self._reader.newest(origins)
        for origin, checkpoint in newest.items():
            before = self._newest.get(origin)
            if before is not None and checkpoint.size < before.size:
                # The database was put back: what was read before may be another tree's.
                self._forget()
        self._newest.update(newest)
        return newest

    async def _prove(self, published: Sequence[tuple[Leaf, PublishedCheckpoint]]) -> Sequence[Outcome]:
        under: dict[str, list[Leaf]] = {}
        checkpoints: dict[str, PublishedCheckpoint] = {}
        for leaf, checkpoint in published:
            under.setdefault(leaf.origin, []).append(leaf)
            checkpoints[leaf.origin] = checkpoint
        outcomes: list[Outcome] = []
        for origin, leaves in under.items():
            outcomes += await self._prove_under(checkpoints[origin], leaves)
        return outcomes

    async def _prove_under(
        self, checkpoint: PublishedCheckpoint, leaves: Sequence[Leaf]
    ) -> Sequence[Outcome]:
        wanted = tiles_for_inclusions({leaf.index for leaf in leaves}, checkpoint.size)
        read = await self._tiles.tiles({(checkpoint.origin, tile) for tile in wanted})
        if cause := self._unsound(checkpoint):
            return [Contradicted(leaf, cause) for leaf in leaves]
        known = self._nodes.setdefault(checkpoint.origin, KnownNodes())
        prover = InclusionProver({tile: row for (_, tile), row in read.items()}, known)
        outcomes: list[Outcome] = []
        ordered = sorted(leaves, key=lambda leaf: leaf.index)
        for first in range(0, len(ordered), _PROOFS_AT_A_STRETCH):
            outcomes += _proven(ordered[first : first + _PROOFS_AT_A_STRETCH], checkpoint, prover)
            await asyncio.sleep(0)
        known.bound()
        return outcomes

    def _forget(self) -> None:
        self._tiles.forget()
        for known in self._nodes.values():
            known.forget()

    def _unsound(self, checkpoint: PublishedCheckpoint) -> str | None:
        if (verifier := self._verifier(checkpoint.origin)) is None:
            return None
        try:
            tree = verified(checkpoint.note, verifier).checkpoint
        except EvidenceError as error:
            return type(error).__name__
        return None if tree.size == checkpoint.size else "the note's size is not the row's"


def _proven(
    leaves: Sequence[Leaf], checkpoint: PublishedCheckpoint, prover: InclusionProver
) -> Sequence[Outcome]:
    """Computes the paths and verifies them, as any verifier will: a wrong receipt must never leave."""
    hashes = {leaf.index: leaf_hash(leaf.entry) for leaf in leaves}
    try:
        proofs = prover.verified_proofs(hashes, checkpoint.size, checkpoint.root)
    except EvidenceError:
        # Something is wrong with some of them: one by one it shows with which.
        return [_proven_alone(leaf, checkpoint, prover) for leaf in leaves]
    return [Proven(leaf, proofs[leaf.index], checkpoint) for leaf in leaves]


def _proven_alone(leaf: Leaf, checkpoint: PublishedCheckpoint, prover: InclusionProver) -> Outcome:
    try:
        hashes = prover.proof(leaf.index, checkpoint.size)
        verify_inclusion(leaf.index, checkpoint.size, leaf_hash(leaf.entry), hashes, checkpoint.root)
    except EvidenceError as error:
        return Contradicted(leaf, type(error).__name__)
    return Proven(leaf, tuple(hashes), checkpoint)
