"""``namak confirm``: the holder signs that they have read the letter."""

import asyncio
import sys
from pathlib import Path

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.screen import Screen, error_document
from namak.client.card import Card, read_pin
from namak.client.confirmation import check_statement, sign_statement
from namak.client.receipts import SavedReceipt, save_receipts
from namak.config import Signing
from namak.errors import CardError, ConfigurationError, NamakError
from namak.evidence.statement import TRANSLATIONS


async def confirm(run: Run, delivery_id: str, output: Path, *, yes: bool, force: bool) -> ExitCode:
    """Confirms a reading."""
    if run.options.as_json and not yes:
        raise typer.BadParameter("with --json nobody can be asked; add --yes", param_hint="--json")
    signing = run.connection().signing
    if signing is None:
        raise ConfigurationError(
            "the configuration", ["[signing] is missing; it says where your signing key is"]
        )
    saved: list[SavedReceipt] = []
    late: NamakError | None = None
    async with run.client() as post:
        issued = await post.mailbox.issue_statement(delivery_id)
        opened = await post.mailbox.open(delivery_id)  # opened before, or no statement would have been issued
        check_statement(issued, opened)
        _show_statement(run.screen, issued.statement, opened.message.subject)
        if not yes and not typer.confirm("Sign this statement?", err=True):
            run.screen.note("Nothing was signed.")
            return ExitCode.REFUSED
        signature = await asyncio.to_thread(_sign, issued.statement, signing)
        confirmed = await post.mailbox.confirm(delivery_id, issued.statement_id, signature)
        run.screen.note("Confirmed; waiting for the receipts.")
        try:
            async for item in save_receipts(post.evidence, delivery_id, output, force=force):
                saved.append(item)
        except NamakError as problem:
            late = problem
    run.screen.result(
        {
            "message": shapes.message(confirmed.message),
            "evidence": [shapes.evidence(fact) for fact in confirmed.evidence],
            "receipts": [shapes.saved(item) for item in saved],
            "receipt_problem": None if late is None else error_document(late),
        }
    )
    run.screen.line(f"Confirmed. The delivery is {shapes.state_name(confirmed.message.state)}.")
    run.screen.lines(f"{item.path}{' (kept)' if item.kept else ''}" for item in saved)
    return ExitCode.OK if late is None else run.screen.trouble(late)


def _show_statement(screen: Screen, statement: bytes, subject: str) -> None:
    screen.note(f"You are about to sign this statement about the letter {subject!r}:")
    screen.shown_in_full(statement.decode("utf-8"))
    screen.note(f"In English: {TRANSLATIONS['en']}.")


def _sign(statement: bytes, signing: Signing) -> bytes:
    pin = read_pin(signing) or _ask_pin(signing)
    with Card(signing, pin) as card:
        return sign_statement(statement, signing, card)


def _ask_pin(signing: Signing) -> str:
    if not sys.stdin.isatty():
        raise CardError(f"nobody can be asked for the PIN of {signing.token!r}; set [signing] pin_file")
    pin: str = typer.prompt(f"PIN of {signing.token}", hide_input=True, err=True)
    return pin
