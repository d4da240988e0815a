"""Witnesses see a shard that ended to its end, whoever leads by then, with its announcement."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from namak.evidence.note import Verifier
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from server.domain.administration import CommandLine
from server.gateways.witnesses import HttpWitnesses
from server.storage.log import log_storage
from server.transparency.service import TransparencyService
from server.transparency.settings import Pace
from server.transparency.shard import Shard
from server.transparency.troubles import Trouble
from server.transparency.witness_link import WitnessTerms
from server.usecases.giving_up import GiveUpShard
from tests.independent.strict_witness import StrictWitness
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, eventually
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import NEXT, RotatingWorld, integrate_on

QUICK = Pace(follow_interval=0.05, receipt_poll=0.1, retry_longest=0.2)


class Court:
    """A witness that may be away."""

    def __init__(self, world: RotatingWorld) -> None:
        self.away = False
        self.witness = StrictWitness()
        for shard in world.shards(ORIGIN, NEXT):
            self.witness.follow(shard.vkey)

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        if self.away:
            raise web.HTTPServiceUnavailable
        status, media_type, body = self.witness.answer(await request.read())
        return web.Response(status=status, body=body, headers={"Content-Type": media_type})


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> RotatingWorld:
    return RotatingWorld(Ledger(database_url), tmp_path)


@contextlib.asynccontextmanager
async def asked(court: Court) -> AsyncIterator[WitnessTerms]:
    application = web.Application()
    application.router.add_post("/add-checkpoint", court.add_checkpoint)
    client = HttpWitnesses(seconds=PATIENCE_SECONDS)
    async with TestServer(application) as listening:
        text = f"witness court {court.witness.vkey} {listening.make_url('/')}\nquorum court\n"
        terms = WitnessTerms(TlogPolicy.parse(text.encode()), client, interval=0.02, retry_first=0.02)
        yield terms
    await client.close()


@contextlib.asynccontextmanager
async def replica(
    world: RotatingWorld,
    shards: Sequence[Shard],
    terms: WitnessTerms,
    former: Sequence[Verifier] = (),
) -> AsyncIterator[TransparencyService]:
    storage = log_storage(world.ledger.url, pace=QUICK)
    service = TransparencyService(
        *(shards, storage),
        clock=WallClock(),
        former=former,
        pace=QUICK,
        witnesses=terms,
    )
    await service.start()
    try:
        yield service
    finally:
        await service.stop(5.0)


async def is_paid(service: TransparencyService, shards: int) -> bool:
    debts = await service.public.debts()
    return len(debts) == shards and all(debt.since is None for debt in debts)


@pytest.mark.parametrize("forgets", [False, True], ids=["former", "forgotten"])
async def test_the_last_tree_of_a_shard_is_witnessed_though_its_key_is_gone_by_then(
    world: RotatingWorld, forgets: bool
) -> None:
    court = Court(world)
    async with asked(court) as terms:
        async with replica(world, world.shards(ORIGIN, NEXT), terms) as service:
            await world.ledger.record(3)
            await eventually(lambda: witnessed_up_to(world, ORIGIN, 3))
            await eventually(lambda: is_paid(service, 1))
            court.away = True
            announced = await world.announce()
            after = await world.ledger.record(4)
            # The log does not wait for witnesses to go on.
            assert len(await service.log.receipts(after, wait_seconds=PATIENCE_SECONDS)) == 4
            await eventually(lambda: owes(service, ORIGIN))
        # The settings go on to the new shard; of the old one they have only the verifier key, or nothing.
        former = [] if forgets else [world.verifier(ORIGIN)]
        async with replica(world, world.shards(NEXT), terms, former) as service:
            await eventually(lambda: owes(service, ORIGIN))
            court.away = False
            await eventually(lambda: is_paid(service, 2))
            policy = TlogPolicy.parse(
                "".join(f"log {shard.vkey}\n" for shard in world.shards(ORIGIN, NEXT)).encode()
                + f"witness court {court.witness.vkey}\nquorum court\n".encode()
            )
            for each in (announced.announcement, *after):
                await check(service, policy, each, world.ledger.recorded[each])
            current, old = await service.public.states()
            assert (current.witnessed_size, old.witnessed_size, old.size) == (5, 4, 4)
    await world.check_line(ORIGIN, NEXT)


async def witnessed_up_to(world: RotatingWorld, origin: str, size: int) -> bool:
    statement = "SELECT max(size) FROM log_witnessed WHERE origin = $1"
    return bool(await world.ledger.value(statement, origin) == size)


async def owes(service: TransparencyService, origin: str) -> bool:
    return any(debt.shard == origin and debt.since is not None for debt in await service.public.debts())


async def check(service: TransparencyService, policy: TlogPolicy, evidence_id: UUID, document: bytes) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        receipt = await service.witnessed.receipt(
            evidence_id, document, wait_seconds=PATIENCE_SECONDS, reply_by=float("inf")
        )
    assert receipt is not None
    checked = TlogProof.parse(receipt.tlog_proof).verify(hashlib.sha256(document).digest(), policy)
    assert [each.witness for each in checked.witnesses] == [b"court"]


async def test_a_lost_key_keeps_neither_the_log_nor_submissions_waiting_once_it_is_given_up(
    world: RotatingWorld,
) -> None:
    """Its published leaves must be witnessed all the same; those that it never signed get new receipts."""
    court = Court(world)
    async with asked(court) as terms:
        async with replica(world, world.shards(ORIGIN, NEXT), terms) as service:
            await world.ledger.record(3)
            await eventually(lambda: witnessed_up_to(world, ORIGIN, 3))
            court.away = True
            await world.ledger.record(2)
            await eventually(lambda: published_up_to(world, ORIGIN, 5))
        # Integrated and never signed: two facts, and the announcement.
        lost = await world.ledger.record(2)
        await world.announce()
        async with world.session() as session:
            await integrate_on(session, ORIGIN)
        former = [world.verifier(ORIGIN)]
        async with replica(world, world.shards(NEXT), terms, former) as service:
            await eventually(lambda: unsigned(service))
            court.away = False
            await eventually(lambda: witnessed_up_to(world, ORIGIN, 5))
            await eventually(lambda: witnessed_up_to(world, NEXT, 1))
            assert await owes(service, ORIGIN)
        court.away = True
        async with world.lost_keys() as keys:
            assert await keys.give_up(GiveUpShard(CommandLine(), ORIGIN)) is not None
        async with replica(world, world.shards(NEXT), terms, former) as service:
            assert len(await service.log.receipts(lost, wait_seconds=PATIENCE_SECONDS)) == 2
            assert not unsigned(service)
            assert await owes(service, NEXT)
            court.away = False
            await eventually(lambda: is_paid(service, 2))
            _, old = await service.public.states()
            assert (old.size, old.witnessed_size, old.pending) == (5, 5, 0)


async def published_up_to(world: RotatingWorld, origin: str, size: int) -> bool:
    statement = "SELECT published_size FROM log_heads WHERE origin = $1"
    return bool(await world.ledger.value(statement, origin) == size)


def unsigned(service: TransparencyService) -> bool:
    return Trouble.SHARD_UNKNOWN in {each.kind for each in service.status.troubles}
