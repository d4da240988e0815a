"""What a second Ctrl-C does: the first has a command put things in order, the next ends the process at once.

Unheeded it would be raised wherever the process is just then, in a library's clean-up or in Python's own,
which tell it by a traceback.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from namak.cli.codes import ExitCode


def end_at_the_next() -> None:
    """Has the next Ctrl-C end the process with nothing more said, until the process ends."""
    if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))


@contextmanager
def one_heeded() -> Iterator[None]:
    """Leaves the first Ctrl-C to whoever handles it now: inside an event loop that cancels what runs."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # ignored, as by what `nohup` starts
        return

    def first(number: int, frame: FrameType | None) -> None:
        end_at_the_next()
        before(number, frame)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is first:
            signal.signal(signal.SIGINT, before)
