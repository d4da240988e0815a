"""``namak deliveries`` and ``namak withdraw``: what the organisation sent."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import typer

from namak.cli import shapes, withdrawn
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.client.receipts import SavedReceipt, save_receipt
from namak.errors import NamakError
from namak.v1 import delivery_pb2

_STATES = {
    "consigned": delivery_pb2.DELIVERY_STATE_CONSIGNED,
    "notified": delivery_pb2.DELIVERY_STATE_NOTIFIED,
    "withdrawn": delivery_pb2.DELIVERY_STATE_WITHDRAWN,
}


async def deliveries_list(
    run: Run,
    sender: str,
    recipient: str,
    states: Sequence[str],
    since: datetime | None,
    before: datetime | None,
    request_id: str,
    limit: int,
) -> ExitCode:
    """Lists deliveries."""
    if unknown := [state for state in states if state not in _STATES]:
        raise typer.BadParameter(
            _("must be one of {names}").format(names=", ".join(_STATES)), param_hint=f"--state {unknown[0]}"
        )
    async with run.client() as post:
        found = await first(
            limit,
            post.deliveries.list(
                sender=sender,
                recipient=recipient,
                states=[_STATES[state] for state in states],
                start=since,
                end=before,
                request_id=request_id,
                page_size=min(limit, 200),
            ),
        )
    run.screen.result({"deliveries": [shapes.delivery(item) for item in found]})
    if not found:
        run.screen.line(_("No deliveries."))
        return ExitCode.OK
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
            for item in found
        ],
    )
    return ExitCode.OK


async def deliveries_show(run: Run, delivery_id: str) -> ExitCode:
    """Shows a delivery."""
    async with run.client() as post:
        found = await post.deliveries.get(delivery_id)
    run.screen.result({"delivery": shapes.delivery(found)})
    _show(run, found)
    return ExitCode.OK


async def withdraw(
    run: Run, delivery_id: str, request_id: str | None, output: Path | None, *, yes: bool
) -> ExitCode:
    """Withdraws a delivery, after asking, and saves the receipt if asked to."""
    if not agreed(run, _("Withdraw the delivery {id}?").format(id=delivery_id), yes=yes):
        return ExitCode.REFUSED
    saved: list[SavedReceipt] = []
    late: NamakError | None = None
    async with run.client() as post:
        done = await post.deliveries.withdraw(delivery_id, request_id=named_id(run.screen, request_id))
        if output is not None:
            try:
                receipt = (
                    done.receipt
                    if done.HasField("receipt")
                    else await post.evidence.receipt(done.evidence.evidence_id)
                )
                ids = [fact.evidence_id async for fact in post.evidence.facts(delivery_id)]
                number = ids.index(receipt.evidence_id) + 1 if receipt.evidence_id in ids else 1
                saved.append(save_receipt(receipt, output, number))
            except NamakError as problem:
                late = problem
    withdrawn.show_document(run, done.delivery, done.evidence, saved, late)
    _show(run, done.delivery)
    return withdrawn.show_saved(run, saved, late)


def _show(run: Run, found: delivery_pb2.Delivery) -> None:
    run.screen.fields(
        (
            (N_("Delivery"), found.delivery_id),
            (N_("From"), found.sender),
            (N_("To"), found.recipient),
            (N_("Subject"), found.subject),
            (N_("State"), _(shapes.state_name(found.state))),
            (N_("Sent"), shapes.when(found.submission_time, found.HasField("submission_time"))),
            (N_("Notified"), shapes.when(found.notification_time, found.HasField("notification_time"))),
            (N_("Withdrawn"), shapes.when(found.withdrawal_time, found.HasField("withdrawal_time"))),
            (N_("Policy"), found.notification_policy),
        )
    )
    parts = [shapes.part(number, info) for number, info in enumerate(found.parts, start=1)]
    run.screen.table(
        shapes.PART_COLUMNS,
        [[str(part[key]) for key in ("number", "name", "media_type", "size", "sha256")] for part in parts],
    )
