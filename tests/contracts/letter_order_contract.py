"""What the tables of letters on paper are, whatever keeps them."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.deliveries import Delivery, DeliveryState
from server.domain.letter_orders import LetterOrder, LetterReport, LetterState, Report
from server.storage.failures import StorageFault
from server.usecases.ports import Transaction, UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at

HOUR = timedelta(hours=1)


def ordered(delivery: Delivery, step: str = "LETTER", *, pdf: bytes = b"%PDF") -> LetterOrder:
    number = examples.number()
    return LetterOrder(
        id=examples.new_id(),
        mailbox_id=delivery.mailbox_id,
        delivery_id=delivery.id,
        step=step,
        by_ladder=True,
        ordered_at=at(number),
        tracking=f"RR{number:09}AM",
        file=hashlib.sha256(pdf).digest(),
        file_size=len(pdf),
        pages=4,
    )


def failed(delivery: Delivery) -> LetterOrder:
    nothing = replace(ordered(delivery), tracking="", file=b"", file_size=0, pages=0)
    return replace(nothing, state=LetterState.FAILED, reason="NO_POSTAL_ADDRESS")


class LetterOrderContract:
    """Letters that were ordered, their PDFs and what was reported of them."""

    async def delivered(self, tx: Transaction, count: int = 1) -> list[Delivery]:
        """Adds deliveries in a mailbox, and has all letters that other tests left be leased for long."""
        owner, mailbox = examples.organisation(), examples.mailbox()
        address = examples.address(owner)
        parts = [examples.part()]
        made = [examples.delivery(mailbox, address, number + 1, parts) for number in range(count)]
        await tx.organisations.add(owner)
        await tx.sender_addresses.add(address)
        await tx.mailboxes.add(mailbox)
        await tx.deliveries.add([(each, parts) for each in made])
        left = await tx.letter_orders.take_waiting(NOON, limit=99)
        await tx.letter_orders.put([each.cancelled() for each, _ in left])
        return made

    async def test_numbers_of_letters_never_come_again(self, uow: UnitOfWork) -> None:
        async with uow.reading() as tx:
            first = await tx.letter_orders.next_ordinal()
        async with uow.reading() as tx:
            assert await tx.letter_orders.next_ordinal() > first >= 0

    async def test_a_step_has_one_letter(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await self.delivered(tx)
            first, other = ordered(delivery), ordered(delivery)
            assert await tx.letter_orders.add(first, b"%PDF")
            assert not await tx.letter_orders.add(other, b"%PDF")
            assert not await tx.letter_orders.add(failed(delivery), b"")
            assert await tx.letter_orders.get(other.id) is None
            found = await tx.letter_orders.of_step(delivery.mailbox_id, delivery.id, "LETTER")
            assert found == first == await tx.letter_orders.lock(first.id)
            assert await tx.letter_orders.of_step(delivery.mailbox_id, delivery.id, "NOTICE") is None
            assert await tx.letter_orders.standing(first.id) == (first, DeliveryState.CONSIGNED)
            assert await tx.letter_orders.standing(other.id) is None
            assert await tx.letter_orders.add(ordered(delivery, "ANSWER"), b"%PDF")

    async def test_no_two_letters_have_one_number(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await self.delivered(tx)
            first = ordered(delivery)
            await tx.letter_orders.add(first, b"%PDF")
            with pytest.raises(StorageFault):
                await tx.letter_orders.add(replace(ordered(delivery, "B"), tracking=first.tracking), b"%PDF")

    async def test_one_that_failed_says_why_and_one_that_did_not_says_nothing(self, uow: UnitOfWork) -> None:
        for make, reason in ((failed, ""), (ordered, "LENGTH")):
            async with uow.writing() as tx:
                (delivery,) = await self.delivered(tx)
                with pytest.raises(StorageFault):
                    await tx.letter_orders.add(replace(make(delivery), reason=reason), b"")

    async def test_those_that_wait_longest_come_first_with_how_far_their_delivery_is(
        self, uow: UnitOfWork
    ) -> None:
        async with uow.writing() as tx:
            first, second, third, fourth = await self.delivered(tx, 4)
            old, new, broken = ordered(first), ordered(second), failed(third)
            for each in (new, old, broken):
                await tx.letter_orders.add(each, b"%PDF")
            leased = ordered(fourth).leased(examples.new_id(), NOON, NOON + HOUR)
            await tx.letter_orders.add(leased, b"%PDF")
            await tx.deliveries.set_withdrawn(second.mailbox_id, second.id, NOON)
            waiting = (old, DeliveryState.CONSIGNED), (new, DeliveryState.WITHDRAWN)
            assert await tx.letter_orders.take_waiting(NOON, limit=9) == [*waiting]
            assert await tx.letter_orders.take_waiting(NOON, limit=1) == [waiting[0]]
            again = (leased, DeliveryState.CONSIGNED)
            found = await tx.letter_orders.take_waiting(NOON + HOUR, limit=9)
            assert found == [*waiting, again]

    async def test_state_and_lease_are_kept(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second = await self.delivered(tx, 2)
            orders = [ordered(first), ordered(second)]
            for each in orders:
                await tx.letter_orders.add(each, b"%PDF")
            house = examples.new_id()
            changed = [orders[0].leased(house, NOON, NOON + HOUR), orders[1].cancelled()]
            await tx.letter_orders.put(changed)
            assert [await tx.letter_orders.get(each.id) for each in orders] == changed
            assert await tx.letter_orders.take_waiting(NOON, limit=9) == []
            await tx.letter_orders.put([])
            with pytest.raises(LookupError):
                await tx.letter_orders.put([ordered(first)])

    async def test_a_file_is_read_in_pieces_until_it_is_dropped(self, uow: UnitOfWork) -> None:
        pdf = bytes(range(256)) * 40
        async with uow.writing() as tx:
            (delivery,) = await self.delivered(tx)
            order = ordered(delivery, pdf=pdf)
            await tx.letter_orders.add(order, pdf)
            assert await tx.letter_orders.read_file(order.id, 0, 6) == pdf[:6]
            assert await tx.letter_orders.read_file(order.id, 5000, 10_000) == pdf[5000:]
            assert await tx.letter_orders.read_file(order.id, len(pdf), 9) == b""
            await tx.letter_orders.drop_file(order.id)
            assert await tx.letter_orders.read_file(order.id, 0, 6) == b""

    async def test_each_report_is_kept_once_and_in_order(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            (delivery,) = await self.delivered(tx)
            order = ordered(delivery)
            await tx.letter_orders.add(order, b"%PDF")
            reports = [
                LetterReport(order.id, report, examples.new_id(), at(-seconds), at(seconds))
                for seconds, report in enumerate((Report.PRINTED, Report.POSTED, Report.RETURNED))
            ]
            for each in reversed(reports):
                await tx.letter_orders.add_report(each)
            assert await tx.letter_orders.reports([order.id, examples.new_id()]) == {order.id: reports}
            with pytest.raises(StorageFault):
                await tx.letter_orders.add_report(replace(reports[0], evidence_id=examples.new_id()))

    async def test_letters_are_listed_by_house_state_and_delivery_the_newest_first(
        self, uow: UnitOfWork
    ) -> None:
        async with uow.writing() as tx:
            first, second, third = await self.delivered(tx, 3)
            house = examples.new_id()
            orders = [
                ordered(first),
                ordered(second).leased(house, NOON, NOON + HOUR),
                failed(third),
            ]
            for each in orders:
                await tx.letter_orders.add(each, b"%PDF")

            async def listed(**wanted: object) -> list[LetterOrder]:
                asked: dict[str, object] = {"house_id": None, "states": (), "delivery_id": None}
                return list(
                    await tx.letter_orders.list_newest(
                        **{**asked, "before": None, "limit": 3, **wanted}  # type: ignore[arg-type]
                    )
                )

            assert await listed() == orders[::-1]
            assert await listed(limit=1) == orders[2:]
            assert await listed(before=orders[2].id, limit=1) == [orders[1]]
            assert await listed(house_id=house) == [orders[1]]
            assert await listed(states={LetterState.FAILED}, limit=1) == [orders[2]]
            assert await listed(states={LetterState.FAILED, LetterState.WAITING}) == orders[::-1]
            assert await listed(delivery_id=first.id) == [orders[0]]
            assert await listed(tracking=orders[1].tracking) == [orders[1]]
            assert await listed(tracking=orders[1].tracking, house_id=examples.new_id()) == []

    async def test_only_what_failed_makes_room_for_another_letter(self, uow: UnitOfWork) -> None:
        async with uow.writing() as tx:
            first, second = await self.delivered(tx, 2)
            gone, kept = failed(first), ordered(second)
            await tx.letter_orders.add(gone, b"")
            await tx.letter_orders.add(kept, b"%PDF")
            for each in (gone, kept):
                await tx.letter_orders.drop_failed(each.id)
            assert await tx.letter_orders.get(gone.id) is None
            assert await tx.letter_orders.get(kept.id) == kept
            another = ordered(first)
            assert await tx.letter_orders.add(another, b"%PDF")
