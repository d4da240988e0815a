"""Checks that the log's shards follow each other: each begins where an announcement ended the one before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from namak.evidence.administrative_act import RecordedAct
from namak.evidence.document import entry_of
from namak.evidence.errors import EvidenceError
from namak.evidence.note import Verifier, open_note, parse_note
from namak.evidence.succession import Opening
from server.fsck.findings import Kind, Part, Report
from server.fsck.given_up import Flaw, given_up_flaws
from server.fsck.shard_ports import ShardsAndLostKeys, StoredShard

PUBLISHED_WITHIN: Final = timedelta(minutes=1)
"""The last tree of a frozen shard is published a moment after; a leader may have to be found first."""

CLOCKS: Final = timedelta(minutes=2)
"""Who froze a shard may have another clock than who led before."""


class ShardCheck:
    """Checks the order of shards, their keys and their ends."""

    def __init__(
        self,
        shards: ShardsAndLostKeys,
        keys: Mapping[str, Verifier],
        now: Callable[[], datetime],
        report: Report,
    ) -> None:
        """Takes each shard's key as it is known from elsewhere, and the post's time."""
        self._shards = shards
        self._keys = keys
        self._now = now
        self._report = report

    async def run(self) -> None:
        """Looks at all shards. Raises ServiceUnavailable."""
        shards = await self._shards.shards()
        # Before a leader has entered any, the settings alone say which there are.
        for origin in await self._shards.unlisted() if shards else ():
            self._found((Kind.SHARD_ORDER_WRONG, origin, "it is none of the shards"))
        before = [None, *shards]
        after = [*shards[1:], None]
        for number, (previous, shard, following) in enumerate(zip(before, shards, after, strict=False), 1):
            for flaw in self._flaws(number, previous, shard, following):
                self._found(flaw)
        for flaw in await given_up_flaws(self._shards, shards):
            self._found(flaw)
        self._report.done(Part.SHARDS, "shards", len(shards))

    def _flaws(
        self, number: int, previous: StoredShard | None, shard: StoredShard, following: StoredShard | None
    ) -> Iterator[Flaw]:
        for why in _order(number, previous, shard, following):
            yield Kind.SHARD_ORDER_WRONG, shard.origin, why
        for why in _keys(previous, shard, self._keys.get(shard.origin)):
            yield Kind.SHARD_KEY_WRONG, shard.origin, why
        if previous is not None and shard.opening is not None:
            yield from _opened(previous, shard)
        elif shard.opening is None and shard.first_leaf is not None and _is_opening(shard.first_leaf):
            yield Kind.OPENING_WRONG, shard.origin, "its first leaf opens it, and its row does not say so"
        if shard.frozen_at is not None:
            yield from self._end(shard, shard.frozen_at, following)

    def _end(self, shard: StoredShard, frozen_at: datetime, following: StoredShard | None) -> Iterator[Flaw]:
        if shard.published_size != shard.integrated_size and frozen_at < self._now() - PUBLISHED_WITHIN:
            published = f"{shard.published_size} of {shard.integrated_size} leaves are published"
            yield Kind.SHARD_UNPUBLISHED, shard.origin, published
        # Those that the settings named before the database did end without an announcement.
        if following is None or following.announcement is None or shard.integrated_size is None:
            return
        announcement = f"evidence {following.announcement}"
        if shard.given_up and following.announced_in != shard.origin:
            # It was never signed, or came after the key was lost: so it stands in a later shard, or waits for
            # that, which is checked with all other evidence.
            return
        if following.announced_in != shard.origin or following.announced_at_leaf is None:
            yield Kind.ANNOUNCEMENT_MISSING, shard.origin, announcement
        elif (behind := shard.integrated_size - 1 - following.announced_at_leaf) > 0:
            # A server of the release before, which knew of no successors, went on past it; the first leader
            # of this one froze the shard (`transparency.integrator`). A frozen shard takes nothing.
            before = shard.grown_at is not None and shard.grown_at <= frozen_at + CLOCKS
            kind = Kind.ANNOUNCEMENT_FOLLOWED if before else Kind.ANNOUNCEMENT_NOT_LAST
            yield kind, shard.origin, f"{behind} leaves behind {announcement}"

    def _found(self, flaw: Flaw) -> None:
        kind, origin, why = flaw
        self._report.found(Part.SHARDS, kind, f"{origin}: {why}")


def _order(
    number: int, previous: StoredShard | None, shard: StoredShard, following: StoredShard | None
) -> Iterator[str]:
    if shard.position != number:
        yield f"it is number {shard.position}, and the {number}. that there is"
    if shard.predecessor != (None if previous is None else previous.origin):
        yield f"it comes after {shard.predecessor}"
    if previous is None and (shard.announcement or shard.opening):
        yield "it is the first, and its row names what announced or opened it"
    if shard.integrated_size is None:
        return
    successor, ending = (None, None) if following is None else (following.origin, following.announcement)
    if (shard.successor, shard.ending) != (successor, ending):
        yield f"its head names {shard.successor} as the next, and the announcement {shard.ending}"
    if shard.frozen_at is not None and following is None:
        yield "it is frozen, and there is no next"
    if previous is not None and previous.frozen_at is None and shard.integrated_size:
        yield "it has leaves, and the shard before it is not frozen"


def _keys(previous: StoredShard | None, shard: StoredShard, known: Verifier | None) -> Iterator[str]:
    try:
        verifier = Verifier.parse(shard.vkey)
    except EvidenceError as error:
        yield f"its verifier key can't be read: {error.detail}"
        return
    if verifier.name != shard.origin:
        yield f"its verifier key is that of {verifier.name}"
    elif known is not None and known != verifier:
        yield "its verifier key is not the one of the settings or the token"
    elif shard.note is not None and not _is_signed(shard.note, verifier):
        yield "its newest checkpoint is not signed by its key"
    if previous is not None and shard.announcement is not None:
        yield from _announced(previous, shard)


def _announced(previous: StoredShard, shard: StoredShard) -> Iterator[str]:
    """Yields why its announcement can't be of this shard with this key."""
    try:
        details = RecordedAct.parse(shard.document or b"").document.details
    except EvidenceError as error:
        yield f"its announcement can't be read: {error.detail}"
        return
    after = details.after or {}
    named = (details.resource.identifier, after.get("log_vkey"), after.get("successor"))
    if named != (previous.origin, previous.vkey, shard.origin):
        yield "its announcement is of other shards"
    elif after.get("successor_vkey") != shard.vkey:
        yield "its announcement names another key"


def _opened(previous: StoredShard, shard: StoredShard) -> Iterator[Flaw]:
    """Yields what is wrong with the act that leads back from the shard to the one before it."""
    opening = f"evidence {shard.opening}"
    digest = entry_of(shard.document or b"").hex()
    expected = Opening(shard.origin, shard.vkey, previous.origin, previous.vkey, digest)
    try:
        found = Opening.of(RecordedAct.parse(shard.opened_by or b"").document)
    except EvidenceError as error:
        yield Kind.OPENING_WRONG, shard.origin, f"{opening} can't be read: {error.detail}"
        return
    if found != expected:
        yield Kind.OPENING_WRONG, shard.origin, f"{opening} is of other shards, keys or another announcement"
    elif shard.integrated_size and (shard.opened_in, shard.opened_at_leaf) != (shard.origin, 0):
        # That it has a leaf somewhere, or waits for one, is checked with all other evidence.
        yield Kind.OPENING_NOT_FIRST, shard.origin, opening


def _is_opening(document: bytes) -> bool:
    try:
        Opening.of(RecordedAct.parse(document).document)
    except EvidenceError:
        return False
    return True


def _is_signed(note: bytes, verifier: Verifier) -> bool:
    try:
        return bool(open_note(parse_note(note), [verifier]))
    except EvidenceError:
        return False


def current_of(shards: Sequence[StoredShard], configured: str) -> str:
    """Returns the shard that takes leaves: the first that is not frozen."""
    return next((each.origin for each in shards if each.frozen_at is None), configured)
