"""``namak admin address update``: what it says of a change before and after the post has judged it."""

import pytest

from namak.client import Connection
from tests.client.conftest import Namak
from tests.client.office import Office

ADDRESS = "0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d"
UPDATE = ("admin", "address", "update", ADDRESS)
ARROW = "8.8.8.0/28 → 8.8.8.0/28, {new}"


def test_a_change_is_told_once_the_post_has_accepted_it(namak: Namak, operator: Connection) -> None:
    run = namak(operator, *UPDATE, "--add-network", "8.8.4.4/32")
    assert run.code == 0, run.err
    assert ARROW.format(new="8.8.4.4/32") in run.err


def test_a_refusal_names_the_value_that_was_given_and_tells_no_change(
    namak: Namak, operator: Connection
) -> None:
    wrong = ("--add-network", "8.8.4.4/32", "--add-network", "0.0.0.0/0")
    run = namak(operator, *UPDATE, *wrong)
    assert run.code == 1
    assert "  --network 0.0.0.0/0: is too wide [TOO_WIDE]" in run.err
    assert "sender_address" not in run.err
    assert "→" not in run.err + run.out
    violations = namak(operator, *UPDATE, *wrong, "--json").document["error"]["violations"]
    assert [(item["field"], item["option"]) for item in violations] == [
        ("sender_address.networks[2]", "--network")
    ]


@pytest.mark.parametrize("new", ["8.8.4.4/32", "0.0.0.0/0"])
def test_a_dry_run_says_that_the_post_has_checked_nothing(
    namak: Namak, operator: Connection, office: Office, new: str
) -> None:
    run = namak(operator, *UPDATE, "--add-network", new, "--dry-run")
    assert run.code == 0, run.err
    assert ARROW.format(new=new) in run.err
    assert "The post has not checked this" in run.err
    document = namak(operator, *UPDATE, "--add-network", new, "--dry-run", "--json").document
    assert document["checked_by_post"] is False
    assert not office.registrations
