"""Filters of lists, with tokens bound to them; addresses that are resolved; links of the own mailbox."""

from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.mailbox_chain import ChainHead, Opening, check_chain
from server.domain import limits
from server.domain.deliveries import DeliveryFilter, DeliveryState, MessageFilter
from server.domain.mailboxes import MailboxHead, MailboxState
from server.domain.paging import Query
from server.domain.refusals import (
    InvalidFields,
    InvalidPageToken,
    MailboxUnknown,
    ResourceNotPermitted,
)
from server.usecases.delivery import ListDeliveries
from server.usecases.mailboxes import LinkPage, ListLinks, ListMessages, Mailboxes
from server.usecases.reading import OpenMessage
from tests.unit.usecases.world import ANI_ADDRESS, BOB, START, World, letter

HOUR = timedelta(hours=1)
FILTERS = (
    DeliveryFilter(sender="notices@src.am"),
    DeliveryFilter(recipient=ANI_ADDRESS),
    DeliveryFilter(states=frozenset({DeliveryState.CONSIGNED})),
    DeliveryFilter(states=frozenset(DeliveryState)),
    DeliveryFilter(submitted_from=START),
    DeliveryFilter(submitted_before=START),
    DeliveryFilter(request_id="1"),
    DeliveryFilter(),
)
MESSAGE_FILTERS = (
    MessageFilter(unopened_only=True),
    MessageFilter(unconfirmed_only=True),
    MessageFilter(sender="notices@src.am"),
    MessageFilter(consigned_from=START),
    MessageFilter(consigned_before=START),
    MessageFilter(),
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def mailboxes(world: World) -> Mailboxes:
    return Mailboxes(uow=world.uow, clock=world.clock)


async def test_a_sender_gets_what_it_asks_for_page_by_page(world: World) -> None:
    for number in range(5):
        await world.submit(letter(f"a{number}", subject=f"a{number}"))
        await world.submit(letter(f"b{number}", subject=f"b{number}", recipient=f"{BOB}@e-citizen.am"))
        world.clock.move(HOUR)
    wanted = DeliveryFilter(
        recipient=ANI_ADDRESS, submitted_from=START + HOUR, submitted_before=START + 4 * HOUR
    )

    subjects, token = [], ""
    while True:
        page = await world.desk.list_deliveries(ListDeliveries(world.agency, 2, token, wanted))
        subjects += [delivery.subject for delivery in page.items]
        if not (token := page.next_page_token):
            break

    assert subjects == ["a3", "a2", "a1"]


async def test_a_submission_s_request_id_leads_to_its_delivery(world: World) -> None:
    await world.submit(letter("1"), letter("2", subject="second"))
    listing = ListDeliveries(world.agency, 0, "", DeliveryFilter(request_id="2"))
    assert [each.subject for each in (await world.desk.list_deliveries(listing)).items] == ["second"]
    for caller, request_id in ((world.agency, "3"), (world.sender(world.other), "2")):
        listing = ListDeliveries(caller, 0, "", DeliveryFilter(request_id=request_id))
        assert (await world.desk.list_deliveries(listing)).items == []


@pytest.mark.parametrize("of", FILTERS)
async def test_a_token_of_deliveries_belongs_to_its_filter(world: World, of: DeliveryFilter) -> None:
    owner = ("ListDeliveries", str(world.src.id), "")
    token = Query((*owner, *of.parts())).token(str(world.entropy.new_id()))
    await world.desk.list_deliveries(ListDeliveries(world.agency, 0, token, of))
    for other in FILTERS:
        if other != of:
            with pytest.raises(InvalidPageToken):
                await world.desk.list_deliveries(ListDeliveries(world.agency, 0, token, other))


@pytest.mark.parametrize("of", MESSAGE_FILTERS)
async def test_a_token_of_messages_belongs_to_its_filter(
    world: World, mailboxes: Mailboxes, of: MessageFilter
) -> None:
    token = Query(("ListMessages", str(world.ani_box.id), *of.parts())).token("1")
    await mailboxes.list_messages(ListMessages(world.ani, 0, token, of))
    for other in MESSAGE_FILTERS:
        if other != of:
            with pytest.raises(InvalidPageToken):
                await mailboxes.list_messages(ListMessages(world.ani, 0, token, other))


async def test_a_holder_gets_what_they_ask_for(world: World, mailboxes: Mailboxes) -> None:
    await world.submit(letter("1", subject="1"), letter("2", subject="2"))
    world.clock.move(HOUR)
    await world.submit(letter("3", subject="3"))
    first = (await mailboxes.list_messages(ListMessages(world.ani, 0, ""))).items[-1].delivery
    await world.reading.open_message(OpenMessage(world.ani, first.id))

    async def listed(wanted: MessageFilter) -> list[str]:
        page = await mailboxes.list_messages(ListMessages(world.ani, 0, "", wanted))
        return [message.delivery.subject for message in page.items]

    assert await listed(MessageFilter(unopened_only=True)) == ["3", "2"]
    assert await listed(MessageFilter(unconfirmed_only=True)) == ["3", "2", "1"]
    assert await listed(MessageFilter(consigned_before=START + HOUR)) == ["2", "1"]
    assert await listed(MessageFilter(consigned_from=START + HOUR)) == ["3"]
    assert await listed(MessageFilter(sender="info@src.am")) == []


@pytest.mark.parametrize("length", [timedelta(0), -HOUR])
async def test_an_end_that_is_not_after_the_start_is_a_wrong_field(
    world: World, mailboxes: Mailboxes, length: timedelta
) -> None:
    sent = DeliveryFilter(submitted_from=START, submitted_before=START + length)
    got = MessageFilter(consigned_from=START, consigned_before=START + length)
    for listing in (
        world.desk.list_deliveries(ListDeliveries(world.agency, 0, "", sent)),
        mailboxes.list_messages(ListMessages(world.ani, 0, "", got)),
    ):
        with pytest.raises(InvalidFields) as refused:
            await listing
        (problem,) = refused.value.problems
        assert (problem.field, problem.reason) == ("end_time", "TIMES_REVERSED")


async def test_resolves_an_address_to_its_mailbox_in_every_state(world: World, mailboxes: Mailboxes) -> None:
    closed = replace(world.ani_box, state=MailboxState.CLOSED)
    world.uow.committed.mailboxes[closed.id] = closed
    assert await mailboxes.resolve(ANI_ADDRESS) == closed
    with pytest.raises(MailboxUnknown):
        await mailboxes.resolve("5009999999@e-citizen.am")


async def all_links(world: World, mailboxes: Mailboxes, size: int) -> list[LinkPage]:
    pages, token = [], ""
    while True:
        pages.append(await mailboxes.list_links(ListLinks(world.ani, size, token)))
        if not (token := pages[-1].page.next_page_token):
            return pages


@pytest.mark.parametrize("size", [0, 1, 2, 5])
async def test_the_links_of_the_own_mailbox_prove_it_complete(
    world: World, mailboxes: Mailboxes, size: int
) -> None:
    for number in range(4):
        await world.submit(letter(f"a{number}"), letter(f"b{number}", recipient=f"{BOB}@e-citizen.am"))

    pages = await all_links(world, mailboxes, size)

    openings = [
        Opening(
            each.link.sequence,
            str(each.link.delivery_id),
            each.link.nonce,
            each.link.previous,
            each.link.link,
            each.consignment.data,
        )
        for page in pages
        for each in page.page.items
    ]
    head = pages[-1].head
    assert check_chain(ANI_ADDRESS, openings, ChainHead(head.sequence, head.link)).is_complete
    assert len(openings) == 4


async def test_an_empty_mailbox_has_no_links(world: World, mailboxes: Mailboxes) -> None:
    (page,) = await all_links(world, mailboxes, 0)
    assert (page.page.items, page.head) == ([], MailboxHead(0, bytes(32)))


async def test_a_page_of_links_is_no_larger_than_replies_may_be(
    world: World, mailboxes: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.submit(*(letter(f"{number}") for number in range(5)))
    size = len((await all_links(world, mailboxes, 0))[0].page.items[0].consignment.data)
    monkeypatch.setattr(limits, "EVIDENCE_REPLY_BYTES", 2 * size + size // 2)

    pages = await all_links(world, mailboxes, 0)

    assert [len(page.page.items) for page in pages] == [2, 2, 1]


async def test_links_are_the_holder_s_own_and_so_are_their_tokens(world: World, mailboxes: Mailboxes) -> None:
    await world.submit(*(letter(f"{number}") for number in range(3)))
    token = (await mailboxes.list_links(ListLinks(world.ani, 1, ""))).page.next_page_token
    assert (await mailboxes.list_links(ListLinks(world.bob, 1, ""))).page.items == []
    for wrong in (token, "garbage", token[:-2]):
        with pytest.raises(InvalidPageToken):
            await mailboxes.list_links(ListLinks(world.bob, 1, wrong))
    with pytest.raises(ResourceNotPermitted):
        await mailboxes.list_links(ListLinks(world.holder("5009999999"), 1, ""))
    with pytest.raises(InvalidFields):
        await mailboxes.list_links(ListLinks(world.ani, -1, ""))
