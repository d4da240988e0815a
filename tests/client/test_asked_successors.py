"""`namak log successor` and `namak log status` of a post whose log went over from shard to shard."""

from pathlib import Path

import pytest

from namak.client import Connection
from namak.v1 import evidence_pb2
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.fakes.grown_log import GrownLog
from tests.fakes.succeeding import announcement, ended, receipt

OLD, NEXT, LAST = (GrownLog(origin=f"log.example.am/{year}") for year in (2026, 2027, 2028))
OLD.grow(3)
NEXT.grow(5)


def leading_on(log: GrownLog, following: GrownLog) -> bytes:
    document = announcement(log, following)
    ended(log, document)
    return receipt(log, document)


RECEIPTS = {OLD.origin: leading_on(OLD, NEXT), NEXT.origin: leading_on(NEXT, LAST)}


def shard(log: GrownLog, following: GrownLog | None) -> evidence_pb2.LogShard:
    successor = "" if following is None else following.origin
    return evidence_pb2.LogShard(origin=log.origin, successor=successor, tree_size=4, healthy=True)


@pytest.fixture
def shards(office: Office) -> Office:
    """Three shards, the first two complete."""
    office.former_shards = [shard(OLD, NEXT), shard(NEXT, LAST), shard(LAST, None)]
    # Of the current one there is none, whatever a post says.
    office.successions = {**RECEIPTS, LAST.origin: b"nonsense"}
    return office


def trusting(place: Path, *logs: GrownLog) -> tuple[str, Path]:
    path = place / "policy"
    path.write_text("".join(f"log {log.vkey}\n" for log in logs) + "quorum none\n")
    return "--log-policy", path


@pytest.mark.usefixtures("shards")
def test_a_post_is_asked_from_shard_to_shard_for_keys_that_are_not_trusted_yet(
    namak: Namak, agency: Connection, tmp_path: Path
) -> None:
    done = namak(agency, "log", "successor", *trusting(tmp_path, OLD))
    assert (done.code, done.out) == (0, f"log {NEXT.vkey}\nlog {LAST.vkey}\n")
    done = namak(agency, "log", "successor", *trusting(tmp_path, OLD, NEXT))
    assert (done.code, done.out) == (0, f"log {LAST.vkey}\n")
    named = namak(agency, "log", "successor", "--origin", OLD.origin, *trusting(tmp_path, OLD, NEXT, LAST))
    assert (named.code, named.out) == (0, f"log {NEXT.vkey}\n")
    found = namak(agency, "--json", "log", "successor", *trusting(tmp_path, OLD)).document["successors"]
    assert [(each["origin"], each["successor_vkey"]) for each in found] == [
        (OLD.origin, NEXT.vkey),
        (NEXT.origin, LAST.vkey),
    ]


@pytest.mark.usefixtures("shards")
def test_where_nothing_leads_on_no_line_is_printed(namak: Namak, agency: Connection, tmp_path: Path) -> None:
    done = namak(agency, "log", "successor", *trusting(tmp_path, LAST))
    assert (done.code, done.out) == (0, "")
    assert "No shard that you trust ended with another one after it" in done.err
    both = namak(agency, "log", "successor", "a.tlog-proof", "--origin", OLD.origin, *trusting(tmp_path, OLD))
    assert both.code == 2
    assert "give either receipts or an origin" in both.err


def test_what_the_post_gives_counts_only_by_what_is_trusted(
    shards: Office, namak: Namak, agency: Connection, tmp_path: Path
) -> None:
    done = namak(agency, "log", "successor", "--origin", NEXT.origin, *trusting(tmp_path, OLD))
    assert (done.code, done.out) == (4, "")
    assert "which the policy does not name" in done.err
    shards.successions[OLD.origin] = RECEIPTS[NEXT.origin]
    done = namak(agency, "log", "successor", *trusting(tmp_path, OLD, NEXT))
    assert (done.code, done.out) == (4, "")
    assert f"the receipt is of {NEXT.origin}" in done.err


def test_the_status_tells_of_a_shard_whose_key_is_lost(
    shards: Office, namak: Namak, agency: Connection
) -> None:
    shards.former_shards[0].given_up_evidence_id = "0192f0c3-0000-7000-8000-000000000001"
    shards.former_shards[0].relogged_entries = 7
    done = namak(agency, "log", "status")
    assert f"The key of {OLD.origin} is lost. It ends with entry 4; 7 entries behind" in done.out
    found = namak(agency, "--json", "log", "status").document["shards"]
    assert [each["relogged_entries"] for each in found] == [0, 7, 0, 0]
    assert found[1]["given_up_evidence_id"].startswith("0192f0c3")
