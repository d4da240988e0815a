"""The command on a terminal where somebody types when they are asked."""

import os
import pty
import select
import termios
from collections.abc import Sequence

from tests import forking

_PATIENCE_S = 240


def at_terminal(
    arguments: Sequence[object], *, answers: Sequence[tuple[str, str]], environment: dict[str, str]
) -> tuple[int, str]:
    """Runs the command, types each answer once its question stands on the screen, and returns the exit code
    and everything that was on it.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 200))
    process = forking.start(
        "namak.cli",
        *map(str, arguments),
        environment={"TERM": "dumb", "NO_COLOR": "1", **environment},
        terminal=theirs,
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
