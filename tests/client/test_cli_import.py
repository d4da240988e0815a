"""``namak admin mailbox import``: by which exit code it ends, as docs/registration.md tells."""

from pathlib import Path

import grpc
import pytest

from namak.client import Connection
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.client.refusing import Refusal

DONE, REFUSED, UNANSWERED, FILE = 0, 1, 3, 6


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    file = tmp_path / "cards.txt"
    file.write_text("5001950015\n5001950016\n")
    return file


def test_it_ends_with_0_when_everybody_has_a_mailbox_and_so_it_does_again(
    namak: Namak, operator: Connection, cards: Path, tmp_path: Path
) -> None:
    first = namak(operator, "admin", "mailbox", "import", cards)
    other = namak(
        operator, *("admin", "mailbox", "import", cards, "--results", tmp_path / "other.jsonl", "--json")
    )

    assert (first.code, other.code) == (DONE, DONE), first.err
    assert "2 mailboxes were opened." in first.out
    assert (other.document["opened"], other.document["there_already"]) == (0, 2)


def test_a_line_that_is_no_number_ends_it_with_1_and_does_so_again(
    namak: Namak, operator: Connection, cards: Path
) -> None:
    cards.write_text("5001950015\nx\n5001950016\n")

    first = namak(operator, "admin", "mailbox", "import", cards, "--json")
    again = namak(operator, "admin", "mailbox", "import", cards, "--json")

    assert (first.code, again.code) == (REFUSED, REFUSED)
    assert (first.document["opened"], first.document["malformed"]) == (2, 1)
    assert (again.document["opened"], again.document["malformed"]) == (0, 0)


def test_who_is_not_the_operator_is_refused_with_1(namak: Namak, agency: Connection, cards: Path) -> None:
    run = namak(agency, "admin", "mailbox", "import", cards)

    assert run.code == REFUSED
    assert "ROLE_NOT_PERMITTED" in run.err


def test_a_post_that_is_busy_ends_it_with_3_and_the_same_command_goes_on(
    namak: Namak, operator: Connection, office: Office, cards: Path
) -> None:
    office.faults.before.append(Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "busy"))

    busy = namak(operator, "admin", "mailbox", "import", cards)

    assert busy.code == UNANSWERED
    assert namak(operator, "admin", "mailbox", "import", cards).code == DONE


@pytest.mark.parametrize("given", ["absent.txt", "."])
def test_a_list_that_cannot_be_read_ends_it_with_6(
    namak: Namak, operator: Connection, tmp_path: Path, given: str
) -> None:
    assert namak(operator, "admin", "mailbox", "import", tmp_path / given).code == FILE


def test_results_of_another_list_end_it_with_6(namak: Namak, operator: Connection, cards: Path) -> None:
    namak(operator, "admin", "mailbox", "import", cards)
    cards.write_text("5001950017\n")

    run = namak(operator, "admin", "mailbox", "import", cards)

    assert run.code == FILE
    assert "the list was changed" in run.err
