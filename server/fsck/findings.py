"""One thing that is wrong, and the report that collects them."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from server.fsck.kinds import KINDS, Gravity, Kind, Part

__all__ = ["KINDS", "MOST_OF_A_KIND", "Finding", "Gravity", "Kind", "Part", "Report"]

MOST_OF_A_KIND: Final = 100
"""Findings of one kind that are told one by one; all are counted. One changed leaf makes every later root
another.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where: a shard, an index, an identifier; never anything of a person."""

    part: Part
    kind: Kind
    where: str

    @property
    def gravity(self) -> Gravity:
        return KINDS[self.kind][0]

    @property
    def text(self) -> str:
        return KINDS[self.kind][1]

    @property
    def remedy(self) -> str:
        """What to do."""
        return KINDS[self.kind][2]


def untold(_finding: Finding) -> None:
    """Tells nobody of a finding."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many things of what kind a part has done, and of how many, if that is known."""

    part: Part
    what: str
    done: int
    whole: int | None


def unwatched(_progress: Progress) -> None:
    """Watches no progress."""


@dataclass
class Report:
    """What was checked and found so far.

    `on_finding` is told of each finding that is kept, `on_progress` how far a part has come.
    """

    on_finding: Callable[[Finding], None] = untold
    on_progress: Callable[[Progress], None] = unwatched
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    by_part: Counter[Part] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    whole: dict[str, int] = field(default_factory=dict)
    """How many there are to check, where it is known."""
    reached: tuple[str, int] | None = None
    """Up to which leaf of which shard the current part has come."""
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked, and why, in words."""
    seconds: dict[Part, float] = field(default_factory=dict)
    current: Part | None = None
    """The part that is being checked."""
    stopped: str = ""
    """Why it ended before all was checked, if so."""
    _began: float = field(default_factory=time.perf_counter)

    def found(self, part: Part, kind: Kind, where: str, count: int = 1) -> None:
        """Notes a finding; with a count, one that stands for so many."""
        told = self.counts[kind] < MOST_OF_A_KIND
        self.counts[kind] += count
        self.by_part[part] += count
        if told:
            finding = Finding(part, kind, where)
            self.findings.append(finding)
            self.on_finding(finding)

    def take(self, findings: Sequence[Finding], counts: Counter[Kind], by_part: Counter[Part]) -> None:
        """Notes what another report found, which counted more than it kept."""
        told = Counter(each.kind for each in self.findings)
        for finding in findings:
            if told[finding.kind] < MOST_OF_A_KIND:
                told[finding.kind] += 1
                self.findings.append(finding)
                self.on_finding(finding)
        self.counts += counts
        self.by_part += by_part

    def take_all(self, other: "Report") -> None:
        """Notes all that another report says that began later."""
        self.take(other.findings, other.counts, other.by_part)
        self.checked += other.checked
        self.unchecked += other.unchecked
        self.seconds.update(other.seconds)
        self.current = None

    def done(self, part: Part, what: str, count: int) -> None:
        """Counts what was checked."""
        self.checked[what] += count
        self.on_progress(Progress(part, what, self.checked[what], self.whole.get(what)))

    def begins(self, part: Part) -> None:
        """Notes which part is checked from now on; parts are checked one after another."""
        self.reached = None
        self.current, self._began = part, time.perf_counter()

    def ended(self, part: Part) -> None:
        """Notes how long a part took."""
        self.current = None
        self.seconds[part] = time.perf_counter() - self._began

    @property
    def sound(self) -> bool:
        """Whether nothing was found that is wrong; what is worth a note is not."""
        return not self.wrong

    @property
    def wrong(self) -> int:
        """How many findings are more than notes."""
        return sum(count for kind, count in self.counts.items() if KINDS[kind][0] is not Gravity.NOTE)
