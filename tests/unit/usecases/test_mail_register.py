"""What a mail client is told before its mail comes: shared, a moment old, and never a refusal of before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from server.domain.mailboxes import MailboxState
from server.domain.refusals import MailboxClosed, MailboxNotConfirmed, MailboxUnknown
from server.usecases.mail_register import REMEMBERED_SECONDS, MailRegister
from server.usecases.ports import Transaction
from tests.unit.usecases.world import ANI_ADDRESS, BOB, World

BOB_ADDRESS = f"{BOB}@e-citizen.am"
UNKNOWN = "22335589@e-citizen.am"


class Register:
    """A register over the post in memory, which counts looks into it; `now` is its clock."""

    def __init__(self, *, confirmed_only: bool = False) -> None:
        self.world = World()
        self.now, self.looks = 0.0, 0
        self._reading = self.world.uow.reading
        self.world.uow.reading = self._counted  # type: ignore[method-assign]
        self.mails = MailRegister(self.world.uow, confirmed_only=confirmed_only, monotonic=lambda: self.now)

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[Transaction]:
        self.looks += 1
        async with self._reading() as tx:
            yield tx

    def close(self) -> None:
        """Closes Bob's mailbox."""
        closed = replace(self.world.bob_box, state=MailboxState.CLOSED)
        self.world.uow.committed.mailboxes[closed.id] = closed

    def open(self) -> None:
        """Opens it again."""
        self.world.uow.committed.mailboxes[self.world.bob_box.id] = self.world.bob_box


async def test_recipients_of_many_clients_share_a_look_which_counts_for_a_moment() -> None:
    register = Register()
    asked = (register.mails.refusal(each) for each in (ANI_ADDRESS, BOB_ADDRESS, ANI_ADDRESS))
    assert await asyncio.gather(*asked) == [None, None, None]
    assert register.looks == 1
    register.close()
    assert await register.mails.refusal(BOB_ADDRESS) is None
    register.now += REMEMBERED_SECONDS + 0.001
    assert isinstance(await register.mails.refusal(BOB_ADDRESS), MailboxClosed)


async def test_nobody_is_refused_for_what_was_read_before() -> None:
    register = Register()
    register.close()
    assert isinstance(await register.mails.refusal(BOB_ADDRESS), MailboxClosed)
    register.open()
    assert await register.mails.refusal(BOB_ADDRESS) is None

    assert await register.mails.entries("new@src.am") == {}
    notices = register.world.notices
    added = replace(notices, id=register.world.src.id, address="new@src.am")
    register.world.uow.committed.sender_addresses[added.id] = added
    assert await register.mails.entries("new@src.am") == {"new@src.am": added}
    assert await register.mails.entries(notices.address) == {notices.address: notices}


async def test_what_would_divide_an_answer_is_looked_at_now_and_once_for_all() -> None:
    register = Register()
    both = [ANI_ADDRESS, BOB_ADDRESS]
    assert [await register.mails.refusal(each) for each in both] == [None, None]
    register.close()
    looks = register.looks
    assert isinstance(await register.mails.refusal_now(both), MailboxClosed)
    assert register.looks == looks + 1
    assert isinstance(await register.mails.refusal_now([UNKNOWN, *both]), MailboxUnknown)
    assert await register.mails.refusal_now([ANI_ADDRESS]) is None


async def test_where_profiles_are_confirmed_nobody_else_receives() -> None:
    register = Register(confirmed_only=True)
    assert isinstance(await register.mails.refusal(BOB_ADDRESS), MailboxNotConfirmed)
