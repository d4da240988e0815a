"""The command ``namak``: what it prints, what it saves, and how it ends."""

import asyncio
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pytest

from namak.client import Client, Connection
from namak.config import Signing
from namak.evidence.cms_signature import check_signature
from namak.evidence.document import EvidenceDocument
from namak.evidence.tlog_proof import TlogProof
from namak.v1 import delivery_pb2
from tests.client.authority import Authority, connection_for
from tests.client.conftest import Namak, toml_of
from tests.client.office import Office
from tests.client.test_client import letter

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
    assert f"namak open {delivery_id}" in early.err
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
    assert f"namak receipt --delivery {delivery_id} -o DIR" in again.err


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
    assert run.document["error"]["reason"] == "PIN_WRONG_COUNTED"
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


def test_show_says_that_a_file_is_no_receipt(namak: Namak, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Հարգելի քաղաքացի\n", "utf-8")
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
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 2, run.stderr
    assert run.stdout == ""
