"""What every unit of work does with messages as their holders see them, and with what these do with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from server.domain.deliveries import MessageFilter, MessageView
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.usecases.records import Confirmation, IssuedStatement, Opening
from tests.contracts import examples
from tests.contracts.post_contract import (
    ALL_MESSAGES,
    FIRST_TIME,
    LAST_TIME,
    OTHER,
    PERSON,
    delivered,
    id_at,
    mailbox_and_sender,
)


class HolderContract:
    """Deliveries as their holders see them, and what they do with them."""

    async def test_a_holder_lists_messages_newest_first(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            mine = await delivered(tx, 3)
            await delivered(tx, 2)
            mailbox_id = mine[0].mailbox_id
            views = [MessageView(each, None, None) for each in reversed(mine)]
            listed = await tx.deliveries.list_in_mailbox(
                mailbox_id, PERSON, ALL_MESSAGES, before=None, limit=9
            )
            assert list(listed) == views
            listed = await tx.deliveries.list_in_mailbox(mailbox_id, PERSON, ALL_MESSAGES, before=3, limit=1)
            assert list(listed) == views[1:2]
            assert (
                list(await tx.deliveries.list_in_mailbox(mailbox_id, PERSON, ALL_MESSAGES, before=1, limit=9))
                == []
            )

    async def test_a_holder_lists_what_they_ask_for(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            mailbox, address = await mailbox_and_sender(tx)
            made = [examples.delivery(mailbox, address, number, []) for number in (1, 2, 3)]
            made = [
                replace(each, id=id_at(seconds), submitted_at=examples.at(seconds))
                for seconds, each in enumerate(made, 1)
            ]
            made[2] = replace(made[2], sender="rare@src.am")
            await tx.deliveries.add([(each, []) for each in made])
            one, two, three = made
            for each in (one, two):
                await tx.deliveries.add_opening(
                    Opening(mailbox.id, each.id, PERSON, examples.new_id(), examples.at(9))
                )
            await tx.deliveries.add_confirmation(
                Confirmation(mailbox.id, one.id, PERSON, bytes(32), (examples.new_id(),), examples.at(9))
            )

            async def listed(person: str = PERSON, **wanted: Any) -> Sequence[UUID]:
                found = await tx.deliveries.list_in_mailbox(
                    mailbox.id, person, MessageFilter(**wanted), before=None, limit=9
                )
                return [each.delivery.id for each in found]

            assert await listed(unopened_only=True) == [three.id]
            assert await listed(OTHER, unopened_only=True) == [three.id, two.id, one.id]
            assert await listed(unconfirmed_only=True) == [three.id, two.id]
            assert await listed(OTHER, unconfirmed_only=True) == [three.id, two.id]
            assert await listed(sender="rare@src.am") == [three.id]
            assert await listed(sender="rare@src.am", unopened_only=True) == [three.id]
            assert await listed(sender=address.address, unopened_only=True) == []
            assert await listed(consigned_from=examples.at(2)) == [three.id, two.id]
            assert await listed(consigned_before=examples.at(2)) == [one.id]
            assert await listed(consigned_from=FIRST_TIME, consigned_before=LAST_TIME) == [
                three.id,
                two.id,
                one.id,
            ]

    async def test_anybody_s_opening_counts(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            one, two = await delivered(tx, 2)
            assert not await tx.deliveries.is_opened(one.mailbox_id, one.id)
            opening = Opening(one.mailbox_id, one.id, OTHER, examples.new_id(), examples.at(1))
            await tx.deliveries.add_opening(opening)
            assert await tx.deliveries.is_opened(one.mailbox_id, one.id)
            assert not await tx.deliveries.is_opened(two.mailbox_id, two.id)

    async def test_a_message_shows_when_this_person_opened_it_and_when_it_was_confirmed(
        self, uow: UnitOfWork
    ) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            key = (delivery.mailbox_id, delivery.id)
            opening = Opening(*key, PERSON, examples.new_id(), examples.at(1))
            confirmation = Confirmation(
                *key, PERSON, bytes(32), (examples.new_id(), examples.new_id()), examples.at(2)
            )
            assert await tx.deliveries.opening(*key, PERSON) is None
            assert await tx.deliveries.confirmation(*key) is None
            await tx.deliveries.add_opening(opening)
            await tx.deliveries.add_confirmation(confirmation)
            assert await tx.deliveries.opening(*key, PERSON) == opening
            assert await tx.deliveries.opening(*key, OTHER) is None
            assert await tx.deliveries.confirmation(*key) == confirmation
            seen = MessageView(delivery, examples.at(1), examples.at(2))
            assert await tx.deliveries.in_mailbox(*key, PERSON) == seen
            unseen = MessageView(delivery, None, examples.at(2))
            assert await tx.deliveries.in_mailbox(*key, OTHER) == unseen
            listed = await tx.deliveries.list_in_mailbox(key[0], PERSON, ALL_MESSAGES, before=None, limit=9)
            assert list(listed) == [seen]

    async def test_a_person_opens_a_delivery_for_the_first_time_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            opening = Opening(delivery.mailbox_id, delivery.id, PERSON, examples.new_id(), examples.at(1))
            await tx.deliveries.add_opening(opening)
            await tx.deliveries.add_opening(replace(opening, person_number=OTHER))
            with pytest.raises(StorageFault) as raised:
                await tx.deliveries.add_opening(replace(opening, opened_at=examples.at(2)))
            assert raised.value.constraint == "pk_openings"

    async def test_a_delivery_is_confirmed_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            key = (delivery.mailbox_id, delivery.id)
            confirmation = Confirmation(*key, PERSON, bytes(32), (examples.new_id(),), examples.at(1))
            await tx.deliveries.add_confirmation(confirmation)
            with pytest.raises(StorageFault) as raised:
                await tx.deliveries.add_confirmation(replace(confirmation, person_number=OTHER))
            assert raised.value.constraint == "pk_confirmations"

    async def test_statements_are_found_by_their_identifier_and_the_newest_for_its_person(
        self, uow: UnitOfWork
    ) -> None:
        async with uow.writing() as tx:
            (delivery,), (other,) = await delivered(tx), await delivered(tx)
            mailbox_id = delivery.mailbox_id

            def statement(person: str, seconds: float) -> IssuedStatement:
                text = "Հավաստում եմ\n".encode()
                times = (examples.at(seconds), examples.at(seconds + 60))
                return IssuedStatement(examples.new_id(), mailbox_id, delivery.id, person, text, *times)

            newest, older, same_time = statement(PERSON, 5), statement(PERSON, 1), statement(PERSON, 5)
            others = statement(OTHER, 9)
            assert await tx.deliveries.newest_statement(mailbox_id, delivery.id, PERSON) is None
            for each in (newest, older, others):
                await tx.deliveries.add_statement(each)
            assert await tx.deliveries.statement(mailbox_id, older.id) == older
            assert await tx.deliveries.statement(other.mailbox_id, older.id) is None
            assert await tx.deliveries.newest_statement(mailbox_id, delivery.id, PERSON) == newest
            assert await tx.deliveries.newest_statement(mailbox_id, other.id, PERSON) is None
            await tx.deliveries.add_statement(same_time)
            assert await tx.deliveries.newest_statement(mailbox_id, delivery.id, PERSON) == same_time
