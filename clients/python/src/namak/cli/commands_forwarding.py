"""The commands of people who have copies of new messages sent to addresses of their own."""

from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import InMailbox, RequestId, Yes
from namak.cli.texts import N_

_ID = "0192f0c3-0000-7000-8000-000000000000"

Target = Annotated[str, typer.Argument(metavar="ID", help=N_("The address's identifier, as list shows it."))]


def register(app: typer.Typer) -> None:
    """Adds the commands about forwarding."""
    forwarding = group(app, "forwarding", N_("Have word of new messages sent to your own e-mail or phone."))
    add(
        forwarding,
        "list",
        target_list,
        N_("List where messages are forwarded to, and what became of the last copy."),
        examples=("namak forwarding list", "namak forwarding list --mailbox 12345678@e-citizen.am"),
    )
    add(
        forwarding,
        "add",
        target_add,
        N_("Add an e-mail address or a mobile phone; a code is sent to it."),
        N_(
            "A message counts as delivered when it lies in your mailbox, whatever becomes of copies. They "
            "are read by whoever can read what comes to the address. Nothing is sent there before the code "
            "was entered."
        ),
        examples=(
            "namak forwarding add ani@example.am",
            "namak forwarding add ani@example.am --whole --language hy",
            "namak forwarding add +37491123456",
        ),
    )
    add(
        forwarding,
        "verify",
        target_verify,
        N_("Enter the code that was sent; from then on messages are forwarded."),
        examples=(f"namak forwarding verify {_ID} 012345", f"namak forwarding verify {_ID}"),
    )
    add(
        forwarding,
        "code",
        target_code,
        N_("Have another code sent; the one before counts no more."),
        examples=(f"namak forwarding code {_ID}",),
    )
    add(
        forwarding,
        "change",
        target_change,
        N_("Change what an address gets, or in what language; not the address, which is added anew."),
        examples=(
            f"namak forwarding change {_ID} --whole",
            f"namak forwarding change {_ID} --notice --language ru",
        ),
    )
    add(
        forwarding,
        "remove",
        target_remove,
        N_("Forward nothing to an address any more."),
        examples=(f"namak forwarding remove {_ID}",),
    )


async def target_list(run: Run, mailbox: InMailbox = "") -> ExitCode:
    """Lists targets."""
    from namak.cli import forwarding

    return await forwarding.target_list(run, mailbox)


async def target_add(
    run: Run,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help=N_("An e-mail address, or a phone as +37491123456."))
    ],
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help=N_("Send the messages with all their parts, not only word of them; e-mail only.")
        ),
    ] = False,
    language: Annotated[
        str,
        typer.Option("--language", metavar="CODE", help=N_("The language of the texts around, such as hy.")),
    ] = "",
    mailbox: InMailbox = "",
    request_id: RequestId = None,
) -> ExitCode:
    """Adds a target."""
    from namak.cli import forwarding

    asked = forwarding.Asked(address, whole, language, mailbox)
    return await forwarding.target_add(run, asked, request_id)


async def target_verify(
    run: Run,
    target_id: Target,
    code: Annotated[
        str, typer.Argument(metavar="CODE", help=N_("The six digits; asked for if missing."))
    ] = "",
    mailbox: InMailbox = "",
) -> ExitCode:
    """Verifies a target."""
    from namak.cli import forwarding

    return await forwarding.target_verify(run, target_id, code, mailbox)


async def target_code(run: Run, target_id: Target, mailbox: InMailbox = "") -> ExitCode:
    """Has another code sent."""
    from namak.cli import forwarding

    return await forwarding.target_code(run, target_id, mailbox)


async def target_change(
    run: Run,
    target_id: Target,
    whole: Annotated[
        bool | None,
        typer.Option(
            "--whole/--notice",
            help=N_("Send the messages with all their parts (e-mail only), or only word of them."),
        ),
    ] = None,
    language: Annotated[
        str,
        typer.Option("--language", metavar="CODE", help=N_("The language of the texts around, such as hy.")),
    ] = "",
    mailbox: InMailbox = "",
    request_id: RequestId = None,
) -> ExitCode:
    """Changes a target."""
    from namak.cli import forwarding

    return await forwarding.target_change(run, target_id, whole, language, mailbox, request_id)


async def target_remove(
    run: Run, target_id: Target, mailbox: InMailbox = "", request_id: RequestId = None, yes: Yes = False
) -> ExitCode:
    """Removes a target."""
    from namak.cli import forwarding

    return await forwarding.target_remove(run, target_id, mailbox, request_id, yes=yes)
