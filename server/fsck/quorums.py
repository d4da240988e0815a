"""Which cosigned notes lack the quorum of the policy in the settings, and whether anybody can mend that."""

from dataclasses import dataclass, field

from server.fsck.findings import MOST_OF_A_KIND, Kind, Part, Report


@dataclass
class _Places:
    """Places of one kind; as many are kept as are told."""

    kept: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, where: str) -> None:
        self.count += 1
        if len(self.kept) < MOST_OF_A_KIND:
            self.kept.append(where)

    def take(self, others: "_Places") -> None:
        """Takes all that the others hold, and leaves them empty."""
        self.kept = (self.kept + others.kept)[:MOST_OF_A_KIND]
        self.count += others.count
        others.kept, others.count = [], 0

    def tell(self, report: Report, kind: Kind) -> None:
        for place in self.kept[:-1]:
            report.found(Part.CHECKPOINTS, kind, place)
        if self.kept:
            report.found(Part.CHECKPOINTS, kind, self.kept[-1], 1 + self.count - len(self.kept))


class Quorums:
    """Collects them over all shards, the notes of each in the order of their sizes.

    Where a later tree has the quorum, the policy asks for more than it did when the earlier one was cosigned,
    and that can't be mended: the witnesses' first sight of a tree does not come again. It is worth a note.
    A shard that has ended is cosigned no more; for its last trees the current shard's newest one speaks.
    """

    def __init__(self) -> None:
        self._earlier = _Places()
        self._lacking: dict[str, _Places] = {}
        self._newest_has: dict[str, bool] = {}

    def saw(self, origin: str, where: str, *, quorum: bool) -> None:
        """Takes the next cosigned note of a shard."""
        lacking = self._lacking.setdefault(origin, _Places())
        self._newest_has[origin] = quorum
        if quorum:
            self._earlier.take(lacking)
        else:
            lacking.add(where)

    def settle(self, current: str, report: Report) -> None:
        """Tells of all that were taken; `current` is the shard that goes on."""
        if self._newest_has.get(current):
            for lacking in self._lacking.values():
                self._earlier.take(lacking)
        self._earlier.tell(report, Kind.BEFORE_QUORUM)
        for lacking in self._lacking.values():
            lacking.tell(report, Kind.BELOW_QUORUM)
