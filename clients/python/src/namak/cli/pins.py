"""Where a PIN comes from: a file, the environment, or the person at the terminal. It is shown nowhere."""

import os
import stat
import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path

from namak.cards.contents import TokenSeen
from namak.cards.outcomes import PinState, card_error
from namak.cli.asking import interruptible
from namak.cli.screen import Screen, printable
from namak.cli.texts import N_, _
from namak.errors import FileProblem

ENVIRONMENT = "NAMAK_PIN"
"""The environment variable that may hold the PIN, where neither an option nor the configuration names a
file.
"""

_BEFORE_ASKING: Mapping[PinState, str] = {
    PinState.COUNTED: N_("A wrong PIN was given before; the card counts them, and locks after too many."),
    PinState.FINAL_TRY: N_("ONE try is left: one more wrong PIN locks the card."),
    PinState.TO_BE_CHANGED: N_("The card asks for its PIN to be changed, with its own software."),
}


def pin_for(screen: Screen, token: TokenSeen, pin_file: Path | None) -> str | None:
    """Returns the PIN; None where the reader asks for it by its own keys.

    A locked PIN is not asked for, and the last try is left to a person: neither a file nor the environment
    may lock a card. Raises PinLocked, PinNotGiven, PinCancelled, FileProblem.
    """
    name = token.label or token.serial
    if token.pin is PinState.LOCKED:
        raise card_error("PIN_LOCKED", repr(name))
    given = _from_file(screen, pin_file) if pin_file is not None else _from_environment(screen)
    if given is not None:
        if token.pin is PinState.FINAL_TRY:
            raise card_error("PIN_FINAL_TRY", repr(name))
        return given
    if warning := _BEFORE_ASKING.get(token.pin):
        screen.warning(_(warning))
    if token.has_pin_pad:
        screen.warning(_("Type the PIN of {token} on the reader.").format(token=name))
        return None
    return _from_person(name)


def _from_file(screen: Screen, path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            screen.warning(_("Warning: others on this machine can read {file}.").format(file=path))
        line = path.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=path, problem=type(problem).__name__)
        ) from problem
    if not line:
        raise FileProblem(_("{file} is empty").format(file=path))
    return line


def _from_environment(screen: Screen) -> str | None:
    given = os.environ.get(ENVIRONMENT)
    if not given:
        return None
    screen.warning(
        _("Warning: the PIN is taken from {name}; whatever you start can read it there.").format(
            name=ENVIRONMENT
        )
    )
    return given


def _from_person(name: str) -> str:
    if not sys.stdin.isatty():
        raise card_error("PIN_NOT_GIVEN", repr(name))
    try:
        with interruptible():
            # Turns the echo off before it asks, so that nobody types too early to be hidden.
            pin = getpass(_("PIN of {token}").format(token=printable(name)) + ": ", stream=sys.stderr)
    except (EOFError, KeyboardInterrupt) as cancelled:
        sys.stderr.write("\n")
        raise card_error("PIN_CANCELLED", repr(name)) from cancelled
    if not pin:
        raise card_error("PIN_CANCELLED", repr(name))
    return pin
