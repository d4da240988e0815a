"""Certificates that are revoked while their submissions wait in the line, however long that takes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.refusals import CertificateRevoked
from server.domain.senders import Organisation
from server.jurisdictions.am import AM
from server.usecases.coalescing import Coalescer
from server.usecases.intake import Accepted, Intake
from tests.unit.usecases.world import World, letter

LONG = timedelta(seconds=60)
STRAIGHT = timedelta(seconds=0.5)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def intake(world: World) -> Intake:
    return Intake(
        uow=world.uow, clock=world.clock, entropy=world.entropy, profile=AM, host_names=world.host_names
    )


def revoke(world: World, organisation: Organisation) -> None:
    bindings = world.uow.committed.bindings
    digest = world.sender(organisation).connection.certificate_sha256
    bindings[digest] = replace(bindings[digest], revoked_at=world.clock.now())


@pytest.mark.parametrize("passed", [LONG, -LONG], ids=["a minute", "a clock put back"])
async def test_a_submission_whose_certificate_was_revoked_meanwhile_leaves_nothing_behind(
    world: World, intake: Intake, passed: timedelta
) -> None:
    async def wait(hurried: bool) -> None:
        revoke(world, world.src)
        world.clock.move(passed)
        world.uow.before_transaction = nothing  # type: ignore[method-assign]

    world.uow.before_transaction = wait  # type: ignore[method-assign]
    before = world.uow.committed.copy()

    (outcome,) = await Coalescer(intake, world.log.wake).submit(world.agency, [letter("1")])

    assert isinstance(outcome, CertificateRevoked)
    assert outcome.evidence_id is None
    after = world.uow.committed
    assert (after.claims, after.deliveries, after.refusals) == (
        before.claims,
        before.deliveries,
        before.refusals,
    )
    assert after.evidence == before.evidence


async def test_others_in_the_same_group_are_accepted(world: World, intake: Intake) -> None:
    group = intake.asked(world.sender(world.other), [letter("1", sender=world.cadastre.address)])
    group += intake.asked(world.agency, [letter("1")])
    revoke(world, world.other)
    world.clock.move(LONG)

    revoked, accepted = await intake.take_in(group)

    assert isinstance(revoked, CertificateRevoked)
    assert isinstance(accepted, Accepted)


@pytest.mark.parametrize("passed", [timedelta(), STRAIGHT, LONG])
async def test_a_certificate_that_stands_is_accepted_however_long_it_waited(
    world: World, intake: Intake, passed: timedelta
) -> None:
    group = intake.asked(world.agency, [letter("1")])
    world.clock.move(passed)

    (outcome,) = await intake.take_in(group)

    assert isinstance(outcome, Accepted)


async def nothing(hurried: bool) -> None:
    """Lets a transaction begin at once."""
