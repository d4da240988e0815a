"""The log as use cases see it: receipts under published checkpoints."""

import math
from collections.abc import Mapping
from uuid import UUID

from server.transparency.news import News
from server.transparency.ports import LogReader
from server.transparency.proofs import ProofFinder
from server.transparency.receipt_board import ReceiptBoard
from server.transparency.shard_directory import ShardDirectory
from server.transparency.waker import Waker
from server.usecases.records import LoggedReceipt, PublishedCheckpoint


class TransparencyLog:
    """The port `Log` of the use cases; any replica serves it, leading or not."""

    def __init__(
        self,
        *,
        directory: ShardDirectory,
        reader: LogReader,
        proofs: ProofFinder,
        published: News,
        waker: Waker,
        poll: float,
    ) -> None:
        """Takes which shards there are, and how often those who wait look by themselves."""
        self._directory = directory
        self._reader = reader
        self._published = published
        self._board = ReceiptBoard(proofs, published, poll=poll)
        self._waker = waker

    @property
    def vkey(self) -> str:
        """The verifier key of the current shard."""
        return self._directory.vkey(self._directory.current)

    def vkey_of(self, origin: str) -> str:
        """Returns the verifier key of a shard; empty for no shard of this log."""
        return self._directory.vkey(origin)

    def wake(self) -> None:
        """Says that facts were committed; see `Log`."""
        self._waker.wake()

    def mark(self) -> int:
        """Says how much was published until now; see `Log`."""
        return self._published.count

    async def checkpoint(self, origin: str | None = None) -> PublishedCheckpoint | None:
        """Returns the newest published checkpoint of a shard; see `Log`.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        if origin is not None:
            return (await self._reader.newest([origin])).get(origin)
        # One that has only just begun has none yet; until then the last word is that of the one before it.
        origins = [shard.origin for shard in self._directory.line[-2:]]
        newest = await self._reader.newest(origins)
        return next((newest[each] for each in reversed(origins) if each in newest), None)

    async def receipts(
        self,
        evidence: Mapping[UUID, bytes],
        *,
        wait_seconds: float,
        reply_by: float = math.inf,
        since: int | None = None,
    ) -> Mapping[UUID, LoggedReceipt]:
        """Returns receipts, waiting for those that do not stand under a published checkpoint yet; see `Log`.

        It looks at least once, whatever `wait_seconds` is. Every receipt has been verified as a stranger
        would verify it.

        Raises:
            EvidenceCorrupt: the log holds another entry than the document's, or contradicts itself; alarmed.
            ServiceUnavailable: the database did not answer when time ran out, and nothing was found.
        """
        return await self._board.receipts(evidence, wait_seconds=wait_seconds, reply_by=reply_by, since=since)
