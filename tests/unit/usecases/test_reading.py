"""Opening, reading and confirming: once, by the recipient, and with the policy's effect at most once."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.details import ConfirmationDetails, EffectDetails, InlineList, NamedList
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.notification_policy import effect_of
from namak.evidence.statement import Statement
from server.domain import evidence_building, limits
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.evidence_building import Stamp
from server.domain.mailboxes import HolderKind
from server.domain.refusals import (
    AlreadyConfirmed,
    EvidenceCorrupt,
    InvalidFields,
    NotOpened,
    ResourceNotPermitted,
    SignatureInvalid,
    SignerNotRecipient,
    StatementExpired,
    StatementNotIssued,
)
from server.jurisdictions.am import AM
from server.usecases.reading import ConfirmedReading, ConfirmReading, IssueStatement, OpenMessage, ReadPart
from tests.unit.usecases.world import ANI, BOB, ENTITY_ADDRESS, START, World, letter

NOBODYS = UUID("0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d")


@pytest.fixture
def world() -> World:
    return World()


async def confirm(world: World, delivery: Delivery, statement_id: UUID, cms: bytes) -> ConfirmedReading:
    return await world.reading.confirm_reading(ConfirmReading(world.ani, delivery.id, statement_id, cms))


async def test_opening_records_the_access_once(world: World) -> None:
    delivery = await world.delivered()
    wakes = world.log.wakes
    world.clock.move(timedelta(seconds=5))
    first = await world.reading.open_message(OpenMessage(world.ani, delivery.id))
    world.clock.move(timedelta(days=1))
    again = await world.reading.open_message(OpenMessage(world.ani, delivery.id))
    assert again == first
    assert first.evidence.event == events.CONTENT_ACCESS_TRACKING
    assert first.message.opened_at == START + timedelta(seconds=5)
    assert world.log.wakes == wakes + 1
    assert len(world.uow.committed.openings) == 1


async def test_two_openings_at_once_leave_one_fact(world: World) -> None:
    delivery = await world.delivered()
    command = OpenMessage(world.ani, delivery.id)
    one, other = await asyncio.gather(
        world.reading.open_message(command), world.reading.open_message(command)
    )
    assert one == other
    assert len(world.uow.committed.evidence) == 3


async def test_opening_does_not_notify_under_the_policy_of_2015(world: World) -> None:
    delivery = await world.opened()
    assert world.delivery(delivery.id).state is DeliveryState.CONSIGNED


async def test_what_is_not_yours_is_as_if_it_were_not_there(world: World) -> None:
    delivery = await world.opened()
    entitys = await world.delivered("2", recipient=ENTITY_ADDRESS)
    stranger = world.holder("5009999999")
    refusals = set()
    for holder, delivery_id in [
        (world.bob, delivery.id),
        (world.bob, NOBODYS),
        (world.ani, NOBODYS),
        (world.ani, entitys.id),
    ]:
        for attempt in (
            world.reading.open_message(OpenMessage(holder, delivery_id)),
            world.reading.read_part(ReadPart(holder, delivery_id, 1)),
            world.reading.issue_statement(IssueStatement(holder, delivery_id)),
            world.reading.confirm_reading(ConfirmReading(holder, delivery_id, NOBODYS, b"x")),
        ):
            with pytest.raises(ResourceNotPermitted) as refused:
                await attempt
            refusals.add((refused.value.text, *refused.value.metadata.items()))
    assert len(refusals) == 1
    with pytest.raises(ResourceNotPermitted):
        await world.reading.open_message(OpenMessage(stranger, delivery.id))


async def test_nobody_opens_an_entitys_mailbox_by_its_code(world: World) -> None:
    delivery = await world.delivered(recipient=ENTITY_ADDRESS)
    for number in ("22335588", "0022335588"):
        with pytest.raises(ResourceNotPermitted):
            await world.reading.open_message(OpenMessage(world.holder(number), delivery.id))


async def test_reads_the_parts_of_an_opened_message(world: World) -> None:
    delivery = await world.opened()
    contents = [
        (await world.reading.read_part(ReadPart(world.ani, delivery.id, number))).content for number in (1, 2)
    ]
    assert contents == [b"first part", b"second part"]


async def test_gives_no_content_before_the_opening(world: World) -> None:
    delivery = await world.delivered()
    with pytest.raises(NotOpened):
        await world.reading.read_part(ReadPart(world.ani, delivery.id, 1))
    with pytest.raises(NotOpened):
        await world.reading.issue_statement(IssueStatement(world.ani, delivery.id))
    with pytest.raises(NotOpened):
        await confirm(world, delivery, NOBODYS, b"x")


@pytest.mark.parametrize("number", [-1, 0, 3, 2**31])
async def test_a_part_that_is_not_there_is_a_wrong_field(world: World, number: int) -> None:
    delivery = await world.opened()
    with pytest.raises(InvalidFields):
        await world.reading.read_part(ReadPart(world.ani, delivery.id, number))


async def test_never_hands_out_content_that_was_altered(world: World) -> None:
    delivery = await world.opened()
    part = world.uow.committed.parts[delivery.mailbox_id, delivery.id, 1]
    altered = replace(part.info, digest=hashlib.sha256(b"altered").digest())
    world.uow.committed.parts[delivery.mailbox_id, delivery.id, 1] = replace(
        part, info=altered, content=b"altered"
    )
    with pytest.raises(EvidenceCorrupt):
        await world.reading.read_part(ReadPart(world.ani, delivery.id, 1))


async def test_a_statement_names_the_delivery_and_every_part(world: World) -> None:
    delivery = await world.opened()
    issued = await world.reading.issue_statement(IssueStatement(world.ani, delivery.id))
    statement = Statement.parse(issued.text)
    assert (statement.statement_id, statement.delivery_id) == (issued.id, delivery.id)
    assert (statement.sender, statement.recipient) == (delivery.sender, delivery.recipient)
    digests = [hashlib.sha256(delivery.subject.encode()).digest(), *(part.digest for part in delivery.parts)]
    assert [part.digest for part in statement.parts] == digests
    assert statement.expires - statement.issued == limits.STATEMENT_LIFE


async def test_a_statement_is_given_again_while_half_its_life_is_left(world: World) -> None:
    delivery = await world.opened()
    command = IssueStatement(world.ani, delivery.id)
    first = await world.reading.issue_statement(command)
    world.clock.time = first.issued_at + limits.STATEMENT_LIFE / 2
    assert await world.reading.issue_statement(command) == first
    world.clock.move(timedelta(microseconds=1))
    second = await world.reading.issue_statement(command)
    assert second.id != first.id
    assert len(world.uow.committed.statements) == 2


async def test_a_confirmation_notifies_and_carries_the_whole_signature(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    world.clock.move(timedelta(minutes=1))
    done = await confirm(world, delivery, statement_id, cms)
    confirmed, effected = done.evidence
    assert (confirmed.event, effected.event) == (events.READING_CONFIRMED, events.NOTIFICATION_EFFECTED)
    details = EvidenceDocument.parse(confirmed.data).details
    assert isinstance(details, ConfirmationDetails)
    assert details.statement.encode() == world.statement(statement_id).text
    assert details.cms == cms
    assert details.revocation == (InlineList(b"\x30\x00"),)
    effect = EvidenceDocument.parse(effected.data).details
    assert isinstance(effect, EffectDetails)
    assert (effect.fact, effect.rule) == (confirmed.entry.hex(), "POST-2")
    assert effect.effective_time == confirmed.recorded_at == START + timedelta(minutes=1)
    assert done.message.delivery.state is DeliveryState.NOTIFIED
    assert done.message.delivery.notified_at == effect.effective_time
    assert done.message.confirmed_at == confirmed.recorded_at


async def test_a_verifier_derives_the_same_effect_from_the_evidence(world: World) -> None:
    delivery = await world.opened()
    done = await confirm(world, delivery, *await world.signed(delivery))
    facts = [RecordedFact.parse(fact.data) for fact in world.uow.committed.evidence.values()]
    confirmed = RecordedFact.parse(done.evidence[0].data)
    before = [fact for fact in facts if fact.document.evidence_id < confirmed.document.evidence_id]
    derived = effect_of(confirmed, before)
    assert derived is not None
    assert EvidenceDocument.parse(done.evidence[1].data).details == EffectDetails(
        derived.fact_digest, derived.rule, derived.effective_time
    )


async def test_the_signature_is_judged_for_the_time_that_the_evidence_says(world: World) -> None:
    delivery = await world.opened()
    done = await confirm(world, delivery, *await world.signed(delivery))
    assert world.cards.judged_at == [done.evidence[0].recorded_at]


async def test_the_same_signature_again_gets_the_same_evidence_for_ever(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    first = await confirm(world, delivery, statement_id, cms)
    commits = world.uow.commits
    world.clock.move(timedelta(days=400))
    assert await confirm(world, delivery, statement_id, cms) == first
    assert world.uow.commits == commits
    assert len(world.cards.judged_at) == 1


async def test_another_signature_is_refused_once_confirmed(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    await confirm(world, delivery, statement_id, cms)
    other = world.cards.sign(ANI, world.statement(statement_id).text, nonce=1)
    with pytest.raises(AlreadyConfirmed):
        await confirm(world, delivery, statement_id, other)
    with pytest.raises(AlreadyConfirmed):
        await world.reading.issue_statement(IssueStatement(world.ani, delivery.id))


async def test_the_same_signature_from_two_connections_at_once_is_one_confirmation(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    one, other = await asyncio.gather(
        confirm(world, delivery, statement_id, cms), confirm(world, delivery, statement_id, cms)
    )
    assert one == other
    assert len(world.uow.committed.evidence) == 5


async def test_of_two_signatures_at_once_exactly_one_wins_and_the_effect_comes_once(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    other = world.cards.sign(ANI, world.statement(statement_id).text, nonce=1)
    results = await asyncio.gather(
        confirm(world, delivery, statement_id, cms),
        confirm(world, delivery, statement_id, other),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["AlreadyConfirmed", "ConfirmedReading"]
    recorded = [fact.event for fact in world.uow.committed.evidence.values()]
    assert recorded.count(events.NOTIFICATION_EFFECTED) == 1


async def test_a_notified_delivery_gets_no_second_effect(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    world.uow.committed.deliveries[delivery.mailbox_id, delivery.id] = replace(
        delivery, state=DeliveryState.NOTIFIED, notified_at=START
    )
    done = await confirm(world, delivery, statement_id, cms)
    assert [fact.event for fact in done.evidence] == [events.READING_CONFIRMED]
    assert done.message.delivery.notified_at == START


async def test_a_signature_by_somebody_else_is_refused(world: World) -> None:
    delivery = await world.opened()
    statement_id, _ = await world.signed(delivery)
    cms = world.cards.sign(BOB, world.statement(statement_id).text)
    facts = dict(world.uow.committed.evidence)
    with pytest.raises(SignerNotRecipient):
        await confirm(world, delivery, statement_id, cms)
    assert world.uow.committed.evidence == facts


async def test_a_signature_over_something_else_is_refused(world: World) -> None:
    delivery = await world.opened()
    statement_id, _ = await world.signed(delivery)
    with pytest.raises(SignatureInvalid):
        await confirm(world, delivery, statement_id, world.cards.sign(ANI, b"something else"))


async def test_invented_and_foreign_statements_are_refused(world: World) -> None:
    first = await world.opened()
    statement_id, cms = await world.signed(first)
    second = await world.delivered("2")
    await world.reading.open_message(OpenMessage(world.ani, second.id))
    for wrong in (NOBODYS, statement_id):
        with pytest.raises(StatementNotIssued):
            await confirm(world, second, wrong, cms)
    bobs = await world.delivered("3", recipient=f"{BOB}@e-citizen.am")
    await world.reading.open_message(OpenMessage(world.bob, bobs.id))
    issued = await world.reading.issue_statement(IssueStatement(world.bob, bobs.id))
    with pytest.raises(StatementNotIssued):
        await confirm(world, second, issued.id, world.cards.sign(ANI, issued.text))


async def test_an_expired_statement_is_refused(world: World) -> None:
    delivery = await world.opened()
    statement_id, cms = await world.signed(delivery)
    expires_at = world.statement(statement_id).expires_at
    world.clock.time = expires_at + timedelta(microseconds=1)
    with pytest.raises(StatementExpired):
        await confirm(world, delivery, statement_id, cms)
    assert world.cards.judged_at == []
    world.clock.time = expires_at
    await confirm(world, delivery, statement_id, cms)


async def test_a_large_revocation_list_is_published_and_named_by_digest(world: World) -> None:
    small, large = bytes(limits.REVOCATION_LIST_INLINE_BYTES), bytes(limits.REVOCATION_LIST_INLINE_BYTES + 1)
    world.cards.revocation_lists = (small, large)
    delivery = await world.opened()
    done = await confirm(world, delivery, *await world.signed(delivery))
    details = EvidenceDocument.parse(done.evidence[0].data).details
    assert isinstance(details, ConfirmationDetails)
    digest = hashlib.sha256(large).digest()
    assert details.revocation == (InlineList(small), NamedList(digest.hex()))
    assert world.uow.committed.revocation_lists == {digest: large}
    assert await world.evidence.revocation_list(digest) == large


async def test_times_of_one_delivery_rise_even_when_the_clock_is_behind(world: World) -> None:
    delivery = await world.delivered()
    world.clock.move(-timedelta(seconds=30))
    await world.reading.open_message(OpenMessage(world.ani, delivery.id))
    statement_id, cms = await world.signed(delivery)
    await confirm(world, delivery, statement_id, cms)
    facts = sorted(world.uow.committed.evidence.values(), key=lambda fact: fact.id)
    times = [fact.recorded_at for fact in facts]
    assert times == sorted(times)
    assert times[1] < times[2] < times[3]
    assert EvidenceDocument.parse(facts[3].data).event_time == times[3]
    issued = world.statement(statement_id)
    assert times[2] < issued.issued_at < times[3]


async def test_a_holder_with_a_renewed_card_is_the_same_person(world: World) -> None:
    delivery = await world.opened()
    renewed = replace(world.ani, connection=replace(world.ani.connection, certificate_sha256=b"n" * 32))
    await world.reading.open_message(OpenMessage(renewed, delivery.id))
    assert len(world.uow.committed.openings) == 1


async def test_a_delivery_keeps_the_policy_it_was_accepted_under(world: World) -> None:
    delivery = await world.delivered()
    later = replace(AM, notification_policy="am-2025@1")
    (_, consignment) = sorted(world.uow.committed.evidence.values(), key=lambda fact: fact.id)
    stamp = Stamp(world.entropy.new_id(), bytes(16), START, later)
    fact = evidence_building.content_access_tracking(stamp, delivery, consignment)
    assert EvidenceDocument.parse(fact.data).notification_policy == "am-2015@1"


async def test_a_message_of_many_parts_can_be_confirmed(world: World) -> None:
    box = world.mailbox("5001950077@e-citizen.am", HolderKind.PERSON)
    await world.submit(letter("big", recipient=box.address, contents=[bytes([n + 1]) for n in range(20)]))
    (delivery,) = world.uow.committed.deliveries.values()
    holder = world.holder("5001950077")
    await world.reading.open_message(OpenMessage(holder, delivery.id))
    issued = await world.reading.issue_statement(IssueStatement(holder, delivery.id))
    cms = world.cards.sign("5001950077", issued.text)
    done = await world.reading.confirm_reading(ConfirmReading(holder, delivery.id, issued.id, cms))
    assert len(done.evidence) == 2
