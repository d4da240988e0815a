"""Calls that locks, the DNS or other groups hold up: whom they hold up, and for what time they count."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from server.domain.caller import IpAddress
from server.domain.refusals import ContractNotInForce, ServiceUnavailable
from server.domain.sending_rights import Hosts
from server.jurisdictions.am import AM
from server.usecases.coalescing import PATIENT, Coalescer
from server.usecases.intake import Accepted, Intake
from tests.unit.usecases.world import NamedHosts, World, letter

SLOW = "slow.am"


class SlowHosts(NamedHosts):
    """A DNS that answers for one name only when it is let, and then that it can't tell."""

    def __init__(self, world: World) -> None:
        super().__init__(world.uow)
        self.addresses = world.host_names.addresses
        self.failing = {SLOW}
        self.asked = 0
        self.let = asyncio.Event()

    async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        if SLOW in names:
            self.asked += 1
            await self.let.wait()
        return await super().addresses_of(names, like=like)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def hosts(world: World) -> SlowHosts:
    return SlowHosts(world)


@pytest.fixture
def coalescer(world: World, hosts: SlowHosts) -> Coalescer:
    intake = Intake(uow=world.uow, clock=world.clock, entropy=world.entropy, profile=AM, host_names=hosts)
    return Coalescer(intake, world.log.wake)


async def turns(count: int = 200) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_organisations_slow_dns_holds_up_nobody_else(
    world: World, hosts: SlowHosts, coalescer: Coalescer
) -> None:
    slow = world.named_host(world.info, SLOW, "203.0.113.9")
    flooding = world.sender(world.src, at="203.0.113.9")
    quick = world.named_host(world.cadastre, "quick.am", "203.0.113.10")
    neighbour = world.sender(world.other, at="203.0.113.10")
    flood = [
        asyncio.create_task(coalescer.submit(flooding, [letter(str(number), sender=slow.address)]))
        for number in range(10 * PATIENT)
    ]
    await turns()
    assert hosts.asked == PATIENT - 1
    async with asyncio.timeout(60):
        (outcome,) = await coalescer.submit(neighbour, [letter("1", sender=quick.address)])
    assert isinstance(outcome, Accepted)
    assert not any(call.done() for call in flood)
    hosts.let.set()
    for ended in await asyncio.gather(*flood, return_exceptions=True):
        assert isinstance(ended, list)
        assert isinstance(ended[0], ServiceUnavailable)
    assert coalescer.held == 0


async def test_who_hangs_up_while_held_up_leaves(
    world: World, hosts: SlowHosts, coalescer: Coalescer
) -> None:
    slow = world.named_host(world.info, SLOW, "203.0.113.9")
    flooding = world.sender(world.src, at="203.0.113.9")
    flood = [
        asyncio.create_task(coalescer.submit(flooding, [letter(str(number), sender=slow.address)]))
        for number in range(10 * PATIENT)
    ]
    await turns()
    for call in flood:
        call.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    assert coalescer.held == hosts.asked == PATIENT - 1
    hosts.let.set()
    await coalescer.drain()
    assert coalescer.held == 0
    assert hosts.asked == PATIENT - 1


async def test_who_hung_up_before_its_group_was_given_up_is_not_held_up(
    world: World, hosts: SlowHosts, coalescer: Coalescer
) -> None:
    slow = world.named_host(world.info, SLOW, "203.0.113.9")
    reached, opened = asyncio.Event(), asyncio.Event()

    async def begin(hurried: bool) -> None:
        reached.set()
        await opened.wait()

    world.uow.before_transaction = begin  # type: ignore[method-assign]
    flooding = world.sender(world.src, at="203.0.113.9")
    call = asyncio.create_task(coalescer.submit(flooding, [letter("1", sender=slow.address)]))
    await reached.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    opened.set()
    await coalescer.drain()
    assert (coalescer.held, hosts.asked) == (0, 0)


async def test_a_submission_that_waits_until_its_contract_is_over_is_not_said_to_be_accepted_after_that(
    world: World,
) -> None:
    end = datetime(2026, 11, 21, 20, tzinfo=UTC)  # midnight in Yerevan
    world.clock.time = end - timedelta(seconds=1)
    world.uow.committed.organisations[world.src.id] = replace(world.src, contract_ends_on=date(2026, 11, 21))
    intake = Intake(
        uow=world.uow, clock=world.clock, entropy=world.entropy, profile=AM, host_names=world.host_names
    )
    coalescer = Coalescer(intake, world.log.wake)
    async with intake._deciding:
        # Another group is being decided meanwhile.
        call = asyncio.create_task(coalescer.submit(world.agency, [letter()]))
        await turns()
        world.clock.move(timedelta(seconds=2))
    (outcome,) = await call
    assert isinstance(outcome, Accepted)
    assert outcome.delivery.submitted_at == end - timedelta(seconds=1)
    (late,) = await coalescer.submit(world.agency, [letter("late")])
    assert isinstance(late, ContractNotInForce)
