"""Whatever is asked in whatever order, alone or at once: chains are whole, effects come once, times rise."""

import asyncio
import contextlib
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.mailbox_link import GENESIS, link
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.mailboxes import Mailbox
from server.domain.refusals import Refused
from server.usecases.reading import ConfirmReading, OpenMessage
from tests.unit.usecases.world import ANI_ADDRESS, ENTITY_ADDRESS, World, letter

Step = tuple[str, int, str]
"""What is done, to which request or delivery, and with what."""

recipients = st.sampled_from([ANI_ADDRESS, ENTITY_ADDRESS, "5001950099@e-citizen.am"])
steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("submit"), st.integers(0, 3), recipients),
    st.tuples(st.just("open"), st.integers(0, 3), st.just("")),
    st.tuples(st.just("confirm"), st.integers(0, 3), st.just("")),
    st.tuples(st.just("clock"), st.sampled_from([-100, -1, 50]), st.just("")),
)


async def take(world: World, step: Step) -> None:
    kind, number, extra = step
    if kind == "submit":
        await world.submit(letter(str(number), recipient=extra), letter(f"{number}b", recipient=extra))
    elif kind == "clock":
        world.clock.move(timedelta(seconds=number))
    else:
        deliveries = sorted(world.uow.committed.deliveries.values(), key=lambda one: one.id)
        if number < len(deliveries):
            with contextlib.suppress(Refused):
                await (confirm_twice if kind == "confirm" else open_twice)(world, deliveries[number])


async def open_twice(world: World, delivery: Delivery) -> None:
    command = OpenMessage(world.ani, delivery.id)
    one, other = await asyncio.gather(
        world.reading.open_message(command), world.reading.open_message(command)
    )
    assert one.evidence == other.evidence


async def confirm_twice(world: World, delivery: Delivery) -> None:
    """Confirms with two different signatures at once, and takes it that at most one gets in."""
    commands = [
        ConfirmReading(world.ani, delivery.id, *await world.signed(delivery, nonce=nonce)) for nonce in (0, 1)
    ]
    outcomes = await asyncio.gather(
        *(world.reading.confirm_reading(command) for command in commands), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refused):
            raise outcome


def assert_chain_is_whole(world: World, mailbox: Mailbox) -> None:
    previous = GENESIS
    chain = [one for one in world.uow.committed.links.values() if one.mailbox_id == mailbox.id]
    for sequence, one in enumerate(sorted(chain, key=lambda one: one.sequence), 1):
        assert (one.sequence, one.previous) == (sequence, previous)
        assert one.link == link(one.nonce, mailbox.address, sequence, one.delivery_id, previous)
        previous = one.link
    head = world.uow.committed.heads[mailbox.id]
    assert (head.sequence, head.link) == (len(chain), previous)


def assert_facts_are_in_order(world: World) -> None:
    for delivery in world.uow.committed.deliveries.values():
        facts = [fact for fact in world.uow.committed.queue if fact.delivery_id == delivery.id]
        recorded = [fact.event for fact in facts]
        assert recorded[:2] == [events.SUBMISSION_ACCEPTANCE, events.CONTENT_CONSIGNMENT]
        assert len(set(recorded)) == len(recorded)
        assert [fact.recorded_at for fact in facts] == sorted(fact.recorded_at for fact in facts)
        notified = events.NOTIFICATION_EFFECTED in recorded
        assert (delivery.state is DeliveryState.NOTIFIED) == notified
        assert notified == (events.READING_CONFIRMED in recorded)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(steps, min_size=1, max_size=4), max_size=6))
def test_chains_are_whole_and_effects_come_once(rounds: list[list[Step]]) -> None:
    async def play() -> None:
        world = World()
        for at_once in rounds:
            await asyncio.gather(*(take(world, step) for step in at_once))
        for mailbox in (world.ani_box, world.bob_box, world.entity_box):
            assert_chain_is_whole(world, mailbox)
        assert_facts_are_in_order(world)
        assert len(world.uow.committed.queue) == len(world.uow.committed.evidence)

    asyncio.run(play())
