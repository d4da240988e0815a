"""What the command calls things: by what was typed, by the names of things, and by old names of options."""

import re
from pathlib import Path

import grpc
import pytest
import typer
from google.protobuf.descriptor import Descriptor
from typer.core import TyperGroup

from namak.cli.app import build
from namak.cli.fields import OWN, USUAL, taken_by, typed_as
from namak.cli.renaming import EARLIER, renamed
from namak.cli.usage import wrong_usage
from namak.client import Connection
from namak.v1 import (
    billing_pb2,
    delivery_pb2,
    evidence_pb2,
    forwarding_pb2,
    mailbox_pb2,
    paper_pb2,
    sender_admin_pb2,
)
from namak.v1 import sender_admin_pb2 as pb
from tests import forking
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.client.refusing import Refusal
from tests.client.test_cli import submit
from tests.client.test_client import letter

CONTRACT = (
    *(delivery_pb2, mailbox_pb2, evidence_pb2, billing_pb2, sender_admin_pb2, forwarding_pb2, paper_pb2),
)
ABSENT = "0192f0c3-0000-7000-8000-000000000000"


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> dict[str, frozenset[str]]:
    """Returns by command what its options and arguments are called."""
    context = group.make_context("namak", [], resilient_parsing=True)
    found: dict[str, frozenset[str]] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            found |= commands(command, (*path, name))
        else:
            found[" ".join((*path, name))] = taken_by(command)
    return found


COMMANDS = commands(build())


def fields(message: Descriptor, depth: int = 2) -> set[str]:
    """Returns the names of a request's fields, and of those inside them."""
    found = {field.name for field in message.fields}
    for field in message.fields:
        if depth and field.message_type is not None:
            found |= fields(field.message_type, depth - 1)
    return found


REQUESTED = {
    name
    for module in CONTRACT
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    for name in fields(method.input_type)
}


def test_all_that_is_missing_is_told_in_one_form() -> None:
    assert str(wrong_usage(typer.BadParameter("is needed", param_hint="--to"))) == "Missing: '--to'"


@pytest.mark.parametrize(
    ("language", "asks"),
    [("en", "No such command 'sendd'. Did you mean 'send'?"), ("ru", "Возможно, вы имели в виду 'send'?")],
)
def test_a_command_that_there_is_not_is_told_in_one_language(language: str, asks: str) -> None:
    done = forking.run("namak.cli", "--lang", language, "sendd")

    assert done.returncode == 2
    assert asks in done.stderr
    assert ("Did you mean" in done.stderr) == (language == "en")


def test_the_fields_that_have_an_option_are_the_contracts() -> None:
    assert {*USUAL, *(name for own in OWN.values() for name in own)} - REQUESTED == set()


def test_every_option_that_is_named_is_one_of_a_command() -> None:
    everywhere = frozenset().union(*COMMANDS.values())
    assert set(USUAL.values()) - everywhere == set()
    assert {
        (command, name)
        for command, own in OWN.items()
        for name in own.values()
        if name not in COMMANDS[command]
    } == set()


def test_an_earlier_name_means_an_option_that_is_there_and_is_none_itself() -> None:
    for command, names in EARLIER.items():
        assert set(names.values()) <= COMMANDS[command]
        assert not set(names) & COMMANDS[command]


@pytest.mark.parametrize(
    ("command", "field", "option"),
    [
        ("send", "submission.subject", "--subject"),
        ("send", "submission.parts[2].name", "FILE"),
        ("deliveries list", "sender", "--from"),
        ("admin domain prove", "name", "DOMAIN"),
        ("usage", "sender", "--address"),
        ("paper submit", "recipient", "TO"),
        ("paper submit", "paper_sender.address_lines[1]", "--from-line"),
        ("forwarding change", "target_id", "ID"),
        ("admin org register", "display_name", "--name"),
        ("admin org rename", "organisation.display_name", "NAME"),
        ("admin address update", "sender_address.networks[0]", "--network"),
        ("send", "submission.unheard_of", None),
    ],
)
def test_a_field_is_called_by_what_was_typed(command: str, field: str, option: str | None) -> None:
    assert typed_as(command, field) == option
    assert option is None or option in COMMANDS[command]


def wrong(*names: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
        "; ".join(f"{name}: must not be empty" for name in names),
        fields=[(name, "EMPTY", "must not be empty") for name in names],
    )


def test_wrong_fields_are_told_by_option_and_in_json_by_both(
    namak: Namak, operator: Connection, office: Office
) -> None:
    arguments = ("admin", "org", "register", "--code", "01234567", "--name", "x")
    office.faults.before.append(wrong("display_name"))
    run = namak(operator, *arguments)
    assert run.code == 1
    assert "  --name: must not be empty [EMPTY]" in run.err
    assert "display_name" not in run.err
    office.faults.before.append(wrong("display_name"))
    (violation,) = namak(operator, *arguments, "--json").document["error"]["violations"]
    assert (violation["field"], violation["option"]) == ("display_name", "--name")


def test_a_field_that_no_option_stands_for_is_told_as_the_post_does(
    namak: Namak, operator: Connection, office: Office
) -> None:
    office.faults.before.append(wrong("display_name", "something_new"))
    run = namak(operator, "admin", "org", "register", "--code", "01234567", "--name", "x")
    assert "something_new: must not be empty" in run.err


@pytest.mark.parametrize("language", ["en", "ru", "hy"])
def test_wrong_fields_are_told_by_option_in_every_language(
    namak: Namak, operator: Connection, office: Office, language: str
) -> None:
    office.faults.before.append(wrong("code"))
    run = namak(operator, "--lang", language, "admin", "org", "register", "--code", "x", "--name", "x")
    assert "  --code: must not be empty [EMPTY]" in run.err


def act(kind: str, resource: str, **change: tuple[list[str], list[str]]) -> pb.AdministrativeAct:
    return pb.AdministrativeAct(
        act="Act",
        resource_kind=kind,
        resource=resource,
        changes=[pb.FieldChange(field=name, before=old, after=new) for name, (old, new) in change.items()],
    )


def test_the_audit_calls_things_by_their_names(namak: Namak, operator: Connection, office: Office) -> None:
    deleted, kept = "0192f0c3-0000-7000-8000-000000000001", "0192f0c3-0000-7000-8000-000000000002"
    office.acts = [
        act("sender address", kept, suspended=(["no"], ["yes"])),
        act("sender address", deleted, address=(["gone@src.am"], [])),
        act("sender address", deleted, suspended=(["no"], ["yes"])),
        act("domain", "src.am"),
    ]
    run = namak(operator, "admin", "audit")
    assert run.code == 0, run.err
    rows = run.out.splitlines()[1:]
    named = ["notices@src.am", "gone@src.am", "gone@src.am", "src.am"]
    assert all(name in row for name, row in zip(named, rows, strict=True)), run.out
    acts = namak(operator, "admin", "audit", "--json").document["acts"]
    assert [each["resource_name"] for each in acts] == [*named[:3], None]
    assert acts[0]["resource"] == kept


def test_what_was_withdrawn_waits_for_nobody(namak: Namak, agency: Connection, citizen: Connection) -> None:
    kept, withdrawn = (submit(agency, letter(f"r-{number}")) for number in range(2))
    assert namak(agency, "withdraw", withdrawn, "--yes").code == 0
    for option in ("--unopened", "--unconfirmed"):
        out = namak(citizen, "inbox", option).out
        assert kept in out
        assert withdrawn not in out
    assert withdrawn in namak(citizen, "inbox").out


def test_no_help_shows_what_python_calls_a_value(namak: Namak) -> None:
    for command in COMMANDS:
        out = namak(None, *command.split(), "--help").out
        assert re.findall(r"<[a-z][a-z0-9 \[\]]*>|\b(?:INTEGER|FLOAT|PATH)\b|\{[a-z_]+\}", out) == [], command


def test_the_cause_of_no_connection_is_only_for_those_who_look_for_it(
    namak: Namak, citizen: Connection, address: str
) -> None:
    from dataclasses import replace

    nobody = replace(citizen, address="127.0.0.1:1")
    run = namak(nobody, "inbox", "--timeout", "1s")
    assert "nobody listens there" in run.err
    assert "ipv4" not in run.err
    assert address not in run.err
    shown = namak(nobody, "inbox", "--timeout", "1s", "--verbose").err
    assert "ipv4:127.0.0.1:1" in shown


@pytest.mark.parametrize(
    ("command", "given", "read"),
    [
        ("watch", ["--save", "d"], ["--output", "d"]),
        ("send", ["--receipt=d", "a"], ["--output=d", "a"]),
        ("send", ["--", "--receipt"], ["--", "--receipt"]),
        ("log consistency", ["old", "--save", "new"], ["old", "--output", "new"]),
        ("verify", ["--save", "d"], ["--save", "d"]),
    ],
)
def test_earlier_names_of_options_are_read_as_the_present_ones(
    command: str, given: list[str], read: list[str]
) -> None:
    assert renamed(command, given) == read


@pytest.mark.parametrize("option", ["-o", "--output", "--receipt"])
def test_receipts_of_a_letter_are_saved_under_each_name_of_the_option(
    namak: Namak, agency: Connection, tmp_path: Path, option: str
) -> None:
    (tmp_path / "a.txt").write_text("a")
    run = namak(
        agency, "send", "--from", "notices@src.am", "--to", "5001950015@e-citizen.am", "--subject", "s",
        tmp_path / "a.txt", option, tmp_path / "kept",
    )  # fmt: skip
    assert run.code == 0, run.err
    assert list((tmp_path / "kept").iterdir())
    assert "--receipt" not in namak(None, "send", "--help").out
