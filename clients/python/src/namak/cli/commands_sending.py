"""The sender's commands as a person sees them."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import (
    ActingAs,
    Before,
    DeliveryId,
    FirstDay,
    Force,
    LastDay,
    Limit,
    Org,
    RequestId,
    Since,
    Yes,
)
from namak.cli.texts import N_

_ID = "0192f0c3-0000-7000-8000-000000000000"


Parts = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help=N_("The letter's parts, in order."))]
Attached = Annotated[
    list[Path] | None,
    typer.Option("--attach", metavar="FILE", help=N_("A part of the letter; may be repeated.")),
]
Recipients = Annotated[
    list[str] | None, typer.Option("--to", metavar="ADDRESS", help=N_("The recipient's; may be repeated."))
]
RecipientList = Annotated[
    Path | None, typer.Option("--to-file", metavar="LIST", help=N_("A list of recipients, CSV in UTF-8."))
]
LetterRequestId = Annotated[
    str | None,
    typer.Option(
        "--request-id",
        metavar="ID",
        help=N_("To repeat safely, at most 51 characters; made up if missing."),
    ),
]
SmsWords = Annotated[
    str | None,
    typer.Option("--sms", metavar="TEXT", help=N_("A short message that goes with it, to --sms-to.")),
]
SmsPhones = Annotated[
    list[str] | None,
    typer.Option("--sms-to", metavar="PHONE", help=N_("With --sms: a mobile phone; may be repeated.")),
]
Results = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help=N_("With a list: what became of each line, JSON lines; LIST.results.jsonl if missing."),
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help=N_("With a list: check it all, and send nothing."))]
Resolve = Annotated[
    bool, typer.Option("--resolve", help=N_("With --dry-run: ask the post for each mailbox too."))
]
Strict = Annotated[bool, typer.Option("--strict", help=N_("With a list: send nothing if any line is wrong."))]
InFlight = Annotated[
    int,
    typer.Option(
        "--in-flight", min=1, max=32, metavar="NUMBER", help=N_("With a list: how many batches at once.")
    ),
]
BatchSize = Annotated[
    int,
    typer.Option(
        "--batch",
        min=1,
        max=500,
        metavar="NUMBER",
        help=N_("With a list: how many letters in a batch at most."),
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the sender's commands."""
    _add_send(app)
    _add_deliveries(app)
    _add_following(app)


def _add_send(app: typer.Typer) -> None:
    add(
        app,
        "send",
        send,
        N_("Send FILES as one letter to each recipient."),
        N_(
            "The letter lies in the recipient's mailbox when this says so. If no answer comes, repeat the "
            "command with the request id that it names: nothing is sent twice, also when other recipients "
            "are named beside. From that id each recipient gets an own one, ID:MARK, which evidence shows; "
            "that one is not for repeating."
        ),
        N_(
            "A letter has 1 to 20 files, none empty, together at most 3 MiB, and a subject of at most 250 "
            "characters."
        ),
        N_(
            "With --to-file the recipients come from a list, CSV in UTF-8 with the columns recipient, and "
            "as you like subject, attachments (paths, with | between) and request_id. What became of each "
            "line is written to a results file as it comes; run the same command again after any "
            "interruption, and it goes on where it stopped, sending nothing twice. Wrong lines are told by "
            "number and stop no other. Ends with 0 only if every line was accepted."
        ),
        examples=(
            'namak send --from notices@src.am --to 5001950015@e-citizen.am --subject "Ծանուցում" letter.pdf',
            (
                "namak send --from notices@src.am --to 5001950015@e-citizen.am --subject Tax letter.pdf "
                '--sms "Ձեզ նամակ կա" --sms-to +37491123456'
            ),
            'namak send --from notices@src.am --to-file list.csv --subject "Ծանուցում" --attach letter.pdf',
            'namak send --from notices@src.am --to-file list.csv --subject "Ծանուցում" letter.pdf --dry-run',
        ),
    )


def _add_deliveries(app: typer.Typer) -> None:
    deliveries = group(app, "deliveries", N_("Look at what your organisation sent."))
    add(
        deliveries,
        "list",
        deliveries_list,
        N_("List deliveries, newest first; all filters that are given must hold."),
        examples=("namak deliveries list --state consigned --since 2026-03-01 --limit 0",),
    )
    add(
        deliveries,
        "show",
        deliveries_show,
        N_("Show one delivery: how far it has come, and its parts."),
        examples=(f"namak deliveries show {_ID}",),
    )
    add(
        app,
        "withdraw",
        withdraw,
        N_("Withdraw a delivery that the recipient has not opened yet."),
        N_(
            "It can't be opened any more. That it was sent and withdrawn stays evidence, for the recipient "
            "too, and it stays counted in the bill."
        ),
        examples=(f"namak withdraw {_ID} -o receipts",),
    )


def _add_following(app: typer.Typer) -> None:
    add(
        app,
        "usage",
        usage,
        N_("Show how many messages were sent between two days, both included: one for each recipient."),
        N_("Withdrawn ones stay counted, and are shown apart."),
        examples=(
            "namak usage --from 2026-03-01 --to 2026-03-31 --per-day",
            "namak usage --from 2026-03-01 --to 2026-03-31 --address notices@src.am -o march.csv",
        ),
    )
    add(
        app,
        "watch",
        watch,
        N_("Follow what happens to your deliveries, or in your mailbox, as the log publishes it."),
        N_(
            "Begins now, or with --cursor-file where it stopped; the file is brought up to date once a fact"
            " was shown and saved, so every fact comes at least once. Goes on until it is interrupted. With"
            " --json each fact is one line of JSON."
        ),
        examples=(
            "namak watch --cursor-file watch.json -o receipts",
            "namak watch --mailbox --from-start --json",
        ),
    )


async def send(
    run: Run,
    sender: Annotated[str, typer.Option("--from", metavar="ADDRESS", help=N_("Your registered address."))],
    files: Parts = None,
    to: Recipients = None,
    to_file: RecipientList = None,
    subject: Annotated[
        str | None, typer.Option(metavar="TEXT", help=N_("Shown before the letter is opened."))
    ] = None,
    attach: Attached = None,
    request_id: LetterRequestId = None,
    receipt: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help=N_("Save the receipts here."))
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help=N_("Do not wait for receipts."))] = False,
    policy: Annotated[
        str,
        typer.Option(
            metavar="POLICY", help=N_("The notification policy; the contract's usual one if missing.")
        ),
    ] = "",
    sms: SmsWords = None,
    sms_to: SmsPhones = None,
    results: Results = None,
    dry_run: DryRun = False,
    resolve: Resolve = False,
    strict: Strict = False,
    in_flight: InFlight = 4,
    batch: BatchSize = 100,
) -> ExitCode:
    """Sends a letter."""
    from namak.cli import sending

    parts = [*(files or ()), *(attach or ())]
    if to_file is None:
        return await sending.send(
            run,
            parts,
            sender,
            to or [],
            subject,
            request_id=request_id,
            receipt=receipt,
            no_wait=no_wait,
            policy=policy,
            sms=sms,
            sms_to=sms_to or [],
        )
    from namak.cli import bulk

    if sms is not None or sms_to:
        raise bulk.no_sms()
    if to or receipt is not None or no_wait:
        raise bulk.contradiction(to=bool(to), receipt=receipt is not None)
    plan = bulk.Plan(
        sender=sender,
        files=parts,
        subject=subject,
        source=to_file,
        results=results or to_file.with_name(f"{to_file.name}.results.jsonl"),
        request_id=request_id,
        strict=strict,
        in_flight=in_flight,
        batch=batch,
        policy=policy,
    )
    if dry_run:
        return await bulk.check(run, plan, resolve=resolve)
    return await bulk.send(run, plan)


async def deliveries_list(
    run: Run,
    sender: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help=N_("Only those sent from this address."))
    ] = "",
    recipient: Annotated[
        str, typer.Option("--to", metavar="ADDRESS", help=N_("Only those to this recipient."))
    ] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            autocompletion=lambda: ["consigned", "notified", "withdrawn"],
            help=N_("Only those in this state: consigned, notified or withdrawn; may be repeated."),
        ),
    ] = None,
    since: Since = None,
    before: Before = None,
    request_id: Annotated[
        str, typer.Option(metavar="ID", help=N_("Only the one that this submission brought about."))
    ] = "",
    limit: Limit = 50,
) -> ExitCode:
    """Lists deliveries."""
    from namak.cli import delivered

    return await delivered.deliveries_list(
        run, sender, recipient, state or [], since, before, request_id, limit
    )


async def deliveries_show(run: Run, delivery_id: DeliveryId) -> ExitCode:
    """Shows a delivery."""
    from namak.cli import delivered

    return await delivered.deliveries_show(run, delivery_id)


async def withdraw(
    run: Run,
    delivery_id: DeliveryId,
    request_id: RequestId = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help=N_("Save the receipt here."))
    ] = None,
    yes: Yes = False,
) -> ExitCode:
    """Withdraws a delivery."""
    from namak.cli import delivered

    return await delivered.withdraw(run, delivery_id, request_id, output, yes=yes)


async def usage(
    run: Run,
    first: FirstDay,
    last: LastDay,
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help=N_("Only what was sent from this address."))
    ] = "",
    per_day: Annotated[bool, typer.Option("--per-day", help=N_("Show each day too."))] = False,
    csv: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help=N_("Write the days and the total as CSV.")),
    ] = None,
    org: Org = None,
    acting_as: ActingAs = None,
    force: Force = False,
) -> ExitCode:
    """Shows usage."""
    from namak.cli import used

    return await used.usage(run, first, last, address, csv, org, acting_as, per_day=per_day, force=force)


async def watch(
    run: Run,
    mailbox: Annotated[
        bool, typer.Option("--mailbox", help=N_("Your own mailbox instead of what you sent."))
    ] = False,
    cursor_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Where to keep how far you have come."))
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help=N_("Begin at the log's beginning, not now."))
    ] = False,
    with_receipts: Annotated[
        bool, typer.Option("--with-receipts", help=N_("Have the receipts come along."))
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help=N_("Save the receipts here; they come along then.")
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help=N_("End after so many facts; 0 goes on for ever."))
    ] = 0,
) -> ExitCode:
    """Follows facts."""
    from namak.cli import watching

    return await watching.watch(
        run,
        mailbox=mailbox,
        cursor_file=cursor_file,
        from_start=from_start,
        with_receipts=with_receipts or save is not None,
        save=save,
        limit=limit,
    )
