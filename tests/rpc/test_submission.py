"""Submissions on the wire: what is read from them, item by item, and what goes back."""

import asyncio
import hashlib

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from namak.v1 import delivery_pb2 as pb
from namak.v1 import delivery_pb2_grpc, evidence_pb2
from server.domain.deliveries import Part, PartInfo, Submission
from tests.rpc.desk_samples import SUSPENDED
from tests.rpc.edge import Edge, bad_request, error_info

CONTENT = "Հարգելի քաղաքացի".encode()


def submission(request_id: str = "notice-1", sender: str = "Notices@SRC.am") -> pb.Submission:
    return pb.Submission(
        request_id=request_id,
        sender=sender,
        recipient="5001950015@ecitizen.am",
        subject="Ծանուցում",
        parts=[pb.Part(name="letter.txt", media_type="text/plain;charset=utf-8", content=CONTENT)],
    )


def sha256(content: bytes) -> evidence_pb2.Digest:
    return evidence_pb2.Digest(
        algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=hashlib.sha256(content).digest()
    )


def stub_of(edge: Edge) -> delivery_pb2_grpc.DeliveryServiceStub:
    # A batch's reply may be as large as a library takes by default, and no larger.
    return delivery_pb2_grpc.DeliveryServiceStub(edge.channel(edge.world.agency))


async def violations(edge: Edge, request: pb.SubmitRequest) -> dict[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub_of(edge).Submit(request, timeout=60)
    assert error_info(refused.value).reason == "INVALID_FIELDS"
    assert edge.desks.submitted == []
    return {each.field: each.reason for each in bad_request(refused.value).field_violations}


def info_of(status: status_pb2.Status) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info


async def test_hands_in_a_submission_in_canonical_form(edge: Edge) -> None:
    await stub_of(edge).Submit(pb.SubmitRequest(submission=submission()), timeout=60)

    (command,) = edge.desks.submitted
    digest = hashlib.sha256(CONTENT).digest()
    info = PartInfo("letter.txt", "text/plain;charset=utf-8", len(CONTENT), digest)
    assert list(command.submissions) == [
        Submission(
            "notice-1", "notices@src.am", "5001950015@e-citizen.am", "Ծանուցում", (Part(info, CONTENT),)
        )
    ]


async def test_hands_in_the_notification_policy_that_was_picked(edge: Edge) -> None:
    picked = submission()
    picked.notification_policy = "am-2025@2"

    await stub_of(edge).Submit(pb.SubmitRequest(submission=picked), timeout=60)

    (command,) = edge.desks.submitted
    assert [each.notification_policy for each in command.submissions] == ["am-2025@2"]


@pytest.mark.parametrize("text", ["am-2025", "AM-2025@2", "am-2025@0", "am-2025@2 ", "@1"])
async def test_names_a_notification_policy_that_is_none(edge: Edge, text: str) -> None:
    wrong = submission()
    wrong.notification_policy = text

    found = await violations(edge, pb.SubmitRequest(submission=wrong))

    assert found == {"submission.notification_policy": "POLICY_MALFORMED"}


async def test_gives_back_the_delivery_its_evidence_and_receipts(edge: Edge) -> None:
    response = await stub_of(edge).Submit(pb.SubmitRequest(submission=submission()), timeout=60)

    accepted = response.accepted
    assert accepted.request_id == "notice-1"
    assert accepted.delivery.recipient == "5001950015@e-citizen.am"
    assert accepted.delivery.state == pb.DELIVERY_STATE_CONSIGNED
    assert accepted.delivery.submission_time.ToJsonString() == "2026-11-22T08:00:00.123456Z"
    assert not accepted.delivery.HasField("notification_time")
    assert [each.event.rpartition("/")[2] for each in accepted.evidence] == [
        "SubmissionAcceptance",
        "ContentConsignment",
    ]
    assert [each.evidence_id for each in accepted.receipts] == [
        each.evidence_id for each in accepted.evidence
    ]


async def test_waits_for_receipts_as_long_as_was_asked(edge: Edge) -> None:
    stub = stub_of(edge)
    for wait in (None, Duration(), Duration(seconds=2, nanos=500_000_000), Duration(seconds=3600)):
        request = pb.SubmitRequest(submission=submission(), max_receipt_wait=wait)
        await stub.Submit(request, timeout=60)

    assert [command.receipt_wait_seconds for command in edge.desks.submitted] == [5.0, 0.0, 2.5, 30.0]


async def test_tells_when_the_reply_must_go_out(edge: Edge) -> None:
    began = asyncio.get_running_loop().time()

    await stub_of(edge).Submit(pb.SubmitRequest(submission=submission()), timeout=4)

    (command,) = edge.desks.submitted
    assert began < command.reply_by < began + 4


async def test_raises_the_refusal_of_a_single_submission_with_its_evidence(edge: Edge) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub_of(edge).Submit(pb.SubmitRequest(submission=submission(sender=SUSPENDED)), timeout=60)

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    info = error_info(refused.value)
    assert info.reason == "SENDER_SUSPENDED"
    assert info.metadata["sender"] == SUSPENDED
    assert len(info.metadata["evidence_id"]) == 36


async def test_lists_all_that_is_wrong_with_a_submission(edge: Edge) -> None:
    request = pb.SubmitRequest(
        submission=pb.Submission(
            request_id="",
            sender="a@gmail.com",
            recipient="12@e-citizen.am",
            subject="two\nlines",
            parts=[
                pb.Part(name="../x", media_type="pdf", content=b""),
                pb.Part(name="a", media_type="a/b", content=b"x", digest=sha256(b"y")),
                pb.Part(
                    name="a", media_type="a/b", content=b"x", digest=evidence_pb2.Digest(value=bytes(31))
                ),
            ],
        ),
        max_receipt_wait=Duration(seconds=-1),
    )

    assert await violations(edge, request) == {
        "submission.request_id": "REQUEST_ID_MALFORMED",
        "submission.sender": "FOREIGN_DOMAIN",
        "submission.recipient": "NUMBER_MALFORMED",
        "submission.subject": "CONTROL_CHARACTER",
        "submission.parts[0].name": "NOT_A_FILE_NAME",
        "submission.parts[0].media_type": "MEDIA_TYPE_MALFORMED",
        "submission.parts[0].content": "EMPTY",
        "submission.parts[1].content": "DIGEST_MISMATCH",
        "submission.parts[2].digest.algorithm": "DIGEST_ALGORITHM",
        "submission.parts[2].digest.value": "DIGEST_LENGTH",
        "submission.parts[2].content": "DIGEST_MISMATCH",
        "max_receipt_wait": "DURATION_MALFORMED",
    }


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "NUMBER_OF_ITEMS"),
        ([pb.Part(name="a", media_type="a/b", content=b"x")] * 21, "NUMBER_OF_ITEMS"),
        # Over the limit of content, and under that of a request.
        ([pb.Part(name="a", media_type="a/b", content=bytes(1600 * 1024))] * 2, "TOO_LARGE"),
    ],
    ids=["none", "too many", "too large together"],
)
async def test_refuses_parts_in_the_wrong_number_or_size(
    edge: Edge, parts: list[pb.Part], reason: str
) -> None:
    wrong = submission()
    del wrong.parts[:]
    wrong.parts.extend(parts)

    assert await violations(edge, pb.SubmitRequest(submission=wrong)) == {"submission.parts": reason}


async def test_takes_content_of_exactly_the_limit(edge: Edge) -> None:
    largest = submission()
    largest.parts[0].content = bytes(3 * 1024 * 1024)

    response = await stub_of(edge).Submit(pb.SubmitRequest(submission=largest), timeout=60)

    assert response.accepted.delivery.parts[0].size == 3 * 1024 * 1024


async def test_refuses_a_request_larger_than_the_transport_takes(edge: Edge) -> None:
    huge = submission()
    huge.parts[0].content = bytes(5 * 1024 * 1024)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub_of(edge).Submit(pb.SubmitRequest(submission=huge), timeout=60)

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert edge.desks.submitted == []


async def test_gives_each_item_of_a_batch_its_own_result_in_order(edge: Edge) -> None:
    malformed = submission("c")
    malformed.subject = ""
    request = pb.BatchSubmitRequest(
        submissions=[submission("a"), submission("b", sender=SUSPENDED), malformed, submission("d")]
    )

    response = await stub_of(edge).BatchSubmit(request, timeout=60)

    assert [each.request_id for each in response.results] == ["a", "b", "c", "d"]
    assert [each.WhichOneof("outcome") for each in response.results] == [
        "accepted",
        "refused",
        "refused",
        "accepted",
    ]
    suspended, invalid = response.results[1].refused, response.results[2].refused
    assert suspended.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert info_of(suspended).reason == "SENDER_SUSPENDED"
    assert invalid.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert info_of(invalid).reason == "INVALID_FIELDS"
    assert [each.request_id for each in edge.desks.submitted[0].submissions] == ["a", "b", "d"]


async def test_answers_a_batch_of_nothing_but_malformed_items_without_a_submission(edge: Edge) -> None:
    response = await stub_of(edge).BatchSubmit(pb.BatchSubmitRequest(submissions=[pb.Submission()] * 2))

    assert [each.WhichOneof("outcome") for each in response.results] == ["refused", "refused"]
    assert edge.desks.submitted == []


@pytest.mark.parametrize(
    ("request_ids", "field", "reason"),
    [
        ([], "submissions", "NUMBER_OF_ITEMS"),
        ([f"r{index}" for index in range(501)], "submissions", "NUMBER_OF_ITEMS"),
        (["a", "b", "a"], "submissions[2].request_id", "REQUEST_ID_REPEATED"),
    ],
    ids=["empty", "too long", "one id twice"],
)
async def test_refuses_a_batch_that_is_wrong_as_a_whole(
    edge: Edge, request_ids: list[str], field: str, reason: str
) -> None:
    request = pb.BatchSubmitRequest(submissions=[submission(request_id) for request_id in request_ids])

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub_of(edge).BatchSubmit(request, timeout=60)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = bad_request(refused.value).field_violations
    assert (violation.field, violation.reason) == (field, reason)
    assert edge.desks.submitted == []


async def test_leaves_out_receipts_rather_than_send_a_reply_that_no_client_takes(edge: Edge) -> None:
    edge.desks.receipt_bytes = 8 * 1024
    request = pb.BatchSubmitRequest(submissions=[submission(f"r{index}") for index in range(500)])

    response = await stub_of(edge).BatchSubmit(request, timeout=60)

    assert response.ByteSize() < 4 * 1024 * 1024
    accepted = [each.accepted for each in response.results]
    assert all(len(each.evidence) == 2 for each in accepted)
    receipts = [len(each.receipts) for each in accepted]
    assert receipts == sorted(receipts, reverse=True)
    assert (receipts[0], receipts[-1]) == (2, 0)
