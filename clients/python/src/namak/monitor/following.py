"""One look at a log: its checkpoint, and whether it goes on from what was seen of it before.

Every hash is computed here: from the leaves that came since the last look and the edge that was kept, the
whole tree's root, which must be the signed one. So a consistency proof is not asked for but made.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import EvidenceError
from namak.evidence.succession import Succession
from namak.evidence.tiles import (
    WIDTH,
    TileId,
    extend,
    root_from_tiles,
    tiles_for_consistency,
    tiles_for_root,
)
from namak.evidence.tlog_policy import CheckedCheckpoint, TlogPolicy
from namak.evidence.tree import HASH_BYTES
from namak.monitor.alarms import Alarm, AlarmKind, Values
from namak.monitor.ending import ending
from namak.monitor.entries import wrong_entries
from namak.monitor.sources import NotShown, Source, tiles_from
from namak.monitor.state import KnownTree, State, tile_files

SMALLER_AGAIN: Final = 3
"""A smaller tree is looked at so often before it counts: caches, and replicas that are a moment behind."""
SMALLER_SECONDS: Final = 2.0
WITNESS_SECONDS: Final = 10.0
"""For so long a log that begins may be without the quorum: its witnesses are only now being asked."""
AHEAD_SECONDS: Final = 300
"""A cosignature that is so far ahead of our clock says nothing of a checkpoint's age."""

_BROKEN: Final = frozenset({AlarmKind.FORK, AlarmKind.ROLLBACK, AlarmKind.NOT_SHOWN, AlarmKind.NOT_SIGNED})
# Of what is shown otherwise than it was nothing more is asked.

_WITNESS_PAUSES = (1.0, 3.0, 6.0)
# Together as long. They become longer because a busy log shows ever newer checkpoints meanwhile.

_BATCH = 64
# Tiles that are read and hashed at a time.


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a log.

    Attributes:
        policy: which logs and witnesses count.
        max_age: how old the newest checkpoint may be, in seconds; None for any age.
        from_start: go through the whole log at the first look, instead of beginning with what is there.
    """

    policy: TlogPolicy
    max_age: float | None = None
    from_start: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found. ``known`` is what is now kept of the log; ``new`` leaves were not known before.
    ``succession`` is of a shard that is complete: which one comes next.
    """

    known: KnownTree | None
    new: int
    witnesses: Sequence[str]
    alarms: Sequence[Alarm]
    succession: Succession | None = None


class _Forked(Exception):
    """The tiles of the newer tree begin with another one."""

    def __init__(self, tiles: Mapping[TileId, bytes]) -> None:
        super().__init__("forked")
        self.tiles = tiles


class Follower:
    """Follows the log at one source."""

    def __init__(
        self,
        source: Source,
        state: State,
        terms: Terms,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Takes the wall clock, in POSIX seconds, and what is told how many leaves are checked, of how
        many.
        """
        self._source = source
        self._state = state
        self._terms = terms
        self._now = now
        self._sleep = sleep
        self._progress = progress

    async def look(self) -> Look:
        """Looks once.

        Raises:
            SourceUnreached: the log can't be read now.
            StateUnusable, StateMoved: of the state.
        """
        seen = await self._look()
        if seen.known is None or any(alarm.kind in _BROKEN for alarm in seen.alarms):
            return seen
        latest = int(self._now() + AHEAD_SECONDS)
        found = await ending(self._source, self._terms.policy, seen.known, latest=latest)
        if isinstance(found, Alarm):
            return replace(seen, alarms=[*seen.alarms, found])
        if found is None:
            return seen
        # Nothing newer will come.
        alarms = [alarm for alarm in seen.alarms if alarm.kind is not AlarmKind.STALE]
        return replace(seen, alarms=alarms, succession=found)

    async def _look(self) -> Look:
        """Looks, and again where the log has only begun and its witnesses are still being asked."""
        begun = self._now()
        seen, before = await self._once()
        for pause in _WITNESS_PAUSES:
            kinds = [alarm.kind for alarm in seen.alarms]
            if kinds != [AlarmKind.UNWITNESSED] or not self._has_begun(before, begun):
                break
            await self._sleep(pause)
            again, _ = await self._once()
            seen = replace(again, new=seen.new + again.new)
        return seen

    def _has_begun(self, before: KnownTree | None, begun: float) -> bool:
        """Whether a log is known for less than the time that its witnesses have, by what was known when the
        look began: what had the quorum once does not begin again, and has no such time.
        """
        if before is None:
            return self._now() < begun + WITNESS_SECONDS
        try:
            if self._terms.policy.check_log_signature(before.note).quorum_met:
                return False
        except EvidenceError:
            # It was kept by another policy.
            return False
        return self._now() < before.seen_at + WITNESS_SECONDS

    async def _once(self) -> tuple[Look, KnownTree | None]:
        """Returns what is seen now, and what was known before."""
        for turn in range(1, SMALLER_AGAIN + 1):
            note = await self._source.checkpoint()
            if note is None:
                return self._not_signed("there is no checkpoint"), None
            try:
                checked = self._terms.policy.check_log_signature(
                    note, latest=int(self._now() + AHEAD_SECONDS)
                )
            except EvidenceError as problem:
                return self._not_signed(problem.detail), None
            known = self._state.tree(checked.log_name)
            if known is None or checked.checkpoint.size >= known.checkpoint.size or turn == SMALLER_AGAIN:
                return await self._judged(checked, note, known), known
            # What is shown once and never again must not pass for a cache's.
            if (forked := await self._forked(checked.checkpoint, note, known)) is not None:
                return Look(known, 0, _names(checked), [*self._of_time(checked, known), forked]), known
            await self._sleep(SMALLER_SECONDS)
        raise AssertionError("the last look counts")

    async def _judged(self, checked: CheckedCheckpoint, note: bytes, known: KnownTree | None) -> Look:
        tree, alarms = checked.checkpoint, list(self._of_time(checked, known))
        witnesses = _names(checked)
        try:
            if known is not None and tree.size < known.checkpoint.size:
                alarms.append(await self._smaller(tree, note, known))
                return Look(known, 0, witnesses, alarms)
            if known is not None and tree.size == known.checkpoint.size:
                if tree.root != known.checkpoint.root:
                    alarms.append(self._fork(known.note, note, tree, known.checkpoint))
                    return Look(known, 0, witnesses, alarms)
                edge = known.edge
            else:
                edge = await self._grown(tree, known)
        except NotShown as problem:
            alarms.append(self._not_shown(tree, str(problem)))
            return Look(known, 0, witnesses, alarms)
        except _Forked as forked:
            before = known.checkpoint if known is not None else tree
            old = known.note if known is not None else note
            alarms.append(self._fork(old, note, tree, before, forked.tiles))
            return Look(known, 0, witnesses, alarms)
        return Look(
            self._kept(tree, note, known, edge, checked),
            tree.size - (0 if known is None else known.checkpoint.size),
            witnesses,
            alarms,
        )

    def _kept(
        self,
        tree: Checkpoint,
        note: bytes,
        known: KnownTree | None,
        edge: Mapping[TileId, bytes],
        checked: CheckedCheckpoint,
    ) -> KnownTree:
        if known is not None and known.checkpoint.size == tree.size:
            # Of one tree the note with the quorum is the better one to keep.
            if note == known.note or not checked.quorum_met:
                return known
            kept = KnownTree(known.checkpoint, note, known.seen_at, edge)
        else:
            kept = KnownTree(tree, note, self._now(), edge)
        self._state.advance(known, kept)
        return kept

    def _of_time(self, checked: CheckedCheckpoint, known: KnownTree | None) -> Sequence[Alarm]:
        tree, alarms = checked.checkpoint, []
        if not checked.quorum_met:
            values: Values = {"origin": tree.origin, "size": tree.size, "count": len(checked.witnesses)}
            values["of"] = len(self._terms.policy.witnesses)
            values["least"] = self._terms.policy.least_witnesses
            alarms.append(Alarm(AlarmKind.UNWITNESSED, tree.origin, values))
        if self._terms.max_age is not None:
            now = self._now()
            # Until somebody else says when it was there, it is as old as our knowledge of it.
            times = [each.time for each in checked.witnesses]
            is_known = known is not None and known.checkpoint.size == tree.size
            seen_at = known.seen_at if known is not None and is_known else now
            newest = max(times, default=int(seen_at))
            if now - newest > self._terms.max_age:
                stale: Values = {"origin": tree.origin, "size": tree.size, "time": newest}
                alarms.append(Alarm(AlarmKind.STALE, tree.origin, stale))
        return alarms

    async def _grown(self, tree: Checkpoint, known: KnownTree | None) -> Mapping[TileId, bytes]:
        """Returns the right edge of a tree, having computed its root from the leaves that are new."""
        if known is None and not self._terms.from_start:
            edge = await tiles_from(self._source, tiles_for_root(tree.size), tree.size)
            if root_from_tiles(edge, tree.size) != tree.root:
                raise NotShown("its tiles do not give the signed root")
            return edge
        size = 0 if known is None else known.checkpoint.size
        edge = {} if known is None else dict(known.edge)
        wrong = ""
        while size < tree.size:
            first = size - size % WIDTH
            end = min(first + _BATCH * WIDTH, tree.size)
            wanted = [TileId(0, index) for index in range(first // WIDTH, (end - 1) // WIDTH + 1)]
            rows = await tiles_from(self._source, wanted, tree.size)
            wrong = wrong or await wrong_entries(self._source, rows)
            joined = b"".join(rows[tile] for tile in wanted)
            leaves = [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
            edge.update(extend(edge, size, leaves[size - first :]).changed)
            size = end
            edge = {tile: edge[tile] for tile in tiles_for_root(size)}
            if self._progress is not None:
                self._progress(size, tree.size)
        if root_from_tiles(edge, tree.size) != tree.root:
            await self._why(tree, known)
        # Only now: of a log that signed two histories that is told.
        if wrong:
            raise NotShown(wrong)
        return edge

    async def _why(self, tree: Checkpoint, known: KnownTree | None) -> None:
        """Tells a log that signed two histories from one that shows other tiles than those that it signed."""
        old = 0 if known is None else known.checkpoint.size
        wanted = tiles_for_consistency(old, tree.size) | tiles_for_root(old) | tiles_for_root(tree.size)
        tiles = await tiles_from(self._source, wanted, tree.size)
        if root_from_tiles(tiles, tree.size) != tree.root:
            raise NotShown("its tiles do not give the signed root")
        if known is not None and root_from_tiles(tiles, old) != known.checkpoint.root:
            raise _Forked(tiles)
        raise NotShown("its leaves are others than those that it signed")

    async def _smaller(self, tree: Checkpoint, note: bytes, known: KnownTree) -> Alarm:
        if (forked := await self._forked(tree, note, known)) is not None:
            return forked
        proof = self._proof(AlarmKind.ROLLBACK, tree.origin, known.note, note, {})
        values: Values = {"origin": tree.origin, "size": tree.size, "known": known.checkpoint.size}
        return Alarm(AlarmKind.ROLLBACK, tree.origin, {**values, "proof": str(proof)}, proof)

    async def _forked(self, tree: Checkpoint, note: bytes, known: KnownTree) -> Alarm | None:
        """Tells of a smaller tree whether what is known does not begin with it."""
        before = known.checkpoint
        wanted = (
            tiles_for_consistency(tree.size, before.size)
            | tiles_for_root(tree.size)
            | tiles_for_root(before.size)
        )
        try:
            tiles = await tiles_from(self._source, wanted, before.size)
            is_ours = root_from_tiles(tiles, before.size) == before.root
            if is_ours and root_from_tiles(tiles, tree.size) != tree.root:
                return self._fork(known.note, note, tree, before, tiles)
        except NotShown:
            # What it showed before is not there any more: a rollback, if it stays so.
            pass
        return None

    def _fork(
        self,
        old: bytes,
        new: bytes,
        tree: Checkpoint,
        before: Checkpoint,
        tiles: Mapping[TileId, bytes] | None = None,
    ) -> Alarm:
        proof = self._proof(AlarmKind.FORK, tree.origin, old, new, tiles or {})
        values: Values = {"origin": tree.origin, "size": tree.size, "known": before.size}
        values["proof"] = str(proof)
        return Alarm(AlarmKind.FORK, tree.origin, values, proof)

    def _proof(
        self, kind: AlarmKind, origin: str, old: bytes, new: bytes, tiles: Mapping[TileId, bytes]
    ) -> Path:
        files = {"known.note": old, "shown.note": new, **tile_files(tiles)}
        return self._state.keep_proof(f"{kind}-{origin}", files)

    def _not_shown(self, tree: Checkpoint, problem: str) -> Alarm:
        values: Values = {"source": self._source.name, "size": tree.size, "problem": problem}
        return Alarm(AlarmKind.NOT_SHOWN, tree.origin, values)

    def _not_signed(self, problem: str) -> Look:
        values: Values = {"source": self._source.name, "problem": problem}
        return Look(None, 0, [], [Alarm(AlarmKind.NOT_SIGNED, self._source.name, values)])


def _names(checked: CheckedCheckpoint) -> Sequence[str]:
    return [each.witness.decode("utf-8", "replace") for each in checked.witnesses]
