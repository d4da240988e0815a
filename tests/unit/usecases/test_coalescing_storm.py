"""Calls, cancellations and failures in random order: each request has one outcome."""

import asyncio
import random
from collections import Counter

import pytest
from structlog.testing import capture_logs

from namak.evidence.mailbox_link import GENESIS, link
from server.domain.deliveries import Submission
from server.domain.refusals import (
    Overloaded,
    ServiceUnavailable,
)
from server.usecases.intake import Accepted, Outcome
from server.usecases.ports import Contended
from server.usecases.waiting_line import LineLimits
from tests.fakes.state import State
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.coalescing import (
    RECIPIENTS,
    coalescer_of,
    turns,
)
from tests.unit.usecases.world import World, letter


class Storm:
    """Many callers with a few request ids, who cancel; transactions that meet locks, fail and get lost."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World()
        self.world.uow.side_by_side = False
        self.coalescer = coalescer_of(self.world, limits=LineLimits(items=60, group_items=6), refusals=5)
        self.world.uow.before_transaction = self.begin  # type: ignore[method-assign]
        self.world.uow.before_commit = self.commit  # type: ignore[method-assign]
        self.told: dict[tuple[str, str], set[object]] = {}
        self.counts = Counter[str]()

    async def begin(self, hurried: bool) -> None:
        await turns(self.chance.randrange(3))
        if hurried and self.chance.random() < 0.15:
            raise Contended

    async def commit(self, state: State) -> None:
        await turns(self.chance.randrange(4))
        if any(delivery.subject == "poison" for delivery in state.deliveries.values()):
            raise RuntimeError("a constraint refused it")
        if self.chance.random() < 0.1:
            self.world.uow.next_commit = self.chance.choice([LostCommit.APPLIED, LostCommit.DROPPED])

    def letters(self) -> list[Submission]:
        names = self.chance.sample(range(30), self.chance.choice([1, 1, 1, 2, 5]))
        return [
            letter(
                str(name),
                recipient=RECIPIENTS[name % 4],
                subject="poison" if name == 8 else self.chance.choice(["a", "a", "a", "b"]),
            )
            for name in names
        ]

    async def caller(self) -> None:
        await turns(self.chance.randrange(30))
        letters = self.letters()
        call = asyncio.create_task(self.coalescer.submit(self.world.agency, letters))
        if self.chance.random() < 0.3:
            await turns(self.chance.randrange(25))
            call.cancel()
        try:
            outcomes = await call
        except (asyncio.CancelledError, Overloaded, ServiceUnavailable, RuntimeError) as end:
            self.counts[type(end).__name__] += 1
            return
        for each, outcome in zip(letters, outcomes, strict=True):
            self.note(each, outcome)

    def note(self, asked: Submission, outcome: Outcome) -> None:
        """Notes what is final; the same content under the same id must always be told the same."""
        self.counts[type(outcome).__name__] += 1
        said: object = None
        if isinstance(outcome, Accepted):
            assert outcome.delivery.subject == asked.subject
            said = (outcome.delivery.id, tuple(fact.data for fact in outcome.evidence))
        elif outcome.evidence_id is not None:
            said = (outcome.reason, outcome.evidence_id)
        if said is not None:
            self.told.setdefault((asked.request_id, asked.subject), set()).add(said)


@pytest.mark.parametrize("seed", range(150))
async def test_in_whatever_order_things_happen_each_request_has_one_outcome(seed: int) -> None:
    storm = Storm(seed)
    world = storm.world
    with capture_logs():
        await asyncio.gather(*(storm.caller() for _ in range(60)))
        await storm.coalescer.drain()
    assert storm.coalescer.held == 0
    state = world.uow.committed
    assert all(len(said) == 1 for said in storm.told.values())
    # One content per request id is the first one's.
    by_id = Counter(request_id for request_id, _ in storm.told)
    assert all(count == 1 for count in by_id.values())
    # What was told is what is stored.
    deliveries = {delivery.id for delivery in state.deliveries.values()}
    refusals = {refusal.evidence_id for refusal in state.refusals.values()}
    for said in storm.told.values():
        (what,) = said
        assert isinstance(what, tuple)
        assert what[0] in deliveries or what[1] in refusals
    assert len(state.claims) == len(deliveries) + len(refusals)
    assert len(refusals) <= 5
    assert len(state.evidence) == 2 * len(deliveries) + len(refusals)
    for mailbox in (world.ani_box, world.bob_box, world.entity_box):
        previous = GENESIS
        chain = [one for one in state.links.values() if one.mailbox_id == mailbox.id]
        for sequence, one in enumerate(chain, 1):
            assert one.link == link(one.nonce, mailbox.address, sequence, one.delivery_id, previous)
            previous = one.link
        assert state.heads[mailbox.id].link == previous


async def test_the_storm_meets_everything_it_is_to_meet() -> None:
    counts = Counter[str]()
    for seed in range(12):
        storm = Storm(seed)
        with capture_logs():
            await asyncio.gather(*(storm.caller() for _ in range(60)))
            await storm.coalescer.drain()
        counts += storm.counts
    met = {"Accepted", "MailboxUnknown", "RequestIdReused", "TooManyRefusals", "InternalFault"}
    assert met | {"CancelledError", "ServiceUnavailable", "RuntimeError", "Overloaded"} <= set(counts)
