"""Receipts under checkpoints that time-stamping authorities stamped: under the first such one over the leaf.

Its tokens bound the evidence's time best, also for who asks in ten years, whoever gave them meanwhile.
"""

import asyncio
from dataclasses import replace
from uuid import UUID

from server.transparency.news import News
from server.transparency.ports import Leaf, LogReader
from server.transparency.receipt_board import receipt_of
from server.transparency.timestamp_ports import TimestampedTree, TimestampedTrees
from server.transparency.witnessed_receipts import WitnessedReceipts
from server.usecases.records import LoggedReceipt


class TimestampedReceipts:
    """Finds them, on every replica."""

    def __init__(
        self,
        reader: LogReader,
        store: TimestampedTrees,
        witnessed: WitnessedReceipts,
        stamped: News,
        *,
        quorum: int,
        poll: float | None,
    ) -> None:
        """Takes what proves leaves under any checkpoint, what tells of new tokens on this replica, of how
        many authorities a checkpoint must have tokens, and how often those who wait look by themselves;
        None lets nobody wait.
        """
        self._reader = reader
        self._store = store
        self._witnessed = witnessed
        self._stamped = stamped
        self._quorum = quorum
        self._poll = poll

    @property
    def active(self) -> bool:
        """See `TimestampedLog`."""
        return self._poll is not None

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float, witnessed: bool
    ) -> LoggedReceipt | None:
        """See `TimestampedLog`."""
        clock = asyncio.get_running_loop()
        give_up = min(clock.time() + wait_seconds, reply_by)
        while True:
            seen = self._stamped.count
            found = await self._find(evidence_id, document, only_witnessed=witnessed)
            if found is not None:
                return found
            left = give_up - clock.time()
            if left <= 0 or self._poll is None:
                return None
            await self._stamped.beyond(seen, min(self._poll, left))

    async def _find(
        self, evidence_id: UUID, document: bytes, *, only_witnessed: bool
    ) -> LoggedReceipt | None:
        for leaf in await self._reader.leaves([evidence_id]):
            tree = await self._tree(leaf, only_witnessed=only_witnessed or self._witnessed.active)
            if tree is not None:
                outcome = await self._witnessed.proven(leaf, tree.origin, tree.size, tree.note)
                receipt = receipt_of(outcome, document)
                return replace(receipt, witnessed=tree.witnessed, timestamps=tree.timestamps)
        return None

    async def _tree(self, leaf: Leaf, *, only_witnessed: bool) -> TimestampedTree | None:
        """Returns the first tree: a witnessed one if there is one, or one that the log alone signed."""
        found = await self._store.first_over(leaf.origin, leaf.index, self._quorum, witnessed=True)
        if found is None and not only_witnessed:
            found = await self._store.first_over(leaf.origin, leaf.index, self._quorum, witnessed=False)
        return found
