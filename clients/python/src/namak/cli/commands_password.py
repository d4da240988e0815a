"""``namak set-password`` as a person sees it."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add
from namak.cli.codes import ExitCode
from namak.cli.options import RequestId
from namak.cli.texts import N_


def register(app: typer.Typer) -> None:
    """Adds the command about one's own password."""
    add(
        app,
        "set-password",
        set_password,
        N_("Set the password that you sign in with at portals, where there are passwords."),
        N_("Whoever is signed in with the former one is signed out. What is typed is not shown."),
        examples=("namak set-password", "namak set-password --login aigul --password-file new.txt"),
    )


async def set_password(
    run: Run,
    login: Annotated[
        str | None, typer.Option(metavar="LOGIN", help=N_("Which login, if you have several."))
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Take the password from this file's first line."))
    ] = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Sets the password."""
    from namak.cli import passwords

    return await passwords.set_password(run, login, password_file, request_id)
