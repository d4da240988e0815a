"""The demo's end from outside, by real processes: whatever ends it, what it started does not run on."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.story import belonging
from server.storage.embedded import end_abandoned

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90.0
DEMO = """
import fcntl, pathlib, sys, termios
from scripts.story import place, playing

if sys.stdin.isatty():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
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
        if inside or os.fsencode(directory) in words:
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


def played(directory: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """Starts a demo at a terminal of its own; returns it with the terminal's other end."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-c", DEMO, str(directory)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    demo = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    return demo, ours


@pytest.mark.timeout(240)
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
