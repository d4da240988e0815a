"""A monitor among logs that do anything in any order, against a model of what it should be shouting about."""

import asyncio
import contextlib
import functools
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from namak.cli.app import Run, Shared
from namak.cli.monitoring import Asked, Monitor
from namak.cli.screen import Screen
from namak.evidence.succession import SUCCESSOR_FILE
from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.alarms import AlarmKind
from namak.monitor.following import Follower, Terms
from namak.monitor.sources import FileSource
from namak.monitor.state import State
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.fakes.succeeding import announcement, ended, receipt
from tests.unit.monitor.showing import show

MAX_AGE: Final = 3600
WITNESS: Final = Cosigner("w.example/1")

COUNTS = st.sampled_from([1, 2, 250, 300])


@dataclass
class Shard:
    """A shard as its owner has it, what it shows, and what the monitor knows of it.

    Attributes:
        size: what is shown; of a history that `is_forked` where that is not the shard's own.
        cosigned_at: when the witness signed what is shown; None where it did not.
        known: how many leaves the monitor knows, since `seen_at`.
    """

    log: GrownLog
    size: int = 0
    cosigned_at: int | None = None
    is_forked: bool = False
    has_ended: bool = False
    known: int = 0
    seen_at: int = 0


@dataclass
class Shouting:
    """What the monitor that runs should be shouting about."""

    at: int = 0
    looked_at: int = 0
    alarms: set[AlarmKind] = field(default_factory=set)


class MonitoredLogs(RuleBasedStateMachine):
    """Its rules change what is shown; after each the monitor looks, unless it dozes, and is compared."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = contextlib.ExitStack()
        self.place = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))
        follower = functools.partial(Follower, sleep=self._sleep)
        self.closing.enter_context(patch("namak.cli.monitoring.Follower", follower))
        self.runner = self.closing.enter_context(asyncio.Runner())
        self.now = 1_800_000_000
        self.is_away, self.dozing = False, 0
        self.shards: list[Shard] = []
        self.state: State | None = None
        self._open()
        policy = f"log {self.shards[0].log.vkey}\nwitness w {WITNESS.vkey}\nquorum w\n"
        self.policy = TlogPolicy.parse(policy.encode())
        self.restart()

    def teardown(self) -> None:
        if self.state is not None:
            self.state.close()
        self.closing.close()

    async def _sleep(self, seconds: float) -> None:
        self.now += int(seconds)

    @property
    def last(self) -> Shard:
        return self.shards[-1]

    def _directory(self, shard: Shard) -> Path:
        return self.place / shard.log.origin.rpartition("/")[2]

    def _open(self) -> None:
        self.shards.append(Shard(GrownLog(origin=f"log.example.am/{2026 + len(self.shards)}")))
        self.last.log.grow(1)
        self._show(self.last.log, self.last.log.published, cosigned=True)

    def _show(self, log: GrownLog, size: int, *, cosigned: bool, whole: bool = True) -> None:
        """Shows a tree in place of what was shown; `whole` with its tiles, else with those that are known."""
        shard, note = self.last, log.signed(size)
        shard.size, shard.is_forked = size, log is not shard.log
        shard.cosigned_at = self.now if cosigned else None
        note = WITNESS.cosigned(note, self.now) if cosigned else note
        directory = self._directory(shard)
        shutil.rmtree(directory, ignore_errors=True)
        show(log if whole else shard.log, directory, note, size=size if whole else shard.known)

    # What the owner does.

    @rule(count=COUNTS, cosigned=st.booleans())
    def append(self, count: int, cosigned: bool) -> None:
        self.last.log.grow(count)
        self._show(self.last.log, self.last.log.published, cosigned=cosigned)

    @rule(cosigned=st.booleans())
    def show_the_newest(self, cosigned: bool) -> None:
        self._show(self.last.log, self.last.log.published, cosigned=cosigned)

    @rule(
        part=st.floats(0, 1, exclude_max=True),
        cosigned=st.booleans(),
        whole=st.booleans(),
    )
    def roll_back(self, part: float, cosigned: bool, whole: bool) -> None:
        size = max(1, int(self.last.log.published * part))
        # What is new must have its tiles.
        self._show(self.last.log, size, cosigned=cosigned, whole=whole or size >= self.last.known)

    @precondition(lambda self: self.last.known > 1)
    @rule(part=st.floats(0, 1, exclude_max=True), more=st.none() | COUNTS, cosigned=st.booleans())
    def fork(self, part: float, more: int | None, cosigned: bool) -> None:
        shard = self.last
        first = int(shard.known * part)
        other = shard.log.forked(at=first)
        # Without a number it becomes just as large.
        other.grow(shard.known - first if more is None else more, salt="other")
        # Of a smaller one only the note is another: who hides the tiles, too, shows a rollback.
        self._show(other, other.published, cosigned=cosigned, whole=other.published >= shard.known)

    @precondition(lambda self: len(self.shards) < 4)
    @rule()
    def rotate(self) -> None:
        shard = self.last
        following = GrownLog(origin=f"log.example.am/{2026 + len(self.shards)}")
        document = announcement(shard.log, following)
        ended(shard.log, document)
        self._show(shard.log, shard.log.published, cosigned=True)
        shard.has_ended = True
        note = WITNESS.cosigned(shard.log.signed(shard.size), self.now)
        (self._directory(shard) / SUCCESSOR_FILE).write_bytes(receipt(shard.log, document, note))
        following.grow(1)
        self.shards.append(Shard(following))
        self._show(following, 1, cosigned=True)

    @rule(seconds=st.sampled_from([60, MAX_AGE + 60]))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def go_away_or_come_back(self) -> None:
        self.is_away = not self.is_away

    # What its monitor does.

    @rule()
    def restart(self) -> None:
        if self.state is not None:
            self.state.close()
        self.state = State(self.place / "state")
        run = Run(Shared(as_json=True), Screen(as_json=True))
        asked = Asked("", self.place, max_age=MAX_AGE, follow_successors=True)
        source = FileSource(self._directory(self.shards[0]))
        terms = Terms(self.policy, MAX_AGE)
        self.monitor = Monitor(run, asked, source, self.state, terms, now=lambda: self.now)
        self.shouting = Shouting(looked_at=self.now)

    @rule(steps=st.integers(1, 3))
    def doze(self, steps: int) -> None:
        self.dozing = steps

    @invariant()
    def look(self) -> None:
        if self.dozing:
            self.dozing -= 1
            return
        expected = self._expected()
        hidden = self.place.with_name(f"{self.place.name}-away")
        if self.is_away:
            self.place.rename(hidden)
        try:
            self.runner.run(self.monitor.turn())
        finally:
            if self.is_away:
                hidden.rename(self.place)
        assert {alarm.kind for alarm in self.monitor._telling.active} == expected

    def _expected(self) -> set[AlarmKind]:
        """Returns what is to be shouted about after this look, and remembers what it will know."""
        shouting = self.shouting
        if self.is_away:
            if self.now - shouting.looked_at > MAX_AGE:
                shouting.alarms.add(AlarmKind.STALE)
            return shouting.alarms
        shard = self.shards[shouting.at]
        found = self._of_time(shard)
        if shard.known > shard.size or shard.is_forked:
            found.add(AlarmKind.FORK if shard.is_forked else AlarmKind.ROLLBACK)
        else:
            self._learn(shard)
        is_complete = shard.has_ended and shard.size == shard.log.published and shard.cosigned_at is not None
        if is_complete and found <= {AlarmKind.STALE}:
            found = set()
            shouting.at += 1
        shouting.alarms = found | (shouting.alarms & {AlarmKind.FORK})
        shouting.looked_at = self.now
        return shouting.alarms

    def _of_time(self, shard: Shard) -> set[AlarmKind]:
        known_since = shard.seen_at if shard.known == shard.size else self.now
        newest = known_since if shard.cosigned_at is None else shard.cosigned_at
        found = {AlarmKind.STALE} if self.now - newest > MAX_AGE else set()
        return found if shard.cosigned_at is not None else found | {AlarmKind.UNWITNESSED}

    def _learn(self, shard: Shard) -> None:
        if shard.size > shard.known:
            shard.seen_at, shard.known = self.now, shard.size


TestMonitoredLogs = MonitoredLogs.TestCase
TestMonitoredLogs.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
