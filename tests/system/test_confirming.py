"""The reading and its confirmation: what is recorded, who sees it, and what strangers make of it."""

import asyncio
from pathlib import Path

import pytest
from grpc import StatusCode

from namak.client import compose, compose_part
from namak.client.card import Card, read_pin
from namak.client.confirmation import check_statement, sign_statement
from namak.config import Signing
from namak.evidence.details import ConfirmationDetails, EffectDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.verify import Verdict
from namak.v1 import delivery_pb2
from server.dev.world import CARD_KEY, World
from tests.independent.go_verifier import GoVerifier
from tests.system.post import Agency, Citizen, Post, opened, signed
from tests.system.receipts import events_of, receipts_of, saved, verified
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENDERS = [
    "SubmissionAcceptance",
    "ContentConsignment",
    "ContentAccessTracking",
    "ReadingConfirmed",
    "NotificationEffected",
]
HOLDERS = SENDERS[1:]


def by_card(world: World, statement: bytes) -> bytes:
    """Signs with the key in the citizen's token, as the client does."""
    card = world.card_token
    settings = Signing(
        module=card.module,
        token=card.label,
        label=CARD_KEY,
        certificate=world.citizen.signing.cert_path,
        config=card.configuration,
        pin_file=card.pin_file,
    )
    with Card(settings, read_pin(settings) or "") as opened_card:
        return sign_statement(statement, settings, opened_card)


async def test_a_confirmation_by_card_notifies_and_convinces_strangers(
    post: Post, agency: Agency, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    world = post.world
    number = world.citizen.person.personal_number
    await (await post.operator()).admin.open_mailbox(f"{number}@e-citizen.am")
    client = await post.client(world.citizen.authentication)
    letter = compose(
        sender=agency.sender,
        recipient=f"{number}@e-citizen.am",
        subject="Ծանուցում",
        parts=[compose_part("a.pdf", b"%PDF-1.7"), compose_part("b.txt", b"text")],
    )

    async with post.records.grow_by(
        claims=1,
        deliveries=1,
        parts=2,
        mailbox_links=1,
        openings=1,
        statements=1,
        confirmations=1,
        evidence=5,
    ):
        accepted = await agency.client.deliveries.submit(letter)
        delivery_id = accepted.delivery.delivery_id
        message = await client.mailbox.open(delivery_id)
        issued = await client.mailbox.issue_statement(delivery_id)
        check_statement(issued, message)
        cms = await asyncio.to_thread(by_card, world, issued.statement)
        confirmed = await client.mailbox.confirm(delivery_id, issued.statement_id, cms)

    assert confirmed.message.state == delivery_pb2.DELIVERY_STATE_NOTIFIED
    delivery = await agency.client.deliveries.get(delivery_id)
    assert delivery.state == delivery_pb2.DELIVERY_STATE_NOTIFIED
    assert await events_of(agency.client, delivery_id) == SENDERS
    assert await events_of(client, delivery_id) == HOLDERS

    confirmation, effect = (EvidenceDocument.parse(fact.document) for fact in confirmed.evidence)
    assert isinstance(confirmation.details, ConfirmationDetails)
    assert isinstance(effect.details, EffectDetails)
    assert confirmation.details.cms == cms
    assert confirmation.details.statement.encode() == issued.statement
    assert effect.details.fact == RecordedFact.parse(confirmed.evidence[0].document).digest
    assert effect.details.rule == "POST-2"
    assert delivery.notification_time.ToDatetime() == effect.details.effective_time.replace(tzinfo=None)

    for client_of, events in ((agency.client, SENDERS), (client, HOLDERS)):
        receipts = await receipts_of(client_of, delivery_id)
        assert list(receipts) == events
        assert verified(world, receipts).verdict is Verdict.VALID
    verdict = await asyncio.to_thread(
        go_verifier.verify, world.log_vkey, saved(tmp_path, await receipts_of(agency.client, delivery_id))
    )
    assert verdict.accepted, verdict.text
    assert verdict.text.count(": OK: ") == len(SENDERS)


async def test_the_acceptance_is_the_senders_alone(post: Post, agency: Agency, citizen: Citizen) -> None:
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    acceptance, consignment = accepted.evidence

    await refused(
        citizen.client.evidence.receipt(acceptance.evidence_id),
        StatusCode.PERMISSION_DENIED,
        "RESOURCE_NOT_PERMITTED",
    )
    assert (await citizen.client.evidence.receipt(consignment.evidence_id)).tlog_proof


async def test_nothing_of_a_message_is_shown_before_it_is_opened(
    post: Post, agency: Agency, tmp_path: Path
) -> None:
    citizen = await post.citizen()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    delivery_id = accepted.delivery.delivery_id
    mailbox = citizen.client.mailbox

    async with post.records.grow_by():
        (listed,) = [message async for message in mailbox.messages()]
        assert not listed.HasField("opening_time")
        for call in (
            mailbox.download(delivery_id, 1, tmp_path),
            mailbox.issue_statement(delivery_id),
            mailbox.confirm(delivery_id, delivery_id, b"0"),
        ):
            await refused(call, StatusCode.FAILED_PRECONDITION, "NOT_OPENED")
    assert not (tmp_path / "letter.txt").exists()


async def test_opening_twice_is_one_access(post: Post, agency: Agency) -> None:
    citizen = await post.citizen()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    delivery_id = accepted.delivery.delivery_id
    second = await post.client(citizen.card.authentication, address=(await post.second()).address)

    async with post.records.grow_by(openings=1, evidence=1):
        replies = await asyncio.gather(
            *(client.mailbox.open(delivery_id) for client in [citizen.client, second] * 5)
        )

    assert len({reply.evidence.document for reply in replies}) == 1


async def test_anothers_message_is_as_if_it_were_not_there(
    post: Post, agency: Agency, citizen: Citizen, tmp_path: Path
) -> None:
    act = await opened(agency, citizen)
    neighbour = await post.citizen()
    nothing = "0192f0c3-0000-7000-8000-000000000000"
    cms = signed(neighbour.card.signing, act.statement)
    mailbox, evidence = neighbour.client.mailbox, neighbour.client.evidence

    async with post.records.grow_by():
        texts = []
        for delivery_id in (act.delivery_id, nothing):
            for call in (
                mailbox.open(delivery_id),
                mailbox.download(delivery_id, 1, tmp_path),
                mailbox.issue_statement(delivery_id),
                mailbox.confirm(delivery_id, act.statement_id, cms),
                anext(evidence.facts(delivery_id)),
                evidence.receipt(act.message.evidence.evidence_id),
            ):
                refusal = await refused(call, StatusCode.PERMISSION_DENIED, "RESOURCE_NOT_PERMITTED")
                texts.append(refusal.text)
    # Which of the two it is, is not told.
    assert texts[: len(texts) // 2] == texts[len(texts) // 2 :]


async def test_another_organisation_sees_nothing_of_a_delivery(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    police = await post.agency("Police")
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))

    for call in (
        police.client.deliveries.get(accepted.delivery.delivery_id),
        anext(police.client.evidence.facts(accepted.delivery.delivery_id)),
        police.client.evidence.receipt(accepted.evidence[0].evidence_id),
    ):
        await refused(call, StatusCode.PERMISSION_DENIED, "RESOURCE_NOT_PERMITTED")
    assert [delivery async for delivery in police.client.deliveries.list()] == []


async def test_confirming_again_gives_the_same_evidence_and_another_signature_is_refused(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    act = await opened(agency, citizen)
    mailbox = citizen.client.mailbox
    cms = signed(citizen.card.signing, act.statement)
    other = signed(citizen.card.signing, act.statement)
    assert cms != other
    async with post.records.grow_by(confirmations=1, evidence=2):
        first = await mailbox.confirm(act.delivery_id, act.statement_id, cms)

    async with post.records.grow_by():
        again = await mailbox.confirm(act.delivery_id, act.statement_id, cms)
        for call in (
            mailbox.confirm(act.delivery_id, act.statement_id, other),
            mailbox.issue_statement(act.delivery_id),
        ):
            await refused(call, StatusCode.FAILED_PRECONDITION, "ALREADY_CONFIRMED")

    assert again.evidence == first.evidence


async def test_a_submission_repeated_after_the_confirmation_shows_what_was_accepted(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    letter = agency.letter(citizen.address)
    accepted = await agency.client.deliveries.submit(letter)
    delivery_id = accepted.delivery.delivery_id
    await citizen.client.mailbox.open(delivery_id)
    issued = await citizen.client.mailbox.issue_statement(delivery_id)
    cms = signed(citizen.card.signing, issued.statement)
    await citizen.client.mailbox.confirm(delivery_id, issued.statement_id, cms)

    async with post.records.grow_by():
        again = await agency.client.deliveries.submit(letter)

    assert (again.delivery, list(again.evidence)) == (accepted.delivery, list(accepted.evidence))


async def test_the_same_signature_from_two_connections_at_once_is_one_confirmation(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    act = await opened(agency, citizen)
    second = await post.client(citizen.card.authentication, address=(await post.second()).address)
    cms = signed(citizen.card.signing, act.statement)

    async with post.records.grow_by(confirmations=1, evidence=2):
        replies = await asyncio.gather(
            *(
                client.mailbox.confirm(act.delivery_id, act.statement_id, cms)
                for client in [citizen.client, second] * 4
            )
        )

    assert len({tuple(fact.document for fact in reply.evidence) for reply in replies}) == 1
    assert (await events_of(agency.client, act.delivery_id))[-2:] == [
        "ReadingConfirmed",
        "NotificationEffected",
    ]


async def test_of_two_signatures_at_once_exactly_one_wins(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    act = await opened(agency, citizen)
    second = await post.client(citizen.card.authentication, address=(await post.second()).address)
    signatures = [signed(citizen.card.signing, act.statement) for _ in range(2)]

    async with post.records.grow_by(confirmations=1, evidence=2):
        outcomes = await asyncio.gather(
            *(
                client.mailbox.confirm(act.delivery_id, act.statement_id, cms)
                for client, cms in zip([citizen.client, second], signatures, strict=True)
            ),
            return_exceptions=True,
        )

    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [getattr(failure, "reason", failure) for failure in failures] == ["ALREADY_CONFIRMED"]
    facts = await events_of(agency.client, act.delivery_id)
    assert facts.count("NotificationEffected") == facts.count("ReadingConfirmed") == 1
