"""The running log on a real database, witnessed over HTTP by ours and by one written from the standard."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, made, state_in
from namak.witness.serving import WitnessServer
from namak.witness.witness import Witness
from server.domain.refusals import EvidenceCorrupt
from server.gateways.witnesses import HttpWitnesses
from server.storage.log import log_storage
from server.storage.log_witnessed import PostgresWitnessedTrees
from server.transparency.ports import WitnessedTree
from server.transparency.service import TransparencyService
from server.transparency.shard import Shard
from server.transparency.witness_link import WitnessTerms
from tests.fakes.witnessed_trees import MemoryWitnessedTrees
from tests.independent.strict_witness import StrictWitness
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, World, eventually


@contextlib.asynccontextmanager
async def ours(directory: Path, shard: Shard) -> AsyncIterator[tuple[str, str]]:
    """Runs `namak-witness`'s own server; yields its verifier key and address."""
    vkey = made(directory, "ours.example/w", None)
    state = state_in(directory)
    state.add_log(shard.origin, shard.verifier)
    server = WitnessServer(Witness(state, key_of(directory, state), WitnessClock()))
    async with TestServer(server.application()) as listening:
        yield vkey, str(listening.make_url("/"))
    server.close()
    state.close()


@contextlib.asynccontextmanager
async def strict(shard: Shard) -> AsyncIterator[tuple[str, str]]:
    witness = StrictWitness()
    witness.follow(shard.vkey)

    async def add_checkpoint(request: web.Request) -> web.Response:
        status, media_type, body = witness.answer(await request.read())
        return web.Response(status=status, body=body, headers={"Content-Type": media_type})

    application = web.Application()
    application.router.add_post("/under/add-checkpoint", add_checkpoint)
    async with TestServer(application) as listening:
        yield witness.vkey, str(listening.make_url("/under"))


@contextlib.asynccontextmanager
async def witnesses(world: World, directory: Path) -> AsyncIterator[tuple[WitnessTerms, TlogPolicy]]:
    """Runs both; yields how the server asks them, and the policy of whoever verifies."""
    shard = world.shard()
    async with ours(directory, shard) as (first, at_first), strict(shard) as (second, at_second):
        text = (
            f"witness a {first} {at_first}\nwitness b {second} {at_second}\ngroup both all a b\nquorum both\n"
        )
        client = HttpWitnesses(seconds=PATIENCE_SECONDS)
        policy = TlogPolicy.parse(text.encode())
        yield (
            WitnessTerms(policy, client, interval=0.02, retry_first=0.02, retry_longest=0.1),
            TlogPolicy.parse(f"log {shard.vkey}\n{text}".encode()),
        )
        await client.close()


def replica(world: World, terms: WitnessTerms | None) -> TransparencyService:
    shards, storage = [world.shard()], log_storage(world.ledger.url)
    return TransparencyService(shards, storage, clock=WallClock(), witnesses=terms)


async def test_receipts_are_witnessed_by_themselves_on_every_replica(world: World, tmp_path: Path) -> None:
    async with witnesses(world, tmp_path / "w") as (terms, policy):
        services = [replica(world, terms), replica(world, terms)]
        for service in services:
            await service.start()
        try:
            facts = {**await world.ledger.record(40), **await world.ledger.record(300)}
            for service in services:
                for fact_id, document in list(facts.items())[::37]:
                    receipt = await service.witnessed.receipt(
                        fact_id, document, wait_seconds=PATIENCE_SECONDS, reply_by=float("inf")
                    )
                    assert receipt is not None
                    assert receipt.witnessed
                    proof = TlogProof.parse(receipt.tlog_proof)
                    checked = proof.verify(hashlib.sha256(document).digest(), policy)
                    assert [each.witness for each in checked.witnesses] == [b"a", b"b"]
                    assert proof.extra == document

            async def paid() -> bool:
                return (await services[0].public.states())[0].unwitnessed == 0

            await eventually(paid)
            (state,) = await services[1].public.states()
            assert (state.size, state.witnessed_size, state.unwitnessed_since) == (340, 340, None)
            assert state.witnessed_at is not None
            assert abs((datetime.now(UTC) - state.witnessed_at).total_seconds()) < 60
        finally:
            for service in services:
                await service.stop(5.0)


async def test_debt_grows_while_nobody_witnesses_and_is_paid_by_the_next_leader(
    world: World, tmp_path: Path
) -> None:
    alone = replica(world, None)
    await alone.start()
    facts = await world.ledger.record(5)
    await alone.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
    fact_id, document = next(iter(facts.items()))
    assert not alone.witnessed.active
    # Nobody waits for what can't come.
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (
            await alone.witnessed.receipt(fact_id, document, wait_seconds=3600, reply_by=float("inf")) is None
        )
    (state,) = await alone.public.states()
    assert (state.witnessed_size, state.unwitnessed, state.witnessed_at) == (0, 5, None)
    assert state.unwitnessed_since is not None
    assert abs((datetime.now(UTC) - state.unwitnessed_since).total_seconds()) < 60
    (debt,) = await alone.public.debts()
    assert (debt.witnessed_size, debt.since) == (0, state.unwitnessed_since)
    assert state.integrated_size == 5
    await alone.stop(5.0)

    async with witnesses(world, tmp_path / "w") as (terms, policy):
        service = replica(world, terms)
        await service.start()
        receipt = await service.witnessed.receipt(
            fact_id, document, wait_seconds=PATIENCE_SECONDS, reply_by=float("inf")
        )
        (debt,) = await service.public.debts()
        assert (debt.witnessed_size, debt.since) == (5, None)
        await service.stop(5.0)
    assert receipt is not None
    assert TlogProof.parse(receipt.tlog_proof).verify(hashlib.sha256(document).digest(), policy).quorum_met


async def test_witnesses_that_hang_hold_nothing_up(world: World, tmp_path: Path) -> None:
    class Hanging:
        def __init__(self) -> None:
            self.asked = asyncio.Event()

        async def add_checkpoint(self, url: str, body: bytes) -> object:
            self.asked.set()
            return await asyncio.get_running_loop().create_future()

    async with witnesses(world, tmp_path / "w") as (terms, _):
        hanging = Hanging()
        service = replica(world, WitnessTerms(terms.policy, hanging, interval=0.02))  # type: ignore[arg-type]
        await service.start()
        for _ in range(3):
            facts = await world.ledger.record(5)
            assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 5
        async with asyncio.timeout(PATIENCE_SECONDS):
            await hanging.asked.wait()
            await service.stop(5.0)


async def test_a_document_that_is_not_the_logs_gets_no_receipt(world: World, tmp_path: Path) -> None:
    async with witnesses(world, tmp_path / "w") as (terms, _):
        service = replica(world, terms)
        await service.start()
        facts = await world.ledger.record(2)
        fact_id, document = next(iter(facts.items()))
        with capture_logs() as logs, pytest.raises(EvidenceCorrupt):
            await service.witnessed.receipt(
                fact_id, document + b" ", wait_seconds=PATIENCE_SECONDS, reply_by=float("inf")
            )
        await service.stop(5.0)
    assert [line["log_level"] for line in logs if "receipt" in line["event"]] == ["critical"]


@pytest.mark.parametrize("where", ["memory", "PostgreSQL"])
async def test_the_last_note_with_a_line_is_found_among_the_newest(
    where: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("server.storage.log_witnessed", "tests.fakes.witnessed_trees"):
        monkeypatch.setattr(f"{module}.NOTES_LOOKED_THROUGH", 3)
    storage = log_storage(database_url)
    store = MemoryWitnessedTrees() if where == "memory" else storage.witnessed
    assert isinstance(store, MemoryWitnessedTrees | PostgresWitnessedTrees)
    at = datetime.now(UTC)
    court, bar, uni = (f"\N{EM DASH} {name} AbCd1".encode() for name in ("court", "bar", "uni"))

    def note(size: int, *lines: bytes) -> bytes:
        return b"%d\n\n" % size + b"".join(line + b"zz\n" for line in lines)

    notes = [note(1, uni), note(2, court), note(3, court, bar), note(4, bar), note(9, court)]
    try:
        assert await store.last_with(ORIGIN, [court]) == {}
        for size, each in enumerate(notes[:4], start=1):
            await store.keep(WitnessedTree(ORIGIN, size, each, at))
        await store.keep(WitnessedTree("other/1", 9, notes[4], at))
        # That of uni is too old to be looked for; a part of a line, or of text, is none.
        looked = [court, bar, uni, court[:-1] + b"2", b"court"]
        assert await store.last_with(ORIGIN, looked) == {court: notes[2], bar: notes[3]}
        again = note(4, uni, court)
        await store.renew(WitnessedTree(ORIGIN, 4, again, at + timedelta(minutes=10)))
        found = await store.last_with(ORIGIN, [court, bar, uni])
        assert found == {court: again, bar: notes[3], uni: again}
        assert await store.last_with(ORIGIN, []) == {}
    finally:
        await storage.reader.close()


async def test_what_is_kept_of_witnessed_trees(database_url: str) -> None:
    storage = log_storage(database_url)
    store = storage.witnessed
    assert isinstance(store, PostgresWitnessedTrees)
    at = datetime.now(UTC)
    trees = [WitnessedTree(ORIGIN, size, b"note %d" % size, at) for size in (5, 9, 20)]
    try:
        assert await store.newest([ORIGIN, "other/1"]) == {}
        for tree in trees:
            await store.keep(tree)
        await store.keep(WitnessedTree(ORIGIN, 9, b"another note", at))
        await store.keep(WitnessedTree("other/1", 7, b"other", at))
        assert (await store.newest([ORIGIN]))[ORIGIN] == trees[2]
        assert [await store.first_over(ORIGIN, index) for index in (0, 4, 5, 8, 9, 19, 20)] == [
            *(trees[0], trees[0], trees[1], trees[1], trees[2], trees[2], None)
        ]
        assert await store.integrated_beyond(ORIGIN, 0) is None
        later = at + timedelta(minutes=10)
        assert await store.freshest([ORIGIN]) == {ORIGIN: trees[2]}
        for size, when, freshest in (
            (9, later, 20),
            (20, at, 20),
            (20, later, 20),
            (20, at, 20),
            (21, at, 21),
            (20, later, 21),
        ):
            await store.renew(WitnessedTree(ORIGIN, size, b"renewed %d" % size, when))
            found = await store.freshest([ORIGIN, "other/1", "none/1"])
            assert found[ORIGIN].size == freshest
            assert found["other/1"].note == b"other"
            assert set(found) == {ORIGIN, "other/1"}
        assert (await store.freshest([ORIGIN]))[ORIGIN] == WitnessedTree(ORIGIN, 21, b"renewed 21", at)
        # The first ones stay what they were.
        assert (await store.newest([ORIGIN]))[ORIGIN] == trees[2]
    finally:
        await storage.reader.close()
