"""What one replica gives of the log: receipts, whoever vouches for them, and what everybody may see."""

from collections.abc import Callable

from server.transparency.ports import LogStorage
from server.transparency.proofs import ProofFinder
from server.transparency.public_log import ShardsInPublic
from server.transparency.receipts import TransparencyLog
from server.transparency.replica import Replica
from server.transparency.settings import Pace
from server.transparency.shard_directory import ShardDirectory
from server.transparency.shard_order import ConfiguredShards
from server.transparency.tail import Tail
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.vouching import Vouching
from server.transparency.waker import Waker
from server.transparency.witness_link import WitnessTerms
from server.usecases.ports import Clock


class ServedLog:
    """The log as it is given out.

    Attributes:
        receipts: the port `Log` for use cases.
        tail: tells those who follow the log on this replica.
        vouching: what witnesses and time-stamping authorities do for it.
        public: what everybody may see of it.
    """

    def __init__(
        self,
        replica: Replica,
        configured: ConfiguredShards,
        directory: ShardDirectory,
        storage: LogStorage,
        *,
        clock: Clock,
        pace: Pace,
        waker: Waker,
        healthy: Callable[[], bool],
        witnesses: WitnessTerms | None,
        timestamps: TimestampTerms | None,
    ) -> None:
        """Takes whose log it is, where it is read, and whom to ask; `healthy` says whether it goes on."""
        self._replica, self._directory = replica, directory
        reader, published = storage.reader, replica.published
        self.receipts = TransparencyLog(
            directory=directory,
            reader=reader,
            proofs=ProofFinder(reader, directory.verifier),
            published=published,
            waker=waker,
            poll=pace.receipt_poll,
        )
        self.vouching = Vouching(
            *(configured, directory, storage),
            clock=clock,
            pace=pace,
            published=published,
            leads=self._leads,
            leading=lambda: replica.leading,
            witnesses=witnesses,
            timestamps=timestamps,
        )
        self.tail = Tail(reader, directory, published, poll=pace.receipt_poll, watchman=replica.tailing)
        self.public = ShardsInPublic(
            *(directory, reader, storage.witnessed),
            healthy=healthy,
            leading=lambda: replica.leading,
        )

    def _leads(self, origin: str) -> Callable[[], bool]:
        """Returns who tells whether this replica leads, and the shard was opened."""
        return lambda: self._replica.leading and self._directory.get(origin) is not None
