"""What the store of entities' signatories must do."""

import asyncio

import pytest

from server.domain.delegations import KnownSignatories, Signatory
from server.domain.mailboxes import HolderKind, Mailbox
from server.storage.failures import StorageFault
from server.usecases.delegation_ports import RightAct
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import at


def entry_in(mailbox: Mailbox, seconds: float = 0) -> Signatory:
    """Returns another person's entry."""
    number = f"{examples.number():010}"
    return Signatory(mailbox.id, number, at(seconds), examples.new_id(), bytes(range(32)))


class SignatoryContract:
    """Signatories of entities."""

    async def test_several_persons_may_sign_and_each_entry_ends_by_itself(self, uow: UnitOfWork) -> None:
        mailbox = await self._entity(uow)
        first, second, third = (entry_in(mailbox, seconds) for seconds in (1, 1, 5))
        ending = examples.new_id()
        async with uow.writing() as tx:
            assert await tx.signatories.known(mailbox.id) is None
            await tx.signatories.said(mailbox.id, at(1))
            for each in (first, second):
                await tx.signatories.enter(each)
            assert await tx.signatories.known(mailbox.id) == KnownSignatories(
                mailbox.id, at(1), (first, second)
            )
            await tx.signatories.said(mailbox.id, at(5))
            await tx.signatories.end(first, at(6), ending)
            await tx.signatories.enter(third)
            await tx.commit()

        async with uow.reading() as tx:
            known = await tx.signatories.known(mailbox.id)
            assert known == KnownSignatories(mailbox.id, at(5), (second, third))
            for each in (first, second, third):
                concerned = RightAct(mailbox.id, each.person_number)
                assert await tx.signatories.act(each.evidence_id) == concerned
            assert await tx.signatories.act(ending) == RightAct(mailbox.id, first.person_number)
            assert await tx.signatories.act(examples.new_id()) is None

    async def test_what_the_register_said_later_stays(self, uow: UnitOfWork) -> None:
        mailbox = await self._entity(uow)
        async with uow.writing() as tx:
            await tx.signatories.said(mailbox.id, at(9))
            await tx.signatories.said(mailbox.id, at(3))
            # Asked, and told that there is nobody.
            assert await tx.signatories.known(mailbox.id) == KnownSignatories(mailbox.id, at(9), ())

    async def test_those_of_whom_the_register_spoke_longest_ago_are_asked_about_first(
        self, uow: UnitOfWork
    ) -> None:
        # Other tests may have left some of later times in the same tables.
        long_ago = -9_999_999
        first, second, third = [await self._entity(uow) for _ in range(3)]
        async with uow.writing() as tx:
            for mailbox, seconds in ((first, 2), (second, 1), (third, 3)):
                await tx.signatories.said(mailbox.id, at(long_ago + seconds))
            found = await tx.signatories.said_before(at(long_ago + 3), limit=9)
            assert found == [(second.address, at(long_ago + 1)), (first.address, at(long_ago + 2))]
            assert await tx.signatories.said_before(at(long_ago + 3), limit=1) == found[:1]

    async def test_an_entry_ends_once(self, uow: UnitOfWork) -> None:
        mailbox = await self._entity(uow)
        entry = entry_in(mailbox)
        async with uow.writing() as tx:
            await tx.signatories.said(mailbox.id, at(0))
            await tx.signatories.enter(entry)
            await tx.signatories.end(entry, at(1), examples.new_id())
            with pytest.raises(StorageFault) as raised:
                await tx.signatories.end(entry, at(2), examples.new_id())
            assert raised.value.constraint == "pk_signatory_endings"

    async def test_what_is_said_anew_waits_for_what_is_done_by_an_entry(self, uow: UnitOfWork) -> None:
        mailbox = await self._entity(uow)
        entry = entry_in(mailbox)
        async with uow.writing() as tx:
            await tx.signatories.said(mailbox.id, at(1))
            await tx.signatories.enter(entry)
            await tx.commit()
        order: list[str] = []

        async def say() -> None:
            async with uow.writing() as tx:
                await tx.signatories.said(mailbox.id, at(2))
                order.append("said")

        async with uow.writing() as tx:
            assert await tx.signatories.known(mailbox.id, shared=True)
            saying = asyncio.create_task(say())
            # The other one has every opportunity to go first.
            async with uow.reading() as beside:
                assert await beside.signatories.known(mailbox.id)
            order.append("done")
            await tx.commit()
        await saying
        assert order == ["done", "said"]

    async def _entity(self, uow: UnitOfWork) -> Mailbox:
        mailbox = examples.mailbox(HolderKind.ENTITY)
        async with uow.writing() as tx:
            assert await tx.mailboxes.add(mailbox)
            await tx.commit()
        return mailbox
