"""Checkpoints are witnessed by a quorum, whatever single witnesses do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from namak.evidence.note import Verifier, note_from, parse_note, signature_line
from namak.evidence.tlog_policy import TlogPolicy
from server.transparency.news import News
from server.transparency.witness_link import WitnessTerms
from server.transparency.witnessing import Witnessing
from tests.fakes.published_log import MemoryLogReader, MemoryShard
from tests.fakes.witnessed_trees import MemoryWitnessedTrees
from tests.fakes.witnesses import FakeWitness, FakeWitnesses
from tests.independent.strict_witness import Reply, StrictWitness
from tests.unit.evidence.signing import LogKey, WitnessKey
from tests.unit.usecases.test_log_queries import fact

ORIGIN = "log.example/2026"
SECONDS = 60.0


class Clock:
    """The machine's clock, put forth by `ahead` seconds."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class World:
    """A log that grows, its witnesses a, b and c, and what was stored."""

    quorum: str
    key: LogKey = field(default_factory=lambda: LogKey(ORIGIN))
    published: News = field(default_factory=News)
    witnessed: News = field(default_factory=News)
    leading: bool = True
    leads: Callable[[], bool] = lambda: True
    ended: int | None = None

    def __post_init__(self) -> None:
        self.shard = MemoryShard(ORIGIN)
        self.reader: MemoryLogReader = MemoryLogReader(self.shard)
        self.store = MemoryWitnessedTrees()
        self.witnesses = {name: FakeWitness(StrictWitness(f"{name}.example/w")) for name in "abc"}
        for witness in self.witnesses.values():
            witness.strict.follow(self.key.vkey)
        self.client = FakeWitnesses(
            {f"https://{name}.example": each for name, each in self.witnesses.items()}
        )

    def __getitem__(self, name: str) -> FakeWitness:
        return self.witnesses[name]

    def policy(self, *logs: str) -> TlogPolicy:
        lines = [f"log {log}\n" for log in logs]
        lines += [
            f"witness {name} {each.strict.vkey} https://{name}.example\n"
            for name, each in self.witnesses.items()
        ]
        return TlogPolicy.parse("".join([*lines, f"group g {self.quorum} a b c\nquorum g\n"]).encode())

    def grow(self, leaves: int = 3) -> int:
        """Publishes so many more leaves and returns the size."""
        self.shard.integrate(*(fact(len(self.shard.facts) + number) for number in range(leaves)))
        self.shard.publish()
        assert self.shard.note is not None
        text = parse_note(self.shard.note).text
        self.shard.note = note_from(text, [self.key.line(text)])
        self.published.arrive()
        return self.shard.published

    def terms(self, **changed: float) -> WitnessTerms:
        times = {"interval": 0.002, "retry_first": 0.002, "retry_longest": 0.01, **changed}
        return WitnessTerms(self.policy(), self.client, **times)

    @contextlib.asynccontextmanager
    async def running(self, **changed: float) -> AsyncIterator[Witnessing]:
        witnessing = Witnessing(
            *(Verifier(ORIGIN, self.key.public_key), self.terms(**changed), self.reader, self.store, Clock()),
            published=self.published,
            witnessed=self.witnessed,
            leading=lambda: self.leading and self.leads(),
            ended=lambda: self.ended,
        )
        task = asyncio.create_task(witnessing.run())
        try:
            yield witnessing
            assert not task.done(), task.result()
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.001)

    async def stored(self, size: int) -> frozenset[str]:
        """Waits until the checkpoint of that size is stored; returns who cosigned, as a stranger sees it."""
        await self.until(lambda: (ORIGIN, size) in self.store.trees)
        note = self.store.trees[ORIGIN, size].note
        checked = self.policy(self.key.vkey).check(note)
        assert checked.checkpoint.size == size
        # The log's line and theirs, and no others.
        assert len(parse_note(note).signatures) == 1 + len(checked.witnesses)
        return frozenset(witnessing.witness.decode() for witnessing in checked.witnesses)


async def test_each_new_checkpoint_is_stored_with_its_quorum() -> None:
    world = World("all")
    async with world.running():
        for leaves in (1, 1, 300, 7):
            assert await world.stored(world.grow(leaves)) == {"a", "b", "c"}
    assert world.witnessed.count == 4
    assert [each.strict.seen for each in world.witnesses.values()] == [
        {ORIGIN.encode(): (309, world.shard.root)}
    ] * 3


async def test_what_was_witnessed_is_not_asked_about_again() -> None:
    world = World("all")
    async with world.running():
        await world.stored(world.grow())
        await world.stored(world.grow())
        asked = [len(each.asked) for each in world.witnesses.values()]
        for _ in range(5):
            world.published.arrive()
            await asyncio.sleep(0)
    assert asked == [len(each.asked) for each in world.witnesses.values()] == [2, 2, 2]


async def test_after_a_start_it_goes_on_from_the_size_that_each_witness_names() -> None:
    world = World("all")
    async with world.running():
        await world.stored(world.grow())
    world.leading = False
    world.grow(5)
    async with world.running():
        world.leading = True
        assert await world.stored(world.grow(5)) == {"a", "b", "c"}
    # Once with nothing known, once with what the answer named.
    assert [len(each.asked) for each in world.witnesses.values()] == [3, 3, 3]


async def test_one_that_hangs_delays_nobody() -> None:
    world = World("2")
    world["b"].gate.clear()
    async with world.running():
        for _ in range(3):
            assert await world.stored(world.grow()) == {"a", "c"}
        assert len(world["b"].asked) == 1
        world["b"].gate.set()
        world["a"].gate.clear()
        # It takes part again, and its late word about the first checkpoint came to nothing.
        assert await world.stored(world.grow()) == {"b", "c"}


async def test_one_that_is_slow_is_waited_for_where_the_quorum_needs_it() -> None:
    world = World("all")
    world["c"].gate.clear()
    async with world.running():
        size = world.grow()
        await world.until(lambda: bool(world["c"].asked))
        assert world.store.trees == {}
        world["c"].gate.set()
        assert await world.stored(size) == {"a", "b", "c"}


def _with(**changed: Any) -> Callable[[Reply], Reply]:
    def alter(reply: Reply) -> Reply:
        status, media_type, body = reply
        return changed.get("status", status), changed.get("media_type", media_type), changed.get("body", body)

    return alter


ELSE = WitnessKey("a.example/w")
WRONG: Mapping[str, Callable[[Reply], Reply]] = {
    "another key": _with(body=ELSE.line(b"nothing\n")),
    "no line": _with(body=b"welcome"),
    "nothing": _with(body=b""),
    "a page": _with(body=b"<html>\n\n</html>\n"),
    "crlf": lambda reply: (reply[0], reply[1], reply[2].replace(b"\n", b"\r\n")),
    "redirected": _with(status=302),
    "forbidden": _with(status=403),
    "unknown log": _with(status=404),
    "busy": _with(status=503),
    "too many": _with(status=429),
    "a conflict about nothing": _with(status=409, media_type="text/x.tlog.size", body=b"0\n"),
    "a conflict in words": _with(status=409, media_type="text/plain", body=b"3\n"),
    "a conflict with zeros": _with(status=409, media_type="text/x.tlog.size", body=b"03\n"),
    "a conflict without end": _with(status=409, media_type="text/x.tlog.size", body=b"9" * 60_000),
}


@pytest.mark.parametrize("how", WRONG)
async def test_one_that_answers_wrongly_is_told_and_not_used(how: str) -> None:
    world = World("2")
    world["a"].alter = WRONG[how]
    with capture_logs() as logs:
        async with world.running():
            for _ in range(2):
                assert await world.stored(world.grow()) == {"b", "c"}
            await world.until(lambda: any(line.get("witness") == "a.example/w" for line in logs))
            world["a"].alter = None
            world["b"].away = True
            assert await world.stored(world.grow()) == {"a", "c"}
            await world.until(lambda: any(line["event"] == "the trouble is over" for line in logs))
    told = [line for line in logs if line.get("witness") == "a.example/w"]
    kinds = {"WITNESS_WRONG", "WITNESS_REFUSES", "WITNESS_UNREACHED"}
    assert {line["trouble"] for line in told} <= ({"WITNESS_LACKS_LOG"} if how == "unknown log" else kinds)
    assert {line["log_level"] for line in told} == {"warning"}


@pytest.mark.parametrize("seconds", [-61 * 60, -90, 90, 10**9])
async def test_one_whose_clock_differs_is_not_used(seconds: int) -> None:
    world = World("2")
    world["a"].strict.clock = lambda: datetime.now(UTC).timestamp() + seconds
    with capture_logs() as logs:
        async with world.running():
            assert await world.stored(world.grow()) == {"b", "c"}
            await world.until(lambda: bool([line for line in logs if line.get("witness")]))
    (told,) = [line for line in logs if line.get("witness")]
    assert (told["trouble"], abs(told["seconds"] - seconds) <= 2) == ("WITNESS_WRONG", True)


async def test_strangers_lines_are_tolerated_and_not_stored() -> None:
    world = World("all")
    first, last = (signature_line("pq.example", number, bytes(2432)) for number in (b"abcd", b"abce"))
    world["a"].alter = lambda reply: (reply[0], reply[1], first + reply[2] + last)
    async with world.running():
        assert await world.stored(world.grow()) == {"a", "b", "c"}


async def test_a_witness_that_knows_more_leaves_than_there_are_is_an_alarm() -> None:
    world = World("2")
    world["a"].strict.seen[ORIGIN.encode()] = (10**6, bytes(32))
    with capture_logs() as logs:
        async with world.running():
            assert await world.stored(world.grow()) == {"b", "c"}
            await world.until(lambda: bool([line for line in logs if line["log_level"] == "critical"]))
    (alarm,) = [line for line in logs if line["log_level"] == "critical"]
    assert (alarm["trouble"], alarm["size"], alarm["published"]) == ("WITNESS_DISAGREES", 10**6, 3)


async def test_a_witness_that_knows_another_tree_is_an_alarm() -> None:
    world = World("2")
    world["a"].strict.seen[ORIGIN.encode()] = (2, bytes(32))
    with capture_logs() as logs:
        async with world.running():
            assert await world.stored(world.grow()) == {"b", "c"}
            await world.until(lambda: bool([line for line in logs if line["log_level"] == "critical"]))
    (alarm,) = [line for line in logs if line["log_level"] == "critical"]
    assert (alarm["trouble"], alarm["size"]) == ("WITNESS_DISAGREES", 2)


async def test_a_witness_that_forgot_what_it_cosigned_is_an_alarm_and_not_used() -> None:
    world = World("2")
    with capture_logs() as logs:
        async with world.running():
            world["b"].away = True
            assert await world.stored(world.grow()) == {"a", "c"}
            assert await world.stored(world.grow()) == {"a", "c"}
            world["b"].away = False
            world["a"].strict.seen[ORIGIN.encode()] = (0, bytes(32))
            assert await world.stored(world.grow()) == {"b", "c"}
            await world.until(lambda: bool([line for line in logs if line["log_level"] == "critical"]))
    (alarm,) = [line for line in logs if line["log_level"] == "critical"]
    assert (alarm["trouble"], alarm["size"], alarm["cosigned"]) == ("WITNESS_DISAGREES", 0, 6)


async def test_who_does_not_lead_asks_nobody() -> None:
    world = World("any")
    world.leading = False
    async with world.running():
        world.grow()
        for _ in range(20):
            world.published.arrive()
            await asyncio.sleep(0.001)
        assert [each.asked for each in world.witnesses.values()] == [[], [], []]
        world.leading = True
        assert await world.stored(3)


async def test_too_few_are_told_once_and_again_when_they_are_enough() -> None:
    world = World("all")
    world["b"].away = True
    with capture_logs() as logs:
        async with world.running():
            size = world.grow()
            await world.until(lambda: len(world["b"].asked) > 3)
            assert world.store.trees == {}
            # Those who have cosigned it are left alone meanwhile.
            assert len(world["a"].asked) == 1
            world["b"].away = False
            assert await world.stored(size) == {"a", "b", "c"}
    lines = [(line["log_level"], line.get("trouble")) for line in logs]
    assert lines.count(("warning", "QUORUM_UNMET")) == 1
    assert lines.count(("warning", "WITNESS_UNREACHED")) == 1
    assert lines.count(("info", "QUORUM_UNMET")) == 1


async def test_one_that_fails_is_left_alone_for_longer_and_longer() -> None:
    world = World("2")
    world["a"].away = True
    async with world.running(retry_first=3600.0, retry_longest=3600.0):
        for _ in range(5):
            await world.stored(world.grow())
    assert len(world["a"].asked) == 1


async def test_a_database_that_is_away_is_waited_for() -> None:
    world = World("all")
    async with world.running():
        await world.stored(world.grow())
        for part in (world.reader, world.store):
            part.away = True
            size = world.grow()
            await asyncio.sleep(0.01)
            assert (ORIGIN, size) not in world.store.trees
            part.away = False
            assert await world.stored(size) == {"a", "b", "c"}


async def test_what_another_replica_had_witnessed_is_enough() -> None:
    world = World("any")
    async with world.running():
        size = world.grow()
        await world.stored(size)
    asked = sum(len(each.asked) for each in world.witnesses.values())
    async with world.running():
        for _ in range(5):
            world.published.arrive()
            await asyncio.sleep(0.002)
    assert sum(len(each.asked) for each in world.witnesses.values()) == asked


async def test_two_replicas_that_witness_at_once_do_no_harm() -> None:
    world = World("all")
    async with world.running(), world.running():
        for _ in range(6):
            assert await world.stored(world.grow()) == {"a", "b", "c"}
