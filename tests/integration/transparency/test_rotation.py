"""The log goes over to another shard: nothing waits, and every fact stands in one of them, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.note import Verifier, vkey
from namak.evidence.tiles import extend
from namak.evidence.tree import leaf_hash
from server.domain.administration import CommandLine
from server.domain.refusals import RequestIdReused
from server.transparency.guard import FileGuard
from server.transparency.integrator import integrate
from server.transparency.service import TransparencyService
from server.transparency.settings import Pace
from server.transparency.shard import Shard
from server.transparency.troubles import Trouble
from server.usecases.rotation import ACT, RotationRefused
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import LATER, NEXT, RotatingWorld, integrate_on


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> RotatingWorld:
    return RotatingWorld(Ledger(database_url), tmp_path)


async def test_a_shard_ends_with_the_announcement_and_the_next_one_goes_on(world: RotatingWorld) -> None:
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        before = dict(await world.ledger.record(7))
        assert len(await service.log.receipts(before, wait_seconds=PATIENCE_SECONDS)) == 7
        announced = await world.announce()
        behind = dict(await world.ledger.record(5))
        facts = {**before, announced.announcement: b"", **behind}
        facts = {each: world.ledger.recorded[each] for each in facts}
        receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
    assert receipts.keys() == facts.keys()
    world.verify(receipts)
    assert {receipts[each].origin for each in before} == {ORIGIN}
    assert {receipts[each].origin for each in behind} == {NEXT}
    last = receipts[announced.announcement]
    assert (last.origin, last.leaf_index + 1) == (ORIGIN, last.tree_size)
    await world.check_line(ORIGIN, NEXT)


async def test_several_rotations_follow_each_other(world: RotatingWorld) -> None:
    """Settings are changed at leisure: a replica is given the new ones between two rotations."""
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        await eventually(lambda: service.status.leading)
        await world.ledger.record(3)
        await eventually(lambda: published(world, 3))
        await world.announce(ORIGIN, NEXT)
        await world.ledger.record(4)
        await eventually(lambda: published(world, 8))
    async with world.replica(*world.shards(NEXT, LATER), former=[world.verifier(ORIGIN)]) as service:
        await world.announce(NEXT, LATER)
        await world.ledger.record(2)
        await eventually(lambda: published(world, 11))
    await world.check_line(ORIGIN, NEXT, LATER)


async def test_a_shard_may_end_without_any_other_leaf(world: RotatingWorld) -> None:
    await world.begin()
    await world.announce()
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 1))
    await world.check_line(ORIGIN, NEXT)


async def published(world: RotatingWorld, size: int) -> bool:
    return bool(await world.ledger.value("SELECT sum(published_size) FROM log_heads") == size)


async def test_an_announcement_is_committed_while_an_integrator_waits(world: RotatingWorld) -> None:
    await world.begin()
    await world.ledger.record(4)
    async with world.rotation(held=True) as (rotation, uow), world.session() as session:
        announcing = asyncio.create_task(rotation.announce(world.asked(ORIGIN, NEXT)))
        await uow.about_to_commit.wait()
        await world.ledger.record(3)
        integrating = asyncio.create_task(integrate_on(session, ORIGIN))
        await eventually(lambda: waits_for_a_lock(world))
        uow.may_commit.set()
        announced = await announcing
        done = await integrating
        assert done is not None
        # Behind what was recorded before it, and before what was recorded meanwhile or not: by its position.
        assert (done.head.origin, done.head.frozen) == (ORIGIN, True)
        await world.note(announced.announcement)
        rest = await integrate_on(session, ORIGIN)
        assert rest is not None
        assert rest.head.origin == NEXT
        assert done.entries + rest.entries == 8
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 8))
    await world.check_line(ORIGIN, NEXT)


async def waits_for_a_lock(world: RotatingWorld) -> bool:
    return bool(await world.ledger.value("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0)


async def test_an_announcement_waits_for_an_integration_and_stands_behind_it(world: RotatingWorld) -> None:
    await world.begin()
    await world.ledger.record(4)
    at_step, may_go_on = asyncio.Event(), asyncio.Event()

    async def on_step(_: object) -> None:
        at_step.set()
        await may_go_on.wait()

    async with world.session() as session:
        integrating = asyncio.create_task(
            integrate(session, ORIGIN, limit=100, clock=WallClock(), on_step=on_step)
        )
        await at_step.wait()
        announcing = asyncio.create_task(world.announce())
        await eventually(lambda: waits_for_a_lock(world))
        may_go_on.set()
        done = await integrating
        assert done is not None
        assert (done.entries, done.head.frozen) == (4, False)
        await announcing
        last = await integrate_on(session, ORIGIN)
        assert last is not None
        assert (last.entries, last.head.integrated_size, last.head.frozen) == (1, 5, True)


async def test_what_becomes_visible_late_is_the_successors_whatever_its_position(
    world: RotatingWorld,
) -> None:
    await world.begin()
    late = await world.ledger.connect()
    async with world.session() as session:
        transaction = late.transaction()
        await transaction.start()
        evidence_id, document = uuid4(), b"recorded by somebody who was slow"
        # Its position is below the announcement's, and nobody sees it.
        await late.execute(
            "INSERT INTO log_queue (evidence_id, entry) VALUES ($1, sha256($2))", evidence_id, document
        )
        world.ledger.recorded[evidence_id] = document
        await world.announce()
        await world.ledger.record(2)
        last = await integrate_on(session, ORIGIN)
        assert last is not None
        assert (last.entries, last.head.frozen) == (1, True)
        await transaction.commit()
        await late.close()
        done = await integrate_on(session, ORIGIN)
        assert done is not None
        assert (done.entries, done.head.origin) == (3, NEXT)
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 4))
    await world.check_line(ORIGIN, NEXT)


async def test_two_integrators_at_once_never_both_commit(world: RotatingWorld) -> None:
    await world.begin()
    await world.ledger.record(20)

    async def integrates() -> None:
        async with world.session() as session:
            while await world.ledger.value("SELECT count(*) FROM log_queue"):
                await integrate_on(session, ORIGIN, limit=3)

    first, second = asyncio.create_task(integrates()), asyncio.create_task(integrates())
    await world.announce()
    await world.ledger.record(20)
    await asyncio.gather(first, second)
    await integrates()
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 41))
    await world.check_line(ORIGIN, NEXT)


async def test_a_rotation_is_announced_once_however_often_it_is_asked_for(world: RotatingWorld) -> None:
    await world.begin()
    command = world.asked(ORIGIN, NEXT, "rotate-to-2027")
    async with world.rotation() as (rotation, _):
        first = await rotation.announce(command)
        assert await rotation.announce(command) == first
        assert await rotation.announce(replace(command, request_id=None)) == first
        assert await rotation.announce(replace(command, request_id="once-more")) == first
        with pytest.raises(RequestIdReused):
            await rotation.announce(world.asked(NEXT, LATER, "rotate-to-2027"))
        assert [shard.origin for shard in await rotation.shards(CommandLine())] == [ORIGIN, NEXT]
    assert await world.ledger.value("SELECT count(*) FROM evidence") == 1
    assert (first.origin, first.successor, first.frozen_at) == (ORIGIN, NEXT, None)
    document = await world.ledger.value("SELECT document FROM evidence WHERE id = $1", first.announcement)
    details = AdministrativeAct.parse(document).details
    assert (details.act, details.resource.kind, details.resource.identifier) == (ACT, "LOG_SHARD", ORIGIN)
    assert details.before == {"origin": ORIGIN, "log_vkey": world.shard().vkey}
    assert details.after == {
        "origin": ORIGIN,
        "log_vkey": world.shard().vkey,
        "successor": NEXT,
        "successor_vkey": world.shard(origin=NEXT).vkey,
    }


async def test_what_can_not_come_next_is_refused_and_leaves_nothing(world: RotatingWorld) -> None:
    async with world.rotation() as (rotation, _):
        asked = world.asked(ORIGIN, NEXT)
        with pytest.raises(RotationRefused, match="start a server"):
            await rotation.announce(asked)
        await world.begin()
        other = world.shard(origin=LATER).vkey
        same_key = vkey(NEXT, world.key(ORIGIN).public_key)
        for wrong, why in (
            (replace(asked, origin=LATER), "no shard of this log"),
            (replace(asked, vkey=other), "is that of"),
            (replace(asked, vkey=same_key), "a key of its own"),
            (replace(asked, vkey=asked.vkey[:-2]), "verifier key"),
            (replace(asked, vkey=""), "verifier key"),
            (replace(asked, request_id="with blanks"), "request id"),
            (replace(asked, successor="Log 2027"), "no name"),
            (replace(asked, successor="log.example.am/" + "9" * 400), "no name"),
            (replace(asked, successor=ORIGIN, vkey=world.shard().vkey), "used before"),
        ):
            with pytest.raises(RotationRefused, match=why):
                await rotation.announce(wrong)
        assert await world.ledger.value("SELECT count(*) FROM evidence") == 0
        assert await world.ledger.value("SELECT count(*) FROM log_shards") == 1
        await rotation.announce(asked)
        with pytest.raises(RotationRefused, match="has a successor already"):
            await rotation.announce(world.asked(ORIGIN, LATER))
        await rotation.announce(world.asked(NEXT, LATER))


async def test_a_former_origin_is_never_used_again(world: RotatingWorld) -> None:
    """Nor one that has leaves, though no settings name it."""
    async with world.session() as session:
        await world.ledger.record(1)
        await integrate_on(session, LATER)
    async with world.rotation() as (rotation, _):
        await world.begin(LATER)
        with pytest.raises(RotationRefused, match="used before"):
            await rotation.announce(world.asked(ORIGIN, LATER))


async def test_the_release_before_can_not_append_to_a_frozen_shard(world: RotatingWorld) -> None:
    await world.begin()
    await world.announce()
    async with world.session() as session:
        await integrate_on(session, ORIGIN)
    for change in (
        "UPDATE log_heads SET integrated_size = 2 WHERE origin = $1",
        "UPDATE log_heads SET frozen_at = NULL WHERE origin = $1",
        "UPDATE log_heads SET successor = NULL, announcement = NULL, frozen_at = NULL WHERE origin = $1",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.ledger.rows(change, ORIGIN)


async def test_an_announcement_that_the_release_before_took_along_ends_the_shard_a_little_behind_it(
    world: RotatingWorld,
) -> None:
    await world.begin()
    await world.announce()
    await world.ledger.record(2)
    async with world.session() as session:
        async with session.integration() as transaction:
            head, entries = await transaction.head(ORIGIN), await transaction.take(100)
            extension = extend({}, 0, [leaf_hash(each.entry) for each in entries])
            await transaction.append(head, entries, extension, WallClock().now())
            await transaction.commit()
        more = await world.ledger.record(2)
        ended = await integrate_on(session, ORIGIN)
        assert ended is not None
        assert (ended.entries, ended.head.frozen, ended.head.integrated_size) == (0, True, 3)
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        receipts = await service.log.receipts(more, wait_seconds=PATIENCE_SECONDS)
    assert {receipt.origin for receipt in receipts.values()} == {NEXT}


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
    async with world.replica(world.shard(), wrong, pace=pace) as service:
        await eventually(lambda: service.status.leading)
        await world.announce()
        await world.ledger.record(3)
        await eventually(lambda: published(world, 1))
        await eventually(
            lambda: {each.kind for each in service.status.troubles} == {Trouble.SHARD_KEY_DIFFERS}
        )
        assert await world.ledger.value("SELECT count(*) FROM log_queue") == 3
        async with world.replica(*world.shards(ORIGIN, NEXT), pace=pace):
            await eventually(lambda: published(world, 4))
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
            await eventually(lambda: published(world, 10))
    await world.check_line(ORIGIN, NEXT)
