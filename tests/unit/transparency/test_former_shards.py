"""What replicas know of shards that ended: all that is asked about them, and nothing any more."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import cast
from uuid import UUID

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from server.domain.outages import EvidenceDebt
from server.hsm.keys import LogSigner
from server.transparency.guard import SignedTree
from server.transparency.guard_follower import GuardFollower
from server.transparency.ports import ShardInLine, WitnessedTree
from server.transparency.public_log import ShardsInPublic
from server.transparency.shard import Shard
from server.transparency.shard_directory import ShardDirectory
from server.transparency.troubles import GuardDamaged, Trouble, Watchman
from server.usecases.records import PublishedCheckpoint
from tests.fakes.published_log import MemoryLogReader, MemoryShard
from tests.fakes.witnessed_trees import MemoryWitnessedTrees
from tests.unit.transparency.test_witnessing import World
from tests.unit.usecases.test_log_queries import fact

OLD, NEW, LATER = "log.example.am/2026", "log.example.am/2027", "log.example.am/2028"
AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class CountingReader(MemoryLogReader):
    """Counts the shards that it is asked about."""

    def __init__(self, *shards: MemoryShard) -> None:
        super().__init__(*shards)
        self.asked: Counter[str] = Counter()

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        self.asked.update(origins)
        return await super().newest(origins)


class CountingTrees(MemoryWitnessedTrees):
    """Likewise."""

    def __init__(self, integrated_at: datetime | None) -> None:
        super().__init__(integrated_at)
        self.asked: Counter[str] = Counter()

    async def integrated_beyond(self, origin: str, size: int) -> datetime | None:
        self.asked[origin] += 1
        return await super().integrated_beyond(origin, size)


class KnownGuard:
    """A guard that holds what is published of a shard, or nothing."""

    def __init__(self, shard: MemoryShard) -> None:
        self._shard = shard
        self.reads = 0

    async def read(self) -> SignedTree | None:
        self.reads += 1
        note = self._shard.note
        return None if note is None else SignedTree(Checkpoint.parse(parse_note(note).text), note)

    async def advance(self, seen: SignedTree | None, tree: SignedTree) -> None:
        raise AssertionError("it is where the log is")


class Signer:
    """A key that signs nothing here."""

    def __init__(self, public_key: bytes) -> None:
        self.public_key = public_key


def grown(origin: str, size: int, *, frozen: bool = False) -> MemoryShard:
    shard = MemoryShard(origin, frozen=frozen)
    if size:
        shard.integrate(*(fact(number) for number in range(size)))
        shard.publish()
    return shard


def directory_of(reader: MemoryLogReader) -> ShardDirectory:
    return ShardDirectory([shard.verifier for shard in reader.logs.values()], reader)


def keyed(shard: MemoryShard, guard: KnownGuard) -> Shard:
    return Shard(shard.origin, cast(LogSigner, Signer(shard.verifier.public_key)), guard)


async def test_a_directory_tells_which_shards_were_opened_and_how_the_former_ended() -> None:
    old, new, later = grown(OLD, 5, frozen=True), grown(NEW, 3), grown(LATER, 0)
    reader = MemoryLogReader(old, new, later)
    directory = directory_of(reader)
    assert [each.origin for each in await directory.refresh()] == [OLD, NEW]
    assert (directory.current, directory.ended(OLD), directory.ended(NEW)) == (NEW, 5, None)
    # Announced, and not opened: nobody is to go there yet.
    assert directory.get(LATER) is None
    assert directory.vkey(LATER).startswith(f"{LATER}+")
    new.frozen = True
    new.integrate(fact(9))
    await directory.refresh()
    assert (directory.current, directory.ended(NEW)) == (LATER, None)
    new.publish()
    await directory.refresh()
    assert directory.ended(NEW) == 4
    assert (directory.vkey("nothing"), directory.verifier("nothing")) == ("", None)


class EmptyList(MemoryLogReader):
    """A database that knows no list of shards yet."""

    async def line(self) -> list[ShardInLine]:
        return []


async def test_until_the_database_knows_its_shards_the_settings_do() -> None:
    old, new = grown(OLD, 5), grown(NEW, 3)
    directory = ShardDirectory([old.verifier, new.verifier], EmptyList(old, new))
    for _ in range(2):
        assert [each.origin for each in directory.line] == [OLD, NEW]
        await directory.refresh()
    assert (directory.current, directory.ended(OLD)) == (NEW, 5)


async def test_the_guard_of_a_shard_that_ended_is_followed_to_its_end_and_then_left_alone() -> None:
    old, new, later = grown(OLD, 5), grown(NEW, 0), MemoryShard(LATER)
    reader = CountingReader(old, new)
    guards = [KnownGuard(shard) for shard in (old, new, later)]
    directory = ShardDirectory([old.verifier, new.verifier], reader, to_come=[later.verifier])
    shards = [keyed(shard, guard) for shard, guard in zip((old, new, later), guards, strict=True)]
    follower = GuardFollower(shards, directory, reader, Watchman("guard"))
    await directory.refresh()
    await follower.follow()
    assert reader.asked == {OLD: 1}
    old.frozen = True
    await directory.refresh()
    for _ in range(4):
        await follower.follow()
    assert reader.asked == {OLD: 2, NEW: 4}
    # Of one that is only configured no more is asked than whether its guard is there.
    assert guards[2].reads == 1


class DamagedGuard(KnownGuard):
    """A guard that can't be read."""

    async def read(self) -> SignedTree | None:
        raise GuardDamaged(path="guard", cause="MalformedNote")


async def test_what_is_wrong_with_one_guard_keeps_no_other_behind() -> None:
    old, new = grown(OLD, 5, frozen=True), grown(NEW, 3)
    reader = CountingReader(old, new)
    directory, sound = directory_of(reader), KnownGuard(new)
    await directory.refresh()
    watchman = Watchman("guard")
    shards = [keyed(old, DamagedGuard(old)), keyed(new, sound)]
    await GuardFollower(shards, directory, reader, watchman).follow()
    assert sound.reads == 1
    assert watchman.condition is not None
    assert watchman.condition.kind is Trouble.GUARD_DAMAGED


async def test_a_shard_that_is_witnessed_to_its_end_has_no_debt_and_is_asked_about_no_more() -> None:
    old, new = grown(OLD, 5, frozen=True), grown(NEW, 3)
    reader = CountingAnnounced(old, new)
    trees = CountingTrees(AT)
    directory = directory_of(reader)
    await directory.refresh()
    public = ShardsInPublic(directory, reader, trees, healthy=lambda: True)
    # Its last leaves wait for witnesses: that is debt, though the log went on.
    assert await public.debts() == [EvidenceDebt(NEW, 0, AT), EvidenceDebt(OLD, 0, AT)]
    await trees.keep(WitnessedTree(OLD, 5, b"", AT))
    for _ in range(3):
        assert await public.debts() == [EvidenceDebt(NEW, 0, AT), EvidenceDebt(OLD, 5, None)]
    assert trees.asked == {NEW: 4, OLD: 1}


class CountingAnnounced(CountingReader):
    """A log whose shards ended by announcements."""

    async def line(self) -> list[ShardInLine]:
        return [
            ShardInLine(
                each.shard, each.integrated_size, each.published_size, each.frozen, None, UUID(int=1), AT
            )
            for each in await super().line()
        ]


async def test_a_shard_that_ended_without_any_witness_before_announcements_is_no_debt() -> None:
    reader = CountingReader(grown(OLD, 5, frozen=True), grown(NEW, 3))
    trees = CountingTrees(AT)
    directory = directory_of(reader)
    await directory.refresh()
    public = ShardsInPublic(directory, reader, trees, healthy=lambda: True)
    assert await public.debts() == [EvidenceDebt(NEW, 0, AT), EvidenceDebt(OLD, 0, None)]
    assert trees.asked == {NEW: 1}


async def test_witnesses_are_asked_no_more_about_a_shard_that_they_saw_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.transparency.witnessing._IDLE_SECONDS", 0.01)
    world = World("all")
    counting = CountingReader(world.shard)
    world.reader = counting
    looked = 0

    def leading() -> bool:
        nonlocal looked
        looked += 1
        return True

    def has_looked(times: int) -> bool:
        return looked >= times

    world.leads = leading
    async with world.running():
        size = world.grow()
        await world.stored(size)
        world.ended = size
        # The round under way may still look once.
        await world.until(partial(has_looked, looked + 2))
        asked = counting.asked[world.shard.origin]
        for _ in range(5):
            world.published.arrive()
            await world.until(partial(has_looked, looked + 1))
        assert counting.asked[world.shard.origin] == asked
