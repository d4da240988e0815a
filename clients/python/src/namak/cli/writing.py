"""``namak write``, ``namak reply`` and ``namak letters``: what a person writes to state bodies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import typer

from namak.cli import shapes, withdrawn
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.screen import error_document
from namak.cli.texts import N_, _
from namak.client import Client, read_part
from namak.client.letters import check_parts
from namak.client.paging import first
from namak.client.receipts import SavedReceipt, save_receipt
from namak.errors import NamakError
from namak.v1 import delivery_pb2, evidence_pb2


async def write(
    run: Run,
    files: Sequence[Path],
    subject: str,
    *,
    recipient: str = "",
    in_reply_to: str = "",
    print_and_post: bool = False,
    request_id: str | None,
    output: Path | None,
) -> ExitCode:
    """Writes a letter, or a reply, and saves the receipts if asked to."""
    if not files:
        raise typer.BadParameter(_("is needed"), param_hint="FILE")
    parts = [read_part(path) for path in files]
    check_parts(parts)
    async with run.client() as post:
        name = named_id(run.screen, request_id)
        with run.screen.progress(_("Sending")):
            accepted = await post.letters.send(
                subject=subject,
                parts=parts,
                recipient=recipient,
                in_reply_to=in_reply_to,
                print_and_post=print_and_post,
                request_id=name,
                max_receipt_wait=None if output else timedelta(0),
            )
        saved, late = await save_receipts(post, accepted.evidence, accepted.receipts, output)
    run.screen.result(
        {
            "request_id": name,
            "delivery": shapes.delivery(accepted.delivery),
            "evidence": [shapes.evidence(fact) for fact in accepted.evidence],
            "receipts": [shapes.saved(item) for item in saved],
            "receipt_problem": None if late is None else error_document(late),
        }
    )
    _table(run, [accepted.delivery])
    run.screen.lines(str(item.path) for item in saved)
    return ExitCode.OK if late is None else run.screen.trouble(late)


async def letters_list(run: Run, since: datetime | None, before: datetime | None, limit: int) -> ExitCode:
    """Lists the own letters."""
    async with run.client() as post:
        found = await first(limit, post.letters.list(start=since, end=before, page_size=min(limit, 200)))
    run.screen.result({"letters": [shapes.delivery(item) for item in found]})
    if found:
        _table(run, found)
    else:
        run.screen.line(_("No letters."))
    return ExitCode.OK


async def letters_withdraw(
    run: Run, delivery_id: str, request_id: str | None, output: Path | None, *, yes: bool
) -> ExitCode:
    """Withdraws an own letter, after asking, and saves the receipt if asked to."""
    if not agreed(run, _("Withdraw the letter {id}?").format(id=delivery_id), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        done = await post.letters.withdraw(delivery_id, request_id=named_id(run.screen, request_id))
        receipts = [done.receipt] if done.HasField("receipt") else []
        # The third fact of a letter that nobody opened: it was accepted, and laid into the mailbox.
        saved, late = await save_receipts(post, [done.evidence], receipts, output, start=3)
    withdrawn.show_document(run, done.letter, done.evidence, saved, late)
    _table(run, [done.letter])
    return withdrawn.show_saved(run, saved, late)


async def save_receipts(
    post: Client,
    facts: Sequence[evidence_pb2.Evidence],
    receipts: Sequence[evidence_pb2.Receipt],
    directory: Path | None,
    *,
    start: int = 1,
) -> tuple[Sequence[SavedReceipt], NamakError | None]:
    """Saves what can be saved, numbered from ``start``. What fails by then is told, never raised: the
    rest has been recorded.
    """
    saved: list[SavedReceipt] = []
    if directory is None:
        return saved, None
    known = {receipt.evidence_id: receipt for receipt in receipts}
    try:
        for number, fact in enumerate(facts, start):
            found = known.get(fact.evidence_id) or await post.evidence.receipt(fact.evidence_id)
            saved.append(save_receipt(found, directory, number))
    except NamakError as problem:
        return saved, problem
    return saved, None


def _table(run: Run, letters: Sequence[delivery_pb2.Delivery]) -> None:
    run.screen.table(
        (N_("ID"), N_("RECIPIENT"), N_("SUBJECT"), N_("SENT"), N_("STATE")),
        [
            (
                item.delivery_id,
                item.recipient,
                item.subject,
                shapes.when(item.submission_time),
                _(shapes.state_name(item.state)),
            )
            for item in letters
        ],
    )
