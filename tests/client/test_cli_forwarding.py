"""``namak forwarding``: from adding an address to removing it."""

import io

import pytest

from namak.client import Client, Connection
from tests.client.conftest import Namak
from tests.client.forwarding_desk import ADDED, CODE


def test_an_address_is_added_verified_listed_and_removed(
    namak: Namak, citizen: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = namak(citizen, "forwarding", "add", "ani@example.am", "--whole", "--language", "ru")
    (waiting,) = namak(citizen, "forwarding", "list", "--json").document["targets"]
    again = namak(citizen, "forwarding", "code", ADDED)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CODE}\n"))
    verified = namak(citizen, "forwarding", "verify", ADDED)
    listed = namak(citizen, "forwarding", "list")
    shaped = namak(citizen, "forwarding", "list", "--json").document["targets"][0]["last_result"]
    elsewhere = namak(citizen, "forwarding", "list", "--mailbox", "12345678@e-citizen.am", "--json")
    unasked = namak(citizen, "forwarding", "remove", ADDED)
    removed = namak(citizen, "forwarding", "remove", ADDED, "--yes")
    left = namak(citizen, "forwarding", "list", "--json")

    assert added.code == 0, added.err
    assert f"namak forwarding verify {ADDED}" in added.err
    assert (waiting["email"], waiting["phone"], waiting["content"], waiting["language"]) == (
        "ani@example.am",
        None,
        "whole",
        "ru",
    )
    assert waiting["verify_time"] is None
    assert waiting["last_result"] is None
    assert again.code == 0, again.err
    assert verified.code == 0, verified.err
    assert "came back" in listed.out
    assert "NO_SUCH_ADDRESS" in listed.out
    assert "550 no such user" in listed.err
    assert f"namak forwarding remove {ADDED}" in listed.err
    assert (shaped["diagnostic"], shaped["failures_in_a_row"]) == ("550 no such user", 3)
    assert elsewhere.document == {"targets": []}
    assert (unasked.code, removed.code) == (2, 0)
    assert left.document == {"targets": []}


def test_a_number_is_a_phone(namak: Namak, citizen: Connection) -> None:
    target = namak(citizen, "forwarding", "add", "+37491123456", "--json").document["target"]

    assert (target["phone"], target["email"], target["content"]) == ("+37491123456", None, "notice")


def test_what_an_address_gets_is_changed_and_what_is_not_named_stays(
    namak: Namak, citizen: Connection
) -> None:
    namak(citizen, "forwarding", "add", "ani@example.am", "--whole", "--language", "hy")
    seen = []
    for options in (("--language", "ru"), ("--notice",), ("--whole", "--language", "en")):
        run = namak(citizen, "--json", "forwarding", "change", ADDED, *options)
        assert run.code == 0, run.err
        seen.append((run.document["target"]["content"], run.document["target"]["language"]))
    assert seen == [("whole", "ru"), ("notice", "ru"), ("whole", "en")]
    unsaid = namak(citizen, "forwarding", "change", ADDED)
    assert unsaid.code == 2
    assert "--language" in unsaid.err


async def test_an_address_is_of_one_kind(citizen: Connection) -> None:
    async with Client(citizen) as post:
        for given in ({}, {"email": "ani@example.am", "phone": "+37491123456"}):
            with pytest.raises(ValueError, match="an e-mail address or a phone"):
                await post.forwarding.add(**given)  # type: ignore[arg-type]
        added = await post.forwarding.add(email="ani@example.am")

    assert added.email == "ani@example.am"
