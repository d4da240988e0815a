"""``namak confirm``: the holder signs that they have read the letter."""

import asyncio
import sys
from pathlib import Path

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.asking import ask
from namak.cli.codes import ExitCode
from namak.cli.keeping import kept
from namak.cli.screen import Screen, error_document
from namak.cli.texts import _, language
from namak.client.card import Card, read_pin
from namak.client.confirmation import check_statement, sign_statement
from namak.client.receipts import SavedReceipt, save_receipts
from namak.config import Signing
from namak.errors import CardError, ConfigurationError, NamakError
from namak.evidence.statement import TRANSLATIONS


async def confirm(run: Run, delivery_id: str, output: Path, *, yes: bool, force: bool) -> ExitCode:
    """Confirms a reading."""
    if run.options.as_json and not yes:
        raise typer.BadParameter(_("with --json nobody can be asked; add --yes"), param_hint="--json")
    signing = run.connection().signing
    if signing is None:
        raise ConfigurationError(
            _("the configuration"), [_("[signing] is missing; it says where your signing key is")]
        )
    saved: list[SavedReceipt] = []
    late: NamakError | None = None
    async with run.client() as post:
        issued = await post.mailbox.issue_statement(delivery_id)
        opened = await post.mailbox.open(delivery_id)  # opened before, or no statement would have been issued
        check_statement(issued, opened)
        _show_statement(run.screen, issued.statement, opened.message.subject)
        if not yes and not ask(run, _("Sign this statement?"), otherwise=_("Nothing was signed.")):
            return ExitCode.REFUSED
        signature = await asyncio.to_thread(_sign, issued.statement, signing)
        confirmed = await post.mailbox.confirm(delivery_id, issued.statement_id, signature)
        run.screen.note(_("Confirmed; waiting for the receipts."))
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
    state = _(shapes.state_name(confirmed.message.state))
    run.screen.line(_("Confirmed. The delivery is {state}.").format(state=state))
    run.screen.lines(f"{item.path}{kept(item)}" for item in saved)
    return ExitCode.OK if late is None else run.screen.trouble(late)


def _show_statement(screen: Screen, statement: bytes, subject: str) -> None:
    screen.note(
        _("You are about to sign this statement about the letter {subject}:").format(subject=repr(subject))
    )
    screen.shown_in_full(statement.decode("utf-8"))
    if language() != "hy":  # the Armenian is authoritative and stands above
        screen.note(_("In English: {text}.").format(text=TRANSLATIONS[language()]))


def _sign(statement: bytes, signing: Signing) -> bytes:
    pin = read_pin(signing) or _ask_pin(signing)
    with Card(signing, pin) as card:
        return sign_statement(statement, signing, card)


def _ask_pin(signing: Signing) -> str:
    if not sys.stdin.isatty():
        raise CardError(
            _("nobody can be asked for the PIN of {token}; set [signing] pin_file").format(
                token=repr(signing.token)
            )
        )
    pin: str = typer.prompt(_("PIN of {token}").format(token=signing.token), hide_input=True, err=True)
    return pin
