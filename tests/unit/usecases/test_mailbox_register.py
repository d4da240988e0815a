"""The register of mailboxes."""

from dataclasses import replace

import pytest

from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.refusals import AlreadyRegistered, RequestIdReused
from server.usecases.mailbox_register import OpenMailbox
from tests.unit.usecases.registers import Registers


@pytest.fixture
def registers() -> Registers:
    return Registers()


def opening(registers: Registers, request_id: str, address: str = "5001950077@e-citizen.am") -> OpenMailbox:
    return OpenMailbox(registers.operator, request_id, address)


async def test_opens_a_mailbox_for_a_person_and_an_entity_with_an_act_each(registers: Registers) -> None:
    person = await registers.mailboxes.open_mailbox(opening(registers, "1"))
    entity = await registers.mailboxes.open_mailbox(opening(registers, "2", "12345678@e-citizen.am"))
    assert (person.holder_kind, person.holder_number) == (HolderKind.PERSON, "5001950077")
    assert (entity.holder_kind, entity.holder_number) == (HolderKind.ENTITY, "12345678")
    assert set(registers.uow.committed.mailboxes.values()) == {person, entity}
    first, second = registers.acts_so_far()
    assert (first.act, first.organisation, first.before) == ("OpenMailbox", None, None)
    assert (first.resource.kind, first.resource.identifier) == ("MAILBOX", "5001950077@e-citizen.am")
    assert second.after == {"address": "12345678@e-citizen.am", "state": "OPEN"}


async def test_opening_a_mailbox_again_gives_it_as_it_now_is(registers: Registers) -> None:
    command = opening(registers, "1")
    mailbox = await registers.mailboxes.open_mailbox(command)
    closed = replace(mailbox, state=MailboxState.CLOSED)
    registers.uow.committed.mailboxes[mailbox.id] = closed
    assert await registers.mailboxes.open_mailbox(command) == closed
    with pytest.raises(RequestIdReused):
        await registers.mailboxes.open_mailbox(opening(registers, "1", "5001950078@e-citizen.am"))
    assert len(registers.acts_so_far()) == 1


async def test_an_address_is_never_given_twice(registers: Registers) -> None:
    mailbox = await registers.mailboxes.open_mailbox(opening(registers, "1"))
    registers.uow.committed.mailboxes[mailbox.id] = replace(mailbox, state=MailboxState.CLOSED)
    with pytest.raises(AlreadyRegistered):
        await registers.mailboxes.open_mailbox(opening(registers, "2"))
    assert len(registers.acts_so_far()) == 1
    assert len(registers.uow.committed.claims) == 1
