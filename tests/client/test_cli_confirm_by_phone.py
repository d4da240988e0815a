"""``namak confirm --phone``: digits to compare or to enter, waiting, and what becomes of it."""

import io
from pathlib import Path

import pytest

from namak.client import Connection
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.client.test_cli import submit
from tests.client.test_client import letter

NUMBER = "+994501234567"


@pytest.fixture
def delivery_id(agency: Connection, citizen: Connection) -> str:
    return submit(agency, letter("r"), open_as=citizen)


def test_the_digits_to_compare_are_shown_and_the_phone_is_waited_for(
    namak: Namak, citizen: Connection, office: Office, delivery_id: str, tmp_path: Path
) -> None:
    office.phone.code, office.phone.answers_after = "4711", 2
    out = tmp_path / "out"

    run = namak(citizen, "confirm", delivery_id, "--phone", NUMBER, "--yes", "-o", out)

    assert run.code == 0, run.err
    (statement,) = office.letters[delivery_id].statements.values()
    assert all(line in run.out for line in statement.decode().splitlines())
    assert "The phone must show 4711. Only if it does, enter PIN2 there." in run.err
    assert (office.phone.rung, office.phone.entered) == ([NUMBER], ["", "", ""])
    assert f"{delivery_id}-03-ReadingConfirmed.tlog-proof" in {path.name for path in out.iterdir()}
    assert "NOTIFIED" in run.out


def test_the_digits_to_enter_are_asked_for_until_there_are_four(
    namak: Namak,
    citizen: Connection,
    office: Office,
    delivery_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n471\n\n47 11\n"))

    run = namak(citizen, "confirm", delivery_id, "--phone", NUMBER, "-o", tmp_path)

    assert run.code == 0, run.err
    assert run.err.count("The four digits that the phone shows") == 3
    assert office.phone.entered == ["4711"]


def test_without_anybody_to_enter_digits_nothing_is_confirmed(
    namak: Namak,
    citizen: Connection,
    office: Office,
    delivery_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert namak(citizen, "confirm", delivery_id, "--phone", NUMBER, "--yes", "--json").code == 130
    assert office.letters[delivery_id].confirmed is None


def test_the_phone_does_not_ring_when_the_answer_is_no(
    namak: Namak,
    citizen: Connection,
    office: Office,
    delivery_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    run = namak(citizen, "confirm", delivery_id, "--phone", NUMBER)

    assert (run.code, office.phone.rung) == (1, [])
    assert "Nothing was signed" in run.err


def test_a_phone_that_is_asked_to_sign_another_statement_is_not_waited_for(
    namak: Namak, citizen: Connection, office: Office, delivery_id: str
) -> None:
    office.phone.code, office.phone.signs_another = "4711", True

    run = namak(citizen, "confirm", delivery_id, "--phone", NUMBER, "--yes")

    assert run.code != 0
    assert "another statement than was shown" in run.err
    assert "4711" not in run.err
    assert office.phone.entered == []


def test_what_the_phone_did_instead_is_told_with_what_to_do(
    namak: Namak, citizen: Connection, office: Office, delivery_id: str
) -> None:
    office.phone.code, office.phone.outcome = "4711", "CANCELLED"

    run = namak(citizen, "confirm", delivery_id, "--phone", NUMBER, "--yes")

    assert run.code == 1
    assert "CANCELLED" in run.err
    assert "See the outcome above, then begin again." in run.err
    assert office.letters[delivery_id].confirmed is None
