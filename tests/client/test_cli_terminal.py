"""The command on a terminal, and where there is none: questions, tables, completion."""

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from namak.client import Connection
from tests import forking
from tests.client.conftest import Namak, toml_of
from tests.client.office import Office
from tests.client.terminal import at_terminal
from tests.client.test_cli import submit
from tests.client.test_client import letter

ABSENT = "0192f0c3-0000-7000-8000-000000000000"
DESTRUCTIVE = [
    ("withdraw", ABSENT),
    ("admin", "org", "contract", ABSENT, "ended"),
    ("admin", "administrator", "disable", "5001950015", "--org", ABSENT),
    ("admin", "domain", "delete", "src.am", "--org", ABSENT),
    ("admin", "address", "suspend", ABSENT),
    ("admin", "address", "delete", ABSENT),
    ("admin", "certificate", "revoke", "00" * 32),
    ("admin", "mailbox", "suspend", "1@a"),
    ("admin", "mailbox", "close", "1@a"),
]


def on_terminal(caller: Connection, columns: int, answer: str, *arguments: object) -> tuple[int, str]:
    """Runs the command on a terminal of so many columns, types the answer, and returns what was on it."""
    config = caller.key.parent / "namak.toml"
    config.write_text(toml_of(caller, None), "utf-8")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, columns))
    shown = bytearray()
    process = forking.start(
        "namak.cli",
        "--config",
        config,
        *map(str, arguments),
        # The terminal's own width counts, not what the tests' environment says of another one.
        environment={"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(columns), "LINES": "40"},
        terminal=theirs,
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other side is closed: that is how a terminal ends on Linux
        pass
    finally:
        os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())  # colours, the cursor
    return process.wait(timeout=240), text.replace("\r\n", "\n")


@pytest.mark.parametrize("arguments", DESTRUCTIVE, ids=lambda arguments: " ".join(arguments[:3]))
def test_what_destroys_is_not_done_where_nobody_can_be_asked(
    namak: Namak, operator: Connection, agency: Connection, arguments: tuple[str, ...]
) -> None:
    for more in ((), ("--json",)):
        run = namak(operator, *arguments, *more)
        assert run.code == 2
        assert "--yes" in run.err + run.out


@pytest.mark.parametrize(
    ("answer", "withdrawn"), [("y\n", True), ("yes\n", True), ("n\n", False), ("\n", False), ("x\n", False)]
)
def test_a_withdrawal_is_asked_about(
    agency: Connection, office: Office, answer: str, withdrawn: bool
) -> None:
    delivery_id = submit(agency, letter("r"))
    code, shown = on_terminal(agency, 80, answer, "withdraw", delivery_id)
    assert f"Withdraw the delivery {delivery_id}? [y/N]" in shown
    assert (office.letters[delivery_id].withdrawn is not None) is withdrawn
    assert (code, "Nothing was done." in shown) == ((0, False) if withdrawn else (1, True))


def test_the_end_of_the_input_is_no_answer(agency: Connection, office: Office) -> None:
    delivery_id = submit(agency, letter("r"))
    code, shown = on_terminal(agency, 80, "\x04", "withdraw", delivery_id)
    assert (code, "interrupted" in shown) == (130, True)
    assert office.letters[delivery_id].withdrawn is None


def test_one_interrupt_ends_a_question(agency: Connection, office: Office) -> None:
    delivery_id = submit(agency, letter("r"))
    config = agency.key.parent / "namak.toml"
    config.write_text(toml_of(agency, None), "utf-8")
    code, shown = at_terminal(
        ["--config", config, "withdraw", delivery_id],
        answers=[("[y/N]", "\x03")],
        environment={"NAMAK_LANG": "en"},
    )
    assert (code, "interrupted" in shown) == (130, True)
    assert office.letters[delivery_id].withdrawn is None


def test_the_question_may_be_answered_in_ones_own_language(agency: Connection, office: Office) -> None:
    delivery_id = submit(agency, letter("r"))
    code, shown = on_terminal(agency, 80, "այո\n", "--lang", "hy", "withdraw", delivery_id)
    assert code == 0, shown
    assert "[ա/Ո]" in shown
    assert office.letters[delivery_id].withdrawn is not None


def test_withdrawing_saves_the_receipt_and_shows_the_state(
    namak: Namak, agency: Connection, office: Office, tmp_path: Path
) -> None:
    delivery_id = submit(agency, letter("r"))
    run = namak(agency, "withdraw", delivery_id, "--yes", "-o", tmp_path / "out", "--json")
    assert run.code == 0, run.err
    assert run.document["delivery"]["state"] == "WITHDRAWN"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{delivery_id}-03-Withdrawn.tlog-proof"]


def test_withdrawing_what_was_opened_is_refused_with_an_advice(
    namak: Namak, agency: Connection, citizen: Connection
) -> None:
    delivery_id = submit(agency, letter("r"), open_as=citizen)
    run = namak(agency, "withdraw", delivery_id, "--yes")
    assert run.code == 1
    assert "MESSAGE_OPENED" in run.err
    assert "send another letter" in run.err


@pytest.mark.parametrize("columns", [80, 160])
def test_identifiers_stay_whole_on_any_screen(agency: Connection, columns: int) -> None:
    ids = [submit(agency, letter(f"r-{n}")) for n in range(2)]
    code, shown = on_terminal(agency, columns, "", "deliveries", "list")
    assert code == 0
    assert all(delivery_id in shown for delivery_id in ids)
    assert all(len(line) <= columns for line in shown.splitlines())
    rows = [line for line in shown.splitlines() if ids[0] in line]
    assert ("CONSIGNED" in rows[0]) is (columns == 160)


def test_where_nobody_looks_each_row_is_one_line(namak: Namak, agency: Connection) -> None:
    delivery_id = submit(agency, letter("r"))
    heading, row = namak(agency, "deliveries", "list").out.splitlines()
    assert heading.split() == ["ID", "RECIPIENT", "SUBJECT", "SENT", "STATE"]
    assert row.startswith(delivery_id)
    assert row.rstrip().endswith("CONSIGNED")


def completed(shell: str, words: str, place: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "_NAMAK_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    return subprocess.run(
        [Path(sys.executable).with_name("namak")],
        capture_output=True,
        text=True,
        env=environment,
        cwd=place,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands_of_every_level(shell: str, tmp_path: Path) -> None:
    run = completed(shell, "namak admin dom", tmp_path)
    assert "domain" in run.stdout, run.stderr
    if shell == "bash":
        assert run.stdout.split() == ["domain"]
        assert completed(shell, "namak deliveries list --state not", tmp_path).stdout.split() == ["notified"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_can_be_printed(shell: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("namak")],
        capture_output=True,
        text=True,
        env={**os.environ, "_NAMAK_COMPLETE": f"source_{shell}"},
        cwd=tmp_path,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0
    assert "_NAMAK_COMPLETE" in run.stdout
