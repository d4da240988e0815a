"""What every unit of work does with mailboxes and deliveries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from server.domain.deliveries import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    MessageFilter,
    MessageView,
    Part,
)
from server.domain.ids import first_id
from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxLink, MailboxState
from server.domain.senders import SenderAddress
from server.storage.failures import StorageFault
from server.usecases.ports import Transaction, UnitOfWork
from server.usecases.records import Claim
from tests.contracts import examples

ALL_SENT, ALL_MESSAGES = DeliveryFilter(), MessageFilter()
FIRST_TIME, LAST_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
PERSON, OTHER = "5001950015", "6002950016"


async def mailbox_and_sender(tx: Transaction) -> tuple[Mailbox, SenderAddress]:
    """Adds a mailbox, an organisation and its address."""
    organisation = examples.organisation()
    mailbox, address = examples.mailbox(), examples.address(organisation)
    await tx.organisations.add(organisation)
    await tx.sender_addresses.add(address)
    await tx.mailboxes.add(mailbox)
    return mailbox, address


def id_at(seconds: float) -> UUID:
    """Returns a new identifier of that time, as a clock would have given it."""
    return UUID(int=first_id(examples.at(seconds)).int + examples.number())


async def delivered(tx: Transaction, count: int = 1) -> Sequence[Delivery]:
    """Adds deliveries of two parts each to a new mailbox."""
    mailbox, address = await mailbox_and_sender(tx)
    added: list[tuple[Delivery, Sequence[Part]]] = []
    for sequence in range(1, count + 1):
        parts = [examples.part(), examples.part(b"two")]
        added.append((examples.delivery(mailbox, address, sequence, parts), parts))
    await tx.deliveries.add(added)
    return [delivery for delivery, _ in added]


class MailboxContract:
    """Mailboxes and their chains."""

    async def test_an_address_is_given_once(self, uow: UnitOfWork) -> None:
        person, entity = examples.mailbox(), examples.mailbox(HolderKind.ENTITY)
        async with uow.writing() as tx:
            assert await tx.mailboxes.add(person)
            assert await tx.mailboxes.add(entity)
            again = replace(person, id=examples.new_id())
            assert not await tx.mailboxes.add(again)
            assert await tx.mailboxes.get(again.id) is None
            assert await tx.mailboxes.get(person.id) == person
            assert await tx.mailboxes.get(entity.id) == entity

    async def test_a_person_has_one_mailbox(self, uow: UnitOfWork) -> None:
        person, entity = examples.mailbox(), examples.mailbox(HolderKind.ENTITY)
        async with uow.writing() as tx:
            await tx.mailboxes.add(person)
            await tx.mailboxes.add(entity)
            assert await tx.mailboxes.of_person(person.holder_number) == person
            assert await tx.mailboxes.of_person(entity.holder_number) is None
            second = replace(person, id=examples.new_id(), address=f"x{person.address}")
            with pytest.raises(StorageFault) as raised:
                await tx.mailboxes.add(second)
            assert raised.value.constraint == "uq_mailboxes_holder_kind_holder_number"

    async def test_a_chain_begins_empty_and_goes_forward(self, uow: UnitOfWork) -> None:
        first, second = examples.mailbox(), examples.mailbox()
        head = MailboxHead(2, bytes([2] * 32))
        links = [
            MailboxLink(first.id, 1, examples.new_id(), bytes([9] * 32), bytes(32), bytes([1] * 32)),
            MailboxLink(first.id, 2, examples.new_id(), bytes([8] * 32), bytes([1] * 32), head.link),
        ]
        async with uow.writing() as tx:
            await tx.mailboxes.add(first)
            await tx.mailboxes.add(second)
            empty = MailboxHead(0, bytes(32))
            locked = await tx.mailboxes.lock([second.address, "0@e-citizen.am", first.address])
            assert locked == {first.address: (first, empty), second.address: (second, empty)}
            await tx.mailboxes.advance({first.id: head}, links)
            await tx.mailboxes.advance({}, [])
            assert await tx.mailboxes.lock([first.address]) == {first.address: (first, head)}
            assert await tx.mailboxes.lock([second.address]) == {second.address: (second, empty)}
            assert await tx.mailboxes.lock([]) == {}
            for not_beyond in (head, empty):
                with pytest.raises(ValueError, match="forward"):
                    await tx.mailboxes.advance({first.id: not_beyond}, [])

    async def test_a_mailbox_is_found_by_its_address_and_changes_its_state(self, uow: UnitOfWork) -> None:
        first, second = examples.mailbox(), examples.mailbox()
        async with uow.writing() as tx:
            await tx.mailboxes.add(first)
            await tx.mailboxes.add(second)
            assert await tx.mailboxes.named(first.address) == first
            assert await tx.mailboxes.named("0@e-citizen.am") is None
            named = await tx.mailboxes.all_named([first.address, "0@e-citizen.am"])
            assert named == {first.address: first}
            await tx.mailboxes.set_state(first.id, MailboxState.CLOSED)
            closed = replace(first, state=MailboxState.CLOSED)
            assert await tx.mailboxes.named(first.address) == closed
            assert await tx.mailboxes.get(second.id) == second
            with pytest.raises(LookupError):
                await tx.mailboxes.set_state(examples.new_id(), MailboxState.OPEN)

    async def test_links_are_listed_in_order_of_their_own_mailbox(self, uow: UnitOfWork) -> None:
        first, second = examples.mailbox(), examples.mailbox()

        def link(of: Mailbox, sequence: int) -> MailboxLink:
            return MailboxLink(
                of.id, sequence, examples.new_id(), bytes([9] * 32), bytes(32), bytes([sequence] * 32)
            )

        mine, theirs = [link(first, sequence) for sequence in (3, 1, 2)], [link(second, 1)]
        async with uow.writing() as tx:
            for each in (first, second):
                await tx.mailboxes.add(each)
            await tx.mailboxes.advance({first.id: MailboxHead(3, bytes([3] * 32))}, [*mine, *theirs])
            in_order = [mine[1], mine[2], mine[0]]
            assert list(await tx.mailboxes.links(first.id, after=0, limit=9)) == in_order
            assert list(await tx.mailboxes.links(first.id, after=1, limit=1)) == in_order[1:2]
            assert list(await tx.mailboxes.links(first.id, after=3, limit=9)) == []
            assert await tx.mailboxes.head(first.id) == MailboxHead(3, bytes([3] * 32))
            assert await tx.mailboxes.head(second.id) == MailboxHead(0, bytes(32))
            with pytest.raises(LookupError):
                await tx.mailboxes.head(examples.new_id())

    async def test_a_place_in_a_chain_is_taken_once(self, uow: UnitOfWork) -> None:
        mailbox = examples.mailbox()
        link = MailboxLink(mailbox.id, 1, examples.new_id(), bytes(32), bytes(32), bytes(32))
        async with uow.writing() as tx:
            await tx.mailboxes.add(mailbox)
            await tx.mailboxes.advance({}, [link])
            with pytest.raises(StorageFault) as raised:
                await tx.mailboxes.advance({}, [link])
            assert raised.value.constraint == "pk_mailbox_links"


class DeliveryContract:
    """Deliveries as their senders see them, and what is in them."""

    async def test_a_batch_of_deliveries_is_stored_whole_and_in_order(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            deliveries = await delivered(tx, 500)
            organisation_id = deliveries[0].organisation_id
            found = await tx.deliveries.sent(organisation_id, [each.id for each in deliveries])
            assert found == {each.id: each for each in deliveries}

    async def test_nothing_to_add_adds_nothing(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            await tx.deliveries.add([])

    async def test_a_sender_finds_its_own_deliveries_only(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (mine,), (theirs,) = await delivered(tx), await delivered(tx)
            both = [mine.id, theirs.id, examples.new_id()]
            assert await tx.deliveries.sent(mine.organisation_id, both) == {mine.id: mine}
            assert await tx.deliveries.sent(mine.organisation_id, []) == {}

    async def test_a_sender_lists_its_deliveries_newest_first(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            mine = await delivered(tx, 3)
            await delivered(tx, 2)
            owner = mine[0].organisation_id
            assert list(await tx.deliveries.list_sent(owner, None, ALL_SENT, before=None, limit=9)) == [
                *reversed(mine)
            ]
            assert list(await tx.deliveries.list_sent(owner, None, ALL_SENT, before=None, limit=2)) == [
                mine[2],
                mine[1],
            ]
            assert list(await tx.deliveries.list_sent(owner, None, ALL_SENT, before=mine[1].id, limit=9)) == [
                mine[0]
            ]
            address = mine[0].sender_address_id
            assert len(await tx.deliveries.list_sent(owner, address, ALL_SENT, before=None, limit=9)) == 3
            assert (
                len(await tx.deliveries.list_sent(owner, examples.new_id(), ALL_SENT, before=None, limit=9))
                == 0
            )

    async def test_a_part_is_read_as_it_was_stored(self, uow: UnitOfWork) -> None:
        every_byte = bytes(range(256)) * 4096
        async with uow.writing() as tx:
            mailbox, address = await mailbox_and_sender(tx)
            parts = [examples.part(b""), examples.part(every_byte)]
            delivery = examples.delivery(mailbox, address, 1, parts)
            await tx.deliveries.add([(delivery, parts)])
            assert await tx.deliveries.read_part(mailbox.id, delivery.id, 1) == (parts[0].info, b"")
            assert await tx.deliveries.read_part(mailbox.id, delivery.id, 2) == (parts[1].info, every_byte)
            assert await tx.deliveries.read_part(mailbox.id, delivery.id, 3) is None
            assert await tx.deliveries.read_part(mailbox.id, delivery.id, 0) is None
            both = [(parts[0].info, b""), (parts[1].info, every_byte)]
            assert await tx.deliveries.read_parts(mailbox.id, delivery.id) == both

    async def test_a_part_that_is_not_what_its_digest_says_is_refused(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            mailbox, address = await mailbox_and_sender(tx)
            part = replace(examples.part(), content=b"!PDF-1.7")
            with pytest.raises(StorageFault) as raised:
                await tx.deliveries.add([(examples.delivery(mailbox, address, 1, [part]), [part])])
            assert raised.value.constraint == "ck_parts_digest"

    async def test_a_place_in_a_mailbox_is_taken_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            with pytest.raises(StorageFault) as raised:
                await tx.deliveries.add([(replace(delivery, id=examples.new_id(), parts=()), [])])
            assert raised.value.constraint == "uq_deliveries_mailbox_id_sequence"

    async def test_a_delivery_is_notified_once(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await delivered(tx)
            assert await tx.deliveries.lock(delivery.mailbox_id, delivery.id) == delivery
            assert await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, examples.at(1))
            assert not await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, examples.at(2))
            notified = replace(delivery, state=DeliveryState.NOTIFIED, notified_at=examples.at(1))
            assert await tx.deliveries.lock(delivery.mailbox_id, delivery.id) == notified

    async def test_many_are_notified_at_once_or_none(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (one,), (two,), (three,) = [await delivered(tx) for _ in range(3)]
            times = {(each.mailbox_id, each.id): examples.at(n) for n, each in enumerate((one, two), 1)}
            await tx.deliveries.set_all_notified(times)
            await tx.deliveries.set_all_notified({})
            for (mailbox_id, delivery_id), at in times.items():
                found = await tx.deliveries.lock(mailbox_id, delivery_id)
                assert found is not None
                assert (found.state, found.notified_at) == (DeliveryState.NOTIFIED, at)
            assert await tx.deliveries.lock(three.mailbox_id, three.id) == three
            with pytest.raises(LookupError):
                await tx.deliveries.set_all_notified(
                    {(each.mailbox_id, each.id): examples.at(9) for each in (two, three)}
                )

    async def test_a_delivery_is_withdrawn_once_and_never_notified_afterwards(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,), (other,) = await delivered(tx), await delivered(tx)
            key = (delivery.mailbox_id, delivery.id)
            assert await tx.deliveries.set_withdrawn(*key, examples.at(1))
            assert not await tx.deliveries.set_withdrawn(*key, examples.at(2))
            assert not await tx.deliveries.set_notified(*key, examples.at(2))
            withdrawn = replace(delivery, state=DeliveryState.WITHDRAWN, withdrawn_at=examples.at(1))
            assert await tx.deliveries.lock(*key) == withdrawn
            view = await tx.deliveries.in_mailbox(*key, PERSON)
            assert view == MessageView(withdrawn, None, None)
            await tx.deliveries.set_notified(other.mailbox_id, other.id, examples.at(1))
            assert not await tx.deliveries.set_withdrawn(other.mailbox_id, other.id, examples.at(2))
            assert not await tx.deliveries.set_withdrawn(other.mailbox_id, delivery.id, examples.at(2))

    async def test_a_sender_lists_what_it_asks_for(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first_box, address = await mailbox_and_sender(tx)
            second_box = examples.mailbox()
            await tx.mailboxes.add(second_box)
            made = [examples.delivery(first_box, address, number, []) for number in (1, 2, 3, 4)]
            made.append(replace(examples.delivery(second_box, address, 1, []), sender="rare@src.am"))
            made = [
                replace(each, id=id_at(seconds), submitted_at=examples.at(seconds))
                for seconds, each in enumerate(made, 1)
            ]
            await tx.deliveries.add([(each, []) for each in made])
            one, two, three, four, five = made
            await tx.deliveries.set_notified(two.mailbox_id, two.id, examples.at(9))
            await tx.deliveries.set_withdrawn(four.mailbox_id, four.id, examples.at(9))
            owner = address.organisation_id
            request_ids = [f"asked-{examples.number()}" for _ in range(2)]
            await tx.claims.claim(
                owner,
                [
                    Claim(request_ids[0], bytes(32), three.id),
                    Claim(request_ids[1], bytes(32), examples.new_id()),
                ],
            )

            async def listed(limit: int = 9, **wanted: Any) -> Sequence[UUID]:
                found = await tx.deliveries.list_sent(
                    owner, None, DeliveryFilter(**wanted), before=None, limit=limit
                )
                return [each.id for each in found]

            consigned, notified, withdrawn = DeliveryState
            assert await listed() == [each.id for each in reversed(made)]
            assert await listed(sender="rare@src.am") == [five.id]
            assert await listed(sender=address.address) == [four.id, three.id, two.id, one.id]
            assert await listed(sender="nobody@src.am") == []
            assert await listed(recipient=second_box.address) == [five.id]
            assert await listed(recipient="0@e-citizen.am") == []
            for states, found in (
                ({consigned}, [five, three, one]),
                ({notified}, [two]),
                ({withdrawn}, [four]),
                ({notified, withdrawn}, [four, two]),
                ({consigned, withdrawn}, [five, four, three, one]),
                (set(DeliveryState), [five, four, three, two, one]),
            ):
                assert await listed(states=frozenset(states)) == [each.id for each in found]
            assert await listed(2, states=frozenset({consigned, withdrawn})) == [five.id, four.id]
            assert await listed(submitted_from=examples.at(4)) == [five.id, four.id]
            assert await listed(submitted_before=examples.at(2)) == [one.id]
            assert await listed(submitted_from=examples.at(2), submitted_before=examples.at(4)) == [
                three.id,
                two.id,
            ]
            assert len(await listed(submitted_from=FIRST_TIME, submitted_before=LAST_TIME)) == 5
            assert await listed(request_id=request_ids[0]) == [three.id]
            assert await listed(request_id=request_ids[1]) == []
            assert await listed(request_id="nobody-s") == []
            assert await listed(sender=address.address, states=frozenset({withdrawn})) == [four.id]
            assert await listed(sender="rare@src.am", states=frozenset({withdrawn})) == []
            page = await tx.deliveries.list_sent(
                owner,
                address.id,
                DeliveryFilter(states=frozenset({consigned, notified})),
                before=five.id,
                limit=2,
            )
            assert [each.id for each in page] == [three.id, two.id]

    async def test_a_delivery_is_in_its_own_mailbox_only(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,), (other,) = await delivered(tx), await delivered(tx)
            elsewhere = (other.mailbox_id, delivery.id)
            assert await tx.deliveries.lock(*elsewhere) is None
            keys = {elsewhere, (other.mailbox_id, other.id), (delivery.mailbox_id, delivery.id)}
            await tx.deliveries.lock_all(keys)
            assert await tx.deliveries.found(keys) == {delivery.id: delivery, other.id: other}
            assert await tx.deliveries.found(set()) == {}
            assert await tx.deliveries.read_parts(*elsewhere) == []
            assert await tx.deliveries.in_mailbox(*elsewhere, PERSON) is None
            assert await tx.deliveries.read_part(*elsewhere, 1) is None
            assert not await tx.deliveries.set_notified(*elsewhere, examples.at(1))
