"""Whoever sends many letters keeps nobody from signing in (LADDER-1, SIGN-1): a sign-in does bounded work,
and all the letters that were open then take effect as of its moment, once each, whatever is killed meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text

from server.domain.deliveries import Delivery, DeliveryState
from server.domain.facts import Fact
from server.domain.sessions import SignIn
from server.domain.sign_in_effects import OutstandingSignIn
from server.usecases.ports import Transaction
from server.usecases.sign_in import SignedIn
from server.usecases.sign_in_effects import MOST_AT_ONCE, OutstandingEffects, SignInEffects
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.integration.storage.test_signing_in_together import (
    REPLICAS,
    UNDER_2025,
    Replicas,
)
from tests.unit.usecases.world import ANI_ADDRESS, NamedHosts, World, letter

PERSON = ANI_ADDRESS.partition("@")[0]
EFFECT = ["HolderSignedIn", "NotificationEffected"]
LETTERS_AT_ONCE = 500


class Scene:
    """A holder whose letters are under a policy that asks for sign-ins, and whoever fills the mailbox."""

    def __init__(self, replicas: Replicas) -> None:
        self.replicas = replicas
        self.world = World()
        self.deliveries: list[Delivery] = []
        self.desk = SubmissionDesk(
            uow=replicas.units[0],
            clock=replicas.clock,
            entropy=replicas.entropy,
            log=replicas.log,
            profile=UNDER_2025,
            host_names=NamedHosts(self.world.uow),
            refusals_per_minute=600,
        )
        self.workers = [
            OutstandingEffects(
                uow=unit,
                clock=replicas.clock,
                log=replicas.log,
                effects=SignInEffects(replicas.entropy, UNDER_2025),
            )
            for unit in replicas.units
        ]

    async def open(self, letters: int) -> None:
        """Enters who takes part, and lays so many letters into the mailbox."""
        world = self.world
        async with self.replicas.units[0].writing() as tx:
            for organisation in (world.src, world.other):
                await tx.organisations.add(organisation)
            for binding in world.uow.committed.bindings.values():
                owner = binding.organisation_id
                await tx.bindings.add(binding, owner.bytes if owner else b"")
            await tx.sender_addresses.add(world.notices)
            await tx.mailboxes.add(world.ani_box)
            await tx.commit()
        await self.send(letters)

    async def send(self, letters: int) -> Sequence[Delivery]:
        sent: list[Delivery] = []
        while len(sent) < letters:
            count = min(LETTERS_AT_ONCE, letters - len(sent))
            before = len(self.deliveries) + len(sent)
            wanted = [letter(f"{before + n}", contents=(b"letter",)) for n in range(count)]
            outcomes = await self.desk.submit_many(SubmitMany(self.world.agency, wanted, 0))
            sent.extend(each.delivery for each in outcomes if isinstance(each, Accepted))
        assert len(sent) == letters
        self.deliveries.extend(sent)
        return sent

    async def sign_in(self) -> datetime:
        """Signs the holder in; returns when."""
        done = await self.replicas.desks[0].complete(await self.replicas.ready(0, PERSON, ends_others=True))
        assert isinstance(done, SignedIn)
        return done.session.started_at

    async def withdraw(self, delivery: Delivery) -> None:
        replicas = self.replicas
        desk = Withdrawal(
            uow=replicas.units[1],
            clock=replicas.clock,
            entropy=replicas.entropy,
            log=replicas.log,
            profile=UNDER_2025,
        )
        await desk.withdraw(WithdrawDelivery(self.world.agency, f"w-{delivery.id}", delivery.id, 0))

    async def facts(self) -> dict[UUID, Sequence[Fact]]:
        """Returns what was recorded of each delivery after it was laid into the mailbox."""
        async with self.replicas.units[0].reading() as tx:
            found = await tx.evidence.of_deliveries(self.deliveries)
        return {key: facts[2:] for key, facts in found.items()}

    async def recorded(self) -> int:
        """Returns of how many deliveries something is recorded, which is the whole effect, once."""
        effects = [[fact.event.name for fact in facts] for facts in (await self.facts()).values() if facts]
        assert all(names == EFFECT for names in effects)
        return len(effects)

    async def states(self) -> Mapping[UUID, Delivery]:
        async with self.replicas.units[0].reading() as tx:
            organisation = self.deliveries[0].organisation_id
            return await tx.deliveries.sent(organisation, [each.id for each in self.deliveries])

    async def outstanding(self) -> int:
        """Returns how many sign-ins are left of which something is to be recorded."""
        async with contextlib.aclosing(await self.replicas.databases[0].connect()) as connection:
            found = await connection.execute(text("SELECT count(*) FROM outstanding_sign_ins"))
            return int(found.scalar_one())


class Killed(SignInEffects):
    """Ends in the middle of a transaction, when all of it is written and nothing committed."""

    def __init__(self, replicas: Replicas, *, after: int) -> None:
        super().__init__(replicas.entropy, UNDER_2025)
        self._left = after

    async def record_some(
        self, tx: Transaction, outstanding: OutstandingSignIn, sign_in: SignIn
    ) -> tuple[Sequence[Fact], int]:
        done = await super().record_some(tx, outstanding, sign_in)
        if self._left == 0:
            raise asyncio.CancelledError
        self._left -= 1
        return done


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    replicas = Replicas(database_url)
    scene = Scene(replicas)
    yield scene
    await scene.desk.drain()
    in_use = [database.connections_in_use for database in replicas.databases]
    for database in replicas.databases:
        await database.dispose()
    assert in_use == [0] * REPLICAS


@contextlib.contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Yields the statements that are run meanwhile."""
    run: list[str] = []

    def ran(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        run.append(statement)

    event.listen(Engine, "before_cursor_execute", ran)
    try:
        yield run
    finally:
        event.remove(Engine, "before_cursor_execute", ran)


async def test_a_sign_in_to_3000_letters_does_bounded_work_and_all_take_effect_once_despite_a_kill(
    scene: Scene,
) -> None:
    replicas = scene.replicas
    await scene.open(1)
    with counted_statements() as few:
        await scene.sign_in()
    assert await scene.recorded() == 1
    await scene.send(2999)
    replicas.clock.move(timedelta(hours=1))

    with counted_statements() as many:
        signed_in_at = await scene.sign_in()

    # One more: the mark of what is outstanding.
    assert len(many) <= len(few) + 1
    assert await scene.recorded() == 1 + MOST_AT_ONCE
    assert await scene.outstanding() == 1

    replicas.clock.move(timedelta(days=3))
    killed = OutstandingEffects(
        uow=replicas.units[0], clock=replicas.clock, log=replicas.log, effects=Killed(replicas, after=5)
    )
    with pytest.raises(asyncio.CancelledError):
        await killed.work_off()
    assert await scene.recorded() == 1 + 6 * MOST_AT_ONCE

    wakes = replicas.log.wakes
    while await scene.outstanding():
        await asyncio.gather(*(worker.work_off() for worker in scene.workers))

    assert await scene.recorded() == 3000
    assert replicas.log.wakes > wakes
    facts, states = await scene.facts(), await scene.states()
    for delivery in scene.deliveries[1:]:
        # Nobody loses a day by it: what is recorded later happened when it happened.
        assert {fact.recorded_at for fact in facts[delivery.id]} == {signed_in_at}
        assert (states[delivery.id].state, states[delivery.id].notified_at) == (
            DeliveryState.NOTIFIED,
            signed_in_at,
        )


async def test_what_was_withdrawn_or_came_after_the_sign_in_is_left_alone(scene: Scene) -> None:
    await scene.open(MOST_AT_ONCE + 3)
    await scene.sign_in()
    withdrawn = scene.deliveries[-1]
    await scene.withdraw(withdrawn)
    (later,) = await scene.send(1)

    await scene.workers[1].work_off()

    facts = await scene.facts()
    assert [fact.event.name for fact in facts.pop(withdrawn.id)] == ["Withdrawn"]
    assert facts.pop(later.id) == []
    assert all([fact.event.name for fact in each] == EFFECT for each in facts.values())
    assert await scene.outstanding() == 0


async def test_of_two_sign_ins_the_first_counts_for_what_was_open_then(scene: Scene) -> None:
    clock = scene.replicas.clock
    await scene.open(MOST_AT_ONCE + 3)
    clock.move(timedelta(hours=1))
    first = await scene.sign_in()
    old = list(scene.deliveries)
    clock.move(timedelta(days=1))
    new = await scene.send(2)
    clock.move(timedelta(hours=1))
    second = await scene.sign_in()
    assert await scene.outstanding() == 2

    while await scene.outstanding():
        await asyncio.gather(*(worker.work_off() for worker in scene.workers))

    assert await scene.recorded() == len(old) + len(new)
    states = await scene.states()
    assert {states[each.id].notified_at for each in old} == {first}
    assert {states[each.id].notified_at for each in new} == {second}


async def test_a_fault_with_one_holders_letters_does_not_hold_up_the_others(scene: Scene) -> None:
    await scene.open(MOST_AT_ONCE + 1)
    await scene.sign_in()
    gone = OutstandingSignIn(
        scene.replicas.entropy.new_id(),
        scene.world.bob_box.id,
        scene.replicas.clock.now() - timedelta(days=1),
        0,
        1,
    )
    async with scene.replicas.units[0].writing() as tx:
        await tx.mailboxes.add(scene.world.bob_box)
        await tx.outstanding_sign_ins.add(gone)
        await tx.commit()

    with pytest.raises(ExceptionGroup) as raised:
        await scene.workers[0].work_off()

    assert [type(each) for each in raised.value.exceptions] == [LookupError]
    assert await scene.recorded() == MOST_AT_ONCE + 1
    assert await scene.outstanding() == 1
