"""``namak sms`` as a person sees it."""

from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import Limit, RequestId
from namak.cli.texts import N_

Phones = Annotated[
    list[str],
    typer.Option("--to", metavar="PHONE", help=N_("A mobile phone's number, with its +; may be repeated.")),
]


def register(app: typer.Typer) -> None:
    """Adds the commands about short messages."""
    sms = group(app, "sms", N_("Send short messages (SMS) to phones. They notify nobody."))
    add(
        sms,
        "send",
        sms_send,
        N_("Send a short text to phones, alone."),
        N_(
            "Your address must be permitted to send SMS. Each phone is billed by segments: 160 characters, or"
            " 70 where any is outside the GSM alphabet; a longer text takes several. If no answer comes,"
            " repeat the command with the request id that it names: nothing is sent twice."
        ),
        examples=('namak sms send --from notices@src.am --to +37491123456 --text "Ձեզ նամակ կա"',),
    )
    add(
        sms,
        "list",
        sms_list,
        N_("List short messages, newest first, with what became of them."),
        N_(
            "SENT means that the SMS centre has it, DELIVERED that the phone's network reported that the"
            " phone has it."
        ),
        examples=("namak sms list --state failed",),
    )


async def sms_send(
    run: Run,
    sender: Annotated[str, typer.Option("--from", metavar="ADDRESS", help=N_("Your registered address."))],
    to: Phones,
    text: Annotated[str, typer.Option(metavar="TEXT", help=N_("The words."))],
    request_id: RequestId = None,
) -> ExitCode:
    """Sends a short text."""
    from namak.cli import texting

    return await texting.sms_send(run, sender, to, text, request_id)


async def sms_list(
    run: Run,
    delivery: Annotated[
        str, typer.Option("--delivery", metavar="ID", help=N_("Only those that went with this delivery."))
    ] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help=N_("Only in this state: accepted, sent, delivered, failed; may be repeated."),
        ),
    ] = None,
    of_request: Annotated[
        str, typer.Option("--request-id", metavar="ID", help=N_("Only those of this request."))
    ] = "",
    limit: Limit = 50,
) -> ExitCode:
    """Lists short messages."""
    from namak.cli import texting

    return await texting.sms_list(run, delivery, state or [], of_request, limit)
