"""A person's decision that the newest published checkpoint is the one to go on from: `log adopt-guard`."""

from dataclasses import dataclass

from namak.evidence import EvidenceError
from namak.evidence.note import Verifier
from namak.evidence.tiles import root_from_tiles, tiles_for_root
from server.transparency.guard import FileGuard, GuardOfAnother, SignedTree, verified
from server.transparency.ports import LogReader


class AdoptionRefused(Exception):
    """The guard is left as it is; the text says why, for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What the guard holds now."""

    origin: str
    size: int
    root: bytes


async def adopt(reader: LogReader, guard: FileGuard, verifier: Verifier) -> Adopted:
    """Writes a guard that is gone or damaged anew, from the newest published note, after verifying it.

    Run it only after having made sure that this database is the log's newest state: the guard can't say so
    any more. A sound guard is never overwritten, whatever it contradicts.

    Raises:
        AdoptionRefused: nothing is published, the note or its tree is not sound, or there is a sound guard,
            of this shard or of another one.
        GuardUnreachable: the file can't be written.
        ServiceUnavailable: the database does not answer.
    """
    newest = (await reader.newest([verifier.name])).get(verifier.name)
    if newest is None:
        raise AdoptionRefused(f"nothing of {verifier.name} is published: a first guard comes by itself")
    try:
        tree = verified(newest.note, verifier)
    except EvidenceError as error:
        raise AdoptionRefused(f"the published note does not verify: {error}") from error
    await _check_tiles(reader, tree)
    try:
        replaced = await guard.replace_unsound(tree)
    except GuardOfAnother as other:
        raise AdoptionRefused(
            f"the guard's file holds a checkpoint of {other.origin}: do the settings mix up two guards?"
            " If not, move it away"
        ) from None
    if not replaced:
        raise AdoptionRefused(
            "there is a sound guard; if the log is refused because of it, the database is wrong"
        )
    return Adopted(verifier.name, tree.checkpoint.size, tree.checkpoint.root)


async def _check_tiles(reader: LogReader, tree: SignedTree) -> None:
    checkpoint = tree.checkpoint
    rows = await reader.tiles({(checkpoint.origin, tile) for tile in tiles_for_root(checkpoint.size)})
    try:
        root = root_from_tiles({tile: row for (_, tile), row in rows.items()}, checkpoint.size)
    except EvidenceError as error:
        raise AdoptionRefused(f"the published tree's tiles are not there: {error}") from error
    if root != checkpoint.root:
        raise AdoptionRefused("the stored tiles do not give the root of the published note")
