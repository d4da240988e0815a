"""Ctrl-C, once and again: the command ends with 130, and never with a traceback."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from namak.client import Connection
from tests.client.conftest import toml_of

SECONDS = 60.0
ENDED = 130
WORK = """
import asyncio, os, signal
from namak.cli import app, screen

signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

async def work():
    try:
        interrupt()
        await asyncio.sleep(60)
    finally:
        {tidying}

code = app._outcome(work(), screen.Screen(as_json=False))
{ending}
os._exit(code)
"""


@pytest.mark.parametrize(
    ("tidying", "ending", "said"),
    [
        ("print('in order', flush=True)", "pass", "in order\nnamak: interrupted\n"),
        ("interrupt(); print('went on')", "pass", ""),
        ("pass", "interrupt(); print('went on')", "namak: interrupted\n"),
    ],
    ids=["once", "while things are put in order", "while the process ends"],
)
def test_a_second_interrupt_ends_at_once_and_says_nothing(tidying: str, ending: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", WORK.format(tidying=tidying, ending=ending)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert (done.returncode, done.stdout) == (ENDED, said)


def read(terminal: int, seconds: float) -> str:
    """Returns what the terminal shows next; nothing, where nothing comes or nobody is there any more."""
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    try:
        return os.read(terminal, 4096).decode()
    except OSError:  # the other side is closed: that is how a terminal ends on Linux
        return ""


def test_a_watcher_whose_terminal_says_ctrl_c_again_and_again_shows_no_traceback(agency: Connection) -> None:
    config = agency.key.parent / "namak.toml"
    config.write_text(toml_of(agency, None), "utf-8")
    ours, theirs = pty.openpty()

    def begin() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        # Whoever started the tests in the background has all that they start ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    watcher = subprocess.Popen(
        [sys.executable, "-P", "-m", "namak.cli", "--config", str(config), "watch"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=begin,
    )
    os.close(theirs)
    try:
        shown = ""
        while "Ctrl-C ends it." not in shown:
            more = read(ours, SECONDS)
            assert more, shown
            shown += more
        until = time.monotonic() + SECONDS
        while watcher.poll() is None and time.monotonic() < until:
            os.write(ours, b"\x03")
            shown += read(ours, 0.001)
        while more := read(ours, 0.1):
            shown += more
    finally:
        watcher.kill()
        os.close(ours)

    # Python itself has the signal kill at its very end, which a shell shows as 130, too.
    assert watcher.wait(SECONDS) in (ENDED, -signal.SIGINT)
    said = shown.replace("^C", "").replace("\r", "").partition("Ctrl-C ends it.\n")[2]
    assert said in ("", "namak: interrupted\n")
