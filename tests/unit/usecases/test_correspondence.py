"""Letters that holders write: the same way in, the same evidence, and on nobody's bill (BOX-9)."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.document import EvidenceDocument
from server.domain.caller import Assurance
from server.domain.deliveries import DeliveryFilter, DeliveryState
from server.domain.holders import HolderData, HolderProfile
from server.domain.mailboxes import HolderKind, MailboxState
from server.domain.reasons import Reason
from server.domain.refusals import (
    InvalidPageToken,
    LettersNotOffered,
    MessageOpened,
    Refused,
    RequestIdReused,
    ResourceNotPermitted,
    SignatureRequired,
)
from server.domain.usage import UsageFindings
from server.jurisdictions.am import AM
from server.usecases.correspondence import ListLetters, WithdrawLetter
from server.usecases.delivery import ListDeliveries
from server.usecases.evidence import GetReceipt, ListFacts
from server.usecases.records import Opening
from server.usecases.submission import Accepted, Outcome
from server.usecases.usage_audit import UsageAudit
from tests.unit.usecases.letter_world import LETTERS_A_DAY, SRC_ADDRESS, LetterWorld
from tests.unit.usecases.world import ANI, ANI_ADDRESS, BOB, ENTITY_ADDRESS, START, letter

DAY = timedelta(days=1)


@pytest.fixture
def world() -> LetterWorld:
    return LetterWorld()


def accepted(outcome: Outcome) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


def reason_of(outcome: Outcome) -> Reason:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


async def test_a_letter_lies_in_the_entitys_mailbox_with_two_facts(world: LetterWorld) -> None:
    taken = accepted(await world.write())

    delivery = taken.delivery
    assert (delivery.mailbox_id, delivery.sequence) == (world.src_box.id, 1)
    assert (delivery.sender, delivery.recipient) == (ANI_ADDRESS, SRC_ADDRESS)
    assert (delivery.state, delivery.in_reply_to) == (DeliveryState.CONSIGNED, None)
    assert [fact.event for fact in taken.evidence] == [
        events.SUBMISSION_ACCEPTANCE,
        events.CONTENT_CONSIGNMENT,
    ]
    assert world.uow.committed.queue == list(taken.evidence)


async def test_evidence_names_the_holder_by_address_and_number(world: LetterWorld) -> None:
    taken = accepted(await world.write())
    for fact in taken.evidence:
        document = EvidenceDocument.parse(fact.data)
        assert document.sender.identifier == document.sender.organisation_name == ANI_ADDRESS
        assert document.sender.organisation_code == ANI
        assert document.recipient.identifier == SRC_ADDRESS


async def test_evidence_names_the_holder_as_their_profile_does(world: LetterWorld) -> None:
    data = HolderData(HolderKind.PERSON, ANI, "Անի Պետրոսյան")
    world.uow.committed.holders[world.ani_box.id] = HolderProfile(
        world.ani_box.id, ANI_ADDRESS, data, ANI, "", bytes(32)
    )
    taken = accepted(await world.write())
    assert EvidenceDocument.parse(taken.evidence[1].data).sender.organisation_name == "Անի Պետրոսյան"


async def test_a_reply_goes_to_whoever_sent_the_message_and_names_it(world: LetterWorld) -> None:
    notice = await world.delivered()

    taken = accepted(await world.write(reply_to=notice.id))

    assert (taken.delivery.recipient, taken.delivery.in_reply_to) == (SRC_ADDRESS, notice.id)
    for fact in taken.evidence:
        details = EvidenceDocument.parse(fact.data).details
        assert getattr(details, "in_reply_to") == notice.id  # noqa: B009 - whichever details these are


async def test_what_is_not_in_the_own_mailbox_can_not_be_replied_to(world: LetterWorld) -> None:
    others = await world.delivered(recipient=world.bob_box.address)
    before = world.uow.committed.copy()
    told = []
    for delivery_id in (others.id, UUID(int=1)):
        with pytest.raises(ResourceNotPermitted) as raised:
            await world.write(reply_to=delivery_id)
        told.append((raised.value.text, raised.value.metadata))
    assert told[0] == told[1]
    assert world.uow.committed == before


async def test_a_reply_to_an_organisation_without_a_mailbox_is_refused_with_evidence(
    world: LetterWorld,
) -> None:
    (outcome,) = await world.submit(letter(sender="post@cadastre.am"), caller=world.sender(world.other))
    refused = await world.write(reply_to=accepted(outcome).delivery.id)
    assert reason_of(refused) is Reason.MAILBOX_UNKNOWN
    assert EvidenceDocument.parse(world.uow.committed.queue[-1].data).reason == "MAILBOX_UNKNOWN"


async def test_where_there_are_no_two_way_letters_nothing_is_taken_or_recorded(world: LetterWorld) -> None:
    world.letters = world.new_letters(AM)
    before = world.uow.committed.copy()
    with pytest.raises(LettersNotOffered, match="no two-way letters"):
        await world.write()
    assert world.uow.committed == before


async def test_a_person_without_a_mailbox_writes_nothing(world: LetterWorld) -> None:
    with pytest.raises(ResourceNotPermitted):
        await world.write(by=world.holder("5001950099"))


async def test_a_session_by_password_is_not_enough_and_one_by_signature_is(world: LetterWorld) -> None:
    with pytest.raises(SignatureRequired):
        await world.write(by=world.at_portal(Assurance.PASSWORD))
    assert world.uow.committed.claims == {}
    accepted(await world.write(by=world.at_portal(Assurance.SIGNATURE)))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (f"{BOB}@e-citizen.am", Reason.RECIPIENT_NOT_OFFICIAL),
        (ANI_ADDRESS, Reason.RECIPIENT_NOT_OFFICIAL),
        ("99999999@e-citizen.am", Reason.MAILBOX_UNKNOWN),
    ],
)
async def test_a_letter_to_a_wrong_recipient_leaves_evidence_of_its_refusal(
    world: LetterWorld, to: str, reason: Reason
) -> None:
    refused = await world.write(to=to)

    assert reason_of(refused) is reason
    (fact,) = world.uow.committed.queue
    document = EvidenceDocument.parse(fact.data)
    assert (document.event, document.reason) == (events.SUBMISSION_REJECTION, reason.value)
    assert (document.sender.identifier, document.recipient.identifier) == (ANI_ADDRESS, to)
    assert world.uow.committed.deliveries == {}
    again = await world.write(to=to)
    assert isinstance(again, Refused)
    assert (again.reason, again.evidence_id) == (reason, fact.id)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (MailboxState.SUSPENDED, Reason.MAILBOX_SUSPENDED),
        (MailboxState.CLOSED, Reason.MAILBOX_CLOSED),
    ],
)
async def test_a_letter_to_a_mailbox_that_is_not_open_is_refused(
    world: LetterWorld, state: MailboxState, reason: Reason
) -> None:
    world.uow.committed.mailboxes[world.src_box.id] = replace(world.src_box, state=state)
    assert reason_of(await world.write()) is reason


async def test_a_holder_who_has_not_confirmed_their_profile_is_refused_with_evidence(
    world: LetterWorld,
) -> None:
    world.uow.committed.mailboxes[world.ani_box.id] = replace(world.ani_box, confirmed_at=None)
    assert reason_of(await world.write()) is Reason.PROFILE_NOT_CONFIRMED
    (fact,) = world.uow.committed.queue
    assert EvidenceDocument.parse(fact.data).reason == "PROFILE_NOT_CONFIRMED"


async def test_a_holder_whose_mailbox_was_closed_is_refused(world: LetterWorld) -> None:
    world.uow.committed.mailboxes[world.ani_box.id] = replace(world.ani_box, state=MailboxState.CLOSED)
    assert reason_of(await world.write()) is Reason.OWN_MAILBOX_NOT_OPEN


async def test_a_repeated_letter_gives_the_same_evidence(world: LetterWorld) -> None:
    first = accepted(await world.write())
    world.clock.move(10 * DAY)
    again = accepted(await world.write())
    assert (again, again.repeated) == (first, True)
    assert world.uow.commits == 1


async def test_a_request_id_with_other_content_is_refused(world: LetterWorld) -> None:
    notice = await world.delivered()
    await world.write("r")
    before = world.uow.committed.copy()
    for other in (
        await world.write("r", subject="Another"),
        await world.write("r", to=ENTITY_ADDRESS),
        # To the very same address, and yet it says more.
        await world.write("r", reply_to=notice.id),
    ):
        assert isinstance(other, RequestIdReused)
    assert world.uow.committed == before


async def test_two_replies_with_one_request_id_at_once_are_one(world: LetterWorld) -> None:
    notice = await world.delivered()
    outcomes = await asyncio.gather(*(world.write("r", reply_to=notice.id) for _ in range(2)))
    assert {accepted(each).delivery.id for each in outcomes} == {accepted(outcomes[0]).delivery.id}
    assert sum(each.in_reply_to == notice.id for each in world.uow.committed.deliveries.values()) == 1


async def test_a_sender_and_a_holder_may_use_the_same_request_id_in_one_group(world: LetterWorld) -> None:
    (sent,), written = await asyncio.gather(world.submit(letter("1")), world.write("1"))
    assert accepted(sent).delivery.recipient == ANI_ADDRESS
    assert accepted(written).delivery.recipient == SRC_ADDRESS
    assert world.uow.commits == 1


async def test_more_letters_than_a_day_permits_are_not_recorded(world: LetterWorld) -> None:
    for number in range(LETTERS_A_DAY - 1):
        await world.written(str(number))
    # Refused ones count: each leaves evidence too.
    await world.write("refused", to=f"{BOB}@e-citizen.am")
    before = world.uow.committed.copy()

    over = await world.write("over")

    assert reason_of(over) is Reason.TOO_MANY_LETTERS
    assert isinstance(over, Refused)
    assert 0 < over.retry_after_seconds <= DAY.total_seconds()  # type: ignore[attr-defined]
    assert world.uow.committed == before
    accepted(await world.write("0"))
    assert isinstance(await world.write("other", by=world.bob), Accepted)
    world.clock.move(DAY)
    accepted(await world.write("over"))


async def test_letters_at_the_same_moment_are_counted_too(world: LetterWorld) -> None:
    outcomes = await asyncio.gather(*(world.write(str(number)) for number in range(LETTERS_A_DAY + 2)))
    assert sum(isinstance(each, Accepted) for each in outcomes) == LETTERS_A_DAY
    assert len(world.uow.committed.deliveries) == LETTERS_A_DAY


async def test_the_holder_sees_and_lists_their_own_letters_only(world: LetterWorld) -> None:
    notice = await world.delivered()
    first, second = await world.written("1"), await world.written("2", reply_to=notice.id)
    others = accepted(await world.write("1", by=world.bob)).delivery

    assert await world.letters.get(world.ani, first.id) == first
    for not_theirs in (others.id, notice.id, UUID(int=1)):
        with pytest.raises(ResourceNotPermitted):
            await world.letters.get(world.ani, not_theirs)
    page = await world.letters.list_letters(ListLetters(world.ani, 1, ""))
    assert list(page.items) == [second]
    rest = await world.letters.list_letters(ListLetters(world.ani, 1, page.next_page_token))
    assert (list(rest.items), rest.next_page_token) == ([first], "")
    with pytest.raises(InvalidPageToken):
        await world.letters.list_letters(ListLetters(world.bob, 1, page.next_page_token))
    wanted = DeliveryFilter(request_id="1")
    found = await world.letters.list_letters(ListLetters(world.ani, 0, "", wanted))
    assert list(found.items) == [first]


async def test_no_organisation_sees_a_letter_among_its_deliveries(world: LetterWorld) -> None:
    notice = await world.delivered()
    reply = await world.written(reply_to=notice.id)
    for organisation in (world.src, world.other):
        sender = world.sender(organisation)
        listed = await world.desk.list_deliveries(ListDeliveries(sender, 0, ""))
        assert reply.id not in {each.id for each in listed.items}
        with pytest.raises(ResourceNotPermitted):
            await world.desk.get_delivery(sender, reply.id)


async def test_letters_are_never_counted_nor_audited(world: LetterWorld) -> None:
    await world.delivered()
    await world.written("1")
    gone = await world.written("2")
    await world.letters.withdraw(WithdrawLetter(world.ani, "w", gone.id, 0))
    world.clock.move(timedelta(minutes=5))
    audit = UsageAudit(uow=world.uow, clock=world.clock, profile=AM)
    day = date(2026, 11, 22)
    assert await audit.run(day, day) == UsageFindings(1, (), 1, ())


async def test_the_holder_sees_what_the_sender_of_a_letter_may(world: LetterWorld) -> None:
    taken = accepted(await world.write())

    facts = await world.evidence.list_facts(ListFacts(world.ani, taken.delivery.id, 0, ""))
    assert list(facts.items) == list(taken.evidence)
    for fact in taken.evidence:
        assert await world.evidence.receipt(GetReceipt(world.ani, fact.id, 1))
    for stranger in (world.bob, world.agency):
        with pytest.raises(ResourceNotPermitted):
            await world.evidence.list_facts(ListFacts(stranger, taken.delivery.id, 0, ""))
        for fact in taken.evidence:
            with pytest.raises(ResourceNotPermitted):
                await world.evidence.receipt(GetReceipt(stranger, fact.id, 1))


async def test_the_holder_gets_the_receipt_of_their_refused_letter_and_nobody_else(
    world: LetterWorld,
) -> None:
    refused = await world.write(to=f"{BOB}@e-citizen.am")
    assert isinstance(refused, Refused)
    assert refused.evidence_id is not None
    assert await world.evidence.receipt(GetReceipt(world.ani, refused.evidence_id, 1))
    for stranger in (world.bob, world.agency):
        with pytest.raises(ResourceNotPermitted):
            await world.evidence.receipt(GetReceipt(stranger, refused.evidence_id, 1))


async def test_the_holder_withdraws_a_letter_that_nobody_opened(world: LetterWorld) -> None:
    written = await world.written()
    command = WithdrawLetter(world.ani, "w", written.id, 0)
    withdrawn = await world.letters.withdraw(command)
    assert withdrawn.delivery.state is DeliveryState.WITHDRAWN
    assert (await world.letters.withdraw(command)).evidence == withdrawn.evidence


async def test_nobody_else_withdraws_a_letter_and_nobody_an_opened_one(world: LetterWorld) -> None:
    written = await world.written()
    with pytest.raises(ResourceNotPermitted):
        await world.letters.withdraw(WithdrawLetter(world.bob, "w", written.id, 0))
    by_password = world.at_portal(Assurance.PASSWORD)
    with pytest.raises(SignatureRequired):
        await world.letters.withdraw(WithdrawLetter(by_password, "w", written.id, 0))
    key = (written.mailbox_id, written.id, "5001950017")
    world.uow.committed.openings[key] = opening_of(written.mailbox_id, written.id)
    with pytest.raises(MessageOpened):
        await world.letters.withdraw(WithdrawLetter(world.ani, "w", written.id, 0))


async def test_receipts_are_waited_for_as_for_senders(world: LetterWorld) -> None:
    taken = accepted(await world.write(wait=1))
    assert [each.evidence_id for each in taken.receipts] == [fact.id for fact in taken.evidence]


def opening_of(mailbox_id: UUID, delivery_id: UUID) -> Opening:
    return Opening(mailbox_id, delivery_id, "5001950017", UUID(int=7), START)
