"""``namak delegate``: when a right ends by what was typed, and that nothing is taken back unasked."""

import time
from collections.abc import Iterator

import pytest
import typer

from namak.cli.options import end_of
from namak.client import Connection
from tests.client.conftest import Namak
from tests.client.delegation_desk import GRANTED


@pytest.fixture
def in_yerevan(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has the machine stand where the clock is four hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Yerevan")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_yerevan")
@pytest.mark.parametrize(
    ("typed", "ends", "shown"),
    [
        ("2027-01-01", "2027-01-01T20:00:00Z", "2027-01-02 00:00:00+04:00"),
        ("2027-01-01T09:30", "2027-01-01T05:30:00Z", "2027-01-01 09:30:00+04:00"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01 04:00:00+04:00"),
    ],
)
def test_a_last_day_counts_whole_and_a_time_is_the_end(
    namak: Namak, citizen: Connection, typed: str, ends: str, shown: str
) -> None:
    asked = ("delegate", "grant", "5001950016", "--until", typed)

    told = namak(citizen, *asked)

    assert told.code == 0, told.err
    assert f"The right ends at {shown}, unless it is revoked before." in told.err
    assert namak(citizen, *asked, "--json").document["delegation"]["expire_time"] == ends


@pytest.mark.usefixtures("in_yerevan")
def test_a_first_day_begins_with_its_first_moment(namak: Namak, citizen: Connection) -> None:
    run = namak(
        citizen,
        *("delegate", "grant", "5001950016", "--from", "2027-01-01", "--until", "2027-01-01", "--json"),
    )

    assert run.document["delegation"]["start_time"] == "2026-12-31T20:00:00Z"
    assert run.document["delegation"]["expire_time"] == "2027-01-01T20:00:00Z"


@pytest.mark.parametrize("typed", ["tomorrow", "9999-12-31", "2027-02-30"])
def test_an_end_that_is_no_day_and_no_time_is_wrong_usage(
    namak: Namak, citizen: Connection, typed: str
) -> None:
    run = namak(citizen, "delegate", "grant", "5001950016", "--until", typed)

    assert run.code == 2
    assert "--until" in run.err


def test_a_right_is_taken_back_only_where_somebody_agrees(namak: Namak, citizen: Connection) -> None:
    namak(citizen, "delegate", "grant", "5001950016", "--until", "2027-01-01")

    unasked = namak(citizen, "delegate", "revoke", GRANTED)
    done = namak(citizen, "delegate", "revoke", GRANTED, "--yes", "--json")

    assert (unasked.code, unasked.out) == (2, "")
    assert "--yes" in unasked.err
    assert done.code == 0
    assert done.document["delegation"]["revoke_time"]


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+04:00", "9999-12-31"])
def test_an_end_beyond_the_calendar_is_told_as_what_was_typed_wrongly(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        end_of(text)
