"""The command `namak-witness`."""

import json
import re
import socket
import stat
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from namak.evidence.cosignature import CosignatureVerifier
from namak.evidence.tlog_witness import cosignature_from
from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, state_in
from namak.witness.witness import Witness
from server.dev.tokens import SoftToken, TokenStore
from tests import forking
from tests.unit.evidence.signing import LogKey, WitnessKey
from tests.unit.witness.growing_log import GrowingLog

LOG = GrowingLog()
NAME = "witness.bar.example/w1"


def witness(*words: str | Path, environment: dict[str, str] | None = None) -> "CompletedProcess[str]":
    return forking.run("namak.witness", *words, environment=environment)


def test_a_witness_is_made_shown_and_told_whom_to_follow(tmp_path: Path) -> None:
    directory = tmp_path / "witness"

    made = witness("init", "-d", directory, "--name", NAME)
    assert made.returncode == 0, made.stderr
    assert CosignatureVerifier.parse(made.stdout.strip()).name == NAME
    assert f"namak-witness add-log VKEY --directory {directory}\n" in made.stderr
    assert "no log yet" in witness("list", "-d", directory).stdout
    assert stat.S_IMODE((directory / "witness.key").stat().st_mode) == 0o600
    assert witness("show", "-d", directory).stdout == made.stdout
    said = json.loads(
        witness("show", "--json", environment={"NAMAK_WITNESS_DIRECTORY": str(directory)}).stdout
    )
    assert said == {"name": NAME, "vkey": made.stdout.strip()}

    assert witness("add-log", LOG.key.vkey, "-d", directory).stdout == f"{LOG.key.name}: followed\n"
    assert witness("add-log", LOG.key.vkey, "-d", directory).stdout == f"{LOG.key.name}: followed already\n"
    assert "nothing seen yet" in witness("list", "-d", directory).stdout
    state = state_in(directory)
    Witness(state, key_of(directory, state), WitnessClock()).add_checkpoint(LOG.asks(0, 5))
    fork = GrowingLog(LOG.key, "another")
    Witness(state, key_of(directory, state), WitnessClock()).add_checkpoint(fork.asks(0, 5))
    state.close()
    assert f"{LOG.key.name}: 5 leaves, 20" in witness("list", "-d", directory).stdout
    assert "FORK: " in witness("list", "-d", directory).stdout
    listed = json.loads(witness("list", "-d", directory, "--json").stdout)
    assert [(each["vkey"], each["size"]) for each in listed["logs"]] == [(LOG.key.vkey, 5)]
    assert [each["note"].encode() for each in listed["forks"]] == [fork.note(5)]

    assert witness("remove-log", LOG.key.vkey, "-d", directory).returncode == 0
    assert json.loads(witness("list", "-d", directory, "--json").stdout)["logs"] == []
    gone = witness("remove-log", LOG.key.vkey, "-d", directory)
    assert (gone.returncode, "not trusted" in gone.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("init", "--name", "a name"), "no space"),
        (("init", "--name", "https://court.example/w1/"), "without https://: court.example/w1"),
        (("init", "--name", "court.example/"), "slash"),
        (("init", "--name", "court.example/w1?a"), "has no ?"),
        (("init", "--name", NAME, "--module", "m"), "--token and --pin-file"),
        (("init", "--name", NAME, "--token", "t"), "--token and --pin-file"),
        (("list",), "no witness"),
        (("show",), "no witness"),
        (("run",), "no witness"),
        (("run", "--listen", "7380"), "HOST:PORT"),
        (("run", "--listen", "127.0.0.1:99999"), "HOST:PORT"),
        (("run", "--certificate", "c"), "together"),
        (("add-log", "no key"), "three parts"),
        (("add-log", WitnessKey().vkey), "0x04"),
        (("add-log", LogKey().vkey, "--origin", "two\nlines"), "line of a checkpoint"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = witness(*words, "-d", tmp_path / "none")

    assert done.returncode == 1
    assert done.stderr.startswith("namak-witness: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_told_in_a_line(tmp_path: Path) -> None:
    assert witness("init", "-d", tmp_path / "w", "--name", NAME).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        done = witness("run", "-d", tmp_path / "w", "--listen", listen)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"namak-witness: --listen {listen}: another program listens there; end it, or name another port"
    ]


def test_an_example_is_not_broken_and_a_command_told_whole() -> None:
    narrow = {"COLUMNS": "50", "TERMINAL_WIDTH": "50"}
    example = "namak-witness init --directory /var/lib/namak-witness --name witness.court.example/w1\n"
    assert example in witness("init", "--help", environment=narrow).stdout
    assert "..." not in witness("--help", environment=narrow).stdout.partition("Commands:")[2]
    serving = forking.run("server", "serve", "--help", environment=narrow).stdout
    assert "namak-server serve --config /etc/namak/namak-server.toml --processes 4\n" in serving
    assert "..." not in forking.run("server", "--help", environment=narrow).stdout.partition("Commands:")[2]


def test_it_tells_its_version() -> None:
    assert re.fullmatch(r"namak-witness \d+\.\d+\S*\n", witness("--version").stdout)


@pytest.mark.parametrize("command", ["init", "run", "add-log", "remove-log", "list", "show"])
def test_help_ends_with_an_example(command: str) -> None:
    assert f"Example: namak-witness {command}" in witness(command, "--help").stdout


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return TokenStore.create(tmp_path_factory.mktemp("token")).new_token("witness", "1357")


@pytest.mark.hsm
def test_the_key_may_lie_in_a_token(token: SoftToken, tmp_path: Path) -> None:
    place = ("--module", token.module, "--token", token.label, "--pin-file", token.pin_file)

    absent = witness("init", "-d", tmp_path / "a", "--name", NAME, *place, environment=token.environment)
    assert (absent.returncode, "can't be used: NoSuchKey" in absent.stderr) == (1, True)
    made = witness(
        *("init", "-d", tmp_path / "a", "--name", NAME, *place, "--create-key"), environment=token.environment
    )
    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "a" / "witness.key").exists()
    again = witness(
        *("init", "-d", tmp_path / "b", "--name", NAME, *place, "--create-key"), environment=token.environment
    )
    assert (again.returncode, "already" in again.stderr) == (1, True)
    witness("add-log", LOG.key.vkey, "-d", tmp_path / "a")

    body = tmp_path / "body"
    body.write_bytes(LOG.asks(0, 5))
    done = forking.run(
        *("tests.integration.witness.answering", tmp_path / "a", body), environment=token.environment
    )

    assert done.returncode == 0, done.stderr
    verifier = CosignatureVerifier.parse(made.stdout.strip())
    answer = bytes.fromhex(done.stdout.split()[2])
    assert cosignature_from(answer, LOG.text(5), verifier).name == NAME
