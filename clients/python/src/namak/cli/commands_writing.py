"""The commands of people who write letters."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import Before, DeliveryId, Limit, RequestId, Since, Yes
from namak.cli.texts import N_

_ID = "0192f0c3-0000-7000-8000-000000000000"

Parts = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help=N_("The letter's parts, in order."))]
Subject = Annotated[str, typer.Option(metavar="TEXT", help=N_("Shown before the letter is opened."))]
Receipts = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help=N_("Save the receipts here."))
]


def register(app: typer.Typer) -> None:
    """Adds the commands of people who write letters."""
    add(
        app,
        "write",
        write,
        N_("Write a letter to a state body or legal entity."),
        N_(
            "The letter lies in the recipient's mailbox when this says so. If no answer comes, repeat the "
            "command with the request id that it names: nothing is sent twice. Not every jurisdiction has "
            "letters of people."
        ),
        examples=('namak write 991240000003@post.kz --subject "Сұрақ" letter.pdf -o receipts',),
    )
    add(
        app,
        "reply",
        reply,
        N_("Reply to a letter in your mailbox."),
        N_("The reply goes to the mailbox of the organisation that sent it, and names what it answers."),
        N_(
            "A letter that came on paper is answered on paper: add --print, and namak facts tells what "
            "becomes of it."
        ),
        examples=(
            f'namak reply {_ID} --subject "Жауап" answer.pdf -o receipts',
            f'namak reply {_ID} --subject "Жауап" answer.pdf --print',
        ),
    )
    letters = group(app, "letters", N_("Look at the letters that you wrote."))
    add(
        letters,
        "list",
        letters_list,
        N_("List the letters that you wrote, newest first."),
        examples=("namak letters list --since 2026-03-01",),
    )
    add(
        letters,
        "withdraw",
        letters_withdraw,
        N_("Withdraw a letter of yours that nobody has opened yet."),
        N_("It can't be opened any more. That it was sent and withdrawn stays evidence."),
        examples=(f"namak letters withdraw {_ID} -o receipts",),
    )


async def write(
    run: Run,
    to: Annotated[str, typer.Argument(metavar="TO", help=N_("The recipient's official address."))],
    subject: Subject,
    files: Parts = None,
    request_id: RequestId = None,
    output: Receipts = None,
) -> ExitCode:
    """Writes a letter."""
    from namak.cli import writing

    return await writing.write(run, files or [], subject, recipient=to, request_id=request_id, output=output)


async def reply(
    run: Run,
    delivery_id: DeliveryId,
    subject: Subject,
    files: Parts = None,
    print_and_post: Annotated[
        bool,
        typer.Option("--print", help=N_("Have it printed, and posted to the address on the paper.")),
    ] = False,
    request_id: RequestId = None,
    output: Receipts = None,
) -> ExitCode:
    """Replies to a letter."""
    from namak.cli import writing

    return await writing.write(
        run,
        files or [],
        subject,
        in_reply_to=delivery_id,
        print_and_post=print_and_post,
        request_id=request_id,
        output=output,
    )


async def letters_list(run: Run, since: Since = None, before: Before = None, limit: Limit = 50) -> ExitCode:
    """Lists the own letters."""
    from namak.cli import writing

    return await writing.letters_list(run, since, before, limit)


async def letters_withdraw(
    run: Run,
    delivery_id: DeliveryId,
    request_id: RequestId = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help=N_("Save the receipt here."))
    ] = None,
    yes: Yes = False,
) -> ExitCode:
    """Withdraws an own letter."""
    from namak.cli import writing

    return await writing.letters_withdraw(run, delivery_id, request_id, output, yes=yes)
