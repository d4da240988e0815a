"""What is told of those who vouch for the log: how far each came, and what troubles it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from namak.evidence.note import line_start, signature_line
from server.domain.log_standing import Wait
from server.transparency.news import News
from server.transparency.ports import WitnessedTree
from server.transparency.timestamp_link import TimestampAuthority, TimestampTerms
from server.transparency.timestamp_ports import LogTimestamp
from server.transparency.timestamp_states import TimestampStates
from server.transparency.timestamping import Timestamping
from server.transparency.troubles import Trouble
from server.transparency.witness_states import WitnessStates
from server.transparency.witnessing import Witnessing
from server.usecases.log_ports import ShardState, ShardWitnesses
from tests.fakes.clock import HeldClock
from tests.fakes.witnessed_trees import MemoryWitnessedTrees
from tests.unit.evidence.signing import WitnessKey
from tests.unit.transparency.test_witnessing import ORIGIN, World

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
NAMES = ["a.example/w", "b.example/w", "c.example/w"]


async def told(world: World, work: Witnessing | None, *, leading: bool = True) -> ShardWitnesses:
    parts = [] if work is None else [work]
    states = WitnessStates(world.store, world.terms(), parts, leading=lambda: leading)
    return (await states.states([ORIGIN]))[ORIGIN]


async def test_of_each_witness_is_told_how_far_it_came_and_since_when_it_fails() -> None:
    world = World("2")
    began = datetime.now(UTC)
    async with world.running() as work:
        world["c"].away = True
        assert await world.stored(first := world.grow()) == {"a", "b"}
        await world.until(lambda: work.links[2].failing_since is not None)
        world["b"].strict.logs.clear()
        size = world.grow()
        await world.until(lambda: work.too_few == 1 and work.links[1].failing_since is not None)
        here = await told(world, work)
        elsewhere = await told(world, None)
        # Who does not lead any more knows nothing of now.
        assert await told(world, work, leading=False) == elsewhere
    a, b, c = here.states
    assert [each.witness for each in here.states] == NAMES
    assert (here.needed, here.cosigned) == (2, 1)
    assert (a.size, a.trouble, a.troubled_since) == (size, None, None)
    assert (b.size, b.trouble) == (first, "WITNESS_LACKS_LOG")
    assert (c.size, c.at, c.trouble) == (0, None, "WITNESS_UNREACHED")
    assert began <= cast(datetime, c.troubled_since) <= cast(datetime, b.troubled_since)
    # Any replica finds what is stored: there the cosignature that made no quorum is not.
    assert [(each.size, each.trouble) for each in elsewhere.states] == [
        (first, None),
        (first, None),
        (0, None),
    ]
    assert elsewhere.cosigned is None
    assert abs(cast(datetime, elsewhere.states[0].at) - began) < timedelta(minutes=1)


async def test_a_witness_that_answers_again_is_troubled_no_more() -> None:
    world = World("all")
    async with world.running() as work:
        world["b"].away = True
        size = world.grow()
        await world.until(lambda: work.too_few == 2)
        world["b"].away = False
        assert await world.stored(size) == {"a", "b", "c"}
        await world.until(lambda: work.too_few is None)
        found = await told(world, work)
    assert (found.states[1].trouble, found.states[1].troubled_since) == (None, None)
    assert {each.size for each in found.states} == {size}


async def test_a_shard_that_is_witnessed_to_its_end_has_no_troubles_any_more() -> None:
    world = World("2")
    async with world.running() as work:
        world["c"].away = True
        await world.stored(size := world.grow())
        await world.until(lambda: work.links[2].watchman.condition is not None)
        world.ended = size
        assert [each.trouble for each in (await told(world, work)).states] == [None, None, None]


async def test_where_nobody_is_asked_there_are_no_witnesses() -> None:
    states = WitnessStates(MemoryWitnessedTrees(), None, [], leading=lambda: True)
    assert await states.states([ORIGIN]) == {}


@pytest.mark.parametrize("number", range(8))
def test_a_keys_lines_are_known_by_how_they_start(number: int) -> None:
    key = WitnessKey(f"w{number}.example/w").verifier
    other = WitnessKey(key.name).verifier
    start = line_start(key.name, key.key_id)
    for signature in (bytes(72), b"\xff" * 72):
        assert signature_line(key.name, key.key_id, signature).startswith(start)
        assert not signature_line(other.name, other.key_id, signature).startswith(start)


@dataclass
class Stamps:
    """How far authorities stamped, by name, and what troubles them here."""

    sizes: Mapping[str, int]
    troubled: frozenset[str] = frozenset()
    quorum: int = 2
    store: MemoryWitnessedTrees = field(default_factory=lambda: MemoryWitnessedTrees(AT))

    async def newest(self, _origin: str) -> Mapping[str, LogTimestamp]:
        return {
            name: LogTimestamp(ORIGIN, size, name, b"", b"", AT, AT)
            for name, size in self.sizes.items()
            if size
        }

    async def wait(self, *, size: int, after_witnesses: bool, leading: bool = True) -> Wait:
        authorities = tuple(TimestampAuthority(name, "", cast(Any, None)) for name in self.sizes)
        terms = TimestampTerms(authorities, cast(Any, None), interval=60.0, quorum=self.quorum)
        work = Timestamping(
            *(ORIGIN, terms, cast(Any, None), cast(Any, self), HeldClock()),
            news=News(),
            leading=lambda: leading,
        )
        for watchman, name in zip(work.watchmen[1:], self.sizes, strict=True):
            if name in self.troubled:
                watchman.begins(Trouble.AUTHORITY_UNREACHED, {})
        storage = cast(Any, SimpleNamespace(timestamps=self, witnessed=self.store))
        states = TimestampStates(
            storage, terms, [work], leading=lambda: leading, after_witnesses=after_witnesses
        )
        shard = ShardState(ORIGIN, "", size, b"", AT, 0, healthy=True)
        return (await states.waits([shard]))[ORIGIN]


async def test_what_a_quorum_of_authorities_has_stamped_does_not_wait() -> None:
    stamps = Stamps({"x": 9, "y": 9, "z": 0}, troubled=frozenset({"z"}))
    assert (await stamps.wait(size=9, after_witnesses=False)) == Wait(None, timedelta(seconds=150))
    waits = await stamps.wait(size=10, after_witnesses=False)
    assert (waits.since, waits.too_few) == (AT, False)


async def test_too_few_authorities_are_told_where_they_are_asked_and_something_waits() -> None:
    stamps = Stamps({"x": 9, "y": 4, "z": 0}, troubled=frozenset({"y", "z"}))
    assert (await stamps.wait(size=9, after_witnesses=False)).too_few
    assert not (await stamps.wait(size=9, after_witnesses=False, leading=False)).too_few
    assert not (await stamps.wait(size=4, after_witnesses=False)).too_few


async def test_where_there_are_witnesses_what_they_cosigned_waits_and_nothing_else() -> None:
    stamps = Stamps({"x": 4, "y": 4})
    assert (await stamps.wait(size=20, after_witnesses=True)).since is None
    for size, later in ((4, 0), (7, 1), (20, 2)):
        await stamps.store.keep(WitnessedTree(ORIGIN, size, b"", AT + timedelta(minutes=later)))
    assert (await stamps.wait(size=20, after_witnesses=True)).since == AT + timedelta(minutes=1)
