"""Setting one's own password. It is taken from a person at the terminal or from a file, and shown nowhere."""

import sys
from getpass import getpass
from pathlib import Path

from namak.cli.app import Run
from namak.cli.asking import interruptible
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.texts import _
from namak.errors import FileProblem, WrongUsage


async def set_password(
    run: Run, login: str | None, password_file: Path | None, request_id: str | None
) -> ExitCode:
    """Sets the password of a login of the caller's."""
    password = _asked() if password_file is None else _read(password_file)
    async with run.client() as post:
        found = await post.identity.set_password(
            password, login=login or "", request_id=named_id(run.screen, request_id)
        )
    run.screen.result({"login": found})
    run.screen.line(_("The password of the login {login} is set.").format(login=found))
    return ExitCode.OK


def _asked() -> str:
    if not sys.stdin.isatty():
        raise WrongUsage(_("nobody can be asked here; name a file by --password-file"))
    with interruptible():
        # Turns the echo off before it asks, so that nobody types too early to be hidden.
        first = getpass(_("New password") + ": ", stream=sys.stderr)
        second = getpass(_("The same once more") + ": ", stream=sys.stderr)
    if first != second:
        raise WrongUsage(_("the two passwords are not the same; nothing was done"))
    return first


def _read(path: Path) -> str:
    """Returns the file's first line; spaces at its ends belong to the password."""
    try:
        line = path.read_text("utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=path, problem=type(problem).__name__)
        ) from problem
    if not line:
        raise FileProblem(_("{file} is empty").format(file=path))
    return line
