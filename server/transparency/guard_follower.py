"""Keeps the guard of a replica that does not lead up to date, so that it can take over from its own disk.

Replicas on one machine share a guard file, and then there is nothing to do. On another machine the file would
stay behind the log, or never come to be, were it not for this.
"""

from namak.evidence import EvidenceError
from server.transparency.guard import GuardMoved, SignedTree, check_extends, tiles_to_check, verified
from server.transparency.ports import Head, LogReader
from server.transparency.shard import Shard
from server.transparency.troubles import LogTrouble, SignatureRefused, Watchman


class GuardFollower:
    """Follows the published checkpoints of one shard with its guard."""

    def __init__(self, shard: Shard, reader: LogReader, watchman: Watchman) -> None:
        """Takes the shard, where to read its checkpoints, and whom to tell what is wrong."""
        self._shard = shard
        self._reader = reader
        self._watchman = watchman
        self._began_empty = False

    async def follow(self) -> None:
        """Advances the guard to the newest published tree, if that extends it.

        What is wrong with the guard is told now, not first when this replica has to lead.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        try:
            await self._follow()
        except GuardMoved:
            return
        except LogTrouble as trouble:
            self._watchman.begins(trouble.kind, trouble.fields)
            return
        self._watchman.ends()

    async def _follow(self) -> None:
        # In this order: a leader writes the guard before it publishes.
        newest = (await self._reader.newest([self._shard.origin])).get(self._shard.origin)
        guarded = await self._shard.guard.read()
        if newest is None:
            # Whoever saw the log before its first checkpoint needs nobody's word that the guard may begin.
            self._began_empty = self._began_empty or guarded is None
            return
        if guarded is not None and newest.size <= guarded.checkpoint.size:
            return
        tree = self._verified(newest.note)
        published_size = 0 if guarded is None and self._began_empty else newest.size
        head = Head(newest.origin, tree.checkpoint.size, tree.checkpoint.root, published_size)
        wanted = {(head.origin, tile) for tile in tiles_to_check(guarded, head)}
        rows = await self._reader.tiles(wanted)
        check_extends(guarded, head, {tile: row for (_, tile), row in rows.items()})
        await self._shard.guard.advance(guarded, tree)

    def _verified(self, note: bytes) -> SignedTree:
        try:
            return verified(note, self._shard.verifier)
        except EvidenceError as error:
            raise SignatureRefused(origin=self._shard.origin, cause=type(error).__name__) from error
