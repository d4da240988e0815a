"""Those who follow the log: every fact that concerns them, once each, in its order, on any replica."""

import asyncio
import contextlib
import hashlib
import ipaddress
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from namak.evidence import events
from namak.evidence.events import Audience
from namak.evidence.tiles import root_from_tiles, tiles_of
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash, root_of, verify_consistency
from server.domain.caller import Connection, Holder, Sender
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.refusals import InvalidCursor
from server.storage.fact_reader import PostgresFactReader
from server.transparency.service import TransparencyService
from server.usecases.evidence_debt import OutageGate
from server.usecases.following import Follow, Following, PublishedFact
from server.usecases.log_ports import LogCursor
from server.usecases.log_queries import AskConsistency, AskTile, LogQueries
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, World, eventually
from tests.integration.transparency.correspondence import NOW, Correspondence, Written

SRC, CADASTRE = uuid4(), uuid4()
NOTICES, INFO = uuid4(), uuid4()
START = LogCursor(ORIGIN, 0)
CONNECTION = Connection(bytes(32), ipaddress.ip_address("127.0.0.1"))
SENDERS = {Audience.SENDER, Audience.BOTH}


def sender(organisation_id: UUID = SRC, address: UUID | None = None) -> Sender:
    return Sender(CONNECTION, organisation_id, address, ())


@dataclass
class Post:
    """The mailboxes, and those who follow."""

    world: World
    letters: Correspondence
    ani: UUID
    bob: UUID
    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)

    def __post_init__(self) -> None:
        for number, mailbox_id in (("5001950015", self.ani), ("5001950016", self.bob)):
            mailbox = Mailbox(
                mailbox_id, f"{number}@e-citizen.am", HolderKind.PERSON, number, MailboxState.OPEN, NOW
            )
            self.uow.committed.mailboxes[mailbox_id] = mailbox

    @contextlib.asynccontextmanager
    async def following(self, service: TransparencyService, idle: float = 0.1) -> AsyncIterator[Following]:
        facts = PostgresFactReader(self.world.ledger.url, connections=2)
        try:
            yield Following(
                uow=self.uow,
                clock=WallClock(),
                log=service.log,
                facts=facts,
                subscriptions=service.tail,
                idle_seconds=idle,
            )
        finally:
            await facts.close()

    def about(self, wanted: Callable[[Written], bool]) -> set[UUID]:
        return {each.evidence_id for each in self.letters.written if wanted(each)}


@pytest.fixture
async def post(world: World) -> Post:
    letters = Correspondence(world.ledger)
    return Post(world, letters, await letters.mailbox("5001950015"), await letters.mailbox("5001950016"))


async def take(
    following: Following,
    caller: Sender | Holder,
    cursor: LogCursor | None,
    count: int,
    *,
    receipts: bool = False,
    started: asyncio.Event | None = None,
) -> tuple[list[PublishedFact], LogCursor]:
    """Follows until that many facts came, and breaks off there; returns them and the last cursor."""
    facts: list[PublishedFact] = []
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        aclosing(following.follow(Follow(caller, cursor, receipts))) as replies,
    ):
        async for reply in replies:
            if started is not None:
                started.set()
            assert all(fact.leaf_index < reply.cursor.index for fact in reply.facts)
            facts += reply.facts
            if len(facts) >= count:
                return facts, reply.cursor
    raise AssertionError("a stream of facts has no end")


def ids(facts: Sequence[PublishedFact]) -> list[UUID]:
    return [each.fact.id for each in facts]


async def assert_as_in_the_log(post: Post, facts: Sequence[PublishedFact]) -> None:
    """Asserts that the facts stand where they say, in order and none twice."""
    rows = await post.world.ledger.rows("SELECT leaf_index, evidence_id FROM log_entries")
    places = {UUID(int=row["evidence_id"].int): row["leaf_index"] for row in rows}
    assert [each.leaf_index for each in facts] == [places[each.fact.id] for each in facts]
    assert [each.leaf_index for each in facts] == sorted({each.leaf_index for each in facts})


async def test_a_sender_gets_every_fact_of_its_own_in_the_order_of_the_log(post: Post) -> None:
    async with post.world.replica() as service, post.following(service) as following:
        started = asyncio.Event()
        # 12 letters: 24 facts from the beginning, on the way and at the end.
        for _ in range(4):
            await post.letters.send(post.ani, SRC)
            await post.letters.send(post.bob, CADASTRE)
        reading = asyncio.create_task(take(following, sender(), START, 24, started=started))
        await started.wait()
        await asyncio.gather(
            *(post.letters.send(post.ani, SRC) for _ in range(8)),
            *(post.letters.send(post.ani, CADASTRE) for _ in range(8)),
        )
        facts, _ = await reading
    assert set(ids(facts)) == post.about(lambda each: each.organisation_id == SRC)
    await assert_as_in_the_log(post, facts)
    assert {each.fact.data for each in facts} == {
        each.document for each in post.letters.written if each.organisation_id == SRC
    }


async def test_each_sees_what_is_for_its_audience_and_nothing_of_others(post: Post) -> None:
    shown = (
        events.CONTENT_ACCESS_TRACKING,
        events.by_name["ConsignmentNotification"],
        events.READING_CONFIRMED,
    )
    for mailbox, organisation, address in (
        (post.ani, SRC, NOTICES),
        (post.bob, SRC, INFO),
        (post.ani, CADASTRE, None),
    ):
        letter = await post.letters.send(mailbox, organisation, address)
        await post.letters.add(letter, *shown)
    written = post.letters.written
    async with post.world.replica() as service, post.following(service) as following:
        cases: list[tuple[Sender | Holder, set[UUID]]] = [
            (
                sender(),
                post.about(lambda each: each.organisation_id == SRC and each.event.audience in SENDERS),
            ),
            (
                sender(SRC, NOTICES),
                post.about(lambda each: each.sender_address_id == NOTICES and each.event.audience in SENDERS),
            ),
            (
                Holder(CONNECTION, "5001950015"),
                post.about(
                    lambda each: each.mailbox_id == post.ani and each.event.audience is not Audience.SENDER
                ),
            ),
        ]
        for caller, expected in cases:
            facts, cursor = await take(following, caller, START, len(expected))
            assert set(ids(facts)) == expected
            await assert_as_in_the_log(post, facts)
            # To the end of the log there is nothing more.
            async with aclosing(following.follow(Follow(caller, cursor, False))) as replies:
                async for reply in replies:
                    assert not reply.facts
                    if reply.cursor.index == len(written):
                        break


async def test_a_stream_goes_on_at_the_other_replica_where_it_broke_off(post: Post) -> None:
    async with (
        post.world.replica() as one,
        post.world.replica() as other,
        post.following(one) as first,
        post.following(other) as second,
    ):
        facts: list[PublishedFact] = []
        cursor = START
        for number in range(6):
            for _ in range(3):
                await post.letters.send(post.ani, SRC)
                await post.letters.send(post.bob, CADASTRE)
            # Two of the six that came; the others are the next one's.
            some, cursor = await take((first, second)[number % 2], sender(), cursor, 2)
            facts += some
        rest = 36 - len(facts)
        facts += (await take(first, sender(), cursor, rest))[0] if rest else []
    assert ids(facts) == list(dict.fromkeys(ids(facts)))
    assert set(ids(facts)) == post.about(lambda each: each.organisation_id == SRC)


async def test_what_is_committed_late_is_not_lost(post: Post) -> None:
    async with post.world.replica() as service, post.following(service) as following:
        connection = await post.world.ledger.connect()
        late = connection.transaction()
        await late.start()
        # Its place in the queue, a serial number, is before that of the next letter.
        await post.letters.send(post.ani, SRC, connection=connection)
        await post.letters.send(post.ani, SRC)
        early, cursor = await take(following, sender(), START, 2)

        await late.commit()
        await connection.close()

        facts, _ = await take(following, sender(), cursor, 2)
    assert set(ids(early) + ids(facts)) == post.about(lambda _: True)
    assert min(each.leaf_index for each in facts) > max(each.leaf_index for each in early)


async def test_a_stream_survives_the_end_of_the_leader_on_another_replica(post: Post) -> None:
    async with contextlib.AsyncExitStack() as stack:
        leader = await stack.enter_async_context(post.world.replica())
        await eventually(lambda: leader.status.leading)
        async with post.world.replica() as other, post.following(other) as following:
            started = asyncio.Event()
            reading = asyncio.create_task(take(following, sender(), None, 20, started=started))
            await started.wait()
            for _ in range(5):
                await post.letters.send(post.ani, SRC)
            await eventually(lambda: leader.status.leading)
            await post.world.ledger.terminate("namak log leader")
            for _ in range(5):
                await post.letters.send(post.ani, SRC)
            await leader.stop(1.0)
            facts, _ = await reading
            assert set(ids(facts)) == post.about(lambda _: True)
            await assert_as_in_the_log(post, facts)


async def test_what_the_release_before_integrated_is_found_too(post: Post) -> None:
    for as_before in (True, False, True):
        await post.letters.send(post.ani, SRC, as_before=as_before)
        await post.letters.send(post.ani, CADASTRE, as_before=as_before)
    async with post.world.replica() as service, post.following(service) as following:
        facts, _ = await take(following, sender(), START, 6)
    rows = await post.world.ledger.rows("SELECT organisation_id FROM log_entries ORDER BY leaf_index")
    assert [row[0] is None for row in rows] == [True] * 4 + [False] * 4 + [True] * 4
    assert set(ids(facts)) == post.about(lambda each: each.organisation_id == SRC)
    await assert_as_in_the_log(post, facts)


async def test_facts_come_with_receipts_that_verify(post: Post) -> None:
    for _ in range(5):
        await post.letters.send(post.ani, SRC)
    async with post.world.replica() as service, post.following(service) as following:
        facts, _ = await take(following, sender(), START, 10, receipts=True)
    receipts = {each.fact.id: each.receipt for each in facts if each.receipt is not None}
    assert len(receipts) == 10
    post.world.verify(receipts)
    assert all(receipts[each.fact.id].leaf_index == each.leaf_index for each in facts)


async def test_without_a_cursor_only_what_is_published_from_now_on_comes(post: Post) -> None:
    await post.letters.send(post.ani, SRC)
    async with post.world.replica() as service, post.following(service) as following:
        await take(following, sender(), START, 2)
        started = asyncio.Event()
        reading = asyncio.create_task(take(following, sender(), None, 2, started=started))
        await started.wait()
        later = await post.letters.send(post.ani, SRC)
        facts, _ = await reading
    assert {each.fact.delivery_id for each in facts} == {later.id}


async def test_the_cursor_of_an_idle_follower_moves_over_foreign_leaves(post: Post) -> None:
    async with post.world.replica() as service, post.following(service, idle=0.02) as following:
        await eventually(lambda: service.status.leading)
        async with aclosing(following.follow(Follow(sender(CADASTRE), None, False))) as replies:
            assert (await anext(replies)).cursor == START
            await post.letters.send(post.ani, SRC)
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for reply in replies:
                    assert not reply.facts
                    if reply.cursor == LogCursor(ORIGIN, 2):
                        break


@pytest.mark.parametrize(
    "cursor",
    [
        LogCursor(ORIGIN, 3),
        LogCursor(ORIGIN, 2**63 - 1),
        LogCursor("log.example.am/2025", 0),
        LogCursor("\N{SNOWMAN}", 0),
    ],
    ids=["the next leaf", "a far future", "another shard", "garbage"],
)
async def test_a_cursor_of_no_place_in_the_log_is_refused(post: Post, cursor: LogCursor) -> None:
    await post.letters.send(post.ani, SRC)
    async with post.world.replica() as service, post.following(service) as following:
        _, end = await take(following, sender(), START, 2)
        assert end == LogCursor(ORIGIN, 2)
        async with aclosing(following.follow(Follow(sender(), end, False))) as replies:
            assert (await anext(replies)).cursor == end
        with pytest.raises(InvalidCursor):
            await anext(following.follow(Follow(sender(), cursor, False)))


async def test_three_hundred_follow_and_only_those_concerned_look(post: Post) -> None:
    async with post.world.replica() as service, post.following(service, idle=60.0) as following:
        begun = asyncio.Semaphore(0)

        async def one(caller: Sender) -> list[UUID]:
            facts: list[PublishedFact] = []
            async with aclosing(following.follow(Follow(caller, None, False))) as replies:
                async for reply in replies:
                    begun.release()
                    facts += reply.facts
                    if len(facts) >= 4:
                        break
            return ids(facts)

        idle = [asyncio.create_task(one(sender(uuid4()))) for _ in range(250)]
        concerned = [asyncio.create_task(one(sender())) for _ in range(50)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(300):
                await begun.acquire()
            await post.letters.send(post.ani, SRC)
            await post.letters.send(post.bob, SRC)
            outcomes = await asyncio.gather(*concerned)
        assert {tuple(sorted(each)) for each in outcomes} == {tuple(sorted(post.about(lambda _: True)))}
        assert service.tail.followers == 250
        for task in idle:
            assert not task.done()
            task.cancel()
        await asyncio.gather(*idle, return_exceptions=True)
        assert service.tail.followers == 0


async def test_an_auditor_who_fetches_all_tiles_finds_every_receipt_in_them(post: Post) -> None:
    for _ in range(140):
        await post.letters.send(post.ani, SRC)
    async with post.world.replica() as service, post.following(service) as following:
        facts, cursor = await take(following, sender(), START, 280, receipts=True)
        queries = LogQueries(
            service.public, OutageGate(FakeUnitOfWork()), service.stamping, clock=WallClock()
        )
        (state,) = (await queries.status()).shards
        assert (state.size, state.pending, state.healthy) == (cursor.index, 0, True)
        tiles = {
            tile: (await queries.tile(AskTile("", tile.level, tile.index, width))).data
            for tile, width in tiles_of(state.size)
        }
        entries = b"".join(
            [
                (await queries.tile(AskTile("", None, tile.index, width))).data
                for tile, width in tiles_of(state.size)
                if tile.level == 0
            ]
        )
        proof = await queries.consistency(AskConsistency("", 100, 0))
    leaves = [leaf_hash(entries[start + 2 : start + 34]) for start in range(0, len(entries), 34)]
    assert root_from_tiles(tiles, state.size) == root_of(leaves) == state.root
    verify_consistency(100, root_of(leaves[:100]), state.size, state.root, proof.hashes)
    for fact in facts:
        assert fact.receipt is not None
        receipt = TlogProof.parse(fact.receipt.tlog_proof)
        assert receipt.extra is not None
        assert leaves[receipt.index] == leaf_hash(hashlib.sha256(receipt.extra).digest())
