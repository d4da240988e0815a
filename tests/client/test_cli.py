"""The command ``namak``: what it prints, what it saves, and how it ends."""

import asyncio
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import grpc
import pytest

from namak.client import Client, Connection
from namak.config import Signing
from namak.evidence.cms_signature import check_signature
from namak.evidence.document import EvidenceDocument
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.v1 import delivery_pb2
from tests.client.authority import Authority, connection_for
from tests.client.conftest import Namak, toml_of
from tests.client.office import HOLDER, SENDER, Office, Refusal, unavailable
from tests.client.test_client import letter

MARK = ":4b2026ed90ea"
"""What the request id of a letter to HOLDER ends in."""
ABSENT = "0192f0c3-0000-7000-8000-000000000000"


def submit(
    agency: Connection, submission: delivery_pb2.Submission, *, open_as: Connection | None = None
) -> str:
    """Submits a letter, opens it if someone is named for that, and returns its delivery id."""

    async def work() -> str:
        async with Client(agency) as post:
            delivery_id = (await post.deliveries.submit(submission)).delivery.delivery_id
        if open_as is not None:
            async with Client(open_as) as post:
                await post.mailbox.open(delivery_id)
        return delivery_id

    return asyncio.run(work())


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
    assert "Check --to" in shown.err


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


def test_inbox_lists_without_opening(
    namak: Namak, agency: Connection, citizen: Connection, office: Office
) -> None:
    ids = [submit(agency, letter(f"r-{n}")) for n in range(3)]
    run = namak(citizen, "inbox")
    assert run.code == 0
    assert all(delivery_id in run.out for delivery_id in ids)
    assert "Ծանուցում հարկի մասին" in run.out
    document = namak(citizen, "inbox", "--limit", "1", "--json").document
    assert [item["delivery_id"] for item in document["messages"]] == ids[-1:]
    assert document["messages"][0]["opening_time"] is None
    assert not any(kept.opened for kept in office.letters.values())


def test_an_empty_inbox_says_so(namak: Namak, citizen: Connection) -> None:
    assert "No letters" in namak(citizen, "inbox").out
    assert namak(citizen, "--json", "inbox").document == {"messages": []}


def test_a_subject_can_not_steer_the_terminal(namak: Namak, agency: Connection, citizen: Connection) -> None:
    item = letter("r")
    item.subject = "a\u202eb\u2066c[red]d\u200be"
    submit(agency, item)
    out = namak(citizen, "inbox").out
    assert "a\ufffdb\ufffdc[red]d\ufffde" in out


def test_open_then_download_saves_the_content(
    namak: Namak, agency: Connection, citizen: Connection, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r", content="բովանդակություն".encode()))
    early = namak(citizen, "download", delivery_id, "-o", tmp_path / "out")
    assert early.code == 1
    assert "NOT_OPENED" in early.err
    assert "namak open" in early.err
    opened = namak(citizen, "open", delivery_id)
    assert opened.code == 0
    assert "ծանուցում.pdf" in opened.out
    run = namak(citizen, "download", delivery_id, "-o", tmp_path / "out", "--json")
    assert run.code == 0
    assert run.document == {"files": [str(tmp_path / "out" / "ծանուցում.pdf")]}
    assert (tmp_path / "out" / "ծանուցում.pdf").read_text("utf-8") == "բովանդակություն"


def test_download_overwrites_only_with_force(
    namak: Namak, agency: Connection, citizen: Connection, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r", name="a.txt"), open_as=citizen)
    (tmp_path / "a.txt").write_text("mine")
    run = namak(citizen, "download", delivery_id, "1", "-o", tmp_path)
    assert run.code == 6
    assert "--force" in run.err
    assert (tmp_path / "a.txt").read_text() == "mine"
    assert namak(citizen, "download", delivery_id, "1", "-o", tmp_path, "--force").code == 0
    assert (tmp_path / "a.txt").read_text() == "the tax.\n"


def test_download_of_tampered_content_ends_as_not_verified(
    namak: Namak, agency: Connection, citizen: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r", name="a.txt"), open_as=citizen)
    office.tampered["a.txt"] = b"No tax.\n\n"
    out = tmp_path / "out"
    run = namak(citizen, "download", delivery_id, "-o", out, "--json")
    assert run.code == 4
    assert run.document["error"]["reason"] == "CONTENT_MISMATCH"
    assert run.document["exit_code"] == 4
    assert list(out.iterdir()) == []


def test_download_of_a_part_that_is_not_there_is_refused(
    namak: Namak, agency: Connection, citizen: Connection
) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    assert namak(citizen, "download", delivery_id, "2").code == 1


def test_receipt_saves_all_facts_and_keeps_what_is_there(
    namak: Namak, agency: Connection, citizen: Connection, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    out = tmp_path / "out"
    assert namak(agency, "receipt", "--delivery", delivery_id, "-o", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        f"{delivery_id}-01-SubmissionAcceptance.tlog-proof",
        f"{delivery_id}-02-ContentConsignment.tlog-proof",
        f"{delivery_id}-03-ContentAccessTracking.tlog-proof",
    ]
    again = namak(agency, "--json", "receipt", "--delivery", delivery_id, "-o", out)
    assert again.code == 0
    assert all(item["kept"] for item in again.document["receipts"])
    evidence_id = again.document["receipts"][1]["evidence_id"]
    single = namak(agency, "receipt", evidence_id, "-o", tmp_path / "single")
    assert single.code == 0
    assert (tmp_path / "single" / f"{delivery_id}-02-ContentConsignment.tlog-proof").exists()


def test_receipt_does_not_overwrite_another_file(
    namak: Namak, agency: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"))
    path = tmp_path / f"{delivery_id}-01-SubmissionAcceptance.tlog-proof"
    path.write_text("mine")
    assert namak(agency, "receipt", "--delivery", delivery_id, "-o", tmp_path).code == 6
    assert path.read_text() == "mine"
    assert namak(agency, "receipt", "--delivery", delivery_id, "-o", tmp_path, "--force").code == 0
    assert TlogProof.parse(path.read_bytes()).extra == office.letters[delivery_id].facts[0].data


@pytest.mark.parametrize("arguments", [("receipt",), ("receipt", ABSENT, "--delivery", ABSENT)])
def test_receipt_wants_one_of_both(namak: Namak, agency: Connection, arguments: tuple[str, ...]) -> None:
    assert namak(agency, *arguments).code == 2


def test_facts_show_what_each_may_see(namak: Namak, agency: Connection, citizen: Connection) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    seen = namak(agency, "facts", delivery_id, "--json").document["facts"]
    assert [fact["event"].rpartition("/")[2] for fact in seen] == [
        "SubmissionAcceptance",
        "ContentConsignment",
        "ContentAccessTracking",
    ]
    assert set(seen[0]) == {"evidence_id", "event", "event_time"}
    out = namak(citizen, "facts", delivery_id).out
    assert "ContentConsignment" in out
    assert "SubmissionAcceptance" not in out


def test_a_delivery_of_others_is_refused_without_telling_whether_it_exists(
    namak: Namak, agency: Connection
) -> None:
    run = namak(agency, "facts", ABSENT)
    assert run.code == 1
    assert "RESOURCE_NOT_PERMITTED" in run.err
    assert run.out == ""


def test_checkpoint_prints_the_signed_note(namak: Namak, agency: Connection, office: Office) -> None:
    submit(agency, letter("r"))
    assert namak(agency, "checkpoint").out.encode() == office.checkpoint()
    document = namak(agency, "checkpoint", "--json").document
    assert document["checkpoint"].encode() == office.checkpoint()
    assert document["log_vkey"] == office.log_key.vkey


@pytest.mark.hsm
def test_confirm_signs_what_was_shown_and_saves_the_receipts(
    namak: Namak,
    agency: Connection,
    citizen: Connection,
    office: Office,
    signing: Signing,
    tmp_path: Path,
) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    out = tmp_path / "out"
    run = namak(citizen, "confirm", delivery_id, "--yes", "-o", out, signing=signing)
    assert run.code == 0, run.err
    kept = office.letters[delivery_id]
    (statement,) = kept.statements.values()
    for line in statement.decode().splitlines():
        assert line in run.out
    assert kept.cms is not None
    check_signature(kept.cms, statement)
    names = [path.name.removeprefix(delivery_id) for path in sorted(out.iterdir())]
    assert names == [
        "-01-ContentConsignment.tlog-proof",
        "-02-ContentAccessTracking.tlog-proof",
        "-03-ReadingConfirmed.tlog-proof",
        "-04-NotificationEffected.tlog-proof",
    ]
    assert "NOTIFIED" in run.out
    again = namak(citizen, "confirm", delivery_id, "--yes", "-o", out, signing=signing)
    assert again.code == 1
    assert "ALREADY_CONFIRMED" in again.err


@pytest.mark.hsm
def test_confirm_signs_nothing_when_the_answer_is_no(
    namak: Namak,
    agency: Connection,
    citizen: Connection,
    office: Office,
    signing: Signing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    run = namak(citizen, "confirm", delivery_id, signing=signing)
    assert run.code == 1
    assert "Nothing was signed" in run.err
    assert office.letters[delivery_id].confirmed is None


@pytest.mark.hsm
def test_confirm_before_opening_is_refused_and_opens_nothing(
    namak: Namak, agency: Connection, citizen: Connection, office: Office, signing: Signing
) -> None:
    delivery_id = submit(agency, letter("r"))
    run = namak(citizen, "confirm", delivery_id, "--yes", signing=signing)
    assert run.code == 1
    assert "NOT_OPENED" in run.err
    assert office.letters[delivery_id].opened is None


@pytest.mark.hsm
def test_confirm_with_a_wrong_pin_ends_as_a_card_problem(
    namak: Namak, agency: Connection, citizen: Connection, office: Office, signing: Signing, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    wrong = tmp_path / "wrong"
    wrong.write_text("0000\n")
    run = namak(citizen, "confirm", delivery_id, "--yes", "--json", signing=replace(signing, pin_file=wrong))
    assert run.code == 5
    assert run.document["error"]["reason"] == "PIN_WRONG"
    assert office.letters[delivery_id].confirmed is None


def test_confirm_needs_to_know_the_card(namak: Namak, citizen: Connection) -> None:
    run = namak(citizen, "confirm", ABSENT, "--yes")
    assert run.code == 2
    assert "[signing]" in run.err


@pytest.mark.hsm
def test_confirm_in_json_wants_yes(namak: Namak, citizen: Connection, signing: Signing) -> None:
    assert namak(citizen, "--json", "confirm", ABSENT, signing=signing).code == 2


def test_without_configuration_it_says_where_it_looked(
    namak: Namak, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NAMAK_CONFIG", raising=False)
    run = namak(None, "inbox")
    assert run.code == 2
    assert "namak.toml" in run.err


def test_an_expired_certificate_is_named_before_connecting(
    namak: Namak, authority: Authority, address: str, tmp_path: Path
) -> None:
    own = authority.issue("agency", start=timedelta(hours=-2), end=timedelta(hours=-1))
    run = namak(connection_for(own, authority, address, tmp_path / "old"), "checkpoint", "--json")
    assert run.code == 2
    assert run.document["error"]["reason"] == "OWN_CERTIFICATE"
    assert "expired" in run.document["error"]["message"]


@pytest.mark.parametrize(
    "name",
    ["send", "inbox", "open", "download", "confirm", "receipt", "facts", "verify", "checkpoint", "show"],
)
def test_every_command_has_an_example_and_the_exit_codes(namak: Namak, name: str) -> None:
    run = namak(None, name, "--help")
    assert run.code == 0
    assert f"Example: namak {name}" in run.out
    assert "Exit codes:" in run.out


def test_a_wrong_option_ends_as_wrong_usage(namak: Namak, citizen: Connection) -> None:
    assert namak(citizen, "inbox", "--colour").code == 2
    assert namak(citizen, "--timeout", "soon", "inbox").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "inbox", "--colour"),
        ("inbox", "--json", "--timeout", "soon"),
        ("receipt", "--json"),
        ("--json",),
    ],
)
def test_wrong_usage_is_one_json_document_too(
    namak: Namak, citizen: Connection, arguments: tuple[str, ...]
) -> None:
    run = namak(citizen, *arguments)
    assert run.code == 2
    assert run.document["error"]["reason"] == "USAGE"
    assert run.document["error"]["message"]
    assert run.document["exit_code"] == 2
    assert run.err == ""


def test_a_wrong_field_is_named_once(namak: Namak, agency: Connection, office: Office, file: Path) -> None:
    field = ("submission.subject", "TOO_LONG", "must have at most 250 characters")
    office.faults.before.append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", f"{field[0]}: {field[2]}", fields=[field])
    )
    run = namak(agency, *send(file))
    assert run.code == 1
    assert run.err.count(field[2]) == 1


def test_says_its_version(namak: Namak) -> None:
    run = namak(None, "--version")
    assert run.code == 0
    assert run.out == f"namak-client {metadata.version('namak-client')}\n"


def test_show_prints_what_stands_in_a_receipt_and_that_it_is_not_verified(
    namak: Namak, agency: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"))
    namak(agency, "receipt", "--delivery", delivery_id, "-o", tmp_path)
    path = tmp_path / f"{delivery_id}-02-ContentConsignment.tlog-proof"
    run = namak(None, "show", path)
    assert run.code == 0
    assert "NOT VERIFIED" in run.err
    said = json.loads(office.letters[delivery_id].facts[1].data)
    assert f"Entry 1 of the log {office.log_key.name}, under its checkpoint of size 2:" in run.out
    assert json.loads(run.out.partition("\n")[2]) == said
    document = namak(None, "show", "--json", path).document
    assert document == {
        "verified": False,
        "origin": office.log_key.name,
        "index": 1,
        "tree_size": 2,
        "document": said,
    }


def test_show_says_that_a_file_is_no_receipt(namak: Namak, file: Path) -> None:
    run = namak(None, "show", file)
    assert run.code == 6
    assert f"{file} is no receipt" in run.err


def test_evidence_in_saved_receipts_is_what_the_office_recorded(
    namak: Namak, agency: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"))
    namak(agency, "receipt", "--delivery", delivery_id, "-o", tmp_path / "out")
    documents = [
        EvidenceDocument.parse(TlogProof.parse(path.read_bytes()).extra or b"")
        for path in sorted((tmp_path / "out").iterdir())
    ]
    assert documents == [fact.document for fact in office.letters[delivery_id].facts]


def test_a_failed_handshake_is_two_lines_and_nothing_of_grpc(
    authority: Authority, agency: Connection, tmp_path: Path
) -> None:
    stranger = connection_for(
        Authority("Other").issue("agency"), Authority("Other"), agency.address, tmp_path / "s"
    )
    (tmp_path / "s" / "namak.toml").write_text(toml_of(stranger, None).replace("20s", "300ms"), "utf-8")
    command = [
        sys.executable,
        "-P",
        "-m",
        "namak.cli",
        "--config",
        str(tmp_path / "s" / "namak.toml"),
        "inbox",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 2, run.stderr
    assert run.stdout == ""
