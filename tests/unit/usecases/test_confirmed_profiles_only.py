"""Where the profile asks for confirmed profiles, letters reach no others (BOX-9)."""

from dataclasses import replace

import pytest

from namak.evidence import events
from namak.evidence.document import EvidenceDocument
from server.domain.mailboxes import MailboxState
from server.domain.reasons import Reason
from server.domain.refusals import Refused
from server.jurisdictions.am import AM
from server.usecases.submission import Accepted
from tests.unit.usecases.world import START, World, letter

CONFIRMED_ONLY = replace(AM, correspondence=replace(AM.correspondence, confirmed_profile=True))


@pytest.fixture
def world() -> World:
    world = World()
    world.submissions = world.new_submissions(profile=CONFIRMED_ONLY)
    return world


async def test_a_letter_to_an_unconfirmed_mailbox_is_refused_with_evidence_for_ever(world: World) -> None:
    (refused,) = await world.submit(letter("1"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.MAILBOX_NOT_CONFIRMED
    (fact,) = world.uow.committed.queue
    assert fact.event == events.SUBMISSION_REJECTION
    assert EvidenceDocument.parse(fact.data).reason == "MAILBOX_NOT_CONFIRMED"
    assert refused.evidence_id == fact.id
    assert world.uow.committed.deliveries == {}

    confirm(world)
    (again,) = await world.submit(letter("1"))
    assert isinstance(again, Refused)
    assert (again.reason, again.evidence_id) == (refused.reason, fact.id)


async def test_a_letter_to_a_confirmed_mailbox_is_accepted(world: World) -> None:
    confirm(world)
    (accepted,) = await world.submit(letter("1"))
    assert isinstance(accepted, Accepted)


async def test_what_else_is_wrong_with_a_mailbox_is_told_first(world: World) -> None:
    for mailbox in list(world.uow.committed.mailboxes.values()):
        world.uow.committed.mailboxes[mailbox.id] = replace(mailbox, state=MailboxState.CLOSED)
    (refused,) = await world.submit(letter("1"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.MAILBOX_CLOSED


async def test_without_that_rule_unconfirmed_mailboxes_receive() -> None:
    (accepted,) = await World().submit(letter("1"))
    assert isinstance(accepted, Accepted)


def confirm(world: World) -> None:
    for mailbox in list(world.uow.committed.mailboxes.values()):
        world.uow.committed.mailboxes[mailbox.id] = replace(mailbox, confirmed_at=START)
