"""`namak-server register ask`, against registers on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli.app import app
from tests.register_server import (
    ENTITIES,
    PERSONS,
    RegisterServer,
    answering,
    entity,
    person,
    registers_serving,
)

NUMBER, CODE = "5001950015", "22335588"
SETTINGS = """
[server]
certificate = "file"
key = "file"
client_authorities = "file"
[log]
origin = "log.e-citizen.am/2026"
guard = "guard"
[log.key]
module = "file"
token = "namak-log"
pin_file = "file"
[citizens]
roots = "file"
revocation_lists = "."
[registers.persons]
url = "{persons}"
[registers.entities]
url = "{entities}"
"""


@pytest.fixture
async def server() -> AsyncIterator[RegisterServer]:
    async with registers_serving() as server:
        server.show(PERSONS, person(NUMBER))
        server.show(ENTITIES, entity(CODE))
        yield server


@pytest.fixture
def settings(server: RegisterServer, tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    path = tmp_path / "namak-server.toml"
    path.write_text(SETTINGS.format(persons=server.url(PERSONS), entities=server.url(ENTITIES)))
    return path


async def run(settings: Path, *arguments: str, given: str = "") -> Result:
    command = ["register", "ask", *arguments, "--config", str(settings)]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, input=given))


async def test_the_record_is_printed_whole_only_when_that_is_asked_for(settings: Path) -> None:
    hidden = json.loads((await run(settings, "person", NUMBER, "--json")).stdout)
    whole = json.loads((await run(settings, "person", NUMBER, "--json", "--whole")).stdout)

    assert hidden.pop("latency_ms") > 0
    assert (whole["number"], whole["name"]) == (NUMBER, "Անի Գրիգորյան")
    assert {key: hidden[key] for key in ("answer", "state", "number", "name", "document_expires_on")} == {
        "answer": "found",
        "state": "alive",
        "number": "********15",
        "name": "*** ***",
        "document_expires_on": "2034-05-01",
    }
    told = json.dumps(hidden, ensure_ascii=False)
    assert [value for value in (NUMBER, "Անի", "Աբովյան", "004512345") if value in told] == []


async def test_an_entity_s_signatories_are_hidden_too(settings: Path) -> None:
    done = await run(settings, "entity", CODE)

    assert done.exit_code == 0
    assert "answer: found\n" in done.stdout
    assert "state: registered\n" in done.stdout
    assert "age_s: " in done.stdout
    assert [value for value in (NUMBER, "Գրիգորյան", CODE) if value in done.output] == []


async def test_that_nobody_is_registered_is_an_answer(settings: Path) -> None:
    done = await run(settings, "person", "2509850022")

    assert (done.exit_code, "answer: not registered\n" in done.stdout) == (0, True)


async def test_the_number_may_come_by_standard_input(settings: Path, server: RegisterServer) -> None:
    done = await run(settings, "person", "-", given=f"{NUMBER}\n")

    assert "answer: found\n" in done.stdout
    assert server.asked[NUMBER] == 1


async def test_a_register_without_an_answer_ends_the_command_with_1(
    settings: Path, server: RegisterServer
) -> None:
    server.behave(NUMBER, answering("", 403))

    done = await run(settings, "person", NUMBER)

    assert done.exit_code == 1
    assert "answer: unavailable\nfault: refused_us\nretry_after_s: 30\n" in done.stdout
    assert NUMBER not in done.output


@pytest.mark.parametrize(("whose", "number"), [("person", "12"), ("entity", "5001950015"), ("firm", CODE)])
async def test_what_is_no_number_is_asked_nobody(
    whose: str, number: str, settings: Path, server: RegisterServer
) -> None:
    done = await run(settings, whose, number)

    assert done.exit_code == 1
    assert not server.asked
