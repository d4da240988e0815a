"""Has the newest checkpoint cosigned about once a second, and stores it once the quorum is there.

Beside everything else: the leader's work, submissions and receipts wait for none of it. All witnesses are
asked at the same time, about the same checkpoint; one that is slow or wrong delays nobody. Once enough have
cosigned, those who have not answered yet are not waited for: what they say of an older checkpoint comes to
nothing, and they are asked about the newest one next.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from namak.evidence import EvidenceError
from namak.evidence.note import NoteSignature, Verifier, note_from, parse_note, signature_line
from namak.evidence.tiles import consistency_proof, root_from_tiles, tiles_for_consistency, tiles_for_root
from namak.evidence.tlog_policy import PolicyLog
from namak.evidence.tree import verify_consistency
from server.domain.refusals import ServiceUnavailable
from server.transparency.news import News
from server.transparency.ports import LogReader, WitnessedTree, WitnessedTrees
from server.transparency.tile_cache import TileCache
from server.transparency.troubles import Trouble, Watchman
from server.transparency.witness_link import WitnessLink, WitnessTerms
from server.usecases.ports import Clock
from server.usecases.records import PublishedCheckpoint

_log = structlog.get_logger(__name__)

_TILES_KEPT = 64
_IDLE_SECONDS = 10.0
"""How often it looks for a new checkpoint by itself, should it not be told."""


@dataclass
class _Round:
    """One checkpoint, who was asked about it, and who cosigned."""

    tree: PublishedCheckpoint
    asked: set[bytes] = field(default_factory=set)
    signatures: dict[bytes, NoteSignature] = field(default_factory=dict)


class Witnessing:
    """Witnesses one shard while `leading`; two replicas that do so at once do no harm."""

    def __init__(
        self,
        verifier: Verifier,
        terms: WitnessTerms,
        reader: LogReader,
        store: WitnessedTrees,
        clock: Clock,
        *,
        published: News,
        witnessed: News,
        leading: Callable[[], bool],
        ended: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Takes the shard's key, what tells of published checkpoints, what it tells of witnessed ones, and
        the size of the shard's last tree once there is one.
        """
        self.origin = verifier.name
        # The quorum is judged as any verifier would, who trusts this shard's key.
        self._policy = replace(terms.policy, logs=(PolicyLog(verifier, None),))
        self._terms = terms
        self._reader = reader
        self._store = store
        self._clock = clock
        self._published = published
        self._witnessed = witnessed
        self._leading = leading
        self._ended = ended
        history = _StoredHistory(reader)
        self.links = [
            WitnessLink(witness, terms, history, clock, _loop_time)
            for witness in terms.policy.witnesses
            if witness.url is not None
        ]
        self._asking: dict[bytes, asyncio.Task[None]] = {}
        self._round: _Round | None = None
        self._done = 0
        self._fresh_until = 0.0
        self.watchman = Watchman(f"log witnessing {verifier.name}")

    @property
    def watchmen(self) -> Sequence[Watchman]:
        """Who watches it, and each witness."""
        return [self.watchman, *(link.watchman for link in self.links)]

    @property
    def over(self) -> bool:
        """Whether the shard ended and is witnessed to its end: nobody is asked any more."""
        return self._done == self._ended()

    @property
    def too_few(self) -> int | None:
        """How many have cosigned the checkpoint that lacks a quorum; None where none is known to."""
        condition = self.watchman.condition
        if condition is None or condition.kind is not Trouble.QUORUM_UNMET:
            return None
        return int(condition.fields["cosigned"])

    async def run(self) -> None:
        """Witnesses until cancelled."""
        try:
            while True:
                seen, began = self._published.count, _loop_time()
                idle = self._terms.interval
                # A shard that ended and is witnessed to its end costs nothing.
                if self._leading() and not self.over:
                    try:
                        if await self._look():
                            idle = _IDLE_SECONDS
                    except ServiceUnavailable:
                        # The log itself says so; here it is tried again.
                        self._round = None
                await asyncio.sleep(max(0.0, self._terms.interval - (_loop_time() - began)))
                await self._published.beyond(seen, idle)
        finally:
            asking = list(self._asking.values())
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _look(self) -> bool:
        """Has the newest checkpoint witnessed; returns whether there is nothing left to do."""
        tree = (await self._reader.newest([self.origin])).get(self.origin)
        if tree is None:
            return True
        if self._done < tree.size:
            kept = (await self._store.newest([self.origin])).get(self.origin)
            self._done = kept.size if kept is not None else 0
        renewing = self._done >= tree.size
        if renewing and not await self._is_old(tree):
            return True
        if self._round is None or self._round.tree.note != tree.note:
            self._round = _Round(tree)
        else:
            # Again: of those who have cosigned this one, nothing more is wanted.
            self._round.asked = set(self._round.signatures)
        if not await self._gathered(self._round):
            cosigned = len(self._round.signatures)
            self.watchman.begins(Trouble.QUORUM_UNMET, {"origin": self.origin, "cosigned": cosigned})
            return False
        await self._keep(self._round, renewing=renewing)
        return True

    async def _is_old(self, tree: PublishedCheckpoint) -> bool:
        """Tells whether the newest cosignatures over a tree that is witnessed are to be renewed."""
        longest = self._terms.renewal
        if longest is None or _loop_time() < self._fresh_until:
            return False
        kept = (await self._store.freshest([self.origin])).get(self.origin)
        if kept is None or kept.size > tree.size:
            return False
        age = (self._clock.now() - kept.witnessed_at).total_seconds()
        self._fresh_until = _loop_time() + max(0.0, longest - age)
        return age >= longest

    async def _gathered(self, round_: _Round) -> bool:
        """Asks all who can be asked, until the quorum is there or nobody is left; returns whether it is."""
        while not self._policy.is_quorum(round_.signatures.keys()):
            for link in self.links:
                if link.name not in self._asking and link.name not in round_.asked and link.ready:
                    round_.asked.add(link.name)
                    self._asking[link.name] = asyncio.create_task(
                        self._ask(link, round_), name=link.watchman.part
                    )
            if not self._asking:
                return False
            await asyncio.wait(list(self._asking.values()), return_when=asyncio.FIRST_COMPLETED)
        return True

    async def _ask(self, link: WitnessLink, round_: _Round) -> None:
        try:
            signature = await link.cosignature(round_.tree)
        except ServiceUnavailable:
            return
        except Exception:  # noqa: BLE001 - a mistake of ours about one witness must not keep us from the others
            _log.exception("a witness could not be asked", part=link.watchman.part)
            return
        finally:
            del self._asking[link.name]
        if signature is not None:
            round_.signatures[link.name] = signature

    async def _keep(self, round_: _Round, *, renewing: bool) -> None:
        """Stores the note with the log's signature and those of the witnesses, in the policy's order."""
        note = parse_note(round_.tree.note)
        cosigned = [round_.signatures[link.name] for link in self.links if link.name in round_.signatures]
        lines = [
            signature_line(each.name, each.key_id, each.signature) for each in (*note.signatures, *cosigned)
        ]
        witnessed = note_from(note.text, lines)
        # As a stranger would; what fails here is a mistake of ours, and is told by whoever runs this.
        self._policy.check(witnessed)
        tree = WitnessedTree(round_.tree.origin, round_.tree.size, witnessed, self._clock.now())
        # Signatures are of one time: the next ones are asked for anew.
        self._round = None
        if renewing:
            await self._store.renew(tree)
        else:
            await self._store.keep(tree)
        self._done, self._fresh_until = tree.size, _loop_time() + (self._terms.renewal or 0.0)
        self.watchman.ends()
        self._witnessed.arrive()


class _StoredHistory:
    """`History` by the stored tiles."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        # Its own: what the newest tree needs is not what receipts need.
        self._tiles = TileCache(reader, tiles=_TILES_KEPT)

    async def proof(self, old: int, tree: PublishedCheckpoint) -> Sequence[bytes]:
        """See `History`."""
        wanted = tiles_for_consistency(old, tree.size) | tiles_for_root(old) | tiles_for_root(tree.size)
        rows = await self._tiles.tiles({(tree.origin, tile) for tile in wanted})
        tiles = {tile: row for (_, tile), row in rows.items()}
        try:
            hashes = consistency_proof(tiles, old, tree.size)
            verify_consistency(old, root_from_tiles(tiles, old), tree.size, tree.root, hashes)
        except EvidenceError:
            # Read before a restore of the database, perhaps.
            self._tiles.forget()
            raise
        return hashes

    async def published_size(self, origin: str) -> int:
        """See `History`."""
        newest = (await self._reader.newest([origin])).get(origin)
        return newest.size if newest is not None else 0


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
