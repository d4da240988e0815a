"""Calls at the same time share transactions, and nobody is the worse for it."""

import asyncio
import random
from collections import Counter

import pytest
from structlog.testing import capture_logs

from namak.evidence.mailbox_link import GENESIS, link
from server.domain.deliveries import Submission
from server.domain.refusals import (
    InternalFault,
    MailboxUnknown,
    Overloaded,
    RequestIdReused,
    SenderSuspended,
    ServiceUnavailable,
    TooManyRefusals,
)
from server.jurisdictions.am import AM
from server.usecases.coalescing import (
    MOST_ROUNDS,
    PATIENT,
    QUIET_ROUNDS,
    WORTH_ANOTHER,
    WRITERS,
    Coalescer,
)
from server.usecases.intake import Accepted, Intake, Outcome
from server.usecases.ports import Contended
from server.usecases.waiting_line import LineLimits
from tests.fakes.state import State
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.world import ANI_ADDRESS, BOB, ENTITY_ADDRESS, World, letter

NOBODY = "5001950099@e-citizen.am"
RECIPIENTS = [ANI_ADDRESS, f"{BOB}@e-citizen.am", ENTITY_ADDRESS, NOBODY]


@pytest.fixture
def world() -> World:
    return World()


def coalescer_of(world: World, *, limits: LineLimits | None = None, refusals: int = 600) -> Coalescer:
    intake = Intake(
        uow=world.uow,
        clock=world.clock,
        entropy=world.entropy,
        profile=AM,
        host_names=world.host_names,
        refusals_per_minute=refusals,
    )
    return Coalescer(intake, world.log.wake, limits=limits)


class Gate:
    """Holds every commit until it is opened; `reached` says that one waits."""

    def __init__(self, world: World) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        world.uow.before_commit = self.hold  # type: ignore[method-assign]

    async def hold(self, state: State) -> None:
        self.reached.set()
        await self.opened.wait()


def accepted(outcome: Outcome) -> Accepted:
    assert isinstance(outcome, Accepted)
    return outcome


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_an_idle_caller_is_written_at_once(world: World) -> None:
    coalescer = coalescer_of(world)
    (outcome,) = await coalescer.submit(world.agency, [letter()])
    accepted(outcome)
    assert (world.uow.commits, world.log.wakes, coalescer.held) == (1, 1, 0)


async def test_what_waits_together_is_one_commit_whoever_sent_it(world: World) -> None:
    coalescer = coalescer_of(world)
    other = world.sender(world.other)
    outcomes = await asyncio.gather(
        *(coalescer.submit(world.agency, [letter(str(number))]) for number in range(10)),
        coalescer.submit(other, [letter("1", sender="post@cadastre.am")]),
        coalescer.submit(world.agency, [letter("batch-1"), letter("batch-2", recipient=NOBODY)]),
    )
    kinds = [[type(outcome) for outcome in call] for call in outcomes]
    assert kinds == [[Accepted]] * 11 + [[Accepted, MailboxUnknown]]
    assert world.uow.commits == 1
    assert accepted(outcomes[10][0]).delivery.organisation_id == world.other.id


async def test_calls_that_come_through_the_edge_one_after_the_other_are_one_commit(world: World) -> None:
    coalescer = coalescer_of(world)
    calls = []
    for number in range(20):
        calls.append(asyncio.create_task(coalescer.submit(world.agency, [letter(str(number))])))
        await turns(QUIET_ROUNDS // 2)
    await asyncio.gather(*calls)
    assert world.uow.commits < 20 // 4


async def test_arrivals_without_end_hold_nobody_up(world: World) -> None:
    coalescer = coalescer_of(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    others = []
    for number in range(2 * MOST_ROUNDS // (QUIET_ROUNDS - 2)):
        others.append(asyncio.create_task(coalescer.submit(world.agency, [letter(str(number))])))
        await turns(QUIET_ROUNDS - 2)
    assert first.done()
    await asyncio.gather(*others)


async def test_calls_that_come_while_a_group_is_written_are_the_next_one(world: World) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    await gate.reached.wait()
    later = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(9)]
    await turns()
    gate.opened.set()
    await asyncio.gather(first, *later)
    assert world.uow.commits == 2


@pytest.mark.parametrize(("waiting", "writers"), [(WORTH_ANOTHER - 1, 1), (WORTH_ANOTHER, 2), (500, WRITERS)])
async def test_a_further_writer_begins_when_there_is_enough_for_it(
    world: World, waiting: int, writers: int
) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    begun = 0

    async def begin(hurried: bool) -> None:
        nonlocal begun
        begun += 1

    world.uow.before_transaction = begin  # type: ignore[method-assign]
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    await gate.reached.wait()
    later = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(waiting)]
    await turns()
    assert begun == writers
    gate.opened.set()
    assert all(isinstance(outcome, Accepted) for (outcome,) in await asyncio.gather(first, *later))
    assert coalescer.held == 0


async def test_a_call_cancelled_before_a_transaction_took_it_leaves_nothing(world: World) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("first")]))
    await gate.reached.wait()
    second = asyncio.create_task(coalescer.submit(world.agency, [letter("second")]))
    await turns()
    waiting = asyncio.create_task(coalescer.submit(world.agency, [letter("never-taken")]))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert coalescer.held == 2
    gate.opened.set()
    await asyncio.gather(first, second)
    await coalescer.drain()
    assert {request_id for _, request_id in world.uow.committed.claims} == {"first", "second"}


async def test_cancelling_one_call_of_a_group_changes_nothing_for_it_or_the_others(world: World) -> None:
    coalescer, gate = coalescer_of(world), Gate(world)
    calls = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(5)]
    await gate.reached.wait()
    calls[2].cancel()
    await asyncio.wait([calls[2]])
    gate.opened.set()
    others = await asyncio.gather(*calls[:2], *calls[3:])
    assert [type(outcome) for (outcome,) in others] == [Accepted] * 4
    assert len(world.uow.committed.deliveries) == 5


async def test_the_same_request_twice_at_once_is_one_delivery_and_one_answer(world: World) -> None:
    coalescer = coalescer_of(world)
    outcomes = await asyncio.gather(*(coalescer.submit(world.agency, [letter()]) for _ in range(20)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert (len(world.uow.committed.deliveries), coalescer.held) == (1, 0)


async def test_of_one_request_id_with_two_contents_the_later_is_refused(world: World) -> None:
    coalescer = coalescer_of(world)
    first, later, neighbour = await asyncio.gather(
        coalescer.submit(world.agency, [letter()]),
        coalescer.submit(world.agency, [letter(subject="other")]),
        coalescer.submit(world.agency, [letter("2")]),
    )
    assert [type(each[0]) for each in (first, later, neighbour)] == [Accepted, RequestIdReused, Accepted]


async def test_a_refusal_touches_no_other_call(world: World) -> None:
    coalescer = coalescer_of(world)
    outcomes = await asyncio.gather(
        *(coalescer.submit(world.agency, [letter(str(n), recipient=to)]) for n, to in enumerate(RECIPIENTS))
    )
    assert [type(outcome) for (outcome,) in outcomes] == [Accepted] * 3 + [MailboxUnknown]
    assert world.uow.commits == 1


async def test_one_calls_failure_in_the_shared_write_touches_no_other(world: World) -> None:
    async def poisoned(state: State) -> None:
        if any(delivery.subject == "poison" for delivery in state.deliveries.values()):
            raise RuntimeError("a constraint refused it")

    world.uow.before_commit = poisoned  # type: ignore[method-assign]
    coalescer = coalescer_of(world)
    with capture_logs():
        one, poison, batch, other = await asyncio.gather(
            coalescer.submit(world.agency, [letter("1")]),
            coalescer.submit(world.agency, [letter("2", subject="poison")]),
            coalescer.submit(world.agency, [letter("3"), letter("4", subject="poison")]),
            coalescer.submit(world.sender(world.other), [letter("5", sender="post@cadastre.am")]),
            return_exceptions=True,
        )
    assert isinstance(poison, RuntimeError)
    kinds = [[type(outcome) for outcome in call] for call in (one, batch, other) if isinstance(call, list)]
    assert kinds == [[Accepted], [Accepted, InternalFault], [Accepted]]
    assert {request_id for _, request_id in world.uow.committed.claims} == {"1", "3", "5"}
    assert coalescer.held == 0


async def test_a_database_that_is_away_is_told_of_all_calls_of_the_group_once(world: World) -> None:
    attempts = 0

    async def away(state: State) -> None:
        nonlocal attempts
        attempts += 1
        raise ServiceUnavailable("database")

    world.uow.before_commit = away  # type: ignore[method-assign]
    coalescer = coalescer_of(world)
    calls = [coalescer.submit(world.agency, [letter(str(number))]) for number in range(5)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ServiceUnavailable] * 5
    assert attempts == 1


class HeldMailbox:
    """A mailbox that somebody else has locked: whoever is hurried gives up, and others wait."""

    def __init__(self, world: World, *request_ids: str) -> None:
        self._wanted = set(request_ids)
        self.freed = asyncio.Event()
        self.gave_up = 0
        self.waiting = 0
        world.uow.after_locks = self.meet  # type: ignore[method-assign]

    async def meet(self, claimed: set[str], hurried: bool) -> None:
        if self.freed.is_set() or not claimed & self._wanted:
            return
        if hurried:
            self.gave_up += 1
            raise Contended
        self.waiting += 1
        await self.freed.wait()


async def test_who_waits_for_a_lock_holds_nobody_else_up(world: World) -> None:
    world.uow.side_by_side = True
    held = HeldMailbox(world, *(f"held-{number}" for number in range(PATIENT - 1)))
    coalescer = coalescer_of(world)
    stuck = [
        asyncio.create_task(coalescer.submit(world.agency, [letter(f"held-{number}")]))
        for number in range(PATIENT - 1)
    ]
    beside = await coalescer.submit(world.agency, [letter("in-the-same-group")])
    later = [await coalescer.submit(world.agency, [letter(f"later-{number}")]) for number in range(20)]
    assert [type(outcome) for (outcome,) in (beside, *later)] == [Accepted] * 21
    assert not any(call.done() for call in stuck)
    # The group, and then the first one alone; what else goes to that mailbox is not tried.
    assert (held.gave_up, held.waiting) == (2, PATIENT - 1)
    held.freed.set()
    assert [type(outcome) for (outcome,) in await asyncio.gather(*stuck)] == [Accepted] * len(stuck)
    assert coalescer.held == 0


async def test_a_repeated_request_waits_for_the_one_that_is_held_up_and_is_answered_alike(
    world: World,
) -> None:
    world.uow.side_by_side = True
    held = HeldMailbox(world, "held")
    coalescer = coalescer_of(world)
    first = asyncio.create_task(coalescer.submit(world.agency, [letter("held")]))
    await turns()
    again = asyncio.create_task(coalescer.submit(world.agency, [letter("held")]))
    await turns()
    assert (held.waiting, again.done()) == (1, False)
    held.freed.set()
    assert await first == await again
    assert len(world.uow.committed.deliveries) == 1


async def test_more_than_the_line_holds_is_refused_before_anything_is_stored(world: World) -> None:
    coalescer, gate = coalescer_of(world, limits=LineLimits(items=20)), Gate(world)
    waiting = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(10)]
    await gate.reached.wait()
    with pytest.raises(Overloaded) as overloaded:
        await coalescer.submit(world.agency, [letter("too-much")])
    assert overloaded.value.retry_after_seconds > 0
    neighbour = asyncio.create_task(
        coalescer.submit(world.sender(world.other), [letter("1", sender="post@cadastre.am")])
    )
    gate.opened.set()
    await asyncio.gather(*waiting, neighbour)
    assert "too-much" not in {request_id for _, request_id in world.uow.committed.claims}
    accepted((await coalescer.submit(world.agency, [letter("too-much")]))[0])


async def test_a_flood_keeps_a_neighbour_waiting_for_one_group_at_most(world: World) -> None:
    coalescer, gate = coalescer_of(world, limits=LineLimits(group_items=4)), Gate(world)
    flood = [asyncio.create_task(coalescer.submit(world.agency, [letter(str(n))])) for n in range(100)]
    await gate.reached.wait()
    neighbour = asyncio.create_task(
        coalescer.submit(world.sender(world.other), [letter("1", sender="post@cadastre.am")])
    )
    await turns()
    gate.opened.set()
    await neighbour
    assert sum(call.done() for call in flood) <= 4 * (WRITERS + 2)
    await asyncio.gather(*flood)


async def test_an_organisation_over_its_limit_of_refusals_costs_others_one_repetition_at_most(
    world: World,
) -> None:
    coalescer = coalescer_of(world, refusals=2)
    other = world.sender(world.other)
    tries = Counter[str]()

    async def count(claimed: set[str], hurried: bool) -> None:
        tries.update(claimed)

    world.uow.after_locks = count  # type: ignore[method-assign]
    limited = []
    for turn in ("a", "b", "c"):
        bad, good = await asyncio.gather(
            coalescer.submit(world.agency, [letter(f"{turn}-{n}", recipient=NOBODY) for n in range(4)]),
            coalescer.submit(other, [letter(turn, sender="post@cadastre.am")]),
        )
        accepted(good[0])
        limited.append(sum(isinstance(outcome, TooManyRefusals) for outcome in bad))
    assert limited == [2, 4, 4]
    assert [tries[turn] for turn in ("a", "b", "c")] == [2, 1, 1]


async def test_a_suspension_that_comes_while_a_call_waits_for_locks_counts(world: World) -> None:
    async def suspend(claimed: set[str], hurried: bool) -> None:
        world.suspend(world.notices)

    world.uow.before_judgement = suspend  # type: ignore[method-assign]
    (outcome,) = await coalescer_of(world).submit(world.agency, [letter()])
    assert isinstance(outcome, SenderSuspended)


async def test_host_names_are_looked_up_outside_of_transactions_and_hold_nobody_up(world: World) -> None:
    named = world.named_host(world.info, "mail.src.am", "203.0.113.9")
    there = world.sender(world.src, at="203.0.113.9")
    coalescer = coalescer_of(world)

    async def both(request_id: str) -> tuple[list[Outcome], list[Outcome]]:
        return await asyncio.gather(
            coalescer.submit(there, [letter(f"{request_id}-there", sender=named.address)]),
            coalescer.submit(world.sender(world.other), [letter(request_id, sender="post@cadastre.am")]),
        )

    assert [type(outcome) for (outcome,) in await both("1")] == [Accepted, Accepted]
    assert [type(outcome) for (outcome,) in await both("2")] == [Accepted, Accepted]
    assert world.host_names.looked_up == [frozenset({"mail.src.am"})]


async def test_a_host_name_that_cannot_be_looked_up_leaves_nothing_behind(world: World) -> None:
    named = world.named_host(world.info, "mail.src.am", "203.0.113.9")
    world.host_names.failing.add("mail.src.am")
    there = world.sender(world.src, at="203.0.113.9")
    coalescer = coalescer_of(world)
    batch = [letter("1", sender=named.address), letter("2", recipient=NOBODY, sender=named.address)]
    outcomes = await coalescer.submit(there, batch)
    assert [type(outcome) for outcome in outcomes] == [ServiceUnavailable] * 2
    assert not world.uow.committed.claims
    world.host_names.failing.clear()
    again = await coalescer.submit(there, batch)
    assert [type(outcome) for outcome in again] == [Accepted, MailboxUnknown]


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
