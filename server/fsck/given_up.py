"""Checks shards whose key is lost: that the act which gave each up tells what was so, and that what the key
never signed stands in a later shard.
"""

from collections.abc import Iterator, Mapping, Sequence

from namak.evidence.administrative_act import RecordedAct
from namak.evidence.errors import EvidenceError
from namak.evidence.lost_key import GivenUp
from namak.evidence.tiles import TileId, extend, tiles_for_extend
from namak.evidence.tree import EMPTY_ROOT, leaf_hash
from server.fsck.kinds import Kind
from server.fsck.shard_ports import ShardsAndLostKeys, StoredGivenUp, StoredShard

Flaw = tuple[Kind, str, str]
"""What is wrong, with which shard, and why."""


async def given_up_flaws(inspection: ShardsAndLostKeys, shards: Sequence[StoredShard]) -> Sequence[Flaw]:
    """Returns all that is wrong. Raises ServiceUnavailable."""
    known = {shard.origin: shard for shard in shards}
    flaws = []
    for row in await inspection.given_up():
        tiles = await inspection.tiles(row.origin, tiles_for_extend(row.size))
        flaws += [(Kind.GIVEN_UP_WRONG, row.origin, why) for why in _wrong(row, known, tiles)]
        if row.unplaced:
            why = f"{row.unplaced} of {row.unsigned_size - row.size} leaves stand in no later shard"
            flaws.append((Kind.GIVEN_UP_UNLOGGED, row.origin, why))
    acts = await inspection.unlisted_acts()
    return [
        *flaws,
        *((Kind.GIVEN_UP_WRONG, f"evidence {each}", "no shard was given up by it") for each in acts),
    ]


def _wrong(
    row: StoredGivenUp, shards: Mapping[str, StoredShard], tiles: Mapping[TileId, bytes]
) -> Iterator[str]:
    shard = shards.get(row.origin)
    if shard is None or shard.frozen_at is None or shard.successor is None:
        yield "it is no shard that ended"
        return
    if (shard.integrated_size, shard.published_size) != (row.size, row.size):
        yield f"it has {shard.integrated_size} leaves, and was given up with {row.size}"
    if sorted(row.entries) != list(range(row.size, row.unsigned_size)):
        yield f"{len(row.entries)} leaves that were never signed are kept, of {row.unsigned_size - row.size}"
    elif _root(row, tiles) != row.unsigned_root:
        yield "the leaves that were never signed do not give the tree that is recorded"
    following = shards.get(shard.successor)
    try:
        said = GivenUp.of(RecordedAct.parse(row.document or b"").document)
    except EvidenceError as error:
        yield f"evidence {row.evidence_id} can't be read: {error.detail}"
        return
    expected = GivenUp(
        origin=row.origin,
        vkey=shard.vkey,
        signed_size=row.size,
        signed_root=row.root.hex(),
        # What witnesses cosigned later is more.
        witnessed_size=0 if said is None else said.witnessed_size,
        size=row.unsigned_size,
        root=row.unsigned_root.hex(),
        successor=shard.successor,
        successor_vkey="" if following is None else following.vkey,
    )
    if said != expected:
        yield f"evidence {row.evidence_id} says something else than what is recorded"


def _root(row: StoredGivenUp, tiles: Mapping[TileId, bytes]) -> bytes | None:
    """Returns the root of the tree that was never signed, from the signed one and the leaves kept."""
    hashes = [leaf_hash(entry) for _, entry in sorted(row.entries.items())]
    if not hashes:
        return row.root if row.size else EMPTY_ROOT
    try:
        return extend(tiles, row.size, hashes).root
    except EvidenceError:
        return None
