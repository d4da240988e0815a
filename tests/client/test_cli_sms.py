"""``namak sms``, and short messages beside a letter."""

from pathlib import Path

import pytest

from namak.client import Connection
from tests.client.conftest import Namak
from tests.client.office import HOLDER, SENDER, Office
from tests.client.refusing import unavailable

PHONE, LOST = "+37491123456", "+37493654320"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("Dear citizen\n", "utf-8")
    return path


def sending(*more: object) -> list[object]:
    return ["sms", "send", "--from", SENDER, "--to", PHONE, "--text", "Ձեզ նամակ կա", *more]


def test_a_text_to_phones_is_sent_and_listed(namak: Namak, agency: Connection) -> None:
    sent = namak(agency, *sending("--to", LOST, "--request-id", "r-1", "--json")).document
    again = namak(agency, *sending("--to", LOST, "--request-id", "r-1", "--json")).document
    assert sent == again
    assert sent["request_id"] == "r-1"
    assert [(each["phone"], each["state"]) for each in sent["messages"]] == [
        (PHONE, "ACCEPTED"),
        (LOST, "FAILED"),
    ]
    assert sent["messages"][0]["result_time"] is None

    shown = namak(agency, "sms", "list")
    assert shown.code == 0, shown.err
    first, second = (line for line in shown.out.splitlines() if "+374" in line)
    assert (LOST in first, "FAILED" in first, "EXPIRED" in first) == (True, True, True)
    assert (PHONE in second, "ACCEPTED" in second) == (True, True)
    only = namak(agency, "sms", "list", "--state", "failed", "--json").document["messages"]
    assert [(each["phone"], each["reason"]) for each in only] == [(LOST, "EXPIRED")]


def test_a_request_id_that_is_made_up_is_told(namak: Namak, agency: Connection) -> None:
    run = namak(agency, *sending())
    assert run.code == 0, run.err
    assert "request id" in run.err


def test_an_address_without_the_permission_is_told_so(namak: Namak, agency: Connection) -> None:
    run = namak(agency, "sms", "send", "--from", "other@src.am", "--to", PHONE, "--text", "x")
    assert run.code == 1
    assert "SMS_NOT_PERMITTED" in run.err
    assert "Ask the operator to permit it" in run.err


def test_a_state_that_there_is_none_is_wrong_usage(namak: Namak, agency: Connection) -> None:
    assert namak(agency, "sms", "list", "--state", "read").code == 2
    assert "No short messages." in namak(agency, "sms", "list").out


def test_a_short_message_goes_with_a_letter(
    namak: Namak, agency: Connection, office: Office, file: Path
) -> None:
    letter = ("send", "--from", SENDER, "--to", HOLDER, "--subject", "Tax", file)
    run = namak(agency, *letter, "--sms", "Ձեզ նամակ կա", "--sms-to", PHONE, "--sms-to", LOST)
    assert run.code == 0, run.err
    (sent,) = office.letters.values()
    assert (sent.submission.sms.text, list(sent.submission.sms.phones)) == ("Ձեզ նամակ կա", [PHONE, LOST])
    assert namak(agency, *letter).code == 0
    assert not list(office.letters.values())[1].submission.HasField("sms")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--sms", "x"),
        ("--sms-to", PHONE),
        ("--to", "5001950016@e-citizen.am", "--sms", "x", "--sms-to", PHONE),
        ("--to-file", "list.csv", "--sms", "x", "--sms-to", PHONE),
    ],
)
def test_a_short_message_without_its_phone_or_with_many_letters_is_wrong_usage(
    namak: Namak, agency: Connection, office: Office, file: Path, wrong: tuple[str, ...]
) -> None:
    to = () if "--to-file" in wrong else ("--to", HOLDER)
    run = namak(agency, "send", "--from", SENDER, *to, "--subject", "Tax", file, *wrong)
    assert run.code == 2
    assert office.letters == {}


def test_a_call_that_gets_no_answer_is_repeated_under_its_request_id(
    namak: Namak, agency: Connection, office: Office
) -> None:
    office.faults.after.append(unavailable())
    sent = namak(agency, *sending("--json")).document["messages"]
    assert len(namak(agency, "sms", "list", "--json").document["messages"]) == len(sent) == 1
