"""The processes of a demo: known by a mark that all of them inherit, so none is forgotten or mistaken."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_MARK = "NAMAK_DEMO"
_END_SECONDS = 45.0
"""Longer than a server takes that drains."""


@contextlib.contextmanager
def marking(directory: Path) -> Iterator[None]:
    """Marks the programs that are started meanwhile as those of the demo in this directory."""
    before = os.environ.get(_MARK)
    os.environ[_MARK] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_MARK]
        else:
            os.environ[_MARK] = before


def end_marked(directory: Path) -> bool:
    """Ends the programs of the demo in this directory, however it ended; returns whether there was one.

    They are asked (SIGTERM), and killed if they don't end in time. Blocks until all are gone.
    """
    found = False
    while ending := _marked(directory):
        found = True
        try:
            _end(list(ending))
        finally:
            for handle in ending:
                os.close(handle)
    return found


def _marked(directory: Path) -> set[int]:
    """Returns a handle of each (pidfd): unlike process ids, they are never another's."""
    handles = set()
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        if pid == os.getpid() or not _bears_mark(process, directory):
            continue
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            # It may have ended, and its id be another's, just before the handle was had.
            if _bears_mark(process, directory):
                handles.add(handle)
            else:
                os.close(handle)
    return handles


def _bears_mark(process: Path, directory: Path) -> bool:
    try:
        environment = (process / "environ").read_bytes()  # a zombie's is empty
    except OSError:  # it has ended, or is another user's
        return False
    return os.fsencode(f"{_MARK}={directory}") in environment.split(b"\0")


def _end(handles: list[int]) -> None:
    for handle in handles:
        _send(handle, signal.SIGTERM)
    waiting, ended, until = set(handles), select.poll(), time.monotonic() + _END_SECONDS
    for handle in waiting:
        ended.register(handle, select.POLLIN)
    while waiting and (left := until - time.monotonic()) > 0:
        _forget_ended(waiting, ended, left)
    for handle in waiting:
        _send(handle, signal.SIGKILL)
    while waiting:
        _forget_ended(waiting, ended, None)


def _forget_ended(waiting: set[int], ended: select.poll, seconds: float | None) -> None:
    for handle, _event in ended.poll(None if seconds is None else 1000 * seconds):
        ended.unregister(handle)
        waiting.discard(handle)


def _send(handle: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)
