"""``namak send``: one letter to one or many recipients."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode, exit_code_of
from namak.cli.request_ids import request_ids
from namak.cli.screen import Screen, error_document
from namak.cli.texts import N_, _
from namak.client import Client, Outcome, compose, read_part
from namak.client.letters import check_parts, new_request_id
from namak.client.receipts import SavedReceipt, save_receipt
from namak.client.sms import sms_text
from namak.errors import FileProblem, NamakError, Unavailable
from namak.v1 import delivery_pb2, sms_pb2


async def send(
    run: Run,
    files: Sequence[Path],
    sender: str,
    to: Sequence[str],
    subject: str | None,
    *,
    request_id: str | None,
    receipt: Path | None,
    no_wait: bool,
    policy: str,
    sms: str | None,
    sms_to: Sequence[str],
) -> ExitCode:
    """Sends, shows an outcome for each recipient, and saves the receipts if asked to."""
    for option, given in (("--to", to), ("--subject", subject), ("FILE", files)):
        if not given and given != "":
            raise typer.BadParameter(_("is needed"), param_hint=option)
    subject = subject or ""
    for option, addresses in (("--from", [sender]), ("--to", to)):
        if any(address != address.strip() for address in addresses):
            raise typer.BadParameter(_("an address begins or ends with a space"), param_hint=option)
    base = new_request_id() if request_id is None else request_id
    ids = request_ids(base, to)
    if no_wait and receipt is not None:
        raise typer.BadParameter(
            _("receipts can't be saved without waiting for them"), param_hint="--no-wait"
        )
    text = _sms(sms, sms_to, to)
    parts = [read_part(path) for path in files]
    check_parts(parts)
    letters = [
        compose(
            sender=sender,
            recipient=recipient,
            subject=subject,
            parts=parts,
            request_id=ids[recipient],
            notification_policy=policy,
            sms=text,
        )
        for recipient in to
    ]
    async with run.client() as post:
        run.screen.note(_("request id {id}").format(id=base))
        outcomes = await _submit(post, letters, run.screen, timedelta(0) if no_wait else None)
        saved, late = await _save(post, outcomes, receipt, run.screen)
    code = _exit_code(outcomes, late)
    _show(run.screen, base, letters, outcomes, saved, late, code)
    return code


def _sms(words: str | None, phones: Sequence[str], to: Sequence[str]) -> sms_pb2.SmsText | None:
    if words is None and not phones:
        return None
    if words is None or not phones:
        missing = "--sms" if words is None else "--sms-to"
        raise typer.BadParameter(_("is needed"), param_hint=missing)
    if len(to) > 1:
        raise typer.BadParameter(_("goes with a letter to one recipient"), param_hint="--sms")
    return sms_text(words, phones)


async def _submit(
    post: Client, letters: Sequence[delivery_pb2.Submission], screen: Screen, wait: timedelta | None
) -> Sequence[Outcome]:
    if len(letters) == 1:
        with screen.progress(_("Sending")):
            try:
                accepted = await post.deliveries.submit(letters[0], max_receipt_wait=wait)
            except NamakError as problem:
                return [Outcome(letters[0].request_id, error=problem)]
            return [Outcome(letters[0].request_id, accepted=accepted)]
    with screen.progress(_("Sending"), len(letters)) as steps:
        return await post.deliveries.submit_many(letters, max_receipt_wait=wait, progress=steps.reached)


async def _save(
    post: Client, outcomes: Sequence[Outcome], directory: Path | None, screen: Screen
) -> tuple[Mapping[str, Sequence[SavedReceipt]], Sequence[NamakError]]:
    """Saves what can be saved. What fails by then is told, never raised: the letters have been sent."""
    saved: dict[str, list[SavedReceipt]] = {}
    late: list[NamakError] = []
    if directory is None:
        return saved, late
    wanted = [(outcome, number, item) for outcome in outcomes for number, item in _evidence_of(outcome)]
    with screen.progress(_("Saving receipts"), len(wanted)) as steps:
        for done, (outcome, number, evidence_id) in enumerate(wanted, start=1):
            known = {r.evidence_id: r for r in outcome.accepted.receipts} if outcome.accepted else {}
            try:
                found = known.get(evidence_id) or await post.evidence.receipt(evidence_id)
                saved.setdefault(outcome.request_id, []).append(save_receipt(found, directory, number))
            except NamakError as problem:
                late.append(problem)
            steps.reached(done, len(wanted))
    return saved, late


def _evidence_of(outcome: Outcome) -> Sequence[tuple[int, str]]:
    if outcome.accepted is not None:
        return [(number, fact.evidence_id) for number, fact in enumerate(outcome.accepted.evidence, start=1)]
    if outcome.error is not None and outcome.error.evidence_id is not None:
        return [(1, outcome.error.evidence_id)]
    return []


def _exit_code(outcomes: Sequence[Outcome], late: Sequence[NamakError]) -> ExitCode:
    """Returns what matters most: what must be repeated before what was refused before what is only late."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    codes = [exit_code_of(error) for error in errors]
    order = (ExitCode.UNAVAILABLE, ExitCode.FAULT, ExitCode.REFUSED)
    for code in (*order, *codes):
        if code in codes:
            return code
    for kind in (FileProblem, Unavailable, NamakError):
        for problem in late:
            if isinstance(problem, kind):
                return exit_code_of(problem)
    return ExitCode.OK


def _show(
    screen: Screen,
    base: str,
    letters: Sequence[delivery_pb2.Submission],
    outcomes: Sequence[Outcome],
    saved: Mapping[str, Sequence[SavedReceipt]],
    late: Sequence[NamakError],
    code: ExitCode,
) -> None:
    screen.result(
        {
            "request_id": base,
            "results": [
                _document(letter, outcome, saved.get(outcome.request_id, ()))
                for letter, outcome in zip(letters, outcomes, strict=True)
            ],
            "receipt_problems": [error_document(problem) for problem in late],
            "exit_code": int(code),
        }
    )
    if screen.as_json:
        return
    accepted = [outcome.accepted.delivery for outcome in outcomes if outcome.accepted is not None]
    if accepted:
        screen.table(
            (N_("RECIPIENT"), N_("DELIVERY"), N_("STATE")),
            [(item.recipient, item.delivery_id, _(shapes.state_name(item.state))) for item in accepted],
        )
    for receipts in saved.values():
        screen.lines(str(item.path) for item in receipts)
    for letter, outcome in zip(letters, outcomes, strict=True):
        if outcome.error is not None:
            screen.note(_("{recipient} (request id {id}):").format(recipient=letter.recipient, id=base))
            screen.trouble(outcome.error)
    for problem in late:
        screen.trouble(problem)


def _document(
    letter: delivery_pb2.Submission, outcome: Outcome, saved: Sequence[SavedReceipt]
) -> Mapping[str, object]:
    document: dict[str, object] = {
        "recipient": letter.recipient,
        "recipient_request_id": outcome.request_id,
    }
    if outcome.accepted is not None:
        document["status"] = "accepted"
        document["delivery"] = shapes.delivery(outcome.accepted.delivery)
        document["evidence"] = [shapes.evidence(fact) for fact in outcome.accepted.evidence]
    elif outcome.error is not None:
        unknown = exit_code_of(outcome.error) in (ExitCode.UNAVAILABLE, ExitCode.FAULT)
        document["status"] = "unknown" if unknown else "refused"
        document["error"] = error_document(outcome.error)
    document["receipts"] = [shapes.saved(item) for item in saved]
    return document
