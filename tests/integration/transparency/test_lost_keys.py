"""A shard's key is lost: what it never signed is logged again, once, and that this was done is evidence."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.lost_key import LOST_ACT, GivenUp
from namak.evidence.succession import Opening
from server.domain.administration import CommandLine
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.fsck.shards import ShardCheck
from server.storage.log import log_storage
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.shard_inspection import PostgresShardInspection
from server.transparency.guard import FileGuard
from server.transparency.guarded_publication import publish_guarded
from server.transparency.integrator import ShardFrozen, integrate
from server.transparency.ports import HeadMoved
from server.transparency.publisher import publish, sign
from server.transparency.settings import Pace
from server.transparency.steps import Step, unobserved
from server.transparency.troubles import ForkRefused, Trouble
from server.usecases.giving_up import GiveUpShard
from server.usecases.rotation import RotationRefused
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, eventually
from tests.integration.transparency.inspected import stored_over
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import LATER, NEXT, RotatingWorld, integrate_on

QUICK = Pace(follow_interval=0.05, receipt_poll=0.1, retry_longest=0.2)


class LostWorld(RotatingWorld):
    """A log one of whose keys is lost."""

    async def give_up(self, origin: str = ORIGIN) -> GivenUp | None:
        """Gives up what a former shard's key never signed."""
        async with self.lost_keys() as lost:
            found = await lost.give_up(GiveUpShard(CommandLine(), origin))
        await self.note_acts()
        return found

    async def go_on(self, origin: str = ORIGIN, successor: str = NEXT) -> GivenUp | None:
        """Opens the next shard without the key of the one before."""
        async with self.lost_keys() as lost:
            found = await lost.go_on(self.asked(origin, successor))
        await self.note_acts()
        return found

    async def note_acts(self) -> None:
        """Counts all acts among what was recorded."""
        for row in await self.ledger.rows(
            "SELECT id, document FROM evidence JOIN administrative_acts ON evidence_id = id"
        ):
            self.ledger.recorded[row["id"]] = row["document"]

    async def acts(self) -> dict[str, tuple[UUID, AdministrativeAct]]:
        """Returns the acts by their names."""
        rows = await self.ledger.rows(
            "SELECT act, id, document FROM administrative_acts JOIN evidence ON id = evidence_id"
        )
        found = {row["act"]: (row["id"], AdministrativeAct.parse(row["document"])) for row in rows}
        assert len(found) == len(rows)
        return found

    async def tile_rows(self, origin: str) -> list[tuple[int, int, bytes]]:
        rows = await self.ledger.rows(
            "SELECT level, tile_index, hashes FROM log_tiles WHERE origin = $1 ORDER BY 1, 2", origin
        )
        return [tuple(row) for row in rows]

    async def grow(self, origin: str, size: int) -> None:
        """Has a replica publish so many leaves."""
        async with self.replica(self.shard(origin=origin), pace=QUICK) as service:
            facts = await self.ledger.record(size)
            assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == size

    async def integrate_unsigned(self, *counts: int) -> None:
        """Has trees committed that nobody signs, each with so many leaves more."""
        async with self.session() as session:
            for count in counts:
                await self.ledger.record(count)
                await integrate(session, ORIGIN, limit=1000, clock=WallClock(), on_step=unobserved)

    async def check_all_logged(self) -> None:
        """Asserts that everything that was recorded is in the log once, and published."""
        rows = await self.ledger.rows("SELECT evidence_id, entry FROM log_entries")
        assert len(rows) == len(self.ledger.recorded)
        assert {row["evidence_id"]: row["entry"] for row in rows} == {
            each: hashlib.sha256(document).digest() for each, document in self.ledger.recorded.items()
        }
        assert await self.ledger.value("SELECT count(*) FROM log_queue") == 0
        assert await self.ledger.value("SELECT bool_and(published_size = integrated_size) FROM log_heads")

    async def findings(self, *parts: Part) -> list[str]:
        """Returns what fsck finds."""
        inspection = await PostgresLogInspection.open(self.ledger.url)
        report = Report()
        trusted = Trusted({each: self.verifier(each) for each in (ORIGIN, NEXT, LATER)})
        check = LogCheck(stored_over(inspection), {}, trusted, report)
        try:
            await check.run(Asked(frozenset(parts), NEXT))
        finally:
            await inspection.close()
        return [f"{each.kind} {each.where}" for each in report.findings]


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> LostWorld:
    return LostWorld(Ledger(database_url), tmp_path)


@pytest.mark.parametrize("signed", [5, 256, 600])
async def test_what_a_lost_key_never_signed_gets_receipts_of_the_shard_that_takes_leaves_now(
    signed: int, world: LostWorld
) -> None:
    await world.grow(ORIGIN, signed)
    tiles = await world.tile_rows(ORIGIN)
    lost = await world.ledger.record(300)
    announced = await world.announce()
    async with world.session() as session:
        await integrate_on(session, ORIGIN, limit=400)
    root = await world.ledger.value("SELECT root FROM log_heads WHERE origin = $1", ORIGIN)
    given_up = await world.give_up()
    assert given_up is not None
    assert (given_up.signed_size, given_up.size, given_up.root) == (signed, signed + 301, root.hex())
    assert await world.give_up() is None
    async with world.replica(world.shard(origin=NEXT), former=[world.verifier(ORIGIN)]) as service:
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
        assert not service.status.troubles
        world.verify(receipts)
    assert receipts.keys() == world.ledger.recorded.keys()
    assert {receipts[each].origin for each in (*lost, announced.announcement)} == {NEXT}
    # As if the shard had never had more.
    assert await world.tile_rows(ORIGIN) == tiles
    assert await world.ledger.check(ORIGIN) == signed
    await world.check_all_logged()
    act, document = (await world.acts())[LOST_ACT]
    assert (GivenUp.of(document), receipts[act].origin) == (given_up, NEXT)
    assert await world.ledger.value("SELECT count(*) FROM log_unsigned") == 301
    assert await world.findings(Part.TREE, Part.CHECKPOINTS, Part.SHARDS) == []


@pytest.mark.parametrize("signed", [0, 5])
async def test_a_log_goes_on_in_the_next_shard_without_the_key_of_the_current_one(
    signed: int, world: LostWorld
) -> None:
    if signed:
        await world.grow(ORIGIN, signed)
    else:
        await world.begin()
    await world.integrate_unsigned(3, 4)
    queued = await world.ledger.record(2)
    given_up = await world.go_on()
    assert given_up is not None
    assert (given_up.signed_size, given_up.size, given_up.successor) == (signed, signed + 7, NEXT)
    assert await world.go_on() is None
    async with world.replica(world.shard(origin=NEXT), former=[world.verifier(ORIGIN)]) as service:
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
        world.verify(receipts)
        assert not service.status.troubles
    assert receipts.keys() == world.ledger.recorded.keys()
    assert {receipts[each].origin for each in queued} == {NEXT}
    await world.check_all_logged()
    acts = await world.acts()
    opening, opened = acts["shard opening"]
    digest = hashlib.sha256(world.ledger.recorded[acts[LOST_ACT][0]]).hexdigest()
    keys = [world.shard(origin=each).vkey for each in (ORIGIN, NEXT)]
    assert Opening.of(opened) == Opening(NEXT, keys[1], ORIGIN, keys[0], digest)
    assert (receipts[opening].origin, receipts[opening].leaf_index) == (NEXT, 0)
    assert await world.findings(Part.TREE, Part.CHECKPOINTS, Part.SHARDS) == []


async def test_gives_up_nothing_that_is_published_or_that_a_key_may_still_sign(world: LostWorld) -> None:
    async with world.lost_keys() as lost:
        for origin in (ORIGIN, "log.example.am/none"):
            with pytest.raises(RotationRefused, match="no shard"):
                await lost.give_up(
                    GiveUpShard(CommandLine(), origin)
                ) if origin != ORIGIN else await lost.go_on(world.asked("log.example.am/none", NEXT))
        await world.begin()
        with pytest.raises(RotationRefused, match="still takes leaves"):
            await lost.give_up(GiveUpShard(CommandLine(), ORIGIN))
        await world.announce()
        async with world.replica(*world.shards(ORIGIN, NEXT), pace=QUICK) as service:
            await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
        with pytest.raises(RotationRefused, match="published to its end"):
            await lost.give_up(GiveUpShard(CommandLine(), ORIGIN))
        with pytest.raises(RotationRefused, match="successor already"):
            await lost.go_on(world.asked(ORIGIN, LATER))
    await world.check_line(ORIGIN, NEXT)


async def test_a_leader_that_signs_at_that_moment_publishes_before_or_not_at_all(world: LostWorld) -> None:
    """Its key is not lost; then nothing is forked all the same."""
    await world.grow(ORIGIN, 5)
    await world.integrate_unsigned(3)
    async with world.session() as session:
        (head,) = await session.heads()

        async def late(step: Step) -> None:
            if step is Step.SIGNED:
                await world.go_on()

        with pytest.raises(HeadMoved):
            await publish(session, world.shard(), head, clock=WallClock(), on_step=late)
        with pytest.raises(ShardFrozen):
            await integrate(session, ORIGIN, limit=9, clock=WallClock(), on_step=unobserved)
    assert await world.ledger.value("SELECT published_size FROM log_heads WHERE origin = $1", ORIGIN) == 5


async def test_the_database_lets_go_of_nothing_that_was_published(world: LostWorld) -> None:
    await world.grow(ORIGIN, 5)
    await world.integrate_unsigned(3)
    for wrong in (
        "DELETE FROM log_entries WHERE leaf_index >= 5",
        "DELETE FROM log_trees WHERE size > 5",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.ledger.rows(wrong)
    await world.go_on()
    for wrong in (
        "DELETE FROM log_entries WHERE leaf_index = 4",
        "DELETE FROM log_trees WHERE size = 5",
        "DELETE FROM log_unsigned",
        "UPDATE log_given_up SET size = 0",
        f"UPDATE log_heads SET integrated_size = 6 WHERE origin = '{ORIGIN}'",
        f"UPDATE log_heads SET frozen_at = NULL WHERE origin = '{ORIGIN}'",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.ledger.rows(wrong)


DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "the act says something else": (
        (
            "UPDATE evidence SET document = convert_to(replace(convert_from(document, 'UTF8'),"
            ' \'"unsigned_size":"8"\', \'"unsigned_size":"9"\'), \'UTF8\') WHERE id ='
            " (SELECT evidence_id FROM log_given_up)"
        ),
        # The next shard's opening names the act by its digest.
        {"given-up-wrong", "opening-wrong"},
    ),
    "the act is gone": (
        "DELETE FROM evidence WHERE id = (SELECT evidence_id FROM log_given_up)",
        {"given-up-wrong", "opening-wrong", "shard-key-wrong"},
    ),
    "the row is gone": ("DELETE FROM log_given_up", {"given-up-wrong", "announcement-missing"}),
    "the shard goes on": (
        f"UPDATE log_heads SET integrated_size = 6 WHERE origin = '{ORIGIN}'",
        {"given-up-wrong", "shard-unpublished"},
    ),
    "a leaf is not kept": ("DELETE FROM log_unsigned WHERE leaf_index = 6", {"given-up-wrong"}),
    "a leaf is another": (
        "UPDATE log_unsigned SET entry = sha256('x') WHERE leaf_index = 6",
        {"given-up-wrong", "given-up-unlogged"},
    ),
    "a leaf is in no later shard": (
        (
            "DELETE FROM log_entries WHERE evidence_id ="
            " (SELECT evidence_id FROM log_unsigned WHERE leaf_index = 6)"
        ),
        {"given-up-unlogged"},
    ),
    "a leaf is in an earlier shard": (
        (
            f"UPDATE log_entries SET origin = '{ORIGIN}', leaf_index = 77 WHERE evidence_id ="
            " (SELECT evidence_id FROM log_unsigned WHERE leaf_index = 6)"
        ),
        {"given-up-unlogged"},
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_to_what_tells_of_a_lost_key_is_found(world: LostWorld, damage: str) -> None:
    await world.grow(ORIGIN, 5)
    await world.integrate_unsigned(3)
    await world.go_on()
    async with world.replica(world.shard(origin=NEXT), former=[world.verifier(ORIGIN)]) as service:
        await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
    connection = await asyncpg.connect(driver_url(world.ledger.url))
    tables = ("log_given_up", "log_unsigned", "log_entries", "log_heads", "evidence")
    statement, expected = DAMAGES[damage]
    for change in (
        *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in tables),
        "ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry",
    ):
        await connection.execute(change)
    assert not (await connection.execute(statement)).endswith(" 0")
    report = Report()
    shards = PostgresShardInspection(PostgresLogInspection(connection))
    later = datetime.now(UTC) + timedelta(minutes=2)
    await ShardCheck(shards, {}, lambda: later, report).run()
    await connection.close()
    assert {str(kind) for kind in report.counts} == expected


async def test_alarms_end_once_a_shard_is_given_up(world: LostWorld) -> None:
    await world.grow(ORIGIN, 5)
    await world.announce()
    async with world.session() as session:
        await integrate_on(session, ORIGIN)
    former = [world.verifier(ORIGIN)]
    async with world.replica(world.shard(origin=NEXT), former=former, pace=QUICK) as service:

        def unsigned() -> bool:
            return Trouble.SHARD_UNKNOWN in {each.kind for each in service.status.troubles}

        await eventually(unsigned)
        await world.give_up()
        more = await world.ledger.record(2)
        await service.log.receipts(more, wait_seconds=PATIENCE_SECONDS)
        await eventually(lambda: not unsigned())


async def test_what_a_guard_holds_is_published_before_a_shard_is_given_up(world: LostWorld) -> None:
    """A leader signed, kept it in its guard, and died; the key went with it."""
    await world.grow(ORIGIN, 5)
    await world.integrate_unsigned(3)
    storage = log_storage(world.ledger.url)
    behind = await world.guard().read()
    async with world.session() as session:
        (head,) = await session.heads()

        async def dies(step: Step) -> None:
            if step is Step.GUARDED:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            await publish(session, world.shard(), head, clock=WallClock(), on_step=dies)
    old = FileGuard(world.directory / "another machine's guard", world.verifier(ORIGIN))
    assert behind is not None
    await old.advance(None, behind)
    guards = [old, world.guard()]
    try:
        missing = FileGuard(world.directory / "none", world.verifier(ORIGIN))
        with pytest.raises(LookupError, match="no guard"):
            await publish_guarded(storage, ORIGIN, [missing], WallClock())
        assert await publish_guarded(storage, ORIGIN, guards[:1], WallClock()) == 5
        assert await publish_guarded(storage, ORIGIN, guards, WallClock()) == 8
        assert await publish_guarded(storage, ORIGIN, guards, WallClock()) == 8
    finally:
        await storage.reader.close()
    given_up = await world.go_on()
    assert given_up is not None
    assert (given_up.signed_size, given_up.size) == (8, 8)
    async with world.replica(world.shard(origin=NEXT), former=[world.verifier(ORIGIN)]) as service:
        receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
        world.verify(receipts)
    await world.check_all_logged()


async def test_a_guard_that_the_database_does_not_extend_keeps_a_shard_from_being_given_up(
    world: LostWorld,
) -> None:
    await world.grow(ORIGIN, 5)
    other = FileGuard(world.directory / "fork", world.verifier(ORIGIN))
    tree = await sign(world.shard(), Checkpoint(ORIGIN, 5, bytes(32)))
    await other.advance(None, tree)
    storage = log_storage(world.ledger.url)
    with pytest.raises(ForkRefused):
        await publish_guarded(storage, ORIGIN, [other], WallClock())
    await storage.reader.close()
