"""The holder's commands as a person sees them."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import (
    Before,
    DeliveryId,
    Directory,
    Force,
    InMailbox,
    Limit,
    Since,
)
from namak.cli.texts import N_

_ID = "0192f0c3-0000-7000-8000-000000000000"


def register(app: typer.Typer) -> None:
    """Adds the holder's commands."""
    add(
        app,
        "inbox",
        inbox,
        N_("List the letters in your mailbox, newest first. Listing is not opening."),
        N_(
            "With --prove it checks instead that your mailbox is complete: that no letter is missing from "
            "the chain which the log's evidence commits to, by the logs that you trust."
        ),
        examples=("namak inbox --limit 10 --unopened", "namak inbox --prove"),
    )
    add(
        app,
        "open",
        open_letter,
        N_("Open a letter. This is recorded as evidence, once; then its content can be downloaded."),
        examples=(f"namak open {_ID}",),
    )
    add(
        app,
        "download",
        download,
        N_("Save the content of an opened letter."),
        N_(
            "All its parts, or the one named by its number. A file appears only when its size and SHA-256 "
            "are right."
        ),
        examples=(f"namak download {_ID} 1 -o letters",),
    )
    add(
        app,
        "confirm",
        confirm,
        N_("Confirm with your card or your phone that you read a letter."),
        N_(
            "Shows the statement in full, asks whether to sign it, asks for the PIN, and saves the "
            "receipts. With --phone your phone asks for its PIN2 instead, and shows four digits to compare "
            "or to enter here. A confirmation can't be taken back."
        ),
        examples=(f"namak confirm {_ID} -o receipts", f"namak confirm {_ID} --phone +994501234567"),
    )
    box = group(app, "mailbox", N_("Look at your own mailbox."))
    add(
        box,
        "show",
        mailbox_show,
        N_("Show your own mailbox: its address and its state."),
        examples=("namak mailbox show",),
    )
    add(
        box,
        "links",
        mailbox_links,
        N_("List the openings of the links that chain your letters together, oldest first."),
        N_("Whether they hold is for namak inbox --prove to say."),
        examples=("namak mailbox links --json",),
    )


async def inbox(
    run: Run,
    limit: Limit = 50,
    unopened: Annotated[
        bool, typer.Option("--unopened", help=N_("Only those that you have not opened."))
    ] = False,
    unconfirmed: Annotated[
        bool, typer.Option("--unconfirmed", help=N_("Only those whose reading is not confirmed."))
    ] = False,
    sender: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help=N_("Only those from this sender."))
    ] = "",
    since: Since = None,
    before: Before = None,
    prove: Annotated[bool, typer.Option("--prove", help=N_("Check that nothing is missing."))] = False,
    log_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The logs and witnesses you trust, a C2SP tlog-policy.")),
    ] = None,
    head_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=N_("With --prove: compare with the last time, and keep this time.")
        ),
    ] = None,
    mailbox: InMailbox = "",
) -> ExitCode:
    """Lists messages, or proves that none is missing."""
    if prove:
        from namak.cli import proving

        return await proving.prove(run, log_policy, head_file, mailbox)
    from namak.cli import reading

    wanted = reading.Filters(unopened, unconfirmed, sender, since, before)
    return await reading.inbox(run, limit, wanted, mailbox)


async def open_letter(run: Run, delivery_id: DeliveryId, mailbox: InMailbox = "") -> ExitCode:
    """Opens a message."""
    from namak.cli import reading

    return await reading.open_letter(run, delivery_id, mailbox)


async def download(
    run: Run,
    delivery_id: DeliveryId,
    part: Annotated[
        int | None, typer.Argument(min=1, metavar="[PART]", help=N_("Its number; all if missing."))
    ] = None,
    output: Directory = Path(),
    force: Force = False,
    mailbox: InMailbox = "",
) -> ExitCode:
    """Downloads parts into files."""
    from namak.cli import reading

    return await reading.download(run, delivery_id, part, output, mailbox, force=force)


async def confirm(
    run: Run,
    delivery_id: DeliveryId,
    output: Directory = Path(),
    phone: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help=N_("Sign with the phone of this number, +994501234567.")),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=N_("Sign without asking; you have read the statement."))
    ] = False,
    force: Force = False,
    mailbox: InMailbox = "",
) -> ExitCode:
    """Confirms a reading."""
    from namak.cli import confirming

    return await confirming.confirm(run, delivery_id, output, mailbox, phone=phone, yes=yes, force=force)


async def mailbox_show(run: Run, mailbox: InMailbox = "") -> ExitCode:
    """Shows the mailbox."""
    from namak.cli import reading

    return await reading.mailbox_show(run, mailbox)


async def mailbox_links(run: Run, limit: Limit = 50, mailbox: InMailbox = "") -> ExitCode:
    """Lists links."""
    from namak.cli import proving

    return await proving.links(run, limit, mailbox)
