"""Asking before what can't be undone, or should not be done by mistake."""

import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from namak.cli.app import Run
from namak.cli.texts import N_, _
from namak.errors import WrongUsage

_YES = N_("y yes")
# The words for yes, small, with spaces between; the catalogue adds the language's own to these two.


def agreed(run: Run, question: str, *, yes: bool) -> bool:
    """Returns whether to go on: with ``--yes`` without asking, else as somebody at a terminal says.

    Raises WrongUsage where nobody can be asked.
    """
    if yes:
        return True
    if run.options.as_json or not sys.stdin.isatty():
        raise WrongUsage(_("nobody can be asked here; add --yes if it shall be done"))
    return ask(run, question)


def ask(run: Run, question: str, *, otherwise: str = "") -> bool:
    """Asks on standard error and returns the answer; nothing and anything unclear is no.

    ``otherwise`` is what is said then. Raises Abort at the end of the input.
    """
    choice = _("y/N")
    answer = typed(f"{question} [{choice}] ")
    if answer.strip().casefold() in {*_(_YES).split(), *_YES.split()}:
        return True
    run.screen.note(otherwise or _("Nothing was done."))
    return False


def typed(prompt: str) -> str:
    """Asks on standard error, and returns the line that somebody types.

    Raises Abort at the end of the input, KeyboardInterrupt at the first Ctrl-C, from the prompt's first
    letter on.
    """
    with interruptible():
        sys.stderr.write(prompt)
        sys.stderr.flush()
        if sys.stdin.isatty():
            with _noticing_signals() as signalled:
                # A Ctrl-C just before the reading began would else be noticed only when the line is there.
                select.select([sys.stdin, signalled], [], [])
        answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    return answer


@contextmanager
def _noticing_signals() -> Iterator[socket.socket]:
    """Yields what becomes readable with the next signal; never, outside the main thread."""
    noticed, told = socket.socketpair()
    told.setblocking(False)
    with noticed, told:
        if threading.current_thread() is not threading.main_thread():
            yield noticed
            return
        before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        try:
            yield noticed
        finally:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)


@contextmanager
def interruptible() -> Iterator[None]:
    """Has Ctrl-C end a question at once: the event loop would only note it, and wait on for an answer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
