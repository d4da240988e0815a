"""``namak watch``: how many facts it shows, and where the next run goes on."""

import json
from pathlib import Path

import pytest

from namak.client import Connection
from namak.v1 import evidence_pb2
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.client.refusing import Refusal
from tests.client.test_client import letter


@pytest.fixture
def facts(office: Office) -> list[str]:
    """The evidence of six facts, which come in one reply; the log has other leaves between them."""
    for number in range(3):
        office.accept(letter(f"r-{number}"))
        with pytest.raises(Refusal):
            office.accept(letter(f"no-{number}", recipient="0@e-citizen.am"))
    return [name for name, fact in office.facts.items() if fact.document.event.of_delivery]


def shown(out: str) -> list[str]:
    return [json.loads(line)["evidence_id"] for line in out.splitlines()]


def test_from_the_start_names_no_shard_for_the_log_may_have_gone_over_to_another(
    namak: Namak, agency: Connection, office: Office, facts: list[str]
) -> None:
    assert namak(agency, "watch", "--from-start", "--limit", "1").code == 0
    assert office.watched == [evidence_pb2.LogCursor()]


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_ends_after_exactly_so_many_facts_of_a_reply(
    namak: Namak, agency: Connection, facts: list[str], tmp_path: Path, limit: int
) -> None:
    run = namak(agency, "watch", "--from-start", "--limit", limit, "--save", tmp_path / "saved", "--json")
    assert run.code == 0, run.err
    assert shown(run.out) == facts[:limit]
    saved = {json.loads(line)["path"] for line in run.out.splitlines()}
    assert {str(path) for path in (tmp_path / "saved").iterdir()} == saved
    assert len(saved) == limit


def test_the_next_run_goes_on_with_the_first_fact_that_was_not_shown(
    namak: Namak, agency: Connection, facts: list[str], tmp_path: Path
) -> None:
    kept = ("--cursor-file", tmp_path / "cursor.json", "--json")
    first = namak(agency, "watch", "--from-start", *kept, "--limit", "2")
    second = namak(agency, "watch", *kept, "--limit", "3")
    third = namak(agency, "watch", *kept, "--limit", "1")
    assert [shown(run.out) for run in (first, second, third)] == [facts[:2], facts[2:5], facts[5:]]
