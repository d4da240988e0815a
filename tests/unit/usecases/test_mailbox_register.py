"""The register of mailboxes."""

from dataclasses import replace

import pytest

from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.refusals import AlreadyRegistered, MailboxClosed, MailboxUnknown, RequestIdReused
from server.usecases.mailbox_register import OpenMailbox, SetMailboxState
from tests.unit.usecases.registers import Registers

ADDRESS = "5001950077@e-citizen.am"


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


def to(registers: Registers, state: MailboxState, request_id: str, address: str = ADDRESS) -> SetMailboxState:
    return SetMailboxState(registers.operator, request_id, address, state)


async def test_a_mailbox_is_suspended_resumed_and_closed_with_an_act_each(registers: Registers) -> None:
    mailbox = await registers.mailboxes.open_mailbox(opening(registers, "1"))
    for state, request_id in (
        (MailboxState.SUSPENDED, "2"),
        (MailboxState.OPEN, "3"),
        (MailboxState.CLOSED, "4"),
    ):
        changed = await registers.mailboxes.set_state(to(registers, state, request_id))
        assert changed == replace(mailbox, state=state)
        assert registers.uow.committed.mailboxes[mailbox.id] == changed
    acts = registers.acts_so_far()[1:]
    assert [act.act for act in acts] == ["SuspendMailbox", "ResumeMailbox", "CloseMailbox"]
    assert [(act.before or {})["state"] for act in acts] == ["OPEN", "SUSPENDED", "OPEN"]
    assert [(act.after or {})["state"] for act in acts] == ["SUSPENDED", "OPEN", "CLOSED"]
    assert {act.resource.identifier for act in acts} == {ADDRESS}
    assert registers.wakes == 4


@pytest.mark.parametrize("state", [MailboxState.OPEN, MailboxState.SUSPENDED])
async def test_a_closed_mailbox_is_closed_for_ever(registers: Registers, state: MailboxState) -> None:
    await registers.mailboxes.open_mailbox(opening(registers, "1"))
    closed = await registers.mailboxes.set_state(to(registers, MailboxState.CLOSED, "2"))
    with pytest.raises(MailboxClosed):
        await registers.mailboxes.set_state(to(registers, state, "3"))
    assert await registers.mailboxes.set_state(to(registers, MailboxState.CLOSED, "4")) == closed
    assert len(registers.acts_so_far()) == 2


async def test_what_it_is_already_is_no_act(registers: Registers) -> None:
    mailbox = await registers.mailboxes.open_mailbox(opening(registers, "1"))
    assert await registers.mailboxes.set_state(to(registers, MailboxState.OPEN, "2")) == mailbox
    assert len(registers.acts_so_far()) == 1


async def test_repeating_a_request_changes_nothing_and_gives_the_mailbox_as_it_now_is(
    registers: Registers,
) -> None:
    mailbox = await registers.mailboxes.open_mailbox(opening(registers, "1"))
    await registers.mailboxes.set_state(to(registers, MailboxState.SUSPENDED, "2"))
    await registers.mailboxes.set_state(to(registers, MailboxState.OPEN, "3"))
    assert await registers.mailboxes.set_state(to(registers, MailboxState.SUSPENDED, "2")) == mailbox
    assert len(registers.acts_so_far()) == 3


async def test_a_request_id_stands_for_one_act_on_one_mailbox(registers: Registers) -> None:
    other = "5001950078@e-citizen.am"
    await registers.mailboxes.open_mailbox(opening(registers, "1"))
    await registers.mailboxes.open_mailbox(opening(registers, "o", other))
    await registers.mailboxes.set_state(to(registers, MailboxState.SUSPENDED, "2"))
    for command in (
        to(registers, MailboxState.CLOSED, "2"),
        to(registers, MailboxState.SUSPENDED, "2", other),
        to(registers, MailboxState.SUSPENDED, "1"),
    ):
        with pytest.raises(RequestIdReused):
            await registers.mailboxes.set_state(command)
    assert len(registers.acts_so_far()) == 3


async def test_a_mailbox_that_is_not_there_changes_nothing(registers: Registers) -> None:
    before = registers.uow.committed
    with pytest.raises(MailboxUnknown):
        await registers.mailboxes.set_state(to(registers, MailboxState.CLOSED, "1"))
    assert registers.uow.committed is before
