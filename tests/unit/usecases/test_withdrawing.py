"""Withdrawing: before anybody opened it, once, by its own sender; and what is withdrawn is read by nobody."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.details import WithdrawalDetails
from namak.evidence.document import RecordedFact
from server.domain.caller import Sender
from server.domain.deliveries import DeliveryState, MessageFilter
from server.domain.refusals import (
    DeliveryNotified,
    DeliveryWithdrawn,
    MessageOpened,
    Refused,
    RequestIdReused,
    ResourceNotPermitted,
)
from server.jurisdictions.am import AM
from server.usecases.evidence import ListFacts
from server.usecases.mailboxes import ListMessages, Mailboxes
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage, ReadPart
from server.usecases.submission import Accepted
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery, Withdrawn
from tests.unit.usecases.world import START, World, letter

NOBODYS = UUID("0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d")


@pytest.fixture
def world() -> World:
    return World()


async def withdraw(
    world: World, delivery_id: UUID, request_id: str = "w", *, caller: Sender | None = None, wait: float = 0
) -> Withdrawn:
    withdrawal = Withdrawal(
        uow=world.uow, clock=world.clock, entropy=world.entropy, log=world.log, profile=AM
    )
    return await withdrawal.withdraw(WithdrawDelivery(caller or world.agency, request_id, delivery_id, wait))


async def test_a_withdrawal_is_evidence_and_the_delivery_says_so(world: World) -> None:
    delivery = await world.delivered()
    wakes = world.log.wakes
    world.clock.move(timedelta(minutes=5))

    withdrawn = await withdraw(world, delivery.id)

    assert withdrawn.delivery.state is DeliveryState.WITHDRAWN
    assert withdrawn.delivery.withdrawn_at == START + timedelta(minutes=5)
    assert withdrawn.delivery == world.delivery(delivery.id)
    document = RecordedFact.parse(withdrawn.evidence.data).document
    assert (document.event, document.event_time) == (events.WITHDRAWN, START + timedelta(minutes=5))
    facts = await world.evidence.list_facts(ListFacts(world.agency, delivery.id, 0, ""))
    consignment = next(fact for fact in facts.items if fact.event == events.CONTENT_CONSIGNMENT)
    assert document.details == WithdrawalDetails(consignment.entry.hex())
    assert world.log.wakes == wakes + 1
    assert withdrawn.receipt is None


async def test_it_waits_for_the_receipt_as_submitting_does(world: World) -> None:
    delivery = await world.delivered()

    withdrawn = await withdraw(world, delivery.id, wait=5)

    assert withdrawn.receipt is not None
    assert withdrawn.receipt.evidence_id == withdrawn.evidence.id
    assert world.log.asked[-1] == (frozenset({withdrawn.evidence.id}), 5)


async def test_a_log_that_is_away_takes_no_withdrawal_back(world: World) -> None:
    delivery = await world.delivered()
    world.log.away = True

    assert (await withdraw(world, delivery.id, wait=5)).receipt is None
    assert world.delivery(delivery.id).state is DeliveryState.WITHDRAWN


async def test_a_fault_of_the_log_takes_no_withdrawal_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: object, **_options: object) -> None:
        raise LookupError("a mistake of ours")

    monkeypatch.setattr(world.log, "receipts", broken)
    delivery = await world.delivered()

    assert (await withdraw(world, delivery.id, wait=5)).receipt is None
    assert world.delivery(delivery.id).state is DeliveryState.WITHDRAWN


async def test_repeating_it_returns_the_same_evidence(world: World) -> None:
    delivery = await world.delivered()
    first = await withdraw(world, delivery.id)
    world.clock.move(timedelta(days=1))

    again = await withdraw(world, delivery.id, wait=5)

    assert (again.delivery, again.evidence) == (first.delivery, first.evidence)
    assert again.receipt is not None
    assert len(world.uow.committed.evidence) == 3


async def test_a_second_withdrawal_under_another_id_is_refused_and_leaves_nothing(world: World) -> None:
    delivery = await world.delivered()
    await withdraw(world, delivery.id)
    before = world.uow.committed

    with pytest.raises(DeliveryWithdrawn):
        await withdraw(world, delivery.id, "another")

    assert world.uow.committed is before


async def test_two_withdrawals_at_once_leave_one_fact(world: World) -> None:
    delivery = await world.delivered()
    ends = await asyncio.gather(
        withdraw(world, delivery.id, "one"), withdraw(world, delivery.id, "other"), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ends) == ["DeliveryWithdrawn", "Withdrawn"]
    assert len(world.uow.committed.evidence) == 3


async def test_what_was_opened_stays(world: World) -> None:
    delivery = await world.opened()
    before = world.uow.committed

    with pytest.raises(MessageOpened) as refused:
        await withdraw(world, delivery.id)

    assert refused.value.metadata == {"delivery_id": str(delivery.id)}
    assert world.uow.committed is before


async def test_what_was_notified_stays(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    await world.reading.confirm_reading(ConfirmReading(world.ani, delivery.id, statement_id, cms))

    with pytest.raises(DeliveryNotified):
        await withdraw(world, delivery.id)


async def test_a_withdrawn_message_is_read_by_nobody(world: World) -> None:
    delivery = await world.delivered()
    await withdraw(world, delivery.id)
    before = world.uow.committed

    for act in (
        world.reading.open_message(OpenMessage(world.ani, delivery.id)),
        world.reading.read_part(ReadPart(world.ani, delivery.id, 1)),
        world.reading.issue_statement(IssueStatement(world.ani, delivery.id)),
        world.reading.confirm_reading(ConfirmReading(world.ani, delivery.id, NOBODYS, b"cms")),
    ):
        with pytest.raises(DeliveryWithdrawn):
            await act

    assert world.uow.committed is before


async def test_the_holder_still_sees_that_it_was_sent_and_withdrawn(world: World) -> None:
    delivery = await world.delivered()
    world.clock.move(timedelta(minutes=5))
    await withdraw(world, delivery.id)

    (message,) = (
        await Mailboxes(uow=world.uow, clock=world.clock).list_messages(
            ListMessages(world.ani, 0, "", MessageFilter(unopened_only=True))
        )
    ).items
    facts = await world.evidence.list_facts(ListFacts(world.ani, delivery.id, 0, ""))

    assert message.delivery.state is DeliveryState.WITHDRAWN
    assert message.delivery.withdrawn_at == START + timedelta(minutes=5)
    assert [fact.event for fact in facts.items] == [events.CONTENT_CONSIGNMENT, events.WITHDRAWN]


async def test_foreign_and_absent_deliveries_are_one(world: World) -> None:
    delivery = await world.delivered()
    refusals = set()
    for caller, delivery_id in (
        (world.sender(world.other), delivery.id),
        (world.sender(world.src, world.info), delivery.id),
        (world.agency, NOBODYS),
        (world.sender(world.other), NOBODYS),
    ):
        for request_id in ("new", "1"):
            with pytest.raises(Refused) as refused:
                await withdraw(world, delivery_id, request_id, caller=caller)
            assert isinstance(refused.value, ResourceNotPermitted)
            refusals.add((refused.value.text, tuple(refused.value.metadata.items())))
    assert len(refusals) == 1
    assert world.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_the_sender_bound_to_its_address_withdraws_it(world: World) -> None:
    delivery = await world.delivered()

    await withdraw(world, delivery.id, caller=world.sender(world.src, world.notices))

    assert world.delivery(delivery.id).state is DeliveryState.WITHDRAWN


async def test_a_submission_s_request_id_withdraws_nothing(world: World) -> None:
    delivery = await world.delivered("1")

    with pytest.raises(RequestIdReused):
        await withdraw(world, delivery.id, "1")

    assert world.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_a_withdrawal_s_request_id_withdraws_and_submits_nothing_else(world: World) -> None:
    first, second = await world.delivered("1"), await world.delivered("2")
    await withdraw(world, first.id, "w")

    with pytest.raises(RequestIdReused):
        await withdraw(world, second.id, "w")
    (outcome,) = await world.submit(letter("w"))

    assert isinstance(outcome, RequestIdReused)
    assert world.delivery(second.id).state is DeliveryState.CONSIGNED


async def test_a_repeated_submission_is_told_as_it_was_accepted(world: World) -> None:
    delivery = await world.delivered("1")
    await withdraw(world, delivery.id)

    (again,) = await world.submit(letter("1"))

    assert isinstance(again, Accepted)
    assert again.delivery == delivery


async def test_it_comes_after_the_consignment_though_this_clock_is_behind(world: World) -> None:
    delivery = await world.delivered()
    world.clock.move(-timedelta(hours=1))

    withdrawn = await withdraw(world, delivery.id)

    assert withdrawn.delivery.withdrawn_at == START + timedelta(microseconds=1)
    assert withdrawn.evidence.recorded_at == withdrawn.delivery.withdrawn_at


async def test_opening_and_withdrawing_at_once_come_about_one_at_a_time(world: World) -> None:
    delivery = await world.delivered()
    opened, withdrawn = await asyncio.gather(
        world.reading.open_message(OpenMessage(world.ani, delivery.id)),
        withdraw(world, delivery.id),
        return_exceptions=True,
    )
    assert isinstance(opened, Refused) != isinstance(withdrawn, Refused)
    assert len(world.uow.committed.evidence) == 3
