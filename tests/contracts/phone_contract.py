"""What confirmations by phone are, whatever keeps them."""

import asyncio
from dataclasses import replace

import pytest

from server.domain.mobile_identity import Failed, Failure, MobileKey
from server.domain.phone_confirmations import WRONG_CODE, PhoneConfirmation, PhoneEnding
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.usecases.records import IssuedStatement
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.post_contract import PERSON, delivered

WRONG_PIN = PhoneEnding("WRONG_PIN", 2)


async def asked(uow: UnitOfWork, expires: float = 120) -> PhoneConfirmation:
    """Returns a question to a phone, kept, about a statement that was issued."""
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        of = (delivery.mailbox_id, delivery.id)
        statement = IssuedStatement(examples.new_id(), *of, PERSON, b"text", NOON, at(1800))
        await tx.deliveries.add_statement(statement)
        question = PhoneConfirmation(
            examples.new_id(), *of, statement.id, PERSON, '{"reference": "s-1"}', NOON, at(expires)
        )
        await tx.phone_confirmations.add(question)
        await tx.commit()
    return question


class PhoneConfirmationContract:
    """Of a question to a phone the first outcome counts."""

    async def test_a_question_comes_back_as_it_was_asked(self, uow: UnitOfWork) -> None:
        question = await asked(uow)

        async with uow.reading() as tx:
            assert await tx.phone_confirmations.get(question.id) == question
            assert await tx.phone_confirmations.get(examples.new_id()) is None

    async def test_a_signature_that_is_kept_stays_for_ever(self, uow: UnitOfWork) -> None:
        question = await asked(uow)
        async with uow.writing() as tx:
            assert await tx.phone_confirmations.keep(question.id, b"cms")
            assert not await tx.phone_confirmations.keep(question.id, b"another")
            assert not await tx.phone_confirmations.end(question.id, WRONG_PIN)
            assert not await tx.phone_confirmations.keep(examples.new_id(), b"cms")
            await tx.commit()

        async with uow.reading() as tx:
            assert await tx.phone_confirmations.get(question.id) == replace(question, cms=b"cms")

    async def test_an_ending_stays_for_ever_with_what_it_tells(self, uow: UnitOfWork) -> None:
        question, wrong = await asked(uow), await asked(uow)
        async with uow.writing() as tx:
            assert await tx.phone_confirmations.end(question.id, WRONG_PIN)
            assert await tx.phone_confirmations.end(wrong.id, PhoneEnding(WRONG_CODE))
            assert not await tx.phone_confirmations.end(question.id, PhoneEnding(WRONG_CODE))
            assert not await tx.phone_confirmations.keep(question.id, b"cms")
            await tx.commit()

        async with uow.reading() as tx:
            ended = await tx.phone_confirmations.get(question.id)
            other = await tx.phone_confirmations.get(wrong.id)
        assert ended == replace(question, ending=WRONG_PIN)
        assert WRONG_PIN.failed == Failed(Failure.WRONG_PIN, MobileKey.SIGNATURE, 2)
        assert other is not None
        assert other.ending is not None
        assert other.ending.failed is None

    async def test_of_several_outcomes_at_the_same_moment_one_counts(self, uow: UnitOfWork) -> None:
        question = await asked(uow)

        async def keep(cms: bytes) -> bool:
            async with uow.writing() as tx:
                kept = await tx.phone_confirmations.keep(question.id, cms)
                await tx.commit()
            return kept

        told = await asyncio.gather(*(keep(bytes([number])) for number in range(4)))

        assert sorted(told) == [False, False, False, True]
        async with uow.reading() as tx:
            found = await tx.phone_confirmations.get(question.id)
        assert found is not None
        assert found.cms == bytes([told.index(True)])

    async def test_only_what_came_to_no_signature_is_forgotten_once_it_expired(self, uow: UnitOfWork) -> None:
        old, ended, signed, young = [await asked(uow, seconds) for seconds in (60, 60, 60, 180)]
        async with uow.writing() as tx:
            await tx.phone_confirmations.end(ended.id, WRONG_PIN)
            await tx.phone_confirmations.keep(signed.id, b"cms")
            assert await tx.phone_confirmations.forget(at(61), limit=100) >= 2
            kept = [
                each.id
                for each in (old, ended, signed, young)
                if await tx.phone_confirmations.get(each.id) is not None
            ]
            await tx.commit()

        assert kept == [signed.id, young.id]

    async def test_signatures_are_forgotten_by_themselves(self, uow: UnitOfWork) -> None:
        unsigned, signed, young = [await asked(uow, seconds) for seconds in (60, 60, 180)]
        async with uow.writing() as tx:
            for each in (signed, young):
                await tx.phone_confirmations.keep(each.id, b"cms")
            assert await tx.phone_confirmations.forget_signed(at(60), limit=100) == 0
            assert await tx.phone_confirmations.forget_signed(at(61), limit=100) >= 1
            assert await tx.phone_confirmations.get(signed.id) is None
            for each in (unsigned, young):
                assert await tx.phone_confirmations.get(each.id) is not None

    async def test_a_question_is_about_a_statement_that_was_issued(self, uow: UnitOfWork) -> None:
        question = replace(await asked(uow), id=examples.new_id(), statement_id=examples.new_id())

        with pytest.raises(StorageFault):
            async with uow.writing() as tx:
                await tx.phone_confirmations.add(question)
