"""Keeps the guards of a replica that does not lead up to date, so that it can take over from its own disk.

Replicas on one machine share the guard files, and then there is nothing to do. On another machine a file
would stay behind the log, or never come to be, were it not for this.
"""

from collections.abc import Sequence

from namak.evidence import EvidenceError
from server.transparency.guard import GuardMoved, SignedTree, check_extends, tiles_to_check, verified
from server.transparency.ports import Head, LogReader
from server.transparency.shard import Shard
from server.transparency.shard_directory import ShardDirectory
from server.transparency.troubles import LogTrouble, SignatureRefused, Watchman
from server.usecases.records import PublishedCheckpoint


class GuardFollower:
    """Follows the published checkpoints of the shards that this replica has guards for."""

    def __init__(
        self, shards: Sequence[Shard], directory: ShardDirectory, reader: LogReader, watchman: Watchman
    ) -> None:
        """Takes the shards, which of them there are, where to read their checkpoints, and whom to tell what
        is wrong.
        """
        self._shards = shards
        self._directory = directory
        self._reader = reader
        self._watchman = watchman
        self._began_empty: set[str] = set()
        # Those that ended, with a guard that holds their last tree: there is nothing more to follow.
        self._done: set[str] = set()

    async def follow(self) -> None:
        """Advances each guard to the newest published tree, if that extends it.

        What is wrong with a guard is told now, not first when this replica has to lead.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        following = [shard for shard in self._shards if shard.origin not in self._done]
        opened = [shard.origin for shard in following if self._directory.get(shard.origin) is not None]
        # In this order: a leader writes the guard before it publishes.
        newest = await self._reader.newest(opened) if opened else {}
        troubles = []
        for shard in following:
            # What is wrong with one of them keeps none of the others behind.
            try:
                if shard.origin in newest:
                    await self._follow_one(shard, newest[shard.origin])
                else:
                    await self._note_beginning(shard)
            except GuardMoved:
                return
            except LogTrouble as trouble:
                troubles.append(trouble)
        if troubles:
            self._watchman.begins(troubles[0].kind, troubles[0].fields)
        else:
            self._watchman.ends()

    async def _note_beginning(self, shard: Shard) -> None:
        """Whoever saw a shard before its first checkpoint needs nobody's word that the guard may begin."""
        if shard.origin not in self._began_empty and await shard.guard.read() is None:
            self._began_empty.add(shard.origin)

    async def _follow_one(self, shard: Shard, newest: PublishedCheckpoint) -> None:
        guarded = await shard.guard.read()
        if guarded is not None and newest.size <= guarded.checkpoint.size:
            if newest.size == guarded.checkpoint.size == self._directory.ended(shard.origin):
                self._done.add(shard.origin)
            return
        tree = _verified(shard, newest.note)
        may_begin = guarded is None and shard.origin in self._began_empty
        published_size = 0 if may_begin else newest.size
        head = Head(newest.origin, tree.checkpoint.size, tree.checkpoint.root, published_size)
        wanted = {(head.origin, tile) for tile in tiles_to_check(guarded, head)}
        rows = await self._reader.tiles(wanted)
        check_extends(guarded, head, {tile: row for (_, tile), row in rows.items()})
        await shard.guard.advance(guarded, tree)


def _verified(shard: Shard, note: bytes) -> SignedTree:
    try:
        return verified(note, shard.verifier)
    except EvidenceError as error:
        raise SignatureRefused(origin=shard.origin, cause=type(error).__name__) from error
