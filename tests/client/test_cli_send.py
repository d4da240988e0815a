"""The command ``namak send``: what it prints, what it saves, and how it ends."""

import re
from pathlib import Path

import grpc
import pytest

from namak.client import Connection
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from tests.client.conftest import Namak
from tests.client.office import HOLDER, SENDER, Office
from tests.client.refusing import Refusal, unavailable

MARK = ":4b2026ed90ea"
"""What the request id of a letter to HOLDER ends in."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ծանուցում.txt"
    path.write_text("Հարգելի քաղաքացի\n", "utf-8")
    return path


def send(*more: object, to: str = HOLDER) -> list[object]:
    return ["send", "--from", SENDER, "--to", to, "--subject", "Ծանուցում", *more]


def test_send_saves_receipts_that_prove_what_was_sent(
    namak: Namak, agency: Connection, office: Office, file: Path, tmp_path: Path
) -> None:
    run = namak(agency, *send(file, "--request-id", "r-1", "--receipt", tmp_path / "out"))
    assert run.code == 0, run.err
    (sent,) = office.letters.values()
    assert HOLDER in run.out
    assert sent.delivery_id in run.out
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        f"{sent.delivery_id}-01-SubmissionAcceptance.tlog-proof",
        f"{sent.delivery_id}-02-ContentConsignment.tlog-proof",
    ]
    assert all(name in run.out for name in names)
    proof = TlogProof.parse((tmp_path / "out" / names[0]).read_bytes())
    assert proof.extra == sent.facts[0].data
    proof.verify(sent.facts[0].entry, TlogPolicy.parse(f"log {office.log_key.vkey}\nquorum none\n".encode()))


def test_send_names_the_request_id_that_it_made_up(
    namak: Namak, agency: Connection, office: Office, file: Path
) -> None:
    office.faults.before.append(Refusal(grpc.StatusCode.INTERNAL, "INTERNAL", "quote request 7"))
    run = namak(agency, *send(file))
    assert run.code == 7
    found = re.search(r"request id ([0-9a-f-]{36})", run.err)
    assert found
    again = namak(agency, *send(file, "--request-id", found[1]))
    assert again.code == 0
    assert office.submitted_ids == [f"{found[1]}{MARK}"]


OTHER = "1000000000@e-citizen.am"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ([HOLDER], [HOLDER]),
        ([HOLDER, OTHER], [HOLDER, OTHER]),
        ([HOLDER, OTHER], [HOLDER]),
        ([HOLDER], [OTHER, HOLDER]),
        ([HOLDER], [HOLDER.replace("e-citizen.am", "ECITIZEN.am")]),
    ],
)
def test_repeating_with_the_id_that_it_names_submits_under_the_same_ids_whoever_else_is_named(
    namak: Namak, agency: Connection, office: Office, file: Path, first: list[str], again: list[str]
) -> None:
    def to(recipients: list[str]) -> list[str]:
        return [word for recipient in recipients for word in ("--to", recipient)]

    common = ("send", "--from", SENDER, "--subject", "Ծանուցում", file)
    named = re.search(r"^request id (\S+)$", namak(agency, *common, *to(first)).err, re.MULTILINE)
    assert named
    before = set(office.submitted_ids)
    run = namak(agency, *common, *to(again), "--request-id", named[1], "--json")
    assert run.document["request_id"] == named[1]
    since = office.submitted_ids[len(before) :]
    assert len(since) == len(again)
    assert f"{named[1]}{MARK}" in before & set(since)
    assert len(set(office.submitted_ids)) == len({number.partition("@")[0] for number in (*first, *again)})


def test_send_refuses_the_id_of_one_recipient_and_names_the_one_to_repeat(
    namak: Namak, agency: Connection, office: Office, file: Path
) -> None:
    run = namak(agency, *send(file, "--to", OTHER, "--request-id", f"base-1{MARK}"))
    assert run.code == 2
    assert "--request-id base-1," in run.err
    assert not office.submitted_ids


def test_send_waits_for_receipts_that_come_late(
    namak: Namak, agency: Connection, office: Office, file: Path, tmp_path: Path
) -> None:
    office.faults.late_receipts = 1
    run = namak(agency, *send(file, "--receipt", tmp_path / "out"))
    assert run.code == 0, run.err
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_send_says_that_the_letter_was_sent_when_only_its_receipts_are_late(
    namak: Namak, agency: Connection, office: Office, file: Path, tmp_path: Path
) -> None:
    office.faults.late_receipts = 1_000_000
    run = namak(agency, "--timeout", "300ms", "--json", *send(file, "--receipt", tmp_path / "out"))
    assert run.code == 3
    (result,) = run.document["results"]
    assert result["status"] == "accepted"
    assert {problem["reason"] for problem in run.document["receipt_problems"]} == {"RECEIPT_PENDING"}


def test_send_to_many_tells_the_outcome_of_each(
    namak: Namak, agency: Connection, office: Office, file: Path, tmp_path: Path
) -> None:
    unknown = "1000000000@e-citizen.am"
    arguments = send(file, "--to", unknown, "--request-id", "r", "--receipt", tmp_path / "out")
    run = namak(agency, "--json", *arguments)
    assert run.code == 1
    accepted, refused = run.document["results"]
    assert accepted["status"] == "accepted"
    assert refused["status"] == "refused"
    assert refused["error"]["reason"] == "MAILBOX_UNKNOWN"
    assert refused["error"]["evidence_id"]
    assert run.document["request_id"] == "r"
    assert accepted["recipient_request_id"] == f"r{MARK}"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(names) == 3
    assert f"{refused['error']['evidence_id']}-SubmissionRejection.tlog-proof" in names
    shown = namak(agency, *send(file, "--to", unknown, "--request-id", "r"))
    assert shown.code == 1
    assert accepted["delivery"]["delivery_id"] in shown.out
    assert "MAILBOX_UNKNOWN" in shown.err
    # Under another base the one who has it would get a second letter.
    told = " ".join(shown.err.split())
    assert "or to all again with the same --request-id: who has the letter gets no second one." in told
    assert "new request id" not in told


def test_send_json_has_the_delivery_as_the_contract_names_it(
    namak: Namak, agency: Connection, file: Path
) -> None:
    (result,) = namak(agency, *send(file), "--no-wait", "--json").document["results"]
    assert set(result) == {"recipient_request_id", "recipient", "status", "delivery", "evidence", "receipts"}
    delivery = result["delivery"]
    assert delivery["subject"] == "Ծանուցում"
    assert delivery["state"] == "CONSIGNED"
    assert delivery["notification_time"] is None
    assert delivery["submission_time"].endswith("Z")
    (part,) = delivery["parts"]
    assert part["name"] == "ծանուցում.txt"
    assert part["media_type"] == "text/plain"
    assert len(part["sha256"]) == 64


def test_send_says_to_repeat_when_no_answer_comes(
    namak: Namak, agency: Connection, office: Office, file: Path
) -> None:
    office.faults.before.extend(unavailable() for _ in range(100))
    run = namak(agency, "--timeout", "300ms", *send(file, "--request-id", "r-9"))
    assert run.code == 3
    assert "r-9" in run.err
    assert "same request id" in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    "more",
    [
        ("--no-wait", "--receipt", "out"),
        ("--to", HOLDER),
        ("--to", HOLDER.upper().replace("E-CITIZEN", "ECITIZEN")),
        ("--to", " 1@e-citizen.am"),
        ("--from", f"{SENDER} "),
        ("--request-id", "x" * 52),
        ("--request-id", ""),
        ("--request-id", "a b"),
    ],
)
def test_send_refuses_options_that_contradict_each_other(
    namak: Namak, agency: Connection, office: Office, file: Path, more: tuple[str, ...]
) -> None:
    run = namak(agency, *send(file, *more))
    assert run.code == 2
    assert not office.submitted_ids


@pytest.mark.parametrize("recipients", [(), ("--to", OTHER)], ids=["one", "two"])
@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ([4 * 1024 * 1024], "TOO_LARGE"),
        ([2 * 1024 * 1024, 1024 * 1024 + 1], "TOO_LARGE"),
        ([1] * 21, "NUMBER_OF_ITEMS"),
        ([1, 0], "EMPTY"),
    ],
)
def test_send_refuses_for_good_what_exceeds_the_limits_and_asks_nobody(
    namak: Namak,
    agency: Connection,
    office: Office,
    tmp_path: Path,
    recipients: tuple[str, ...],
    sizes: list[int],
    reason: str,
) -> None:
    files = [tmp_path / f"{number}.txt" for number in range(len(sizes))]
    for path, size in zip(files, sizes, strict=True):
        path.write_bytes(bytes(size))
    run = namak(agency, *send(*files, *recipients))
    assert run.code == 1
    assert f"[{reason}]" in run.err
    assert "ry again" not in run.err
    assert len(run.err.splitlines()) == 3
    assert not office.submitted_ids


def test_a_file_that_is_not_there_is_named(namak: Namak, agency: Connection) -> None:
    run = namak(agency, *send("/absent.pdf"))
    assert run.code == 6
    assert "/absent.pdf" in run.err


def test_a_wrong_field_is_named_once(namak: Namak, agency: Connection, office: Office, file: Path) -> None:
    field = ("submission.subject", "TOO_LONG", "must have at most 250 characters")
    office.faults.before.append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", f"{field[0]}: {field[2]}", fields=[field])
    )
    run = namak(agency, *send(file))
    assert run.code == 1
    assert run.err.count(field[2]) == 1


def test_send_asks_for_the_notification_policy_that_is_named(
    namak: Namak, agency: Connection, office: Office, file: Path, tmp_path: Path
) -> None:
    recipients = tmp_path / "recipients.csv"
    recipients.write_text(f"recipient\n{HOLDER}\n", "utf-8")
    listed = ["send", "--from", SENDER, "--to-file", recipients, "--subject", "Ծանուցում"]
    for given in (send(file), send(file, "--policy", "am-2025@2"), [*listed, file, "--policy", "am-2015@1"]):
        run = namak(agency, *given)
        assert run.code == 0, run.err

    asked = [letter.submission.notification_policy for letter in office.letters.values()]
    assert asked == ["", "am-2025@2", "am-2015@1"]
