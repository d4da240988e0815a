"""The command ``namak send --to-file``: what it sends, what it writes down, and how it goes on."""

import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import grpc
import pytest

from namak.client import Connection
from tests import forking
from tests.client.conftest import Namak, toml_of
from tests.client.office import HOLDER, SENDER, Office
from tests.client.refusing import Refusal, unavailable

SECONDS = 60


@pytest.fixture
def office() -> Office:
    return Office(everybody=True)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("Հարգելի քաղաքացի\n", "utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def numbered(source: Path, count: int) -> Path:
    source.write_text("recipient\n" + "".join(f"{1000 + n}@e-citizen.am\n" for n in range(count)), "utf-8")
    return source


def bulk(source: Path, letter: Path, *more: object) -> list[object]:
    return [
        "send",
        "--from",
        SENDER,
        "--subject",
        "Ծանուցում",
        "--to-file",
        source,
        "--attach",
        letter,
        *more,
    ]


def results_of(source: Path) -> list[dict[str, Any]]:
    path = source.with_name(source.name + ".results.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_line_gets_its_letter_and_its_result(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    run = namak(agency, *bulk(numbered(source, 5), letter, "--batch", "2"))
    assert run.code == 0, run.err
    assert "accepted: 5" in run.out
    assert sorted(office.batches) == [1, 2, 2]
    header, *lines = results_of(source)
    assert header["namak_results"] == 1
    assert sorted(line["line"] for line in lines) == [2, 3, 4, 5, 6]
    for line in lines:
        kept = office.letters[line["delivery_id"]]
        assert line["status"] == "accepted"
        assert line["request_id"] == kept.submission.request_id
        assert line["request_id"].startswith(f"{header['request_id']}:")
        assert line["recipient"] == kept.submission.recipient
        assert line["evidence_ids"] == [str(fact.document.evidence_id) for fact in kept.facts]


def test_subjects_attachments_and_request_ids_of_lines_are_taken(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    (source.parent / "own.txt").write_text("own")
    source.write_text(
        "recipient;subject;attachments;request_id\n1001@a;Own;own.txt;r-1\n1001@a;;;r-2\n", "utf-8"
    )
    run = namak(agency, *bulk(source, letter))
    assert run.code == 0, run.err
    sent = {item.submission.request_id: item.submission for item in office.letters.values()}
    assert [part.name for part in sent["r-1"].parts] == ["letter.txt", "own.txt"]
    assert (sent["r-1"].subject, sent["r-2"].subject) == ("Own", "Ծանուցում")


def test_wrong_and_refused_lines_are_told_by_number_and_stop_no_other(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    source.write_text('recipient\n1001@a\n"1002@a\n0001@a\n1001@a\n1003@a\n', "utf-8")
    run = namak(agency, *bulk(source, letter))
    assert run.code == 1
    assert len(office.letters) == 2
    assert "line 3 has a quotation mark" in run.err
    assert "line 5 names the recipient of line 2 again" in run.err
    assert "line 4, 0001@a: no mailbox has that address [MAILBOX_UNKNOWN]" in run.err
    assert {line["line"]: line["status"] for line in results_of(source)[1:]} == {
        2: "accepted",
        3: "bad_line",
        4: "refused",
        5: "bad_line",
        6: "accepted",
    }
    document = namak(agency, *bulk(source, letter, "--json")).document
    assert document["exit_code"] == 1
    counts = ("lines", "accepted", "accepted_before", "refused", "refused_before", "bad_lines", "not_sent")
    assert [document[name] for name in counts] == [5, 0, 2, 0, 1, 2, 0]
    assert [problem["line"] for problem in document["problems"]] == [3, 5]


def test_strict_sends_nothing_if_a_line_is_wrong(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    source.write_text("recipient\n1001@a\nnobody\n", "utf-8")
    run = namak(agency, *bulk(source, letter, "--strict"))
    assert run.code == 1
    assert "line 3 has no e-mail address" in run.err
    assert "not sent: 1" in run.out
    assert not office.submitted_ids
    assert not source.with_name("list.csv.results.jsonl").exists()


def test_a_dry_run_looks_at_everything_and_asks_nobody(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    source.write_text("recipient\n1001@a\nnobody\n0001@a\n", "utf-8")
    elsewhere = Connection("127.0.0.1:1", agency.ca, agency.certificate, agency.key)
    document = namak(elsewhere, *bulk(source, letter, "--dry-run", "--json")).document
    assert (document["good_lines"], document["bad_lines"], document["exit_code"]) == (2, 1, 1)
    assert not source.with_name("list.csv.results.jsonl").exists()
    asked = namak(agency, *bulk(source, letter, "--dry-run", "--resolve"))
    assert asked.code == 1
    assert "line 4 names a recipient that has no mailbox" in asked.err
    assert "1 letter can be sent" in asked.out
    assert not office.submitted_ids


def test_what_the_post_asks_to_repeat_is_repeated_when_it_said(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    busy = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "later", retry_after=0.05)
    office.faults.before.extend([busy, unavailable(), busy])
    office.faults.after.append(unavailable())
    run = namak(agency, *bulk(numbered(source, 6), letter, "--batch", "3"))
    assert run.code == 0, run.err
    assert len(office.letters) == 6
    assert Counter(line["status"] for line in results_of(source)[1:]) == {"accepted": 6}


def test_a_post_that_knows_us_no_longer_ends_it_and_everything_can_be_sent_later(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    revoked = Refusal(grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED", "revoked")
    office.faults.before.append(revoked)
    arguments = bulk(numbered(source, 6), letter, "--batch", "2", "--in-flight", "1")
    run = namak(agency, *arguments)
    assert run.code == 1
    assert "CERTIFICATE_REVOKED" in run.err
    assert "not sent: 6" in run.out
    again = namak(agency, *arguments, "--json")
    assert (again.code, again.document["accepted"]) == (0, 6)


def test_a_refusal_that_left_no_evidence_is_tried_again_and_one_that_did_is_not(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    source.write_text("recipient\n0001@a\n1001@a\n", "utf-8")
    first = namak(agency, *bulk(source, letter, "--json")).document
    assert (first["accepted"], first["refused"]) == (1, 1)
    office.submitted_ids.clear()
    again = namak(agency, *bulk(source, letter, "--json")).document
    assert (again["accepted_before"], again["refused_before"], again["exit_code"]) == (1, 1, 1)
    assert office.submitted_ids == []


def test_another_letter_does_not_go_on_with_the_results_of_this_one(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    assert namak(agency, *bulk(numbered(source, 1), letter)).code == 0
    letter.write_text("another")
    run = namak(agency, *bulk(source, letter))
    assert run.code == 6
    assert "belongs to another letter" in run.err
    assert len(office.letters) == 1


def test_a_results_file_of_others_is_left_alone(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("mine\n")
    run = namak(agency, *bulk(numbered(source, 1), letter, "--results", mine))
    assert run.code == 6
    assert mine.read_text() == "mine\n"
    assert not office.submitted_ids


@pytest.mark.parametrize(
    "more",
    [
        ("--to", HOLDER),
        ("--receipt", "out"),
        ("--no-wait",),
        ("--request-id", "a b"),
    ],
)
def test_options_that_contradict_a_list_are_wrong_usage(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path, more: tuple[str, ...]
) -> None:
    assert namak(agency, *bulk(numbered(source, 1), letter, *more)).code == 2
    assert not office.submitted_ids


def started(config: Path, *arguments: object, told: BinaryIO) -> forking.Forked:
    """Starts the command in a process of its own, with a file for what it says on standard error."""
    return forking.start("namak.cli", "--config", config, *map(str, arguments), err=told.fileno())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_a_run_that_was_interrupted_goes_on_and_sends_nothing_twice(
    namak: Namak,
    agency: Connection,
    office: Office,
    source: Path,
    letter: Path,
    how: signal.Signals,
    tmp_path: Path,
) -> None:
    """The post falls silent after two batches, having accepted a third: that answer is lost."""
    office.batches_before_silence = 2
    arguments = bulk(numbered(source, 12), letter, "--batch", "3", "--in-flight", "1")
    config = agency.key.parent / "namak.toml"
    config.write_text(toml_of(agency, None), "utf-8")
    with (tmp_path / "told").open("wb") as err:
        process = started(config, *arguments, told=err)
    try:
        assert office.silent.wait(SECONDS)
        process.send_signal(how)
        code = process.wait()
    finally:
        process.kill()
    assert code == (130 if how is signal.SIGINT else -how)
    assert len(results_of(source)) == 1 + 6
    assert len(office.letters) == 9
    if how is signal.SIGINT:
        assert "run the same command again" in (tmp_path / "told").read_text("utf-8")

    office.batches_before_silence = None
    before = set(office.submitted_ids)
    run = namak(agency, *arguments, "--json")

    assert run.code == 0, run.err
    document = run.document
    assert (document["accepted"], document["accepted_before"], document["not_sent"]) == (6, 6, 0)
    assert len(office.letters) == 12
    assert len(set(office.submitted_ids)) == 12
    assert len(before & set(office.submitted_ids[-6:])) == 3
    assert document["request_id"] == results_of(source)[0]["request_id"]


def test_a_line_that_was_cut_off_in_the_results_counts_as_not_written(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    assert namak(agency, *bulk(numbered(source, 3), letter, "--batch", "1", "--in-flight", "1")).code == 0
    path = source.with_name("list.csv.results.jsonl")
    path.write_bytes(path.read_bytes()[:-10])
    again = namak(agency, *bulk(source, letter, "--json")).document
    assert (again["accepted_before"], again["accepted"]) == (2, 1)
    assert len(office.letters) == 3
    assert len(results_of(source)) == 4


def test_two_runs_do_not_share_a_results_file(
    namak: Namak, agency: Connection, office: Office, source: Path, letter: Path
) -> None:
    office.batches_before_silence = 0
    config = agency.key.parent / "namak.toml"
    config.write_text(toml_of(agency, None), "utf-8")
    with Path(os.devnull).open("wb") as nothing:
        process = started(config, *bulk(numbered(source, 2), letter), told=nothing)
    try:
        assert office.silent.wait(SECONDS)
        run = namak(agency, *bulk(source, letter))
    finally:
        process.kill()
        process.wait()
    assert run.code == 6
    assert "in use by another run" in run.err


def test_the_summary_is_told_where_there_is_no_terminal(
    namak: Namak, agency: Connection, source: Path, letter: Path
) -> None:
    run = namak(agency, *bulk(numbered(source, 2), letter))
    assert run.out == "accepted: 2\n"
    assert re.fullmatch(r"request id \S+\nresults \S+list\.csv\.results\.jsonl\n", run.err)
