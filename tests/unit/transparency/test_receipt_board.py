"""Waiting for receipts at the board: one look serves all, and nobody waits beyond the reply's time."""

import asyncio
import hashlib
import math
from collections.abc import Collection, Mapping
from uuid import UUID, uuid4

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import note_from, signature_line
from namak.evidence.tree import leaf_hash
from server.domain.refusals import EvidenceCorrupt, ServiceUnavailable
from server.transparency.news import News
from server.transparency.ports import Leaf
from server.transparency.proofs import Contradicted, Outcome, Proven
from server.transparency.receipt_board import ReceiptBoard
from server.usecases.records import PublishedCheckpoint

ORIGIN = "log.example.am/2026"
PATIENCE = 60.0


class Looks:
    """A `ProofFinder` by script: what is published, whether it answers, and what it was asked."""

    def __init__(self) -> None:
        self.published: dict[UUID, Outcome] = {}
        self.asked: list[set[UUID]] = []
        self.away = False
        self.mistake: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = News()

    async def find(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Outcome]:
        self.asked.append(set(evidence_ids))
        self.begun.arrive()
        await self.gate.wait()
        if self.mistake is not None:
            raise self.mistake
        if self.away:
            raise ServiceUnavailable("database")
        return {each: self.published[each] for each in evidence_ids if each in self.published}

    def publish(self, evidence_id: UUID, document: bytes) -> None:
        entry = hashlib.sha256(document).digest()
        text = Checkpoint(ORIGIN, 1, leaf_hash(entry)).text()
        note = note_from(text, [signature_line(ORIGIN, bytes(4), bytes(64))])
        checkpoint = PublishedCheckpoint(ORIGIN, 1, leaf_hash(entry), note)
        self.published[evidence_id] = Proven(Leaf(evidence_id, ORIGIN, 0, entry), (), checkpoint)


class Scene:
    def __init__(self, poll: float = 3600.0) -> None:
        self.looks = Looks()
        self.news = News()
        self.board = ReceiptBoard(self.looks, self.news, poll=poll)  # type: ignore[arg-type]  # as much as it needs

    async def ask(
        self, *ids: UUID, wait: float = PATIENCE, reply_by: float = math.inf, since: int | None = None
    ) -> set[UUID]:
        evidence = {each: each.bytes for each in ids}
        found = await self.board.receipts(evidence, wait_seconds=wait, reply_by=reply_by, since=since)
        return set(found)

    async def looked(self, times: int) -> None:
        while len(self.looks.asked) < times:
            assert await self.looks.begun.beyond(len(self.looks.asked), PATIENCE)


@pytest.fixture
async def scene() -> Scene:
    return Scene()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_all_who_wait_share_a_look_after_each_publication(scene: Scene) -> None:
    ids = [uuid4() for _ in range(20)]
    waiting = [asyncio.create_task(scene.ask(each)) for each in ids]
    await scene.looked(1)
    for each in ids:
        scene.looks.publish(each, each.bytes)
    scene.news.arrive()
    assert await asyncio.gather(*waiting) == [{each} for each in ids]
    assert scene.looks.asked == [set(ids), set(ids)]


async def test_what_was_committed_after_the_last_publication_is_not_looked_for_before_the_next(
    scene: Scene,
) -> None:
    one = uuid4()
    scene.looks.publish(one, one.bytes)
    waiting = asyncio.create_task(scene.ask(one, since=scene.news.count))
    for _ in range(100):
        await asyncio.sleep(0)
    assert scene.looks.asked == []
    scene.news.arrive()
    assert await waiting == {one}
    assert scene.looks.asked == [{one}]


async def test_a_publication_between_commit_and_question_is_not_missed(scene: Scene) -> None:
    one = uuid4()
    mark = scene.news.count
    scene.looks.publish(one, one.bytes)
    scene.news.arrive()
    assert await scene.ask(one, since=mark) == {one}


async def test_who_waits_looks_from_time_to_time_when_no_news_come() -> None:
    scene, one = Scene(poll=0.01), uuid4()
    waiting = asyncio.create_task(scene.ask(one, since=scene.news.count))
    await scene.looked(2)
    scene.looks.publish(one, one.bytes)
    assert await waiting == {one}


async def test_who_waits_for_nothing_still_gets_what_there_is(scene: Scene) -> None:
    one, absent = uuid4(), uuid4()
    scene.looks.publish(one, one.bytes)
    assert await scene.ask(one, absent, wait=0) == {one}
    assert await scene.ask(absent, wait=0) == set()


async def test_a_look_that_never_ends_holds_nobody_beyond_the_time_of_its_reply(scene: Scene) -> None:
    scene.looks.gate.clear()
    with pytest.raises(ServiceUnavailable):
        await scene.ask(uuid4(), reply_by=now() + 0.01)
    # One who has seen a look go by gets what there is.
    scene.looks.gate.set()
    one, absent = uuid4(), uuid4()
    scene.looks.publish(one, one.bytes)
    before = len(scene.looks.asked)
    waiting = asyncio.create_task(scene.ask(one, absent, wait=0.05))
    await scene.looked(before + 1)
    scene.looks.gate.clear()
    scene.news.arrive()
    assert await waiting == {one}


async def test_a_database_that_does_not_answer_is_told_only_when_time_runs_out(scene: Scene) -> None:
    scene.looks.away = True
    with pytest.raises(ServiceUnavailable):
        await scene.ask(uuid4(), wait=0)
    one = uuid4()
    before = len(scene.looks.asked)
    waiting = asyncio.create_task(scene.ask(one))
    await scene.looked(before + 1)
    scene.looks.away = False
    scene.looks.publish(one, one.bytes)
    scene.news.arrive()
    assert await waiting == {one}


async def test_a_contradicted_leaf_fails_its_own_asker_only(scene: Scene) -> None:
    good, bad, other = uuid4(), uuid4(), uuid4()
    scene.looks.publish(good, good.bytes)
    scene.looks.publish(bad, b"another document")
    scene.looks.publish(other, other.bytes)
    proven = scene.looks.published[other]
    scene.looks.published[other] = Contradicted(proven.leaf, "InvalidProof")
    found = await asyncio.gather(*(scene.ask(each) for each in (good, bad, other)), return_exceptions=True)
    assert found[0] == {good}
    assert isinstance(found[1], EvidenceCorrupt)
    assert isinstance(found[2], EvidenceCorrupt)


async def test_cancelling_one_leaves_the_others_and_an_empty_board_rests(scene: Scene) -> None:
    one, other = uuid4(), uuid4()
    leaving, staying = asyncio.create_task(scene.ask(one)), asyncio.create_task(scene.ask(other))
    await scene.looked(1)
    leaving.cancel()
    await asyncio.wait([leaving])
    scene.looks.publish(other, other.bytes)
    scene.news.arrive()
    assert await staying == {other}
    assert scene.looks.asked[-1] == {other}
    scene.news.arrive()
    for _ in range(10):
        await asyncio.sleep(0)
    looked = len(scene.looks.asked)
    scene.news.arrive()
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(scene.looks.asked) == looked


async def test_a_mistake_of_ours_leaves_nobody_waiting(scene: Scene) -> None:
    scene.looks.mistake = KeyError("a mistake")
    with pytest.raises(KeyError):
        await scene.ask(uuid4())
