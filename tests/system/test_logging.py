"""What the server writes into its log when things go wrong: never whom it is about, nor what was said."""

import json
import logging

import grpc
import pytest
import structlog

from namak.v1 import delivery_pb2, delivery_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from tests.system.post import SUBJECT, TEXT, Agency, Post, opened, signed
from tests.system.refusing import refusal_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_refusals_and_faults_are_logged_without_anything_personal(
    post: Post, agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    citizen, neighbour = await post.citizen(), await post.citizen()
    nobody = "4999999999@e-citizen.am"
    act = await opened(agency, citizen)
    stub = delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity))
    mailbox = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(citizen.card.authentication))
    malformed = delivery_pb2.SubmitRequest(
        submission=delivery_pb2.Submission(
            request_id="!", sender="x", recipient=f"{citizen.person.personal_number}@", subject=SUBJECT
        )
    )
    metadata = (("authorization", f"Bearer {citizen.person.personal_number}"),)

    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.DEBUG):
        reasons = [
            (await refusal_of(call)).reason
            for call in (
                agency.client.deliveries.submit(agency.letter(nobody)),
                stub.Submit(malformed, metadata=metadata, timeout=60),
                stub.Submit(
                    delivery_pb2.SubmitRequest(
                        submission=agency.letter(citizen.address, request_id="x", subject=SUBJECT * 20)
                    ),
                    timeout=60,
                ),
                neighbour.client.mailbox.open(act.delivery_id),
                citizen.client.mailbox.confirm(
                    act.delivery_id, act.statement_id, signed(neighbour.card.signing, act.statement)
                ),
                citizen.client.mailbox.confirm(act.delivery_id, act.statement_id, TEXT),
                mailbox.OpenMessage(
                    mailbox_pb2.OpenMessageRequest(delivery_id=citizen.person.personal_number), timeout=60
                ),
                (await post.operator()).admin.open_mailbox(citizen.address),
            )
        ]
        # A fault of the database: what it says holds the row's values, and must not come through.
        await post.records.rows("ALTER TABLE deliveries ADD CONSTRAINT none CHECK (false) NOT VALID")
        try:
            fault = await refusal_of(agency.client.deliveries.submit(agency.letter(citizen.address)))
        finally:
            await post.records.rows("ALTER TABLE deliveries DROP CONSTRAINT none")

    assert reasons == [
        "MAILBOX_UNKNOWN",
        "INVALID_FIELDS",
        "INVALID_FIELDS",
        "RESOURCE_NOT_PERMITTED",
        "SIGNER_NOT_RECIPIENT",
        "SIGNATURE_INVALID",
        "INVALID_FIELDS",
        "ALREADY_REGISTERED",
    ]
    assert (fault.status, fault.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert citizen.person.personal_number not in fault.text
    logged = {line.get("reason") for line in lines if line["event"] == "call finished"}
    assert logged >= {*reasons, "INTERNAL"}
    text = json.dumps(lines, ensure_ascii=False, default=str) + caplog.text
    personal = [
        citizen.person.personal_number,
        neighbour.person.personal_number,
        nobody,
        SUBJECT,
        TEXT.decode(),
        citizen.person.surname,
    ]
    assert [word for word in personal if word in text] == []


async def test_after_a_fault_the_same_request_is_accepted(post: Post, agency: Agency) -> None:
    citizen = await post.citizen()
    letter = agency.letter(citizen.address)
    await post.records.rows("ALTER TABLE deliveries ADD CONSTRAINT none CHECK (false) NOT VALID")
    try:
        async with post.records.grow_by():
            await refusal_of(agency.client.deliveries.submit(letter))
    finally:
        await post.records.rows("ALTER TABLE deliveries DROP CONSTRAINT none")

    accepted = await agency.client.deliveries.submit(letter)

    assert len(accepted.evidence) == 2
