"""`namak-server log fsck` over a log that went over to other shards: damage is found, and no more."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.fsck.kinds import USUAL
from server.fsck.shards import ShardCheck
from server.storage.log_connection import driver_url
from server.storage.log_inspection import PostgresLogInspection
from server.storage.shard_inspection import PostgresShardInspection
from tests.integration.transparency.conftest import ORIGIN, eventually
from tests.integration.transparency.damages import SHARD_DAMAGES
from tests.integration.transparency.inspected import stored_over
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import LATER, NEXT, RotatingWorld
from tests.postgres import finish

SHARDS = (ORIGIN, NEXT, LATER)
SOON = timedelta(minutes=2)


async def rotated(world: RotatingWorld) -> None:
    """Has two shards end, with leaves in all three."""
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        await eventually(lambda: service.status.leading)
        await grow(world, 3)
        await world.announce(ORIGIN, NEXT)
        await grow(world, 4)
    async with world.replica(*world.shards(NEXT, LATER), former=[world.verifier(ORIGIN)]):
        await world.announce(NEXT, LATER)
        await grow(world, 2)


async def grow(world: RotatingWorld, count: int) -> None:
    """Has so many pieces of evidence more in the log."""
    for _ in range(count):
        await world.ledger.rows(
            "WITH made AS (INSERT INTO evidence (owner_id, id, event, organisation_id, document, entry,"
            " recorded_at) SELECT id, id, 'urn:event', id, id::text::bytea, sha256(id::text::bytea), now()"
            " FROM (SELECT gen_random_uuid() AS id) fresh RETURNING id, entry)"
            " INSERT INTO log_queue (evidence_id, entry) SELECT id, entry FROM made"
        )

    async def done() -> bool:
        return bool(
            await world.ledger.value(
                "SELECT (SELECT count(*) FROM evidence) = sum(published_size) FROM log_heads"
            )
        )

    await eventually(done)


@pytest.fixture(scope="module")
def world(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> RotatingWorld:
    made = RotatingWorld(Ledger(module_database_url), tmp_path_factory.mktemp("shards"))
    finish(rotated(made))
    return made


async def test_a_log_of_several_shards_is_sound_whole(world: RotatingWorld) -> None:
    inspection = await PostgresLogInspection.open(world.ledger.url)
    report = Report()
    trusted = Trusted({each: world.verifier(each) for each in SHARDS})
    guards = {each: world.guard(each) for each in SHARDS}
    check = LogCheck(stored_over(inspection), guards, trusted, report)
    await check.run(Asked(USUAL, ORIGIN))
    later = Report()
    check = LogCheck(stored_over(inspection), guards, trusted, later)
    await check.run(Asked(frozenset({Part.TREE}), ORIGIN, from_index=1))
    await inspection.close()
    assert (report.findings, report.unchecked) == ([], [])
    assert (report.checked["shards"], report.checked["leaves"], report.checked["evidence"]) == (3, 13, 13)
    # It begins in the shard that takes leaves, whatever the settings say.
    assert (later.findings, later.checked["leaves"]) == ([], 3)


async def checked(world: RotatingWorld, connection: object, *, knowing: bool) -> Report:
    report = Report()
    keys = {each: world.verifier(each) for each in SHARDS} if knowing else {}
    shards = PostgresShardInspection(PostgresLogInspection(connection))
    await ShardCheck(shards, keys, lambda: datetime.now(UTC) + SOON, report).run()
    return report


@pytest.mark.parametrize("knowing", [True, False])
@pytest.mark.parametrize("damage", SHARD_DAMAGES)
async def test_damage_to_the_order_of_shards_is_found(
    world: RotatingWorld, damage: str, knowing: bool
) -> None:
    statement, expected = SHARD_DAMAGES[damage]
    connection = await asyncpg.connect(driver_url(world.ledger.url))
    transaction = connection.transaction()
    await transaction.start()
    for table in ("log_shards", "log_heads", "log_entries", "log_trees", "log_checkpoints", "evidence"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await connection.execute("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_entry")
    other = world.shard(world.key("another"), origin=NEXT).vkey
    names = {"origin": ORIGIN, "next": NEXT, "later": LATER, "vkey": world.shard(origin=NEXT).vkey}
    changed = await connection.execute(statement.format(other=other, **names))
    assert not changed.endswith(" 0")
    report = await checked(world, connection, knowing=knowing)
    await transaction.rollback()
    await connection.close()
    assert {str(kind) for kind in report.counts} == expected
    # What an older release did is told, and nothing is wrong with it.
    assert report.sound == (expected <= {"announcement-followed", "opening-not-first"})
    assert {each.part for each in report.findings} == {Part.SHARDS}


async def test_a_key_that_the_settings_name_otherwise_is_told(world: RotatingWorld) -> None:
    connection = await asyncpg.connect(driver_url(world.ledger.url))
    report = Report()
    keys = {NEXT: world.shard(world.key("another"), origin=NEXT).verifier}
    shards = PostgresShardInspection(PostgresLogInspection(connection))
    await ShardCheck(shards, keys, lambda: datetime.now(UTC), report).run()
    await connection.close()
    assert [each.where for each in report.findings] == [
        f"{NEXT}: its verifier key is not the one of the settings or the token"
    ]
