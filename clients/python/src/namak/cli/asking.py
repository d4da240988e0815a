"""Asking before what can't be undone, or should not be done by mistake."""

import signal
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
    sys.stderr.write(f"{question} [{choice}] ")
    sys.stderr.flush()
    with interruptible():
        answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    if answer.strip().casefold() in {*_(_YES).split(), *_YES.split()}:
        return True
    run.screen.note(otherwise or _("Nothing was done."))
    return False


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
