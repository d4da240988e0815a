"""Submissions that are refused: each with its status and reason, and exactly the right evidence."""

import json
from collections.abc import Callable

import grpc
import pytest
from grpc import StatusCode

from namak.client import compose, compose_part
from namak.evidence.document import EvidenceDocument
from namak.evidence.tlog_proof import TlogProof
from namak.v1 import delivery_pb2, delivery_pb2_grpc, evidence_pb2, sender_admin_pb2
from tests.system.post import HERE, Agency, Citizen, Post, der
from tests.system.refusing import Refusal, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "4999999999@e-citizen.am"
MEBIBYTE = 1024 * 1024


async def assert_evidence(post: Post, agency: Agency, refusal: Refusal) -> EvidenceDocument:
    """Asserts that the refusal's evidence tells it as the caller was told it; returns the document."""
    assert refusal.evidence_id is not None
    event, data = await post.records.evidence(refusal.evidence_id)
    document = EvidenceDocument.parse(data)
    assert event == "http://uri.etsi.org/19522/Event/SubmissionRejection"
    assert json.loads(data)["EventReasons"] == [{"Code": refusal.reason}]
    assert (document.reason, document.delivery_id) == (refusal.reason, None)
    receipt = await agency.client.evidence.receipt(refusal.evidence_id)
    assert TlogProof.parse(receipt.tlog_proof).extra == data
    return document


async def test_refuses_another_organisations_address_and_leaves_evidence(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    police = await post.agency("Police")
    letter = agency.letter(citizen.address, sender=police.sender)

    async with post.records.grow_by_a_refusal():
        refusal = await refused(
            agency.client.deliveries.submit(letter), StatusCode.PERMISSION_DENIED, "SENDER_NOT_PERMITTED"
        )

    document = await assert_evidence(post, agency, refusal)
    assert document.sender.identifier == police.sender
    # Whose the evidence is: the organisation that tried, not the one whose address it was.
    assert refusal.evidence_id is not None
    await refused(
        police.client.evidence.receipt(refusal.evidence_id),
        StatusCode.PERMISSION_DENIED,
        "RESOURCE_NOT_PERMITTED",
    )


async def test_refuses_an_address_that_nobody_registered_as_it_does_anothers(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    letter = agency.letter(citizen.address, sender=f"nobody@{agency.domain}")

    async with post.records.grow_by_a_refusal():
        await refused(
            agency.client.deliveries.submit(letter), StatusCode.PERMISSION_DENIED, "SENDER_NOT_PERMITTED"
        )


async def test_refuses_a_mailbox_that_does_not_exist_and_leaves_evidence(post: Post, agency: Agency) -> None:
    async with post.records.grow_by_a_refusal():
        refusal = await refused(
            agency.client.deliveries.submit(agency.letter(NOBODY)), StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"
        )

    document = await assert_evidence(post, agency, refusal)
    assert document.recipient.identifier == NOBODY


@pytest.mark.parametrize(
    ("state", "reason"), [("SUSPENDED", "MAILBOX_SUSPENDED"), ("CLOSED", "MAILBOX_CLOSED")]
)
async def test_refuses_a_mailbox_that_does_not_receive_and_leaves_evidence(
    post: Post, agency: Agency, state: str, reason: str
) -> None:
    citizen = await post.citizen()
    before = await agency.client.deliveries.submit(agency.letter(citizen.address))
    await post.records.set_mailbox_state(citizen.address, state)

    async with post.records.grow_by_a_refusal():
        refusal = await refused(
            agency.client.deliveries.submit(agency.letter(citizen.address)),
            StatusCode.FAILED_PRECONDITION,
            reason,
        )

    await assert_evidence(post, agency, refusal)
    # What lies in it can still be read.
    opened = await citizen.client.mailbox.open(before.delivery.delivery_id)
    assert opened.message.delivery_id == before.delivery.delivery_id


async def test_refuses_a_suspended_address_and_leaves_evidence_until_it_is_resumed(
    post: Post, citizen: Citizen
) -> None:
    agency = await post.agency()
    admin = (await post.operator()).admin
    await admin.suspend_sender_address(agency.sender_id)
    letter = agency.letter(citizen.address)

    async with post.records.grow_by_a_refusal():
        refusal = await refused(
            agency.client.deliveries.submit(letter), StatusCode.FAILED_PRECONDITION, "SENDER_SUSPENDED"
        )

    await assert_evidence(post, agency, refusal)
    await admin.resume_sender_address(agency.sender_id)
    # The refusal stands under its request id for ever; a new one is accepted.
    async with post.records.grow_by():
        again = await refused(
            agency.client.deliveries.submit(letter), StatusCode.FAILED_PRECONDITION, "SENDER_SUSPENDED"
        )
    assert again.evidence_id == refusal.evidence_id
    assert (await agency.client.deliveries.submit(agency.letter(citizen.address))).delivery.delivery_id


@pytest.mark.parametrize(
    "contract",
    [
        sender_admin_pb2.CONTRACT_STATE_NONE,
        sender_admin_pb2.CONTRACT_STATE_SUSPENDED,
        sender_admin_pb2.CONTRACT_STATE_ENDED,
    ],
    ids=sender_admin_pb2.ContractState.Name,
)
async def test_refuses_a_sender_without_a_contract_in_force_and_leaves_evidence(
    post: Post, citizen: Citizen, contract: sender_admin_pb2.ContractState.ValueType
) -> None:
    agency = await post.agency(contract=contract)

    async with post.records.grow_by_a_refusal():
        refusal = await refused(
            agency.client.deliveries.submit(agency.letter(citizen.address)),
            StatusCode.FAILED_PRECONDITION,
            "CONTRACT_NOT_IN_FORCE",
        )

    await assert_evidence(post, agency, refusal)


def with_parts(agency: Agency, citizen: Citizen, *parts: delivery_pb2.Part) -> delivery_pb2.Submission:
    return compose(sender=agency.sender, recipient=citizen.address, subject="Ծանուցում", parts=parts)


def with_digest_of_another(agency: Agency, citizen: Citizen) -> delivery_pb2.Submission:
    part = compose_part("letter.txt", b"what was signed off")
    part.content = b"what was put in its place"
    return with_parts(agency, citizen, part)


def with_short_digest(agency: Agency, citizen: Citizen) -> delivery_pb2.Submission:
    part = compose_part("letter.txt", b"content")
    part.digest.value = part.digest.value[:31]
    return with_parts(agency, citizen, part)


def with_unknown_algorithm(agency: Agency, citizen: Citizen) -> delivery_pb2.Submission:
    part = compose_part("letter.txt", b"content")
    part.digest.algorithm = evidence_pb2.Digest.ALGORITHM_UNSPECIFIED
    return with_parts(agency, citizen, part)


LETTERS: dict[str, tuple[Callable[[Agency, Citizen], delivery_pb2.Submission], set[tuple[str, str]]]] = {
    "a subject of 251 characters": (
        lambda a, c: a.letter(c.address, subject="Ծ" * 251),
        {("submission.subject", "TOO_LONG")},
    ),
    "a subject of two lines": (
        lambda a, c: a.letter(c.address, subject="Ծանուցում\nBcc: everybody"),
        {("submission.subject", "CONTROL_CHARACTER")},
    ),
    "no subject": (
        lambda a, c: a.letter(c.address, subject=""),
        {("submission.subject", "EMPTY")},
    ),
    "content of one byte over 3 MiB": (
        lambda a, c: a.letter(c.address, content=bytes(3 * MEBIBYTE + 1)),
        {("submission.parts", "TOO_LARGE")},
    ),
    "two parts over 3 MiB together": (
        lambda a, c: with_parts(
            a, c, compose_part("1", bytes(2 * MEBIBYTE)), compose_part("2", bytes(MEBIBYTE + 1))
        ),
        {("submission.parts", "TOO_LARGE")},
    ),
    "21 parts": (
        lambda a, c: with_parts(a, c, *[compose_part(f"{number}.txt", b"x") for number in range(21)]),
        {("submission.parts", "NUMBER_OF_ITEMS")},
    ),
    "no part": (
        lambda a, c: with_parts(a, c),
        {("submission.parts", "NUMBER_OF_ITEMS")},
    ),
    "an empty part": (
        lambda a, c: a.letter(c.address, content=b""),
        {("submission.parts[0].content", "EMPTY")},
    ),
    "a part with a path for a name": (
        lambda a, c: with_parts(a, c, compose_part("../letter.txt", b"x")),
        {("submission.parts[0].name", "NOT_A_FILE_NAME")},
    ),
    "a digest of other content": (
        with_digest_of_another,
        {("submission.parts[0].content", "DIGEST_MISMATCH")},
    ),
    "a digest of 31 bytes": (
        with_short_digest,
        {
            ("submission.parts[0].digest.value", "DIGEST_LENGTH"),
            ("submission.parts[0].content", "DIGEST_MISMATCH"),
        },
    ),
    "a digest by no algorithm": (
        with_unknown_algorithm,
        {("submission.parts[0].digest.algorithm", "DIGEST_ALGORITHM")},
    ),
    "a request id with a space": (
        lambda a, c: a.letter(c.address, request_id="2026 11"),
        {("submission.request_id", "REQUEST_ID_MALFORMED")},
    ),
}


@pytest.mark.parametrize("what", LETTERS)
async def test_refuses_a_wrong_letter_names_the_field_and_stores_nothing(
    post: Post, agency: Agency, citizen: Citizen, what: str
) -> None:
    make, violations = LETTERS[what]

    async with post.records.grow_by():
        refusal = await refused(
            agency.client.deliveries.submit(make(agency, citizen)),
            StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELDS",
        )

    assert (set(refusal.violations), refusal.evidence_id) == (violations, None)


async def test_names_every_wrong_field_at_once(post: Post, agency: Agency) -> None:
    letter = delivery_pb2.Submission(request_id="!", sender="x", recipient="y")

    async with post.records.grow_by():
        refusal = await refused(
            agency.client.deliveries.submit(letter), StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"
        )

    assert {field for field, _ in refusal.violations} == {
        f"submission.{field}" for field in ("request_id", "sender", "recipient", "subject", "parts")
    }


async def test_takes_a_letter_of_exactly_the_limits_and_delivers_it_unaltered(
    post: Post, agency: Agency
) -> None:
    citizen = await post.citizen()
    content = bytes(range(256)) * (3 * MEBIBYTE // 256)

    accepted = await agency.client.deliveries.submit(
        agency.letter(citizen.address, subject="Ծ" * 250, content=content)
    )

    delivery_id = accepted.delivery.delivery_id
    opened = await citizen.client.mailbox.open(delivery_id)
    path = await citizen.client.mailbox.download(
        delivery_id, 1, post.guard.parent / "downloads", expected=opened.parts[0]
    )
    assert path.read_bytes() == content


async def test_refuses_a_request_over_4_mib_before_it_is_read(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity))
    request = delivery_pb2.SubmitRequest(
        submission=agency.letter(citizen.address, content=bytes(4 * MEBIBYTE + 1))
    )

    async with post.records.grow_by():
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await stub.Submit(request, timeout=60)

    assert refusal.value.code() is StatusCode.RESOURCE_EXHAUSTED


def batch_of(agency: Agency, citizen: Citizen, *request_ids: str) -> delivery_pb2.BatchSubmitRequest:
    return delivery_pb2.BatchSubmitRequest(
        submissions=[agency.letter(citizen.address, request_id=request_id) for request_id in request_ids]
    )


@pytest.mark.parametrize(
    ("request_ids", "violations"),
    [
        ([], {("submissions", "NUMBER_OF_ITEMS")}),
        ([f"over-{number}" for number in range(501)], {("submissions", "NUMBER_OF_ITEMS")}),
        (["one", "two", "one"], {("submissions[2].request_id", "REQUEST_ID_REPEATED")}),
    ],
    ids=["empty", "of 501 items", "with one request id twice"],
)
async def test_refuses_a_batch_as_a_whole_and_stores_nothing(
    post: Post,
    agency: Agency,
    citizen: Citizen,
    request_ids: list[str],
    violations: set[tuple[str, str]],
) -> None:
    stub = delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity))

    async with post.records.grow_by():
        refusal = await refused(
            stub.BatchSubmit(batch_of(agency, citizen, *request_ids), timeout=60),
            StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELDS",
        )

    assert set(refusal.violations) == violations


async def test_refuses_a_used_request_id_with_other_content_and_keeps_the_first(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    first = await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="used"))

    for other in (
        agency.letter(citizen.address, request_id="used", content=b"other"),
        agency.letter(citizen.address, request_id="used", subject="other"),
        agency.letter(NOBODY, request_id="used"),
    ):
        async with post.records.grow_by():
            refusal = await refused(
                agency.client.deliveries.submit(other), StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED"
            )
        assert refusal.evidence_id is None

    again = await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="used"))
    assert again.delivery == first.delivery
    assert again.evidence == first.evidence


async def test_a_sender_bound_to_one_address_uses_no_other_of_its_organisation(
    post: Post, citizen: Citizen
) -> None:
    agency = await post.agency()
    admin = (await post.operator()).admin
    await admin.register_sender_address(
        agency.organisation_id, address=f"info@{agency.domain}", networks=[HERE]
    )
    identity = post.pki.machine("one-address", organisation="SRC", common_name="one-address")
    await admin.bind_certificate(
        agency.organisation_id,
        der(identity),
        sender_address_id=agency.sender_id,
    )
    client = await post.client(identity)

    assert (await client.deliveries.submit(agency.letter(citizen.address))).delivery.delivery_id
    async with post.records.grow_by_a_refusal():
        await refused(
            client.deliveries.submit(agency.letter(citizen.address, sender=f"info@{agency.domain}")),
            StatusCode.PERMISSION_DENIED,
            "SENDER_NOT_PERMITTED",
        )
