"""The key, the database or a connection is away: facts are recorded, and the log recovers by itself."""

import asyncio

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from server.domain.refusals import ServiceUnavailable
from server.transparency.service import TransparencyService
from server.transparency.settings import Pace
from server.transparency.troubles import TEXTS, Trouble
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, World, eventually
from tests.integration.transparency.ledger import Ledger

IMPATIENT = Pace(retry_longest=0.2)


def troubles(service: TransparencyService) -> set[Trouble]:
    return {condition.kind for condition in service.status.troubles}


async def test_receipts_are_pending_while_the_key_is_away_and_come_when_it_is_back(world: World) -> None:
    signer = world.signer()
    with capture_logs() as logs:
        async with world.replica(world.shard(signer), pace=IMPATIENT) as service:
            signer.away = True
            for _ in range(3):
                facts = await world.ledger.record(2)
                service.log.wake()
                assert await service.log.receipts(facts, wait_seconds=0.3) == {}
            assert troubles(service) == {Trouble.HSM_UNAVAILABLE}
            signer.away = False
            facts = dict(world.ledger.recorded)
            receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
            assert receipts.keys() == facts.keys()
            world.verify(receipts)
            await eventually(lambda: not service.status.troubles)
    events = [entry["event"] for entry in logs]
    assert events.count(TEXTS[Trouble.HSM_UNAVAILABLE]) == 1
    assert events.count("the trouble is over") == 1
    await world.ledger.check_complete(ORIGIN)


async def test_another_replica_takes_over_when_the_leaders_key_is_away(world: World) -> None:
    signer = world.signer()
    async with world.replica(world.shard(signer)) as one:
        await eventually(lambda: one.status.leading)
        signer.away = True
        async with world.replica() as other:
            facts = await world.ledger.record(3)
            assert len(await one.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 3
            await eventually(lambda: other.status.leading and not one.status.troubles)
    await world.ledger.check_complete(ORIGIN)


async def test_a_signature_that_does_not_verify_is_never_published(world: World) -> None:
    signer = world.signer()
    signer.broken = True
    async with world.replica(world.shard(signer), pace=IMPATIENT) as service:
        facts = await world.ledger.record(2)
        await eventually(lambda: Trouble.SIGNATURE_REFUSED in troubles(service))
        assert await service.log.checkpoint() is None
        assert not world.guard_path.exists()
        signer.broken = False
        assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 2


@pytest.mark.parametrize("application", ["namak log leader", "namak log listener", "namak log reader"])
async def test_a_connection_that_is_ended_is_made_again(application: str, world: World) -> None:
    async with world.replica() as service:
        first = await world.ledger.record(2)
        service.log.wake()
        assert len(await service.log.receipts(first, wait_seconds=PATIENCE_SECONDS)) == 2
        await eventually(lambda: ended(world, application))
        second = await world.ledger.record(2)
        service.log.wake()
        assert len(await service.log.receipts(second, wait_seconds=PATIENCE_SECONDS)) == 2
        third = await world.ledger.record(2)
        service.log.wake()
        assert len(await service.log.receipts(third, wait_seconds=PATIENCE_SECONDS)) == 2
        await eventually(lambda: not service.status.troubles)
        if application == "namak log listener":
            await eventually(lambda: runs(world, application))
    await world.ledger.check_complete(ORIGIN)


async def test_a_replica_that_stands_by_sends_its_signals_over_a_new_connection_when_one_is_ended(
    world: World,
) -> None:
    async with world.replica() as leader:
        await eventually(lambda: leader.status.leading)
        async with world.replica() as service:
            for _ in range(2):
                facts = await world.ledger.record(2)
                service.log.wake()
                assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 2
                service.log.wake()
                await eventually(lambda: ended(world, "namak log signals"))

            async def sends_again() -> bool:
                # The first signal may still meet the old connection.
                service.log.wake()
                return await runs(world, "namak log signals") and not service.status.troubles

            await eventually(sends_again)
    await world.ledger.check_complete(ORIGIN)


async def ended(world: World, application: str) -> bool:
    return await world.ledger.terminate(application) > 0


async def runs(world: World, application: str) -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
    )
    return bool(await world.ledger.value(query, application))


async def test_the_log_recovers_by_itself_when_the_database_was_away(world: World) -> None:
    url = make_url(world.ledger.url)
    server = await Ledger(url.set(database="postgres").render_as_string(hide_password=False)).connect()
    await world.ledger.record(2)
    with capture_logs() as logs:
        async with world.replica(pace=IMPATIENT) as service:
            facts = dict(world.ledger.recorded)
            assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 2
            more = await world.ledger.record(3)
            await server.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
            end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
            await server.execute(end_all, url.database)
            await eventually(lambda: service.status.troubles != () and not service.status.leading)
            with pytest.raises(ServiceUnavailable):
                await service.log.receipts(more, wait_seconds=0.3)
            with pytest.raises(ServiceUnavailable):
                await service.log.checkpoint()
            assert troubles(service) == {Trouble.DATABASE_UNAVAILABLE}
            await server.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")
            assert len(await service.log.receipts(more, wait_seconds=PATIENCE_SECONDS)) == 3
            await eventually(lambda: not service.status.troubles)
    await server.close()
    leadership = [entry for entry in logs if entry.get("part") == "log leadership"]
    assert [entry["log_level"] for entry in leadership] == ["warning", "info"]
    await world.ledger.check_complete(ORIGIN)


async def test_a_mistake_in_a_step_ends_one_attempt_and_not_the_log(world: World) -> None:
    failed = asyncio.Event()

    async def on_step(step: object) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("a mistake")

    with capture_logs() as logs:
        async with world.replica(on_step=on_step, pace=IMPATIENT) as service:
            facts = await world.ledger.record(2)
            assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 2
            await eventually(lambda: not service.status.troubles)
    assert [entry["part"] for entry in logs if entry["event"] == "a task of the log failed"] == ["log"]
    await world.ledger.check_complete(ORIGIN)
