"""What the tables of ladders are, whatever keeps them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.events import CONTENT_CONSIGNMENT
from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery
from server.domain.ladder import FailedSteps, StepState, TakenStep, Wake
from server.domain.sign_in_effects import OutstandingSignIn
from server.storage.failures import StorageFault
from server.usecases.ports import Transaction, UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at

# Other tests may leave what is due in the same tables: here everything is due long before.
LONG_AGO = NOON - timedelta(days=3650)


def taken(delivery: Delivery, step: str = "LETTER") -> TakenStep:
    return TakenStep(delivery.mailbox_id, delivery.id, step, Action.LETTER, at(-9), NOON)


class LadderContract:
    """Due deliveries, and steps taken."""

    async def three(self, tx: Transaction) -> list[Delivery]:
        """Adds three deliveries in a mailbox, none of them due."""
        owner, mailbox = examples.organisation(), examples.mailbox()
        address = examples.address(owner)
        parts = [examples.part()]
        made = [examples.delivery(mailbox, address, number, parts) for number in (1, 2, 3)]
        await tx.organisations.add(owner)
        await tx.sender_addresses.add(address)
        await tx.mailboxes.add(mailbox)
        await tx.deliveries.add([(each, parts) for each in made])
        return made

    async def test_those_longest_due_come_first_and_none_before_its_time(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second, third = await self.three(tx)
            moments = (LONG_AGO + timedelta(seconds=1), LONG_AGO, LONG_AGO + timedelta(seconds=5))
            await tx.ladders.plan(
                [
                    Wake(each.mailbox_id, each.id, moment)
                    for each, moment in zip((first, second, third), moments, strict=True)
                ]
            )
            now = LONG_AGO + timedelta(seconds=1)
            assert await tx.ladders.take_due(LONG_AGO - timedelta(seconds=1), limit=9) == []
            assert await tx.ladders.take_due(now, limit=9) == [second, first]
            assert await tx.ladders.take_due(now, limit=1) == [second]
            await tx.ladders.wake([Wake(second.mailbox_id, second.id, at(99))])
            await tx.ladders.forget([(first.mailbox_id, first.id)])
            assert await tx.ladders.take_due(now, limit=9) == []
            await tx.ladders.wake([Wake(first.mailbox_id, first.id, LONG_AGO)])
            assert await tx.ladders.take_due(now, limit=9) == [first]

    async def test_a_sign_in_that_is_not_wholly_recorded_goes_before(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, *_ = await self.three(tx)
            await tx.ladders.plan([Wake(first.mailbox_id, first.id, LONG_AGO)])
            mark = OutstandingSignIn(examples.new_id(), first.mailbox_id, NOON, 0, 3)
            await tx.outstanding_sign_ins.add(mark)
            assert await tx.ladders.take_due(LONG_AGO, limit=9) == []
            await tx.outstanding_sign_ins.finish(mark.sign_in_id)
            assert await tx.ladders.take_due(LONG_AGO, limit=9) == [first]

    async def test_steps_are_taken_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second, third = await self.three(tx)
            later = replace(taken(first, "NOTICE"), due_at=NOON)
            failed = replace(taken(second), state=StepState.FAILED, reason="NOT_CONFIGURED")
            await tx.ladders.take([later, taken(first), failed])
            assert await tx.ladders.taken([first, second, third]) == {
                first.id: {"LETTER", "NOTICE"},
                second.id: {"LETTER"},
            }
            assert await tx.ladders.steps_of(first.mailbox_id, first.id) == [taken(first), later]
            found = await tx.ladders.failed(after=None, limit=100)
            assert failed in found
            assert later not in found
            await tx.ladders.take([])
            with pytest.raises(StorageFault) as raised:
                await tx.ladders.take([taken(first)])
            assert raised.value.constraint == "pk_ladder_steps"

    async def test_a_step_is_moved_only_from_the_state_that_it_is_in(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, *_ = await self.three(tx)
            key = (first.mailbox_id, first.id, "LETTER")
            assert not await tx.ladders.fail(*key, "NO_POSTAL_ADDRESS")
            await tx.ladders.take([taken(first)])
            assert not await tx.ladders.order_again(*key, at(5))
            assert await tx.ladders.fail(*key, "NO_POSTAL_ADDRESS")
            assert not await tx.ladders.fail(*key, "ANOTHER")
            failed = replace(taken(first), state=StepState.FAILED, reason="NO_POSTAL_ADDRESS")
            assert await tx.ladders.steps_of(first.mailbox_id, first.id) == [failed]
            assert await tx.ladders.order_again(*key, at(5))
            assert not await tx.ladders.order_again(*key, at(6))
            again = replace(taken(first), again_at=at(5))
            assert await tx.ladders.steps_of(first.mailbox_id, first.id) == [again]

    async def test_failed_steps_of_open_deliveries_are_listed_page_by_page(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second, third = await self.three(tx)
            steps = [
                replace(taken(each), taken_at=moment, state=StepState.FAILED, reason="NOT_CONFIGURED")
                for each, moment in ((first, LONG_AGO), (second, LONG_AGO), (third, LONG_AGO))
            ]
            await tx.ladders.take(steps)
            await tx.deliveries.set_notified(second.mailbox_id, second.id, NOON)
            (page,) = await tx.ladders.failed(after=None, limit=1)
            assert page == steps[0]
            assert (await tx.ladders.failed(after=page, limit=1)) == [steps[2]]
            for wanted, none in (
                (FailedSteps(action=Action.LETTER), FailedSteps(action=Action.NUDGE)),
                (FailedSteps(step="LETTER"), FailedSteps(step="NOTICE")),
                (FailedSteps(reason="NOT_CONFIGURED"), FailedSteps(reason="NO_GATEWAY")),
            ):
                assert (await tx.ladders.failed(wanted, after=page, limit=1)) == [steps[2]]
                found = await tx.ladders.failed(none, after=None, limit=99)
                assert not {each.delivery_id for each in found} & {first.id, second.id, third.id}

    async def test_only_deliveries_that_there_are_have_steps_and_are_looked_at(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, *_ = await self.three(tx)
            nobody = replace(first, id=examples.new_id())
            with pytest.raises(StorageFault) as raised:
                await tx.ladders.take([taken(nobody)])
            assert raised.value.constraint == "fk_ladder_steps_mailbox_id_delivery_id_deliveries"
        async with uow.writing() as tx:
            first, *_ = await self.three(tx)
            nobody = replace(first, id=examples.new_id())
            with pytest.raises(StorageFault) as raised:
                await tx.ladders.wake([Wake(nobody.mailbox_id, nobody.id, NOON)])
            assert raised.value.constraint == "fk_ladder_wakes_mailbox_id_delivery_id_deliveries"

    async def test_a_delivery_is_found_by_its_identifier_alone(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            owner, mailbox = examples.organisation(), examples.mailbox()
            address, parts = examples.address(owner), [examples.part()]
            await tx.organisations.add(owner)
            await tx.sender_addresses.add(address)
            await tx.mailboxes.add(mailbox)
            made = replace(
                examples.delivery(mailbox, address, 1, parts), id=examples.id_at(NOON), submitted_at=at(1)
            )
            await tx.deliveries.add([(made, parts)])
            await tx.ladders.plan([Wake(made.mailbox_id, made.id, at(9))])
            fact = replace(
                examples.fact(made, CONTENT_CONSIGNMENT), id=examples.id_at(at(2)), delivery_id=made.id
            )
            await tx.evidence.record([fact])
            assert await tx.ladders.find(made.id) == made
            assert await tx.ladders.find(examples.id_at(NOON)) is None
            assert await tx.ladders.looked_at(made.mailbox_id, made.id) == at(9)
            assert await tx.ladders.looked_at(made.mailbox_id, examples.new_id()) is None
