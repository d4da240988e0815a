"""What delegations and signatories must do, and what is kept of confirmations that rest on them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.delegation import DelegationTerms, Right
from server.domain.delegations import Delegation
from server.domain.mailboxes import Mailbox
from server.storage.failures import StorageFault
from server.usecases.delegation_ports import DelegationFilter, RightAct
from server.usecases.ports import UnitOfWork
from tests.contracts import examples


def delegation_of(mailbox: Mailbox, delegate: str | None = None) -> Delegation:
    terms = DelegationTerms(
        mailbox=mailbox.address,
        delegate=delegate or f"{examples.number():010}",
        right=Right.READ_AND_CONFIRM,
        start=examples.NOON,
        expire=examples.at(3600),
        under="ab" * 32,
    )
    return Delegation(
        id=examples.new_id(),
        mailbox_id=mailbox.id,
        terms=terms,
        grantor=f"{examples.number():010}",
        granted_at=examples.NOON,
        grant_evidence_id=examples.new_id(),
        grant_digest=bytes(range(32)),
        under_evidence_id=examples.new_id(),
    )


class DelegationContract:
    """Rights in somebody else's mailbox."""

    async def _mailbox(self, uow: UnitOfWork) -> Mailbox:
        mailbox = examples.mailbox()
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            await tx.commit()
        return mailbox

    async def test_a_delegation_comes_back_as_it_was_granted(self, uow: UnitOfWork) -> None:
        mailbox = await self._mailbox(uow)
        one = delegation_of(mailbox)
        other = replace(
            delegation_of(mailbox),
            terms=replace(one.terms, delegate="0", right=Right.READ, under=None),
            under_evidence_id=None,
        )
        async with uow.writing() as tx:
            for each in (one, other):
                await tx.delegations.add(each)
            await tx.commit()
        async with uow.reading() as tx:
            for each in (one, other):
                assert await tx.delegations.get(each.id) == each
            assert await tx.delegations.get(examples.new_id()) is None

    async def test_one_that_ends_before_it_begins_is_refused(self, uow: UnitOfWork) -> None:
        wrong = delegation_of(await self._mailbox(uow))
        wrong = replace(wrong, terms=replace(wrong.terms, expire=wrong.terms.start))
        async with uow.writing() as tx:
            with pytest.raises(StorageFault):
                await tx.delegations.add(wrong)

    async def test_what_is_revoked_or_over_is_ended(self, uow: UnitOfWork) -> None:
        mailbox = await self._mailbox(uow)
        granted = delegation_of(mailbox)
        delegate, evidence_id = granted.terms.delegate, examples.new_id()
        async with uow.writing() as tx:
            await tx.delegations.add(granted)
            unended, last = tx.delegations.unended, granted.terms.expire - timedelta(microseconds=1)
            assert await unended(mailbox.id, delegate, last) == granted
            assert await unended(mailbox.id, delegate, last, shared=True) == granted
            # One that has not begun is not ended.
            assert await unended(mailbox.id, delegate, examples.at(-1)) == granted
            assert await unended(mailbox.id, delegate, granted.terms.expire) is None
            assert await unended(mailbox.id, "somebody else", last) is None
            assert await unended(examples.new_id(), delegate, last) is None
            await tx.delegations.revoke(granted.id, examples.at(5), evidence_id)
            assert await unended(mailbox.id, delegate, last) is None
            await tx.commit()
        revoked = replace(granted, revoked_at=examples.at(5), revoke_evidence_id=evidence_id)
        async with uow.reading() as tx:
            assert await tx.delegations.get(granted.id) == revoked

    async def test_one_is_revoked_once(self, uow: UnitOfWork) -> None:
        granted = delegation_of(await self._mailbox(uow))
        async with uow.writing() as tx:
            await tx.delegations.add(granted)
            await tx.delegations.revoke(granted.id, examples.at(5), examples.new_id())
            for delegation_id in (granted.id, examples.new_id()):
                with pytest.raises(LookupError):
                    await tx.delegations.revoke(delegation_id, examples.at(6), examples.new_id())

    async def test_of_two_revocations_at_once_the_second_sees_the_first(self, uow: UnitOfWork) -> None:
        granted = delegation_of(await self._mailbox(uow))
        async with uow.writing() as tx:
            await tx.delegations.add(granted)
            await tx.commit()

        async def revoke() -> bool:
            async with uow.writing() as tx:
                found = await tx.delegations.lock(granted.id)
                assert found is not None
                if found.revoked_at is not None:
                    return False
                await tx.delegations.revoke(granted.id, examples.at(5), examples.new_id())
                await tx.commit()
                return True

        assert sorted(await asyncio.gather(revoke(), revoke(), revoke())) == [False, False, True]

    async def test_a_revocation_waits_for_what_is_done_by_the_right(self, uow: UnitOfWork) -> None:
        mailbox = await self._mailbox(uow)
        granted = delegation_of(mailbox)
        async with uow.writing() as tx:
            await tx.delegations.add(granted)
            await tx.commit()
        order: list[str] = []

        async def revoke() -> None:
            async with uow.writing() as tx:
                await tx.delegations.lock(granted.id)
                order.append("revoked")

        async with uow.writing() as tx:
            assert await tx.delegations.unended(
                mailbox.id, granted.terms.delegate, examples.NOON, shared=True
            )
            revoking = asyncio.create_task(revoke())
            # The other one has every opportunity to go first.
            async with uow.reading() as beside:
                assert await beside.delegations.get(granted.id)
            order.append("done")
            await tx.commit()
        await revoking
        assert order == ["done", "revoked"]

    async def test_lists_those_of_a_mailbox_or_of_a_delegate_newest_first(self, uow: UnitOfWork) -> None:
        here, elsewhere = await self._mailbox(uow), await self._mailbox(uow)
        delegate = f"{examples.number():010}"
        first, second, third = (
            delegation_of(here),
            delegation_of(here, delegate),
            delegation_of(elsewhere, delegate),
        )
        async with uow.writing() as tx:
            for each in (first, second, third):
                await tx.delegations.add(each)
            evidence_id = examples.new_id()
            await tx.delegations.revoke(first.id, examples.at(5), evidence_id)
            await tx.commit()
        first = replace(first, revoked_at=examples.at(5), revoke_evidence_id=evidence_id)
        async with uow.reading() as tx:
            newest = tx.delegations.list_newest
            of_mailbox = DelegationFilter(mailbox_id=here.id)
            assert await newest(of_mailbox, before=None, limit=9) == [second, first]
            assert await newest(of_mailbox, before=None, limit=1) == [second]
            assert await newest(of_mailbox, before=second.id, limit=9) == [first]
            assert await newest(DelegationFilter(delegate=delegate), before=None, limit=9) == [third, second]
            unended = DelegationFilter(mailbox_id=here.id, unended_at=examples.at(6))
            assert await newest(unended, before=None, limit=9) == [second]
            over = DelegationFilter(delegate=delegate, unended_at=second.terms.expire)
            assert await newest(over, before=None, limit=9) == []

    async def test_an_act_names_whom_it_concerns(self, uow: UnitOfWork) -> None:
        mailbox = await self._mailbox(uow)
        granted, revocation = delegation_of(mailbox), examples.new_id()
        async with uow.writing() as tx:
            await tx.delegations.add(granted)
            await tx.delegations.revoke(granted.id, examples.at(5), revocation)
            concerned = RightAct(mailbox.id, granted.terms.delegate)
            for evidence_id in (granted.grant_evidence_id, revocation):
                assert await tx.delegations.act(evidence_id) == concerned
            assert await tx.delegations.act(examples.new_id()) is None

    async def test_the_acts_behind_a_confirmation_are_shown_to_its_sender_only(self, uow: UnitOfWork) -> None:
        mailbox = await self._mailbox(uow)
        organisation = examples.organisation()
        delivery = examples.delivery(mailbox, examples.address(organisation), 1, [examples.part()])
        acts = [examples.new_id(), examples.new_id()]
        async with uow.writing() as tx:
            await tx.delegations.rest_on(delivery, ())
            assert list(await tx.delegations.acts_behind(mailbox.id, delivery.id)) == []
            await tx.delegations.rest_on(delivery, acts[::-1])
            assert list(await tx.delegations.acts_behind(mailbox.id, delivery.id)) == acts[::-1]
            shown = tx.delegations.is_shown
            for evidence_id in acts:
                assert await shown(evidence_id, delivery.organisation_id, None)
                assert await shown(evidence_id, delivery.organisation_id, delivery.sender_address_id)
                assert not await shown(evidence_id, delivery.organisation_id, examples.new_id())
                assert not await shown(evidence_id, examples.new_id(), None)
            assert not await shown(examples.new_id(), delivery.organisation_id, None)
