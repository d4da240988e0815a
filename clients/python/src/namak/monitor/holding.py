"""Whether receipts that somebody holds stand in the log that everybody is shown."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import EvidenceError, UnknownLog
from namak.evidence.note import parse_note
from namak.evidence.tiles import (
    TileId,
    consistency_proof,
    inclusion_proof,
    root_from_tiles,
    tiles_for_consistency,
    tiles_for_inclusion,
    tiles_for_root,
)
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import SUFFIX, TlogProof
from namak.evidence.tree import leaf_hash, verify_consistency, verify_inclusion
from namak.monitor.alarms import Alarm, AlarmKind, Values
from namak.monitor.sources import NotShown, Source, tiles_from
from namak.monitor.state import KnownTree, State, tile_files


@dataclass(slots=True)
class Held:
    """What was found of receipts: how many stand in the log, of how many nothing can be said yet because they
    are newer than what the log shows, or of another log, and what is wrong.

    Attributes:
        others: receipts of other logs, by those and by the receipts' names.
        broken: which files are no receipts at all, and why: of the log that says nothing.
        unnamed: which receipts are of logs that the policy does not name, and of which: nothing is checked.
    """

    found: int = 0
    newer: list[str] = field(default_factory=list)
    others: dict[str, dict[str, bytes]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    unnamed: dict[str, str] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def elsewhere(self) -> int:
        """How many are of another log."""
        return sum(len(receipts) for receipts in self.others.values())


class ReceiptCheck:
    """Checks receipts against one tree that a monitor follows."""

    def __init__(self, source: Source, policy: TlogPolicy, state: State, known: KnownTree) -> None:
        self._source = source
        self._policy = policy
        self._state = state
        self._known = known
        self._tiles: dict[TileId, bytes] = {}

    async def check(self, receipts: Mapping[str, bytes]) -> Held:
        """Checks receipts, by the names that people know them by; those found earlier are not read again.

        Raises :class:`SourceUnreached`, :class:`StateUnusable`.
        """
        held = Held()
        for name, receipt in receipts.items():
            if self._state.is_found(receipt):
                held.found += 1
                continue
            try:
                await self._one(name, receipt, held)
            except (EvidenceError, NotShown) as problem:
                words = problem.detail if isinstance(problem, EvidenceError) else str(problem)
                values: Values = {"file": name, "problem": words}
                held.alarms.append(Alarm(AlarmKind.RECEIPT, name, values))
        return held

    async def _one(self, name: str, receipt: bytes, held: Held) -> None:
        try:
            proof = TlogProof.parse(receipt)
            origin = Checkpoint.parse(parse_note(proof.checkpoint).text).origin
        except EvidenceError as problem:
            held.broken[name] = problem.detail
            return
        try:
            theirs = self._policy.check_log_signature(proof.checkpoint).checkpoint
        except UnknownLog:
            held.unnamed[name] = origin
            return
        leaf = leaf_hash(hashlib.sha256(proof.extra or b"").digest())
        verify_inclusion(proof.index, theirs.size, leaf, proof.hashes, theirs.root)
        ours = self._known.checkpoint
        if theirs.origin != ours.origin:
            held.others.setdefault(theirs.origin, {})[name] = receipt
            return
        if theirs.size > ours.size:
            held.newer.append(name)
            return
        if not await self._begins_with(theirs):
            held.alarms.append(self._fork(theirs, proof.checkpoint))
            return
        tiles = await self._needed(tiles_for_inclusion(proof.index, ours.size))
        hashes = inclusion_proof(tiles, proof.index, ours.size)
        verify_inclusion(proof.index, ours.size, leaf, hashes, ours.root)
        held.found += 1
        self._state.found(receipt)

    async def _begins_with(self, theirs: Checkpoint) -> bool:
        """Whether the tree that is followed begins with the one that the receipt was given under."""
        ours = self._known.checkpoint
        wanted = (
            tiles_for_consistency(theirs.size, ours.size)
            | tiles_for_root(theirs.size)
            | tiles_for_root(ours.size)
        )
        tiles = await self._needed(wanted)
        if root_from_tiles(tiles, ours.size) != ours.root:
            raise NotShown("the tiles do not give the signed root")
        if root_from_tiles(tiles, theirs.size) != theirs.root:
            return False
        hashes = consistency_proof(tiles, theirs.size, ours.size)
        verify_consistency(theirs.size, theirs.root, ours.size, ours.root, hashes)
        return True

    def _fork(self, theirs: Checkpoint, note: bytes) -> Alarm:
        """Two checkpoints by the log's key, one in a receipt and one shown to everybody."""
        ours = self._known.checkpoint
        files = {"known.note": self._known.note, "receipt.note": note, **tile_files(self._tiles)}
        proof = self._state.keep_proof(f"fork-{ours.origin}", files)
        values: Values = {"origin": ours.origin, "size": theirs.size, "known": ours.size, "proof": str(proof)}
        return Alarm(AlarmKind.FORK, ours.origin, values, proof)

    async def _needed(self, wanted: frozenset[TileId]) -> Mapping[TileId, bytes]:
        missing = wanted - self._tiles.keys()
        self._tiles.update(await tiles_from(self._source, missing, self._known.checkpoint.size))
        return self._tiles


def receipts_in(directory: Path) -> Mapping[Path, float]:
    """Returns the receipts in a directory and below it, and when each was written."""
    return {path: path.stat().st_mtime for path in sorted(directory.rglob(f"*{SUFFIX}"))}
