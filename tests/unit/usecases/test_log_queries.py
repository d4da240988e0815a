"""What everybody may ask about the log: proofs and tiles that a stranger checks with the verifier alone."""

import hashlib
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from namak.evidence import events
from namak.evidence.tiles import TileId, root_from_tiles, tile_width, tiles_of
from namak.evidence.tree import EMPTY_ROOT, leaf_hash, root_of, verify_consistency
from server.domain.facts import Fact
from server.domain.log_standing import Standing, Wait
from server.domain.refusals import InvalidFields, NotFound, ServiceUnavailable
from server.transparency.public_log import ShardsInPublic
from server.transparency.shard_directory import ShardDirectory
from server.usecases.evidence_debt import OutageGate
from server.usecases.log_ports import AuthorityState, ShardWitnesses
from server.usecases.log_queries import AskConsistency, AskTile, LogQueries
from tests.fakes.clock import HeldClock
from tests.fakes.published_log import PUBLISHED_AT, MemoryLogReader, MemoryShard
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.fakes.witnessed_log import FakeTimestampView, FakeWitnessView
from tests.fakes.witnessed_trees import MemoryWitnessedTrees

ORIGIN, FORMER = "log.e-citizen.am/2026", "log.e-citizen.am/2025"
SIZE = 700


def fact(number: int) -> Fact:
    data = f"fact {number}".encode()
    entry = hashlib.sha256(data).digest()
    return Fact(uuid4(), events.CONTENT_CONSIGNMENT, uuid4(), uuid4(), uuid4(), PUBLISHED_AT, data, entry)


class Public:
    """A shard in memory, grown in steps of different sizes, and who answers for it."""

    def __init__(self, size: int = SIZE) -> None:
        self.shard = MemoryShard(ORIGIN)
        facts = [fact(number) for number in range(size)]
        for start in range(0, size, 37):
            self.shard.integrate(*facts[start : start + 37])
        if size:
            self.shard.publish()
        self.former = MemoryShard(FORMER, frozen=True)
        self.reader = MemoryLogReader(self.former, self.shard)
        self.witnessed = MemoryWitnessedTrees()
        self.healthy = True
        directory = ShardDirectory([self.former.verifier, self.shard.verifier], self.reader)
        self.public = ShardsInPublic(directory, self.reader, self.witnessed, healthy=lambda: self.healthy)
        self.clock = HeldClock()
        self.clock.time = PUBLISHED_AT
        self.stamping = FakeTimestampView({FORMER: [AuthorityState("tsa", 4, PUBLISHED_AT)]})
        self.witnesses: dict[str, ShardWitnesses] = {}
        self.queries = LogQueries(
            self.public,
            OutageGate(FakeUnitOfWork(), timedelta(hours=4)),
            self.stamping,
            FakeWitnessView(self.witnesses),
            clock=self.clock,
        )
        self.leaves = [leaf_hash(each.entry) for each in facts]

    async def oldest_of(self, origin: str) -> datetime | None:
        """Returns since when evidence of a shard waits, which status and debt say alike."""
        (told,) = [each.unwitnessed_since for each in await self.public.states() if each.origin == origin]
        (reckoned,) = [each.since for each in await self.public.debts() if each.shard == origin]
        assert told == reckoned
        return told


LOG = Public()


@given(st.integers(0, SIZE), st.integers(0, SIZE))
async def test_a_proof_shows_that_the_smaller_tree_begins_the_larger(one: int, other: int) -> None:
    first, second = sorted((one, other))
    proof = await LOG.queries.consistency(AskConsistency("", first, second))
    # A second size of 0 is the published one.
    size = second or SIZE
    assert (proof.origin, proof.second_size) == (ORIGIN, size)
    roots = [root_of(LOG.leaves[:count]) for count in (first, size)]
    verify_consistency(first, roots[0], size, roots[1], proof.hashes)
    assert (not proof.hashes) == (first in (0, size))


async def test_nothing_is_proven_of_an_empty_log() -> None:
    proof = await Public(0).queries.consistency(AskConsistency("", 0, 0))
    assert (proof.second_size, list(proof.hashes)) == (0, [])


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        (0, SIZE + 1, {"second_size"}),
        (SIZE + 1, 0, {"first_size"}),
        (5, 4, {"first_size"}),
        (2**63 - 1, 2**63 - 1, {"first_size", "second_size"}),
    ],
)
async def test_sizes_that_are_no_published_trees_are_refused(
    first: int, second: int, wrong: set[str]
) -> None:
    with pytest.raises(InvalidFields) as refused:
        await LOG.queries.consistency(AskConsistency(ORIGIN, first, second))
    assert {problem.field for problem in refused.value.problems} == wrong


async def test_a_committed_tree_that_is_not_published_is_not_told_of() -> None:
    log = Public(5)
    log.shard.integrate(fact(5))
    with pytest.raises(InvalidFields):
        await log.queries.consistency(AskConsistency("", 0, 6))
    with pytest.raises(NotFound):
        await log.queries.tile(AskTile("", 0, 0, 6))
    (state, _) = (await log.queries.status()).shards
    assert (state.size, state.pending) == (5, 1)


@pytest.mark.parametrize("origin", ["log.e-citizen.am/2024", "x"])
async def test_an_origin_that_is_no_shard_is_not_found(origin: str) -> None:
    with pytest.raises(NotFound):
        await LOG.queries.consistency(AskConsistency(origin, 0, 0))
    with pytest.raises(NotFound):
        await LOG.queries.tile(AskTile(origin, 0, 0, 1))


@given(st.integers(0, SIZE))
async def test_an_auditor_rebuilds_every_tree_from_its_tiles(size: int) -> None:
    tiles = {
        tile: (await LOG.queries.tile(AskTile("", tile.level, tile.index, width))).data
        for tile, width in tiles_of(size)
    }
    assert all(len(row) == 32 * width for (_, width), row in zip(tiles_of(size), tiles.values(), strict=True))
    assert root_from_tiles(tiles, size) == (root_of(LOG.leaves[:size]) if size else EMPTY_ROOT)


@given(st.integers(0, 3), st.integers(1, 256))
async def test_tiles_of_entries_hold_what_the_leaves_are_hashes_of(index: int, width: int) -> None:
    if index * 256 + width > SIZE:
        with pytest.raises(NotFound):
            await LOG.queries.tile(AskTile("", None, index, width))
        return
    data = (await LOG.queries.tile(AskTile("", None, index, width))).data
    entries = [data[start + 2 : start + 34] for start in range(0, len(data), 34)]
    assert all(data[start : start + 2] == b"\x00\x20" for start in range(0, len(data), 34))
    assert [leaf_hash(entry) for entry in entries] == LOG.leaves[index * 256 : index * 256 + width]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 256))
async def test_a_tile_is_had_up_to_the_width_that_is_published(level: int, index: int, width: int) -> None:
    ask = AskTile("", level, index, width)
    if width > tile_width(TileId(level, index), SIZE):
        with pytest.raises(NotFound):
            await LOG.queries.tile(ask)
    else:
        assert len((await LOG.queries.tile(ask)).data) == 32 * width


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 2, 188, "tile/0/002.p/188"),
        (1, 0, 2, "tile/1/000.p/2"),
        (None, 1, 256, "tile/entries/001"),
        (None, 2, 7, "tile/entries/002.p/7"),
    ],
)
async def test_a_tile_names_its_path(level: int | None, index: int, width: int, path: str) -> None:
    assert (await LOG.queries.tile(AskTile("", level, index, width))).path == path


async def test_a_tile_far_beyond_the_log_is_named_as_tlog_tiles_does() -> None:
    with pytest.raises(NotFound) as refused:
        await LOG.queries.tile(AskTile("", None, 1_234_067, 5))
    assert refused.value.metadata["name"] == "tile/entries/x001/x234/067.p/5"


async def test_status_tells_of_each_shard_the_current_one_first() -> None:
    log = Public()
    log.reader.waiting = 3
    status = await log.queries.status()
    assert (status.debt_limit, status.outage_began_at) == (timedelta(hours=4), None)
    current, former = status.shards
    assert (current.origin, current.size, current.root) == (ORIGIN, SIZE, root_of(log.leaves))
    assert (current.published_at, current.pending, current.healthy) == (PUBLISHED_AT, 3, True)
    assert current.vkey.startswith(f"{ORIGIN}+")
    assert (former.origin, former.size, former.root, former.published_at) == (FORMER, 0, b"", None)
    assert former.pending == 0
    assert status.timestamps == {ORIGIN: [], FORMER: [AuthorityState("tsa", 4, PUBLISHED_AT)]}
    log.healthy = False
    assert [state.healthy for state in (await log.queries.status()).shards] == [False, False]


async def test_a_shard_waits_for_those_who_do_not_keep_up_and_the_worst_is_told() -> None:
    log = Public(3)
    log.witnessed.integrated_at = PUBLISHED_AT

    async def told() -> tuple[Standing, Standing]:
        current, former = (await log.queries.status()).shards
        return current.standing, former.standing

    assert await told() == (Standing.WELL, Standing.WELL)
    usual = timedelta(seconds=12)
    log.witnesses[ORIGIN] = log.witnesses[FORMER] = ShardWitnesses([], 2, None, usual)
    log.clock.time = PUBLISHED_AT + usual
    assert await told() == (Standing.WELL, Standing.WELL)
    log.stamping.waiting = Wait(PUBLISHED_AT, timedelta(seconds=5))
    assert (await told())[0] is Standing.WAITS_FOR_TIMESTAMPS
    log.clock.time += timedelta(seconds=1)
    assert (await told())[0] is Standing.WAITS_FOR_WITNESSES
    # A shard from before there were witnesses owes them nothing, however old.
    log.stamping.waiting = None
    log.clock.time = PUBLISHED_AT + timedelta(hours=4, seconds=1)
    assert await told() == (Standing.IN_DEBT, Standing.WELL)
    log.healthy = False
    assert await told() == (Standing.NOT_HEALTHY, Standing.NOT_HEALTHY)


async def test_who_asks_the_witnesses_knows_at_once_that_they_are_too_few() -> None:
    log = Public(3)
    log.witnesses[ORIGIN] = ShardWitnesses([], 2, 0, timedelta(hours=1))
    (current, _), witnesses = (status := await log.queries.status()).shards, status.witnesses
    assert current.standing is Standing.WAITS_FOR_WITNESSES
    assert witnesses == log.witnesses


async def test_status_tells_since_when_the_oldest_waits_as_outages_reckon_it() -> None:
    log = Public(0)
    log.reader.waiting = 2
    recorded = await log.oldest_of(ORIGIN)
    log.shard.integrate(fact(0))
    log.witnessed.integrated_at = PUBLISHED_AT - timedelta(hours=1)
    integrated = await log.oldest_of(ORIGIN)

    # Neither has a checkpoint.
    assert (recorded, integrated) == (PUBLISHED_AT, PUBLISHED_AT - timedelta(hours=1))
    assert [state.integrated_size for state in (await log.queries.status()).shards] == [1, 0]


@pytest.mark.parametrize("damaged", [TileId(0, 0), TileId(1, 0)])
async def test_tiles_that_contradict_the_published_root_give_no_proof_but_an_alarm(damaged: TileId) -> None:
    log = Public()
    sound = log.shard.tiles[damaged]
    # Hash 1 of the tile: in the proof from the first hash on, or on the way to the root.
    log.shard.tiles[damaged] = sound[:32] + bytes(32) + sound[64:]
    ask = AskConsistency("", 1 if damaged.level == 0 else 256, SIZE)
    with capture_logs() as logs, pytest.raises(ServiceUnavailable):
        await log.queries.consistency(ask)
    assert [line["log_level"] for line in logs] == ["critical"]
    # What was remembered is forgotten: once the database is as it was, it is told again.
    log.shard.tiles[damaged] = sound
    assert (await log.queries.consistency(ask)).hashes


async def test_a_database_that_is_away_is_said_to_be() -> None:
    log = Public(3)
    log.reader.away = True
    with pytest.raises(ServiceUnavailable):
        await log.queries.status()
    with pytest.raises(ServiceUnavailable):
        await log.queries.tile(AskTile("", 0, 0, 1))
