"""The log goes over to another shard: nothing waits, and every fact stands in one of them, once."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.note import vkey
from namak.evidence.succession import ACT, Opening
from namak.evidence.tiles import extend
from namak.evidence.tree import leaf_hash
from server.domain.administration import CommandLine
from server.domain.refusals import RequestIdReused
from server.transparency.integrator import integrate
from server.usecases.rotation import RotationRefused
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
        await eventually(lambda: published(world, 9))
    async with world.replica(*world.shards(NEXT, LATER), former=[world.verifier(ORIGIN)]) as service:
        await world.announce(NEXT, LATER)
        await world.ledger.record(2)
        await eventually(lambda: published(world, 13))
    await world.check_line(ORIGIN, NEXT, LATER)


async def test_a_shard_may_end_without_any_other_leaf(world: RotatingWorld) -> None:
    await world.begin()
    await world.announce()
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 2))
    await world.check_line(ORIGIN, NEXT)


async def test_a_shard_that_the_release_before_announced_begins_with_its_first_fact(
    world: RotatingWorld,
) -> None:
    """It has no opening, neither recorded nor waiting, and nothing is wrong with it."""
    await world.begin()
    announced = await world.announce()
    for table in ("log_shards", "administrative_acts", "evidence"):
        await world.ledger.rows(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await world.ledger.rows("UPDATE log_shards SET opening = NULL")
    assert announced.opening is not None
    for statement in (
        "DELETE FROM log_queue WHERE evidence_id = $1",
        "DELETE FROM administrative_acts WHERE evidence_id = $1",
        "DELETE FROM evidence WHERE id = $1",
    ):
        await world.ledger.rows(statement, announced.opening)
    del world.ledger.recorded[announced.opening]
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 1))
        await world.ledger.record(2)
        await eventually(lambda: published(world, 3))
    await world.check_line(ORIGIN, NEXT, opened=[])


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
        await world.note(announced)
        rest = await integrate_on(session, ORIGIN)
        assert rest is not None
        assert rest.head.origin == NEXT
        assert done.entries + rest.entries == 9
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 9))
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
        assert (done.entries, done.head.origin) == (4, NEXT)
    async with world.replica(*world.shards(ORIGIN, NEXT)):
        await eventually(lambda: published(world, 5))
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
        await eventually(lambda: published(world, 42))
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
    assert await world.ledger.value("SELECT count(*) FROM evidence") == 2
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
    opened = await world.ledger.value("SELECT document FROM evidence WHERE id = $1", first.opening)
    assert Opening.of(AdministrativeAct.parse(opened)) == Opening(
        origin=NEXT,
        vkey=world.shard(origin=NEXT).vkey,
        predecessor=ORIGIN,
        predecessor_vkey=world.shard().vkey,
        announcement=hashlib.sha256(document).hexdigest(),
    )


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
        assert (ended.entries, ended.head.frozen, ended.head.integrated_size) == (0, True, 4)
    async with world.replica(*world.shards(ORIGIN, NEXT)) as service:
        receipts = await service.log.receipts(more, wait_seconds=PATIENCE_SECONDS)
    assert {receipt.origin for receipt in receipts.values()} == {NEXT}
