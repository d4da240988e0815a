"""Facts and receipts go to those whom they concern; checkpoints and revocation lists to everybody."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from namak.evidence import events
from server.domain.caller import Holder, Sender
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.refusals import (
    EvidenceCorrupt,
    InvalidFields,
    InvalidPageToken,
    NotFound,
    Refused,
    ResourceNotPermitted,
    ServiceUnavailable,
    WitnessesNotOffered,
)
from server.usecases.evidence import GetReceipt, ListFacts
from server.usecases.reading import ConfirmReading
from server.usecases.records import PublishedCheckpoint
from tests.unit.usecases.world import ORIGIN, World, letter

NOBODYS = UUID("0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d")


@pytest.fixture
def world() -> World:
    return World()


async def confirmed(world: World) -> Delivery:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    await world.reading.confirm_reading(ConfirmReading(world.ani, delivery.id, statement_id, cms))
    return delivery


async def names(world: World, caller: Sender | Holder, delivery_id: UUID, size: int = 0) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        page = await world.evidence.list_facts(ListFacts(caller, delivery_id, size, token))
        found += [fact.event.name for fact in page.items]
        if not page.next_page_token:
            return found
        token = page.next_page_token


SENDERS = [
    "SubmissionAcceptance",
    "ContentConsignment",
    "ContentAccessTracking",
    "ReadingConfirmed",
    "NotificationEffected",
]


async def test_each_sees_the_facts_of_its_audience_in_order(world: World) -> None:
    delivery = await confirmed(world)
    assert await names(world, world.agency, delivery.id) == SENDERS
    assert await names(world, world.sender(world.src, world.notices), delivery.id) == SENDERS
    assert await names(world, world.ani, delivery.id) == SENDERS[1:]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 200])
async def test_pages_of_facts_add_up(world: World, size: int) -> None:
    delivery = await confirmed(world)
    assert await names(world, world.agency, delivery.id, size) == SENDERS


async def test_a_page_token_belongs_to_its_caller_and_delivery(world: World) -> None:
    first, second = await confirmed(world), await world.delivered("2")
    page = await world.evidence.list_facts(ListFacts(world.agency, first.id, 1, ""))
    others: list[tuple[Sender | Holder, Delivery]] = [
        (world.agency, second),
        (world.ani, first),
        (world.sender(world.src, world.notices), first),
    ]
    for caller, delivery in others:
        with pytest.raises(InvalidPageToken):
            await world.evidence.list_facts(ListFacts(caller, delivery.id, 1, page.next_page_token))
    with pytest.raises(InvalidFields):
        await world.evidence.list_facts(ListFacts(world.agency, first.id, -1, ""))


async def test_foreign_and_absent_deliveries_are_refused_alike(world: World) -> None:
    delivery = await confirmed(world)
    callers: list[Sender | Holder] = [
        world.sender(world.other),
        world.sender(world.src, world.info),
        world.bob,
        world.holder("1"),
    ]
    for caller in callers:
        texts = set()
        for delivery_id in (delivery.id, NOBODYS):
            with pytest.raises(ResourceNotPermitted) as refused:
                await world.evidence.list_facts(ListFacts(caller, delivery_id, 0, ""))
            texts.add(refused.value.text)
        assert len(texts) == 1


def fact(world: World, name: str) -> Fact:
    (found,) = [one for one in world.uow.committed.evidence.values() if one.event.name == name]
    return found


async def receives(world: World, caller: Sender | Holder, evidence_id: UUID) -> bool:
    try:
        receipt = await world.evidence.receipt(GetReceipt(caller, evidence_id, 0))
    except ResourceNotPermitted:
        return False
    return receipt is not None and receipt.evidence_id == evidence_id


async def test_receipts_go_to_the_audience_only(world: World) -> None:
    await confirmed(world)
    for name in SENDERS:
        evidence_id = fact(world, name).id
        assert await receives(world, world.agency, evidence_id)
        assert await receives(world, world.sender(world.src, world.notices), evidence_id)
        assert await receives(world, world.ani, evidence_id) == (name != "SubmissionAcceptance")
        for caller in (world.sender(world.other), world.sender(world.src, world.info), world.bob):
            assert not await receives(world, caller, evidence_id)
    assert not await receives(world, world.agency, NOBODYS)
    assert not await receives(world, world.holder("5009999999"), fact(world, "ContentConsignment").id)


async def test_receipts_of_refusals_go_to_the_organisation_that_was_refused(world: World) -> None:
    (refused,) = await world.submit(letter(recipient="5001950099@e-citizen.am"))
    assert isinstance(refused, Refused)
    assert refused.evidence_id is not None
    assert await receives(world, world.agency, refused.evidence_id)
    assert await receives(world, world.sender(world.src, world.notices), refused.evidence_id)
    for caller in (world.sender(world.src, world.info), world.sender(world.other), world.ani):
        assert not await receives(world, caller, refused.evidence_id)


async def test_a_bound_sender_gets_the_receipt_of_its_own_refusal(world: World) -> None:
    caller = world.sender(world.src, world.info)
    (refused,) = await world.submit(letter(), caller=caller)
    assert isinstance(refused, Refused)
    assert refused.evidence_id is not None
    assert await receives(world, caller, refused.evidence_id)


async def test_a_receipt_that_is_not_there_yet_is_none(world: World) -> None:
    await world.delivered()
    consignment = fact(world, "ContentConsignment")
    world.log.withheld.add(consignment.id)
    assert await world.evidence.receipt(GetReceipt(world.agency, consignment.id, 1.5)) is None
    assert world.log.asked[-1] == (frozenset({consignment.id}), 1.5)


async def test_a_log_that_does_not_answer_in_time_has_no_receipt_yet(world: World) -> None:
    await world.delivered()
    consignment = fact(world, "ContentConsignment")
    world.log.hangs = True
    too_late = asyncio.get_running_loop().time() - 1
    assert await world.evidence.receipt(GetReceipt(world.agency, consignment.id, 30, too_late)) is None


async def test_a_witnessed_receipt_is_given_once_there_is_one(world: World) -> None:
    await world.delivered()
    consignment = fact(world, "ContentConsignment")
    asked = GetReceipt(world.agency, consignment.id, 1.5)
    # Nobody witnesses: nobody is asked.
    receipt = await world.evidence.receipt(asked)
    assert (receipt and receipt.witnessed, world.witnessed.waited) == (False, [])
    world.witnessed.active = True
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert not receipt.witnessed
    world.witnessed.witnessed.add(consignment.id)
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert receipt.witnessed
    # It is looked for, not waited for.
    assert world.witnessed.waited == [0.0, 0.0]


async def test_who_wants_a_witnessed_receipt_gets_no_other(world: World) -> None:
    await world.delivered()
    consignment = fact(world, "ContentConsignment")
    asked = GetReceipt(world.agency, consignment.id, 1.5, witnessed=True)
    world.witnessed.active = True
    assert await world.evidence.receipt(asked) is None
    world.witnessed.witnessed.add(consignment.id)
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert receipt.witnessed
    assert world.witnessed.waited == [1.5, 1.5]
    with pytest.raises(ResourceNotPermitted):
        await world.evidence.receipt(replace(asked, caller=world.bob))


async def test_where_there_are_no_witnesses_only_what_was_witnessed_before_is_had(world: World) -> None:
    await world.delivered()
    consignment = fact(world, "ContentConsignment")
    asked = GetReceipt(world.agency, consignment.id, 1.5, witnessed=True)
    with pytest.raises(WitnessesNotOffered):
        await world.evidence.receipt(asked)
    with pytest.raises(ResourceNotPermitted):
        await world.evidence.receipt(replace(asked, caller=world.bob))
    world.witnessed.witnessed.add(consignment.id)
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert receipt.witnessed


async def test_a_log_that_does_not_answer_in_time_has_no_witnessed_receipt_yet(world: World) -> None:
    await world.delivered()
    consignment = fact(world, "ContentConsignment")
    world.witnessed.away = True
    asked = GetReceipt(world.agency, consignment.id, 30, witnessed=True)
    assert not world.witnessed.active
    with pytest.raises(ServiceUnavailable):
        await world.evidence.receipt(asked)
    too_late = asyncio.get_running_loop().time() - 1
    assert await world.evidence.receipt(replace(asked, reply_by=too_late)) is None


async def test_altered_evidence_is_never_handed_out(world: World) -> None:
    await world.delivered()
    stored = fact(world, "ContentConsignment")
    world.uow.committed.evidence[stored.owner_id, stored.id] = Fact(
        id=stored.id,
        event=stored.event,
        owner_id=stored.owner_id,
        organisation_id=stored.organisation_id,
        delivery_id=stored.delivery_id,
        recorded_at=stored.recorded_at,
        data=stored.data + b" ",
        entry=stored.entry,
    )
    with pytest.raises(EvidenceCorrupt):
        await world.evidence.receipt(GetReceipt(world.agency, stored.id, 0))


async def test_a_holders_own_facts_are_not_the_senders(world: World) -> None:
    delivery = await world.delivered()
    stored = fact(world, "ContentConsignment")
    forwarded = Fact(
        id=world.entropy.new_id(),
        event=events.by_name["RelayToNonERDSFailure"],
        owner_id=stored.owner_id,
        organisation_id=stored.organisation_id,
        delivery_id=stored.delivery_id,
        recorded_at=stored.recorded_at,
        data=stored.data,
        entry=stored.entry,
    )
    world.uow.committed.evidence[forwarded.owner_id, forwarded.id] = forwarded
    assert "RelayToNonERDSFailure" not in await names(world, world.agency, delivery.id)
    assert "RelayToNonERDSFailure" in await names(world, world.ani, delivery.id)
    assert not await receives(world, world.agency, forwarded.id)
    assert await receives(world, world.ani, forwarded.id)


async def test_gives_the_newest_checkpoint_with_the_key(world: World) -> None:
    published = PublishedCheckpoint(ORIGIN, 7, bytes(32), b"note")
    world.log.checkpoints[ORIGIN] = published
    for origin in (None, "", ORIGIN):
        view = await world.evidence.checkpoint(origin)
        assert (view.checkpoint, view.vkey, view.witnessed) == (published, world.log.vkey_of(ORIGIN), None)
    world.witnessed.notes[ORIGIN] = b"witnessed note"
    for origin in (None, "", ORIGIN):
        assert (await world.evidence.checkpoint(origin)).witnessed == b"witnessed note"


async def test_a_log_that_has_published_nothing_is_unavailable(world: World) -> None:
    for origin in (None, ORIGIN):
        with pytest.raises(ServiceUnavailable):
            await world.evidence.checkpoint(origin)


async def test_an_unknown_shard_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.evidence.checkpoint("log.e-citizen.am/1999")


async def test_an_unknown_revocation_list_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.evidence.revocation_list(bytes(32))
