"""What witnesses and time-stamping authorities do for the log of one replica: its tasks, and its receipts."""

from collections.abc import Callable, Sequence
from functools import partial

from namak.evidence.note import Verifier
from server.transparency.news import News
from server.transparency.ports import LogStorage
from server.transparency.settings import Pace
from server.transparency.shard_directory import ShardDirectory
from server.transparency.shard_order import ConfiguredShards
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.timestamp_states import TimestampStates
from server.transparency.timestamped_receipts import TimestampedReceipts
from server.transparency.timestamping import NewestNote, Timestamping
from server.transparency.troubles import Watchman
from server.transparency.witness_link import WitnessTerms
from server.transparency.witness_states import WitnessStates
from server.transparency.witnessed_receipts import WitnessedReceipts
from server.transparency.witnessing import Witnessing
from server.usecases.ports import Clock

Leads = Callable[[str], Callable[[], bool]]
"""Returns who tells whether this replica leads, and the shard of an origin was opened."""


class Vouching:
    """Has others vouch for published checkpoints, each shard by itself, and gives the receipts under those.

    Attributes:
        witnessed: gives receipts that witnesses vouch for.
        timestamped: gives receipts that time-stamping authorities vouch for.
        stamping: tells how far the log is stamped.
        cosigning: tells how far, and by whom, it is witnessed.
        parts: the work itself, to be run by the log's service: that for the shards of the settings, and what
            was begun since.
    """

    def __init__(
        self,
        configured: ConfiguredShards,
        directory: ShardDirectory,
        storage: LogStorage,
        *,
        clock: Clock,
        pace: Pace,
        published: News,
        leads: Leads,
        leading: Callable[[], bool],
        witnesses: WitnessTerms | None,
        timestamps: TimestampTerms | None,
    ) -> None:
        """Takes whom to ask, and what tells of publications. Without `witnesses` nobody cosigns, without
        `timestamps` nobody stamps: then nobody waits for them either.
        """
        self._directory, self._storage = directory, storage
        self._clock, self._published, self._leads = clock, published, leads
        self._cosigned, self._stamped = News(), News()
        self.witnessed = WitnessedReceipts(
            *(storage.reader, storage.witnessed, directory, self._cosigned),
            # Where nobody witnesses, waiting is in vain.
            poll=pace.receipt_poll if witnesses is not None else None,
            announcements=storage.announcements,
        )
        self.timestamped = TimestampedReceipts(
            *(storage.reader, storage.timestamped, self.witnessed, self._stamped),
            quorum=1 if timestamps is None else timestamps.quorum,
            poll=pace.receipt_poll if timestamps is not None else None,
        )
        self._witnesses, self._timestamps = witnesses, timestamps
        self._begun: set[str] = set()
        self.parts: list[Witnessing | Timestamping] = []
        for verifier in configured.verifiers.values():
            self.begin(verifier)
        self.stamping = TimestampStates(
            *(storage, timestamps, self.parts), leading=leading, after_witnesses=witnesses is not None
        )
        self.cosigning = WitnessStates(storage.cosigned, witnesses, self.parts, leading=leading)

    def begin(self, verifier: Verifier) -> Sequence[Witnessing | Timestamping]:
        """Returns what more is to be run for a shard; nothing for one that was there before."""
        if verifier.name in self._begun:
            return []
        self._begun.add(verifier.name)
        more: list[Witnessing | Timestamping] = [
            *self._witnessing(verifier),
            *self._timestamping(verifier.name),
        ]
        self.parts += more
        return more

    @property
    def watchmen(self) -> Sequence[Watchman]:
        """Who looks after each witness and each authority, of each shard."""
        return [each for part in self.parts for each in part.watchmen]

    def _witnessing(self, verifier: Verifier) -> Sequence[Witnessing]:
        storage = self._storage
        return [
            Witnessing(
                *(verifier, terms, storage.reader, storage.witnessed, self._clock),
                published=self._published,
                witnessed=self._cosigned,
                leading=self._leads(verifier.name),
                ended=partial(self._directory.ended, verifier.name),
            )
            for terms in ([] if self._witnesses is None else [self._witnesses])
        ]

    def _timestamping(self, origin: str) -> Sequence[Timestamping]:
        return [
            Timestamping(
                *(origin, terms, self._to_stamp(origin), self._storage.timestamps, self._clock),
                news=self._published if self._witnesses is None else self._cosigned,
                stamped=self._stamped,
                leading=self._leads(origin),
                ended=partial(self._directory.ended, origin),
            )
            for terms in ([] if self._timestamps is None else [self._timestamps])
        ]

    def _to_stamp(self, origin: str) -> NewestNote:
        """Returns who finds what is to be stamped: witnessed notes, or the log's own if nobody witnesses."""
        source = self._storage.reader if self._witnesses is None else self._storage.witnessed

        async def newest() -> tuple[int, bytes] | None:
            tree = (await source.newest([origin])).get(origin)
            return None if tree is None else (tree.size, tree.note)

        return newest
