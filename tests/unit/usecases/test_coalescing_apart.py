"""What one call, sender or organisation meets in the line does not harm the others."""

import asyncio
from collections import Counter

import pytest

from server.domain.refusals import (
    MailboxUnknown,
    Overloaded,
    SenderSuspended,
    ServiceUnavailable,
    TooManyRefusals,
)
from server.usecases.coalescing import (
    PATIENT,
    WRITERS,
)
from server.usecases.intake import Accepted, Outcome
from server.usecases.waiting_line import LineLimits
from tests.unit.usecases.coalescing import (
    NOBODY,
    Gate,
    HeldMailbox,
    accepted,
    coalescer_of,
    turns,
)
from tests.unit.usecases.world import World, letter


@pytest.fixture
def world() -> World:
    return World()


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
