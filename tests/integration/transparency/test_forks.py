"""A log that would fork refuses: the guard remembers what a restored database has forgotten."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from server.storage.log_reader import PostgresLogReader
from server.transparency.adoption import AdoptionRefused, adopt
from server.transparency.service import TransparencyService
from server.transparency.settings import Pace
from server.transparency.troubles import TEXTS, Trouble
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, World, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.signers import signed_roots

IMPATIENT = Pace(retry_longest=0.2)


@contextlib.asynccontextmanager
async def copied(ledger: Ledger) -> AsyncIterator[Ledger]:
    """Copies a database that nobody uses, as a backup would; drops the copy afterwards."""
    url = make_url(ledger.url)
    name = f"{url.database}_copy_{uuid4().hex[:8]}"
    server = Ledger(url.set(database="postgres").render_as_string(hide_password=False))
    connection = await server.connect()
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {url.database}")
        yield Ledger(url.set(database=name).render_as_string(hide_password=False), dict(ledger.recorded))
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def log_facts(world: World, count: int) -> None:
    """Runs the log until that many more facts are published, and stops it."""
    async with world.replica() as service:
        facts = await world.ledger.record(count)
        assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == count


def troubles(service: TransparencyService) -> set[Trouble]:
    return {condition.kind for condition in service.status.troubles}


async def refuses(world: World, service: TransparencyService, trouble: Trouble) -> None:
    """Asserts that facts are recorded and stay pending, and that nothing is signed."""
    signed = signed_roots(world.journal, ORIGIN)
    guarded = world.guard_path.read_bytes() if world.guard_path.exists() else None
    facts = await world.ledger.record(3)
    service.log.wake()
    await eventually(lambda: trouble in troubles(service))
    assert await service.log.receipts(facts, wait_seconds=0.5) == {}
    assert trouble in troubles(service)
    assert signed_roots(world.journal, ORIGIN) == signed
    assert (world.guard_path.read_bytes() if world.guard_path.exists() else None) == guarded


@pytest.mark.parametrize(("lost", "added"), [(5, 0), (5, 4), (2, 2), (2, 9)])
async def test_a_restored_database_under_a_newer_guard_is_refused(
    lost: int, added: int, world: World
) -> None:
    """The restored tree may be smaller than the guarded one, as large, or larger."""
    await log_facts(world, 6)
    async with copied(world.ledger) as backup:
        await log_facts(world, lost)
        world.ledger = backup
        await backup.record(added)
        with capture_logs() as logs:
            async with world.replica(pace=IMPATIENT) as service:
                await refuses(world, service, Trouble.FORK_REFUSED)
                assert service.status.leading
                assert await backup.value("SELECT max(size) FROM log_checkpoints") == 6
        assert all(len(roots) == 1 for roots in signed_roots(world.journal, ORIGIN).values())
        alarms = [entry for entry in logs if entry["event"] == TEXTS[Trouble.FORK_REFUSED]]
        assert len(alarms) == 1
        assert alarms[0]["log_level"] == "critical"
        assert alarms[0]["guarded_size"] == 6 + lost
        assert set(alarms[0]) >= {"guarded_root", "size", "root", "origin", "cause"}


async def test_a_restored_database_is_refused_before_anything_new_is_recorded(world: World) -> None:
    await log_facts(world, 6)
    async with copied(world.ledger) as backup:
        await log_facts(world, 2)
        world.ledger = backup
        async with world.replica(pace=IMPATIENT) as service:
            await eventually(lambda: Trouble.FORK_REFUSED in troubles(service))


async def test_while_a_tree_that_was_integrated_may_not_be_signed_nothing_more_is_integrated(
    world: World,
) -> None:
    await log_facts(world, 6)
    before = world.guard_path.read_bytes()
    async with copied(world.ledger) as backup:
        await log_facts(world, 5)
        ahead = world.guard_path.read_bytes()
        world.guard_path.write_bytes(before)
        world.ledger = backup
        async with world.replica(pace=IMPATIENT) as service:
            published = await backup.record(1)
            assert len(await service.log.receipts(published, wait_seconds=PATIENCE_SECONDS)) == 1
            # Now the guard remembers what this database has forgotten, after the leader looked at it.
            world.guard_path.write_bytes(ahead)
            await refuses(world, service, Trouble.FORK_REFUSED)
            await refuses(world, service, Trouble.FORK_REFUSED)
            assert await backup.value("SELECT published_size FROM log_heads") == 7
            assert await backup.value("SELECT count(*) FROM log_trees WHERE size > 7") == 1


async def test_the_right_database_under_the_same_guard_goes_on_after_a_refusal(world: World) -> None:
    await log_facts(world, 6)
    true = world.ledger
    async with copied(true) as backup:
        await log_facts(world, 5)
        world.ledger = backup
        async with world.replica(pace=IMPATIENT) as service:
            await refuses(world, service, Trouble.FORK_REFUSED)
        world.ledger = true
        await log_facts(world, 2)
    await true.check_complete(ORIGIN)


async def test_a_restored_database_that_lost_nothing_signed_goes_on(world: World) -> None:
    await log_facts(world, 6)
    async with copied(world.ledger) as backup:
        world.ledger = backup
        await log_facts(world, 3)
        await backup.check_complete(ORIGIN)


async def test_a_damaged_guard_is_refused_until_it_is_adopted_anew(world: World) -> None:
    await log_facts(world, 6)
    note = bytearray(world.guard_path.read_bytes())
    note[len(ORIGIN) + 4] ^= 1
    world.guard_path.write_bytes(note)
    async with world.replica(pace=IMPATIENT) as service:
        await refuses(world, service, Trouble.GUARD_DAMAGED)
        await adopts_and_recovers(world, service)


async def test_a_guard_that_is_gone_is_refused_until_it_is_adopted_anew(world: World) -> None:
    await log_facts(world, 6)
    world.guard_path.unlink()
    async with world.replica(pace=IMPATIENT) as service:
        await refuses(world, service, Trouble.GUARD_MISSING)
        await adopts_and_recovers(world, service)


async def adopts_and_recovers(world: World, service: TransparencyService) -> None:
    reader = PostgresLogReader(world.ledger.url, connections=1)
    guard = world.guard()
    adopted = await adopt(reader, guard, world.shard().verifier)
    assert (adopted.origin, adopted.size) == (ORIGIN, 6)
    receipts = await service.log.receipts(world.ledger.recorded, wait_seconds=PATIENCE_SECONDS)
    assert receipts.keys() == world.ledger.recorded.keys()
    await eventually(lambda: not service.status.troubles)
    with pytest.raises(AdoptionRefused, match="sound guard"):
        await adopt(reader, guard, world.shard().verifier)
    await reader.close()


async def test_a_guard_is_not_adopted_from_a_log_without_checkpoints(world: World) -> None:
    reader = PostgresLogReader(world.ledger.url, connections=1)
    with pytest.raises(AdoptionRefused, match="nothing"):
        await adopt(reader, world.guard(), world.shard().verifier)
    await reader.close()
    assert not world.guard_path.exists()


async def test_a_guard_is_not_adopted_over_that_of_another_shard(world: World) -> None:
    await log_facts(world, 6)
    note = world.guard_path.read_bytes().replace(ORIGIN.encode(), b"log.example.am/1999")
    world.guard_path.write_bytes(note)
    reader = PostgresLogReader(world.ledger.url, connections=1)
    with pytest.raises(AdoptionRefused, match=r"checkpoint of log\.example\.am/1999"):
        await adopt(reader, world.guard(), world.shard().verifier)
    await reader.close()
    assert world.guard_path.read_bytes() == note


async def test_a_guard_is_not_adopted_from_tiles_that_give_another_root(world: World) -> None:
    await log_facts(world, 6)
    world.guard_path.unlink()
    await tamper(world, "UPDATE log_tiles SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)")
    reader = PostgresLogReader(world.ledger.url, connections=1)
    with pytest.raises(AdoptionRefused, match="tiles"):
        await adopt(reader, world.guard(), world.shard().verifier)
    await reader.close()


async def test_tiles_that_do_not_give_the_committed_root_are_not_signed(world: World) -> None:
    await log_facts(world, 6)
    await world.ledger.record(1)
    signer = world.signer()
    signer.away = True
    async with world.replica(world.shard(signer), pace=IMPATIENT):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await signer.refused.wait()
    await tamper(world, "UPDATE log_tiles SET hashes = set_byte(hashes, 210, get_byte(hashes, 210) # 1)")
    async with world.replica(pace=IMPATIENT) as service:
        await refuses(world, service, Trouble.TREE_CORRUPT)


async def tamper(world: World, statement: str) -> None:
    connection = await world.ledger.connect()
    assert await connection.execute(statement) == "UPDATE 1"
    await connection.close()


async def test_a_standing_by_replica_takes_over_with_a_guard_of_its_own(world: World) -> None:
    """Replicas on two machines: the second one's guard follows what the first one publishes."""
    pace = Pace(follow_interval=0.05, follow_poll=0.1)
    elsewhere = World(world.ledger, world.directory / "elsewhere", world.secret)
    async with world.replica(pace=pace) as first:
        await eventually(lambda: first.status.leading)
        async with elsewhere.replica(elsewhere.shard(), pace=pace) as second:
            elsewhere.directory.mkdir()
            facts = await world.ledger.record(6)
            assert len(await first.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 6
            await eventually(lambda: guards(elsewhere, 6))
            await first.stop(5.0)
            more = await world.ledger.record(2)
            assert len(await second.log.receipts(more, wait_seconds=PATIENCE_SECONDS)) == 2
            assert second.status.leading
    await world.ledger.check_complete(ORIGIN)


async def test_a_standing_by_replica_says_early_that_its_guard_is_missing(world: World) -> None:
    await log_facts(world, 6)
    elsewhere = World(world.ledger, world.directory / "elsewhere", world.secret)
    async with world.replica() as first:
        await eventually(lambda: first.status.leading)
        async with elsewhere.replica(elsewhere.shard()) as second:
            await eventually(lambda: Trouble.GUARD_MISSING in troubles(second))
            assert not first.status.troubles


async def guards(world: World, size: int) -> bool:
    tree = await world.guard().read()
    return tree is not None and tree.checkpoint.size == size
