"""``namak confirm``: the holder signs that they have read the letter."""

import asyncio
from pathlib import Path

import typer

from namak.cards.card import Card, place_of
from namak.cards.contents import look_up_token
from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.asking import ask
from namak.cli.codes import ExitCode
from namak.cli.confirming_by_phone import confirmed_by_phone
from namak.cli.keeping import kept
from namak.cli.pins import pin_for
from namak.cli.screen import Screen, error_document
from namak.cli.texts import _, language
from namak.client.confirmation import check_statement, sign_statement
from namak.client.receipts import SavedReceipt, save_receipts
from namak.config import Signing
from namak.errors import ConfigurationError, NamakError
from namak.evidence.statement import TRANSLATIONS, Statement
from namak.v1 import mailbox_pb2


async def confirm(
    run: Run,
    delivery_id: str,
    output: Path,
    mailbox: str = "",
    *,
    phone: str | None,
    yes: bool,
    force: bool,
) -> ExitCode:
    """Confirms a reading, with the card or the phone of this number."""
    if phone is not None and mailbox:
        raise typer.BadParameter(_("not with --phone"), param_hint="--mailbox")
    if run.options.as_json and not yes:
        raise typer.BadParameter(_("with --json nobody can be asked; add --yes"), param_hint="--json")
    signing = run.connection().signing
    if signing is None and phone is None:
        raise ConfigurationError(
            _("the configuration"), [_("[signing] is missing; it says where your signing key is")]
        )
    saved: list[SavedReceipt] = []
    late: NamakError | None = None
    async with run.client() as post:
        calls = post.mailbox.of(mailbox)
        issued = await calls.issue_statement(delivery_id)
        opened = await calls.open(delivery_id)  # opened before, or no statement would have been issued
        statement = check_statement(issued, opened)
        _show_statement(run.screen, statement, issued.statement, opened.message.subject)
        if not yes and not ask(run, _("Sign this statement?"), otherwise=_("Nothing was signed.")):
            return ExitCode.REFUSED
        confirmed: mailbox_pb2.ConfirmReadingResponse | mailbox_pb2.ReadingConfirmedByPhone
        if phone is not None:
            confirmed = await confirmed_by_phone(run, calls, delivery_id, issued, phone)
        else:
            assert signing is not None
            place = place_of(signing)
            token = await asyncio.to_thread(look_up_token, place)
            pin = pin_for(run.screen, token, signing.pin_file)
            signature = await asyncio.to_thread(_sign, issued.statement, signing, pin, token.at_final_try)
            confirmed = await calls.confirm(delivery_id, issued.statement_id, signature)
        run.screen.note(_("Confirmed; waiting for the receipts."))
        try:
            async for item in save_receipts(post.evidence.of(mailbox), delivery_id, output, force=force):
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


def _show_statement(screen: Screen, statement: Statement, signed: bytes, subject: str) -> None:
    screen.note(
        _("You are about to sign this statement about the letter {subject}:").format(subject=repr(subject))
    )
    screen.shown_in_full(signed.decode("utf-8"))
    if language() != statement.language:  # what is signed is authoritative and stands above
        screen.note(_("In English: {text}.").format(text=TRANSLATIONS[language()]))


def _sign(statement: bytes, signing: Signing, pin: str | None, final_try: bool) -> bytes:
    with Card(signing, pin, final_try=final_try) as card:
        return sign_statement(statement, signing, card)
