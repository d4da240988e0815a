"""Settings beside what the database has of the log's shards: what does not fit leads nothing."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from namak.evidence.note import Verifier
from server.transparency.guard import FileGuard
from server.transparency.service import TransparencyService
from server.transparency.settings import Pace
from server.transparency.shard import Shard
from server.transparency.troubles import TEXTS, Trouble
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import LATER, NEXT, RotatingWorld, integrate_on


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> RotatingWorld:
    return RotatingWorld(Ledger(database_url), tmp_path)


async def published(world: RotatingWorld, size: int) -> bool:
    return bool(await world.ledger.value("SELECT sum(published_size) FROM log_heads") == size)


async def test_settings_that_do_not_fit_lead_nothing_and_say_what_is_wrong(world: RotatingWorld) -> None:
    async def troubled(shards: Sequence[Shard], former: Sequence[Verifier] = ()) -> set[Trouble]:
        async with world.replica(*shards, former=former, pace=Pace(retry_longest=0.2)) as service:
            await eventually(lambda: bool(service.status.troubles))
            return {condition.kind for condition in service.status.troubles}

    async with world.session() as session:
        await world.ledger.record(2)
        await integrate_on(session, ORIGIN)
    assert await troubled(world.shards(NEXT)) == {Trouble.SHARD_UNLISTED}
    await world.begin()
    await world.ledger.record(2)
    assert await troubled(world.shards(NEXT), [world.verifier(ORIGIN)]) == {Trouble.ORIGIN_UNKNOWN}
    assert await troubled([Shard(ORIGIN, world.key(NEXT), world.guard(LATER))]) == {Trouble.SHARD_KEY_DIFFERS}
    assert await world.ledger.value("SELECT sum(integrated_size) FROM log_heads") == 2
    assert await world.ledger.value("SELECT count(*) FROM log_checkpoints") == 0


async def test_a_key_that_signed_nothing_of_a_shard_is_not_entered_as_its_key(world: RotatingWorld) -> None:
    """The release before knew no keys; and what is entered once can't be mended."""
    async with world.replica(world.shard()) as service:
        facts = await world.ledger.record(2)
        await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
    await world.ledger.rows("ALTER TABLE log_shards DISABLE TRIGGER ALL")
    await world.ledger.rows("DELETE FROM log_shards")
    wrong = Verifier(ORIGIN, world.key(LATER).public_key)
    settings: Sequence[tuple[Shard, Sequence[Verifier]]] = [
        (Shard(ORIGIN, world.key(LATER), FileGuard(world.directory / "wrong", wrong)), []),
        (world.shard(origin=NEXT), [wrong]),
    ]
    for shard, former in settings:
        async with world.replica(shard, former=former, pace=Pace(retry_longest=0.2)) as service:
            await eventually(partial(differs, service))
        assert await world.ledger.value("SELECT count(*) FROM log_shards") == 0
    async with world.replica(world.shard()) as service:
        facts = await world.ledger.record(2)
        assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 2


def differs(service: TransparencyService) -> bool:
    return Trouble.SHARD_KEY_DIFFERS in {each.kind for each in service.status.troubles}


async def test_another_key_than_the_announced_one_signs_nothing_of_the_next_shard(
    world: RotatingWorld,
) -> None:
    """Told when the log goes over, and on a replica that only stands by as well."""
    pace = Pace(retry_longest=0.2, follow_interval=0.05, receipt_poll=0.1)
    wrong = Shard(NEXT, world.key(LATER), FileGuard(world.directory / "wrong", world.verifier(LATER)))
    await world.begin()
    async with world.replica(world.shard(), wrong, pace=pace) as service:
        await eventually(lambda: service.status.leading)
        await world.announce()
        await world.ledger.record(3)
        await eventually(lambda: published(world, 1))
        await eventually(
            lambda: {each.kind for each in service.status.troubles} == {Trouble.SHARD_KEY_DIFFERS}
        )
        assert await world.ledger.value("SELECT count(*) FROM log_queue") == 4
        async with world.replica(*world.shards(ORIGIN, NEXT), pace=pace):
            await eventually(lambda: published(world, 5))
            assert Trouble.SHARD_KEY_DIFFERS in {each.kind for each in service.status.troubles}
    await world.check_line(ORIGIN, NEXT)


async def test_an_existing_log_goes_on_with_the_shards_of_its_settings(world: RotatingWorld) -> None:
    async with world.session() as session:
        facts = await world.ledger.record(2)
        await integrate_on(session, ORIGIN)
    async with world.replica(world.shard(origin=NEXT), former=[world.verifier(ORIGIN)]) as service:
        more = await world.ledger.record(2)
        receipts = await service.log.receipts(more, wait_seconds=PATIENCE_SECONDS)
        assert {receipt.origin for receipt in receipts.values()} == {NEXT}
        # The key of the former one is away: its last leaves wait, and someone is told.
        assert {each.kind for each in service.status.troubles} == {Trouble.SHARD_UNKNOWN}
    async with world.replica(world.shard(), *world.shards(NEXT)) as service:
        assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 2
    assert await world.ledger.check(ORIGIN) == 2
    assert await world.ledger.check(NEXT) == 2


async def test_of_two_replicas_only_the_one_with_the_next_key_goes_on(world: RotatingWorld) -> None:
    """The other one is told what it lacks when it is to lead, and never appends to the frozen shard."""
    pace = Pace(retry_longest=0.2)
    async with world.replica(world.shard(), pace=pace) as old:
        await eventually(lambda: old.status.leading)
        async with world.replica(*world.shards(ORIGIN, NEXT), pace=pace) as new:
            await world.ledger.record(3)
            await eventually(lambda: published(world, 3))
            await world.announce()
            facts = await world.ledger.record(4)
            receipts = await new.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
            assert {receipt.origin for receipt in receipts.values()} <= {ORIGIN, NEXT}
            assert len(receipts) == 4
            await eventually(lambda: new.status.leading and not old.status.troubles)
        await world.ledger.record(2)
        await eventually(lambda: Trouble.SHARD_KEY_MISSING in {each.kind for each in old.status.troubles})
        assert await world.ledger.value("SELECT count(*) FROM log_queue") == 2
        async with world.replica(*world.shards(ORIGIN, NEXT), pace=pace):
            await eventually(lambda: published(world, 11))
    await world.check_line(ORIGIN, NEXT)


async def test_a_replica_without_the_current_shards_key_says_so_once_and_tries_ever_more_rarely(
    world: RotatingWorld,
) -> None:
    """However often it finds the lock free; and it says nothing of leading."""
    await world.begin()
    await world.announce()
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 2))
    await world.ledger.record(2)
    pauses: list[float] = []
    pace = Pace(retry_first=0.001, retry_longest=0.002, keyless_longest=0.02)
    with capture_logs() as logs:
        async with world.replica(world.shard(), pace=pace) as service:
            pause = service._pause

            async def noted(seconds: float) -> bool:
                pauses.append(seconds)
                return await pause(seconds)

            service._pause = noted  # type: ignore[method-assign]
            await eventually(lambda: len(pauses) >= 8)
            assert {each.kind for each in service.status.troubles} == {Trouble.SHARD_KEY_MISSING}
    said = [each["event"] for each in logs]
    assert said.count(TEXTS[Trouble.SHARD_KEY_MISSING]) == 1
    assert "leads the log" not in said
    assert [each["shards"] for each in logs if each["event"] == "has keys of the log"] == [[ORIGIN]]
    # The longest, up to a fifth less.
    assert all(0.8 * 0.02 <= each <= 0.02 for each in pauses[5:])
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 4))
    await world.check_line(ORIGIN, NEXT)


async def test_a_last_tree_is_published_by_whom_has_its_key_though_the_next_key_is_elsewhere(
    world: RotatingWorld,
) -> None:
    await world.begin()
    await world.announce()
    async with world.session() as session:
        await integrate_on(session, ORIGIN)
    async with world.replica(world.shard(), pace=Pace(retry_longest=0.01, keyless_longest=0.01)) as service:
        await eventually(lambda: published(world, 1))
        await eventually(lambda: Trouble.SHARD_KEY_MISSING in {each.kind for each in service.status.troubles})
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 2))
    await world.check_line(ORIGIN, NEXT)


async def order_differs(world: RotatingWorld, *shards: str, wrongly: tuple[str, str]) -> bool:
    """Runs a replica whose settings have these shards, the oldest first; returns whether it refuses them for
    the reason that the one comes after the other.
    """
    *former, last = shards
    verifiers = [world.verifier(each) for each in former]
    pace = Pace(retry_longest=0.2)
    async with world.replica(world.shard(origin=last), former=verifiers, pace=pace) as service:
        await eventually(lambda: bool(service.status.troubles))
        (trouble,) = service.status.troubles
    assert await world.ledger.value("SELECT count(*) FROM log_shards") == 0
    fields = {"origin": wrongly[0], "follows": wrongly[1]}
    return (trouble.kind, dict(trouble.fields)) == (Trouble.SHARD_ORDER_DIFFERS, fields)


async def test_an_order_in_which_the_shards_did_not_begin_is_not_entered(world: RotatingWorld) -> None:
    """The release before had only settings, and went on in whichever shard they named."""
    async with world.session() as session:
        for origin in (ORIGIN, NEXT, LATER):
            await world.ledger.record(2)
            await integrate_on(session, origin)
    assert await order_differs(world, NEXT, ORIGIN, LATER, wrongly=(NEXT, ORIGIN))
    assert await order_differs(world, ORIGIN, LATER, NEXT, wrongly=(LATER, NEXT))
    await world.begin(ORIGIN, NEXT, origin=LATER)
    rows = await world.ledger.rows("SELECT origin FROM log_shards ORDER BY position")
    assert [row["origin"] for row in rows] == [ORIGIN, NEXT, LATER]


async def test_an_order_that_was_announced_otherwise_is_not_entered(world: RotatingWorld) -> None:
    """Should the list of shards ever be lost, the evidence of announcements is not."""
    await world.begin()
    await world.announce()
    await world.ledger.rows("ALTER TABLE log_shards DISABLE TRIGGER ALL")
    await world.ledger.rows("DELETE FROM log_shards")
    assert await order_differs(world, ORIGIN, wrongly=(NEXT, ORIGIN))
    assert await order_differs(world, ORIGIN, LATER, wrongly=(NEXT, ORIGIN))
    assert await order_differs(world, NEXT, ORIGIN, wrongly=(NEXT, ORIGIN))
    other = Shard(NEXT, world.key(LATER), FileGuard(world.directory / "other", world.verifier(LATER)))
    async with world.replica(other, former=[world.verifier(ORIGIN)]) as service:
        await eventually(partial(differs, service))
    await world.begin(ORIGIN, origin=NEXT)
    assert await world.ledger.value("SELECT count(*) FROM log_shards") == 2


async def test_an_announcement_that_cannot_be_read_is_told_and_nothing_is_entered(
    world: RotatingWorld,
) -> None:
    await world.begin()
    await world.announce()
    for table in ("log_shards", "evidence"):
        await world.ledger.rows(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    announcement = await world.ledger.value("SELECT announcement FROM log_shards WHERE position = 2")
    await world.ledger.rows("DELETE FROM log_shards")
    await world.ledger.rows(
        "UPDATE evidence SET document = $2, entry = sha256($2) WHERE id = $1", announcement, b"{}"
    )

    async with world.replica(*world.shards(ORIGIN, NEXT), pace=Pace(retry_longest=0.2)) as service:
        await eventually(lambda: bool(service.status.troubles))
        (trouble,) = service.status.troubles

    fields = {"evidence": str(announcement), "cause": "MalformedEvidence"}
    assert (trouble.kind, dict(trouble.fields)) == (Trouble.ANNOUNCEMENT_DAMAGED, fields)
    assert await world.ledger.value("SELECT count(*) FROM log_shards") == 0
