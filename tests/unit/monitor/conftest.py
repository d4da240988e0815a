"""A log in a directory, whom its follower trusts, and what the follower remembers."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.alarms import AlarmKind
from namak.monitor.following import Follower, Look, Terms
from namak.monitor.sources import FileSource
from namak.monitor.state import State
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.unit.monitor.showing import show

NOW = 1_800_000_000


@dataclass
class Following:
    """A log that is shown in a directory, and followed."""

    log: GrownLog
    shown: Path
    state: State
    witnesses: list[Cosigner] = field(default_factory=list)
    now: float = NOW
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = field(default=lambda: None)

    @property
    def policy(self) -> TlogPolicy:
        lines = [f"log {self.log.vkey}"]
        names = [f"w{number}" for number, _ in enumerate(self.witnesses)]
        lines += [f"witness {name} {each.vkey}" for name, each in zip(names, self.witnesses, strict=True)]
        lines += [f"group all {len(names)} {' '.join(names)}", "quorum all"] if names else ["quorum none"]
        return TlogPolicy.parse("".join(f"{line}\n" for line in lines).encode())

    def show(
        self, note: bytes | None = None, *, log: GrownLog | None = None, size: int | None = None
    ) -> None:
        show(log or self.log, self.shown, note, size=size)

    async def look(self, *, max_age: float | None = None, from_start: bool = False) -> Look:
        terms = Terms(self.policy, max_age, from_start)
        follower = Follower(
            FileSource(self.shown), self.state, terms, now=lambda: self.now, sleep=self._sleep
        )
        return await follower.look()

    async def alarms(self, *, max_age: float | None = None) -> list[AlarmKind]:
        return [alarm.kind for alarm in (await self.look(max_age=max_age)).alarms]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.meanwhile()


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    with closing(State(tmp_path / "state")) as state:
        yield Following(GrownLog(), tmp_path / "log", state)
