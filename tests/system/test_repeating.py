"""One request id, one outcome: for calls at once, on every replica, and for refusals too."""

import asyncio

import pytest
from grpc import StatusCode

from namak.v1 import delivery_pb2, delivery_pb2_grpc
from tests.system.post import RECEIPTS, Agency, Citizen, Post
from tests.system.refusing import refusal_in, refusal_of, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "4999999999@e-citizen.am"
TIMES = 20


async def both(post: Post, agency: Agency) -> list[delivery_pb2_grpc.DeliveryServiceStub]:
    """Returns stubs on both replicas."""
    addresses = [post.address, (await post.second()).address]
    return [
        delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity, address=address))
        for address in addresses
    ]


async def test_twenty_times_at_once_over_two_replicas_is_one_delivery(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    request = delivery_pb2.SubmitRequest(submission=agency.letter(citizen.address))
    request.max_receipt_wait.FromTimedelta(RECEIPTS)
    stubs = await both(post, agency)

    async with post.records.grow_by(claims=1, deliveries=1, parts=1, mailbox_links=1, evidence=2):
        replies = await asyncio.gather(
            *(stubs[number % 2].Submit(request, timeout=60) for number in range(TIMES))
        )

    assert len({reply.accepted.delivery.delivery_id for reply in replies}) == 1
    assert len({tuple(fact.document for fact in reply.accepted.evidence) for reply in replies}) == 1
    assert all(len(reply.accepted.receipts) == 2 for reply in replies)
    await post.records.all_logged()


async def test_a_refusal_twenty_times_at_once_over_two_replicas_is_one_piece_of_evidence(
    post: Post, agency: Agency
) -> None:
    request = delivery_pb2.SubmitRequest(submission=agency.letter(NOBODY))
    stubs = await both(post, agency)

    async with post.records.grow_by_a_refusal():
        refusals = await asyncio.gather(
            *(refusal_of(stubs[number % 2].Submit(request, timeout=60)) for number in range(TIMES))
        )

    assert len(set(refusals)) == 1
    assert (refusals[0].status, refusals[0].reason) == (StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN")
    assert refusals[0].evidence_id is not None
    await post.records.all_logged()


async def test_two_contents_under_one_id_at_once_are_one_delivery_and_one_refusal(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    stubs = await both(post, agency)
    letters = [
        agency.letter(citizen.address, request_id="contested", content=content) for content in (b"1", b"2")
    ]

    async with post.records.grow_by(claims=1, deliveries=1, parts=1, mailbox_links=1, evidence=2):
        outcomes = await asyncio.gather(
            *(
                stub.Submit(delivery_pb2.SubmitRequest(submission=letter), timeout=60)
                for stub, letter in zip(stubs, letters, strict=True)
            ),
            return_exceptions=True,
        )

    lost = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
    assert len(lost) == 1
    async with post.records.grow_by():
        await refused(
            stubs[0].Submit(delivery_pb2.SubmitRequest(submission=letters[lost[0]]), timeout=60),
            StatusCode.INVALID_ARGUMENT,
            "REQUEST_ID_REUSED",
        )


async def test_a_refusal_stays_what_it_was_when_its_cause_is_gone(post: Post, agency: Agency) -> None:
    citizen = await post.citizen(mailbox=False)
    letter = agency.letter(citizen.address)
    first = await refused(agency.client.deliveries.submit(letter), StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN")
    await (await post.operator()).admin.open_mailbox(citizen.address)

    async with post.records.grow_by():
        again = await refused(
            agency.client.deliveries.submit(letter), StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"
        )

    assert again == first
    anew = await agency.client.deliveries.submit(agency.letter(citizen.address))
    assert anew.delivery.recipient == citizen.address


async def test_each_item_of_a_batch_gets_its_own_outcome_in_order(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    before = agency.letter(citizen.address, request_id="before")
    accepted = await agency.client.deliveries.submit(before)
    refused_before = agency.letter(NOBODY, request_id="refused-before")
    first = await refusal_of(agency.client.deliveries.submit(refused_before))
    changed = agency.letter(citizen.address, request_id="before", subject="changed")
    unnamed = agency.letter(citizen.address)
    unnamed.request_id = ""
    batch = [
        agency.letter(citizen.address, request_id="good-1"),
        agency.letter("5001950015", request_id="malformed"),
        refused_before,
        agency.letter(NOBODY, request_id="bad"),
        unnamed,
        before,
        agency.letter(await post.entity(), request_id="good-2"),
    ]
    stub = (await both(post, agency))[1]
    request = delivery_pb2.BatchSubmitRequest(submissions=batch)

    async with post.records.grow_by(claims=3, refusals=1, deliveries=2, parts=2, mailbox_links=2, evidence=5):
        reply = await stub.BatchSubmit(request, timeout=60)
    async with post.records.grow_by():
        again = await stub.BatchSubmit(request, timeout=60)
        other = await stub.BatchSubmit(delivery_pb2.BatchSubmitRequest(submissions=[changed]), timeout=60)

    results = reply.results
    assert [result.request_id for result in results] == [item.request_id for item in batch]
    assert [result.WhichOneof("outcome") for result in results] == [
        "accepted",
        "refused",
        "refused",
        "refused",
        "refused",
        "accepted",
        "accepted",
    ]
    refusals = [refusal_in(results[place].refused) for place in (1, 2, 3, 4)]
    assert [(refusal.status, refusal.reason) for refusal in refusals] == [
        (StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"),
        (StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"),
        (StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"),
        (StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"),
    ]
    assert refusals[1].evidence_id == first.evidence_id
    assert list(results[5].accepted.evidence) == list(accepted.evidence)
    assert [refusal_in(one.refused) for one in again.results if one.HasField("refused")] == refusals
    assert [list(one.accepted.evidence) for one in again.results if one.HasField("accepted")] == [
        list(one.accepted.evidence) for one in results if one.HasField("accepted")
    ]
    assert refusal_in(other.results[0].refused).reason == "REQUEST_ID_REUSED"
    await post.records.all_logged()


async def test_the_same_request_id_of_another_organisation_is_another_request(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    police = await post.agency("Police")

    ours, theirs = await asyncio.gather(
        *(
            one.client.deliveries.submit(one.letter(citizen.address, request_id="2026-11-0001"))
            for one in (agency, police)
        )
    )

    assert ours.delivery.delivery_id != theirs.delivery.delivery_id


async def test_the_operators_changes_are_made_once_however_often_they_are_asked_for(post: Post) -> None:
    replicas = [post.address, (await post.second()).address]
    clients = [await post.client(post.world.operator, address=address) for address in replicas]

    async with post.records.grow_by(organisations=1, claims=1, evidence=1, administrative_acts=1):
        organisations = await asyncio.gather(
            *(
                clients[number % 2].admin.register_organisation(
                    code="90000001", display_name="Cadastre", request_id="register-cadastre"
                )
                for number in range(10)
            )
        )

    assert len({organisation.organisation_id for organisation in organisations}) == 1
    async with post.records.grow_by():
        await refused(
            clients[0].admin.register_organisation(
                code="90000001", display_name="Another", request_id="register-cadastre"
            ),
            StatusCode.INVALID_ARGUMENT,
            "REQUEST_ID_REUSED",
        )
