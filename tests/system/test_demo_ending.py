"""The demo's end from outside, by real processes: whatever ends it, what it started does not run on."""

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.story import belonging
from server.storage.embedded import end_abandoned

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 150.0
DEMO = """
import pathlib, sys
from scripts.story import place, playing

playing.PLACE = place.Place(pathlib.Path(sys.argv[1]))
sys.exit(playing.main(sys.argv[2:]))
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where the demo plays; what it leaves running is ended, whatever the test finds."""
    yield tmp_path / "demo"
    belonging.end_marked(tmp_path / "demo")
    end_abandoned(tmp_path / "demo" / "database")


def running(directory: Path) -> set[int]:
    """Returns the living processes that work for the demo: by their words, or by where they work."""
    database = (directory / "database").resolve()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            inside = (process / "cwd").readlink().is_relative_to(database)
        except OSError:
            continue
        # One without words has ended, and is only not collected yet.
        if words and (inside or os.fsencode(directory) in words):
            found.add(int(process.name))
    return found


def until_told(terminal: int, words: bytes) -> None:
    """Reads what the demo shows until it shows these words."""
    os.set_blocking(terminal, False)
    said, until = b"", time.monotonic() + SECONDS
    while words not in said:
        assert time.monotonic() < until, said.decode(errors="replace")
        try:
            said += os.read(terminal, 65536)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            pytest.fail(f"the demo ended:\n{said.decode(errors='replace')}")


def at_terminal(command: list[str], environment: dict[str, str]) -> tuple["subprocess.Popen[bytes]", int]:
    """Starts a program at a terminal of its own; returns it with the terminal's other end."""
    ours, theirs = pty.openpty()

    def begin() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        # Whoever started the tests in the background has all that they start ignore them.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    started = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **environment},
        start_new_session=True,
        preexec_fn=begin,
    )
    os.close(theirs)
    return started, ours


def played(directory: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """Starts a demo at a terminal of its own; returns it with the terminal's other end."""
    command = [sys.executable, "-P", "-c", DEMO, str(directory)]
    return at_terminal(command, {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])})


@pytest.mark.timeout(600)
def test_a_closed_terminal_ends_all_and_what_a_killed_demo_leaves_is_ended_by_stop(directory: Path) -> None:
    demo, terminal = played(directory)
    until_told(terminal, b"registers the organisation")  # the server is up
    assert len(running(directory)) > 8  # with the demo, PostgreSQL's many, and those beside the server
    os.close(terminal)
    assert demo.wait(SECONDS) == 128 + signal.SIGHUP
    assert running(directory) == set()

    demo, terminal = played(directory)
    until_told(terminal, b"makes the database")  # those beside the server are up
    demo.kill()
    demo.wait(SECONDS)
    os.close(terminal)
    left = running(directory)
    assert len(left) >= 3
    command = [sys.executable, "-P", "-c", DEMO, str(directory), "--stop"]
    stopped = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert stopped.stdout == "Stopped.\n"
    assert running(directory) == set()


def test_ctrl_c_while_the_environment_is_made_ends_the_demo_without_a_traceback(tmp_path: Path) -> None:
    needed = (
        "demo",
        "setup",
        "built.txt",
        "../requirements.txt",
        "../requirements-dev.txt",
        "../pyproject.toml",
    )
    for name in (f"scripts/{each}" for each in needed):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    demo, terminal = at_terminal(["bash", str(tmp_path / "scripts/demo")], {})
    until = time.monotonic() + SECONDS
    while not (tmp_path / ".venv/pyvenv.cfg").exists():  # then it is at pip, which takes seconds
        assert time.monotonic() < until
        assert demo.poll() is None
        time.sleep(0.005)
    os.write(terminal, b"\x03")

    assert demo.wait(SECONDS) == -signal.SIGINT
    shown = b""
    try:
        while more := os.read(terminal, 65536):
            shown += more
    except OSError:  # the other side is closed: that is how a terminal ends on Linux
        os.close(terminal)
    said = shown.decode().replace("^C", "").splitlines()
    assert [line.split(" ")[:3] for line in said if line] == [["setup:", "making", ".venv"]]
