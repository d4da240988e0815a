"""Shards besides the one that is followed: a receipt is only sought in the log that it is of."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.alarms import AlarmKind
from namak.monitor.following import Terms
from namak.monitor.holding import Held
from namak.monitor.other_shards import OtherShards
from namak.monitor.sources import FileSource, Source
from namak.monitor.state import State
from tests.fakes.grown_log import GrownLog
from tests.unit.monitor.conftest import NOW
from tests.unit.monitor.showing import show
from tests.unit.monitor.test_holding import grow, receipt


class Shards:
    """Two shards whose places a test may confuse, and receipts of the older one."""

    def __init__(self, place: Path, state: State) -> None:
        self.old, self.new = GrownLog(), GrownLog(origin="log.example.am/2027")
        for log in (self.old, self.new):
            grow(log, 300)
            show(log, place / log.origin)
        self.places: dict[str, Path] = {log.origin: place / log.origin for log in (self.old, self.new)}
        policy = TlogPolicy.parse(f"log {self.old.vkey}\nlog {self.new.vkey}\nquorum none\n".encode())
        self.state, self.terms = state, Terms(policy)

    def others(self) -> OtherShards:
        return OtherShards(self._source, self.state, self.terms, now=lambda: NOW)

    def _source(self, origin: str) -> Source | None:
        return FileSource(self.places[origin]) if origin in self.places else None

    async def check(self, *, must: bool, index: int = 7) -> Held:
        held = Held(others={self.old.origin: {"mine": receipt(self.old, index)}})
        await self.others().check(held, must=must)
        return held


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[Shards]:
    with closing(State(tmp_path / "state")) as state:
        yield Shards(tmp_path, state)


@pytest.mark.parametrize("must", [False, True])
async def test_a_receipt_is_found_in_its_own_shard(shards: Shards, must: bool) -> None:
    held = await shards.check(must=must)
    assert (held.found, held.elsewhere, held.alarms) == (1, 0, [])


@pytest.mark.parametrize("must", [False, True])
async def test_a_receipt_is_not_sought_where_another_shard_is_shown_in_its_own_ones_place(
    shards: Shards, must: bool
) -> None:
    shards.places[shards.old.origin] = shards.places[shards.new.origin]
    held = await shards.check(must=must)
    # It is neither found nor forgotten.
    assert (held.found, held.elsewhere) == (0, 1)
    assert [(alarm.kind, alarm.about) for alarm in held.alarms] == [(AlarmKind.RECEIPT, "mine")] * must


async def test_a_receipt_whose_shard_has_no_place_here_is_left(shards: Shards) -> None:
    await shards.check(must=True)
    del shards.places[shards.old.origin]
    held = await shards.check(must=True, index=8)
    assert (held.found, held.elsewhere, held.alarms) == (0, 1, [])
    assert await shards.others().look(shards.new.origin) == []
