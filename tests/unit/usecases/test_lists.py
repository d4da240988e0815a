"""Lists of deliveries and messages: newest first, whole over all pages, and only one's own."""

from datetime import timedelta

import pytest

from server.domain.caller import Sender
from server.domain.paging import Query
from server.domain.refusals import (
    InvalidFields,
    InvalidPageToken,
    ResourceNotPermitted,
)
from server.usecases.delivery import ListDeliveries
from server.usecases.mailboxes import ListMessages, Mailboxes
from server.usecases.reading import OpenMessage
from tests.unit.usecases.world import START, World, letter


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def mailboxes(world: World) -> Mailboxes:
    return Mailboxes(uow=world.uow, clock=world.clock)


async def filled(world: World) -> None:
    await world.submit(*(letter(f"n{number}", subject=f"n{number}") for number in range(5)))
    await world.submit(
        *(letter(f"i{number}", sender="info@src.am", subject=f"i{number}") for number in range(3)),
        caller=world.sender(world.src, at="127.0.0.2"),
    )


async def sent(world: World, caller: Sender, size: int) -> list[str]:
    subjects: list[str] = []
    token = ""
    while True:
        page = await world.desk.list_deliveries(ListDeliveries(caller, size, token))
        assert len(page.items) <= (size or 50)
        subjects += [delivery.subject for delivery in page.items]
        if not page.next_page_token:
            return subjects
        token = page.next_page_token


@pytest.mark.parametrize("size", [0, 1, 3, 8, 9])
async def test_lists_deliveries_newest_first(world: World, size: int) -> None:
    await filled(world)
    everything = ["i2", "i1", "i0", "n4", "n3", "n2", "n1", "n0"]
    assert await sent(world, world.agency, size) == everything
    assert await sent(world, world.sender(world.src, world.info), size) == everything[:3]
    assert await sent(world, world.sender(world.other), size) == []


async def test_a_delivery_is_shown_to_its_sender_only(world: World) -> None:
    delivery = await world.delivered()
    assert await world.desk.get_delivery(world.agency, delivery.id) == delivery
    assert await world.desk.get_delivery(world.sender(world.src, world.notices), delivery.id) == delivery
    for caller in (world.sender(world.other), world.sender(world.src, world.info)):
        with pytest.raises(ResourceNotPermitted):
            await world.desk.get_delivery(caller, delivery.id)
    with pytest.raises(ResourceNotPermitted):
        await world.desk.get_delivery(world.agency, world.entropy.new_id())


async def test_page_tokens_of_deliveries_belong_to_their_caller(world: World) -> None:
    await filled(world)
    page = await world.desk.list_deliveries(ListDeliveries(world.agency, 1, ""))
    for caller in (world.sender(world.other), world.sender(world.src, world.notices)):
        with pytest.raises(InvalidPageToken):
            await world.desk.list_deliveries(ListDeliveries(caller, 1, page.next_page_token))
    await world.desk.list_deliveries(ListDeliveries(world.agency, 7, page.next_page_token))


async def test_page_tokens_of_messages_belong_to_their_mailbox(world: World, mailboxes: Mailboxes) -> None:
    await filled(world)
    page = await mailboxes.list_messages(ListMessages(world.ani, 1, ""))
    with pytest.raises(InvalidPageToken):
        await mailboxes.list_messages(ListMessages(world.bob, 1, page.next_page_token))


async def test_a_made_up_key_in_a_token_is_refused(world: World, mailboxes: Mailboxes) -> None:
    query = Query(("ListDeliveries", str(world.src.id), ""))
    with pytest.raises(InvalidPageToken):
        await world.desk.list_deliveries(ListDeliveries(world.agency, 1, query.token("no identifier")))
    box = Query(("ListMessages", str(world.ani_box.id)))
    for key in ("", "-1", "x", "²", "9" * 19):
        with pytest.raises(InvalidPageToken):
            await mailboxes.list_messages(ListMessages(world.ani, 1, box.token(key)))


async def test_a_negative_page_size_is_a_wrong_field(world: World, mailboxes: Mailboxes) -> None:
    with pytest.raises(InvalidFields):
        await world.desk.list_deliveries(ListDeliveries(world.agency, -1, ""))
    with pytest.raises(InvalidFields):
        await mailboxes.list_messages(ListMessages(world.ani, -1, ""))


@pytest.mark.parametrize("size", [0, 1, 3, 8, 9])
async def test_lists_messages_newest_first_and_opens_none(
    world: World, mailboxes: Mailboxes, size: int
) -> None:
    await filled(world)
    subjects: list[str] = []
    token = ""
    while True:
        page = await mailboxes.list_messages(ListMessages(world.ani, size, token))
        subjects += [message.delivery.subject for message in page.items]
        assert all(message.opened_at is None for message in page.items)
        token = page.next_page_token
        if not token:
            break
    assert subjects == ["i2", "i1", "i0", "n4", "n3", "n2", "n1", "n0"]
    assert not world.uow.committed.openings
    assert (await mailboxes.list_messages(ListMessages(world.bob, size, ""))).items == []


async def test_a_list_shows_when_this_person_opened(world: World, mailboxes: Mailboxes) -> None:
    delivery = await world.delivered()
    world.clock.move(timedelta(hours=1))
    await world.reading.open_message(OpenMessage(world.ani, delivery.id))
    (message,) = (await mailboxes.list_messages(ListMessages(world.ani, 0, ""))).items
    assert message.opened_at == START + timedelta(hours=1)


async def test_a_person_without_a_mailbox_has_nothing_to_list(world: World, mailboxes: Mailboxes) -> None:
    nobody = world.holder("5009999999")
    with pytest.raises(ResourceNotPermitted):
        await mailboxes.get_mailbox(nobody)
    with pytest.raises(ResourceNotPermitted):
        await mailboxes.list_messages(ListMessages(nobody, 0, ""))
