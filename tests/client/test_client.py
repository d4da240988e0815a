"""The library against an office behind real mutual TLS."""

from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from namak.client import Client, Connection, compose, compose_part
from namak.client.retries import Patience
from namak.errors import (
    ContentMismatch,
    FileExistsAlready,
    InvalidFields,
    NotFound,
    NotPermitted,
    NotSent,
    NotYetLogged,
    RequestIdReused,
    TooLarge,
    TryLater,
    Unavailable,
    WrongState,
)
from namak.v1 import delivery_pb2, sender_admin_pb2
from tests.client.office import HOLDER, SENDER, Office
from tests.client.refusing import Refusal, unavailable

QUICK = Patience(total=20.0, first_pause=0.001, longest_pause=0.002)


def letter(
    request_id: str | None = None,
    *,
    recipient: str = HOLDER,
    content: bytes = b"the tax.\n",
    name: str = "ծանուցում.pdf",
    sender: str = SENDER,
) -> delivery_pb2.Submission:
    return compose(
        sender=sender,
        recipient=recipient,
        subject="Ծանուցում հարկի մասին",
        parts=[compose_part(name, content)],
        request_id=request_id,
    )


async def test_a_submission_is_accepted_with_evidence_and_receipts(agency: Connection) -> None:
    async with Client(agency) as post:
        accepted = await post.deliveries.submit(letter("r-1"))
        assert accepted.request_id == "r-1"
        assert [item.event.rpartition("/")[2] for item in accepted.evidence] == [
            "SubmissionAcceptance",
            "ContentConsignment",
        ]
        assert [item.evidence_id for item in accepted.receipts] == [
            item.evidence_id for item in accepted.evidence
        ]
        assert (await post.deliveries.get(accepted.delivery.delivery_id)) == accepted.delivery


async def test_a_submission_without_request_id_keeps_the_one_made_up_over_lost_answers(
    agency: Connection, office: Office
) -> None:
    office.faults.after.extend([unavailable(), unavailable()])
    office.faults.before.append(unavailable())
    bare = letter()
    bare.ClearField("request_id")
    async with Client(agency, patience=QUICK) as post:
        accepted = await post.deliveries.submit(bare, max_receipt_wait=timedelta(0))
    assert len(office.letters) == 1
    assert office.submitted_ids == [accepted.request_id] * 3
    assert not bare.request_id


async def test_the_operators_calls_keep_their_request_id_over_lost_answers(
    operator: Connection, office: Office
) -> None:
    office.faults.after.append(unavailable())
    async with Client(operator, patience=QUICK) as post:
        made = await post.admin.register_organisation(code="01234567", display_name="SRC")
    assert list(office.registrations.values()) == [made.organisation_id]


async def test_the_operator_sets_up_a_sender_and_a_mailbox(operator: Connection) -> None:
    async with Client(operator) as post:
        made = await post.admin.register_organisation(code="01234567", display_name="SRC", request_id="o")
        again = await post.admin.register_organisation(code="01234567", display_name="SRC", request_id="o")
        assert again == made
        contract = await post.admin.set_contract_state(
            made.organisation_id, sender_admin_pb2.CONTRACT_STATE_IN_FORCE
        )
        assert contract.contract_state == sender_admin_pb2.CONTRACT_STATE_IN_FORCE
        domain = await post.admin.register_domain(made.organisation_id, name="src.am", document_reference="1")
        assert domain.name == "src.am"
        sender = await post.admin.register_sender_address(
            made.organisation_id, address=SENDER, networks=["127.0.0.1/32"]
        )
        assert list(sender.networks) == ["127.0.0.1/32"]
        assert (await post.admin.suspend_sender_address(sender.sender_address_id)).suspended
        assert not (await post.admin.resume_sender_address(sender.sender_address_id)).suspended
        binding = await post.admin.bind_certificate(made.organisation_id, b"der")
        assert (await post.admin.revoke_certificate(binding.certificate_sha256)).HasField("revoke_time")
        assert (await post.admin.open_mailbox(HOLDER)).address == HOLDER


async def test_never_has_the_server_wait_longer_for_receipts_than_a_try_lasts(
    agency: Connection, office: Office
) -> None:
    for total, asked in ((60.0, None), (4.0, None), (4.0, timedelta(0)), (4.0, timedelta(seconds=30))):
        async with Client(agency, patience=Patience(total)) as post:
            await post.deliveries.submit(letter(), max_receipt_wait=asked)
    assert office.waits == [None, timedelta(seconds=1), timedelta(0), timedelta(seconds=1)]


async def test_gives_up_when_the_time_is_up_and_says_that_the_outcome_is_unknown(
    agency: Connection, office: Office
) -> None:
    office.faults.before.extend(unavailable() for _ in range(1000))
    async with Client(agency, patience=Patience(0.5, 0.01, 0.02)) as post:
        # The last try either gets that answer, too, or none any more.
        with pytest.raises(Unavailable):
            await post.deliveries.submit(letter("r"))
    assert len(office.faults.before) < 1000 - 1
    assert not office.letters


async def test_does_not_come_back_sooner_than_the_server_asked(agency: Connection, office: Office) -> None:
    office.faults.before.append(
        Refusal(grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE", "later", retry_after=3600.0)
    )
    async with Client(agency, patience=QUICK) as post:
        with pytest.raises(Unavailable) as caught:
            await post.deliveries.submit(letter("r"))
    assert caught.value.retry_delay == 3600.0
    assert not office.submitted_ids


async def test_a_refusal_is_not_repeated_and_names_its_evidence(agency: Connection, office: Office) -> None:
    async with Client(agency) as post:
        with pytest.raises(NotFound) as caught:
            await post.deliveries.submit(letter("r", recipient="1000000000@e-citizen.am"))
        error = caught.value
        assert error.reason == "MAILBOX_UNKNOWN"
        assert error.metadata["recipient"] == "1000000000@e-citizen.am"
        assert office.submitted_ids == ["r"]
        assert error.evidence_id is not None
        receipt = await post.evidence.receipt(error.evidence_id)
        assert receipt.evidence_id == error.evidence_id


async def test_wrong_fields_come_all_at_once(agency: Connection) -> None:
    async with Client(agency) as post:
        with pytest.raises(InvalidFields) as caught:
            await post.deliveries.submit(delivery_pb2.Submission(sender=SENDER, recipient=HOLDER))
    assert [v.field for v in caught.value.violations] == ["submission.subject", "submission.parts"]


async def test_each_reason_comes_as_its_class(agency: Connection, office: Office) -> None:
    async with Client(agency) as post:
        await post.deliveries.submit(letter("same"))
        with pytest.raises(RequestIdReused):
            await post.deliveries.submit(letter("same", content=b"other"))
        with pytest.raises(NotPermitted, match="not your address"):
            await post.deliveries.submit(letter("x", sender="someone@else.am"))
        with pytest.raises(NotPermitted):
            await post.deliveries.get("0192f0c3-0000-7000-8000-000000000000")
        office.faults.before.append(
            Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_REFUSALS", "slowly", retry_after=7.5)
        )
        with pytest.raises(TryLater) as caught:
            await post.deliveries.submit(letter("y"))
        assert caught.value.retry_delay == 7.5


async def test_many_submissions_come_back_in_order_each_with_its_own_outcome(
    agency: Connection, office: Office
) -> None:
    letters = [letter(f"r-{n}") for n in range(1, 1003)]
    letters[600].recipient = "1000000000@e-citizen.am"
    reached: list[int] = []
    async with Client(agency) as post:
        outcomes = await post.deliveries.submit_many(letters, progress=reached.append)
    assert office.batches == [500, 500, 2]
    assert reached == [500, 1000, 1002]
    assert [item.request_id for item in outcomes] == [item.request_id for item in letters]
    assert isinstance(outcomes[600].error, NotFound)
    assert sum(item.accepted is not None for item in outcomes) == 1001


async def test_large_submissions_go_in_as_many_requests_as_their_bytes_need(
    agency: Connection, office: Office
) -> None:
    letters = [letter(f"r-{n}", content=bytes(1_500_000)) for n in range(5)]
    async with Client(agency) as post:
        outcomes = await post.deliveries.submit_many(letters)
    assert office.batches == [2, 2, 1]
    assert all(item.accepted for item in outcomes)


async def test_a_submission_too_large_for_any_request_fails_alone(agency: Connection) -> None:
    letters = [letter("a"), letter("b", content=bytes(5_000_000)), letter("c")]
    async with Client(agency) as post:
        a, b, c = await post.deliveries.submit_many(letters)
    assert a.accepted
    assert c.accepted
    assert isinstance(b.error, InvalidFields)


async def test_one_submission_too_large_for_any_request_is_refused_in_the_same_words(
    agency: Connection, office: Office
) -> None:
    huge = letter("b", content=bytes(4 * 1024 * 1024))
    async with Client(agency) as post:
        (of_many,) = await post.deliveries.submit_many([huge])
        with pytest.raises(InvalidFields) as caught:
            await post.deliveries.submit(huge)
    assert of_many.error is not None
    assert (str(caught.value), caught.value.violations) == (str(of_many.error), of_many.error.violations)
    assert not office.submitted_ids


async def test_what_grpc_finds_too_large_is_refused_for_good(operator: Connection) -> None:
    async with Client(operator) as post:
        with pytest.raises(TooLarge, match="larger than max"):
            await post.admin.open_mailbox("1" * (5 * 1024 * 1024))


async def test_when_a_request_fails_its_items_have_its_error_and_the_rest_was_not_sent(
    agency: Connection, office: Office
) -> None:
    office.faults.after.append(Refusal(grpc.StatusCode.INTERNAL, "INTERNAL", "quote request 1"))
    letters = [letter(f"r-{n}") for n in range(501)]
    async with Client(agency) as post:
        outcomes = await post.deliveries.submit_many(letters)
    assert {type(item.error).__name__ for item in outcomes[:500]} == {"ServerFault"}
    assert isinstance(outcomes[500].error, NotSent)
    assert "r-500" not in office.submitted_ids


async def test_one_request_id_twice_is_refused_before_anything_is_sent(
    agency: Connection, office: Office
) -> None:
    async with Client(agency) as post:
        with pytest.raises(InvalidFields) as caught:
            await post.deliveries.submit_many([letter("a"), letter("b"), letter("a")])
    assert [v.field for v in caught.value.violations] == ["submissions[2].request_id"]
    assert not office.submitted_ids


async def test_lists_go_on_over_pages(agency: Connection, citizen: Connection) -> None:
    async with Client(agency) as post:
        sent = [(await post.deliveries.submit(letter(f"r-{n}"))).delivery.delivery_id for n in range(5)]
        assert [item.delivery_id async for item in post.deliveries.list()] == list(reversed(sent))
    async with Client(citizen) as post:
        assert [item.delivery_id async for item in post.mailbox.messages()] == list(reversed(sent))


async def test_a_receipt_is_waited_for(agency: Connection, office: Office) -> None:
    office.faults.late_receipts = 2
    async with Client(agency) as post:
        accepted = await post.deliveries.submit(letter("r"))
        assert not accepted.receipts
        receipt = await post.evidence.receipt(accepted.evidence[0].evidence_id)
        assert receipt.evidence_id == accepted.evidence[0].evidence_id


async def test_a_receipt_that_does_not_come_in_time_is_said_to_be_pending(
    agency: Connection, office: Office
) -> None:
    office.faults.late_receipts = 10_000
    async with Client(agency) as post:
        accepted = await post.deliveries.submit(letter("r"))
        with pytest.raises(NotYetLogged) as caught:
            await post.evidence.receipt(accepted.evidence[0].evidence_id, within=0.2)
    assert caught.value.evidence_id == accepted.evidence[0].evidence_id


async def test_a_revocation_list_must_have_the_digest_that_was_asked_for(agency: Connection) -> None:
    digest = bytes.fromhex("38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da")
    async with Client(agency) as post:
        with pytest.raises(ContentMismatch):
            await post.evidence.revocation_list(digest)


async def opened(agency: Connection, citizen: Connection, item: delivery_pb2.Submission) -> str:
    """Submits a letter, opens it, and returns its delivery id."""
    async with Client(agency) as post:
        delivery_id = (await post.deliveries.submit(item)).delivery.delivery_id
    async with Client(citizen) as post:
        await post.mailbox.open(delivery_id)
    return delivery_id


async def test_a_download_is_the_content_under_its_own_name(
    agency: Connection, citizen: Connection, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 1000
    delivery_id = await opened(agency, citizen, letter("r", content=content))
    seen: list[tuple[int, int]] = []
    async with Client(citizen) as post:
        path = await post.mailbox.download(
            delivery_id, 1, tmp_path, progress=lambda done, total: seen.append((done, total))
        )
        assert path == tmp_path / "ծանուցում.pdf"
        assert path.read_bytes() == content
        assert seen[-1] == (256_000, 256_000)
        with pytest.raises(FileExistsAlready):
            await post.mailbox.download(delivery_id, 1, tmp_path)
        path.write_bytes(b"old")
        await post.mailbox.download(delivery_id, 1, tmp_path, force=True)
        assert path.read_bytes() == content


async def test_a_download_before_opening_is_refused_and_opens_nothing(
    agency: Connection, citizen: Connection, office: Office, tmp_path: Path
) -> None:
    async with Client(agency) as post:
        delivery_id = (await post.deliveries.submit(letter("r"))).delivery.delivery_id
    async with Client(citizen) as post:
        with pytest.raises(WrongState) as caught:
            await post.mailbox.download(delivery_id, 1, tmp_path)
    assert caught.value.reason == "NOT_OPENED"
    assert office.letters[delivery_id].opened is None


async def test_a_download_that_breaks_begins_again(
    agency: Connection, citizen: Connection, office: Office, tmp_path: Path
) -> None:
    content = bytes(300_000)
    delivery_id = await opened(agency, citizen, letter("r", content=content))
    office.faults.broken_streams = 2
    directory = tmp_path / "out"
    directory.mkdir()
    async with Client(citizen, patience=QUICK) as post:
        path = await post.mailbox.download(delivery_id, 1, directory)
    assert path.read_bytes() == content
    assert list(directory.iterdir()) == [path]


@pytest.mark.parametrize("sent", [b"The tax.\n", b"the tax", b"the tax.\nand more"])
async def test_content_that_is_not_what_was_announced_leaves_no_file(
    agency: Connection, citizen: Connection, office: Office, tmp_path: Path, sent: bytes
) -> None:
    delivery_id = await opened(agency, citizen, letter("r", name="a.txt"))
    office.tampered["a.txt"] = sent
    directory = tmp_path / "out"
    directory.mkdir()
    async with Client(citizen) as post:
        with pytest.raises(ContentMismatch):
            await post.mailbox.download(delivery_id, 1, directory)
    assert list(directory.iterdir()) == []


async def test_a_part_other_than_the_opened_message_named_leaves_no_file(
    agency: Connection, citizen: Connection, tmp_path: Path
) -> None:
    delivery_id = await opened(agency, citizen, letter("r"))
    directory = tmp_path / "out"
    directory.mkdir()
    expected = delivery_pb2.PartInfo(size=9)
    async with Client(citizen) as post:
        with pytest.raises(ContentMismatch):
            await post.mailbox.download(delivery_id, 1, directory, expected=expected)
    assert list(directory.iterdir()) == []


async def test_a_name_that_points_elsewhere_stays_in_the_directory(
    agency: Connection, citizen: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = await opened(agency, citizen, letter("r", name="a.txt"))
    office.renamed["a.txt"] = "../../.ssh/authorized_keys"
    directory = tmp_path / "a" / "b"
    directory.mkdir(parents=True)
    async with Client(citizen) as post:
        path = await post.mailbox.download(delivery_id, 1, directory)
    assert path.parent == directory
    assert path.name == "_.._.ssh_authorized_keys"


async def test_confirming_again_with_the_same_signature_gets_the_same_evidence(
    agency: Connection, citizen: Connection
) -> None:
    delivery_id = await opened(agency, citizen, letter("r"))
    async with Client(citizen) as post:
        issued = await post.mailbox.issue_statement(delivery_id)
        first = await post.mailbox.confirm(delivery_id, issued.statement_id, b"cms")
        again = await post.mailbox.confirm(delivery_id, issued.statement_id, b"cms")
        assert first == again
        with pytest.raises(WrongState) as caught:
            await post.mailbox.confirm(delivery_id, issued.statement_id, b"other")
    assert caught.value.reason == "ALREADY_CONFIRMED"
