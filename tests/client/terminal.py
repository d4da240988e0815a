"""The command on a terminal where somebody types when they are asked."""

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Sequence

_OWN_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal the process's own, so that Ctrl-C interrupts it, also where whoever started the tests
has all that they start ignore that. Not by ``preexec_fn``: that runs in a fork of a process in which gRPC has
threads, and some of those are aborted.
"""


_PATIENCE_S = 60


def at_terminal(
    arguments: Sequence[object], *, answers: Sequence[tuple[str, str]], environment: dict[str, str]
) -> tuple[int, str]:
    """Runs the command, types each answer once its question stands on the screen, and returns the exit code
    and everything that was on it.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 200))
    process = subprocess.Popen(
        [sys.executable, "-c", _OWN_TERMINAL, sys.executable, "-P", "-m", "namak.cli", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb", "NO_COLOR": "1", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    shown, left = "", list(answers)
    seen = 0
    try:
        while select.select([ours], [], [], _PATIENCE_S)[0] and (chunk := os.read(ours, 4096)):
            shown += chunk.decode(errors="replace")
            if left and left[0][0] in shown[seen:]:
                seen = len(shown)
                os.write(ours, left.pop(0)[1].encode())
    except OSError:  # the other side is closed: that is how a terminal ends on Linux
        pass
    finally:
        os.close(ours)  # hangs up: who still waits for an answer ends
    return process.wait(timeout=_PATIENCE_S), shown.replace("\r\n", "\n")
