"""``namak sms``: senders' short messages."""

from collections.abc import Sequence

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.shapes import Shape
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.client.sms import sms_text
from namak.v1 import sms_pb2

_STATES = {
    "accepted": sms_pb2.SMS_STATE_ACCEPTED,
    "sent": sms_pb2.SMS_STATE_SENT,
    "delivered": sms_pb2.SMS_STATE_DELIVERED,
    "failed": sms_pb2.SMS_STATE_FAILED,
}
_WORDS = (N_("ACCEPTED"), N_("SENT"), N_("DELIVERED"), N_("FAILED"))
"""The states of a short message, for the catalogue; programs get these words as they are."""


async def sms_send(run: Run, sender: str, to: Sequence[str], text: str, request_id: str | None) -> ExitCode:
    """Sends a short text to phones, and shows what was accepted."""
    async with run.client() as post:
        name = named_id(run.screen, request_id)
        found = await post.sms.send(sender=sender, sms=sms_text(text, to), request_id=name)
    run.screen.result({"request_id": name, "messages": [_shape(each) for each in found]})
    _show(run, found)
    return ExitCode.OK


async def sms_list(run: Run, delivery: str, states: Sequence[str], request_id: str, limit: int) -> ExitCode:
    """Lists short messages."""
    if unknown := [state for state in states if state not in _STATES]:
        raise typer.BadParameter(
            _("must be one of {names}").format(names=", ".join(_STATES)), param_hint=f"--state {unknown[0]}"
        )
    async with run.client() as post:
        found = await first(
            limit,
            post.sms.list(
                request_id=request_id,
                delivery_id=delivery,
                states=[_STATES[state] for state in states],
                page_size=min(limit, 200),
            ),
        )
    run.screen.result({"messages": [_shape(each) for each in found]})
    if not found:
        run.screen.line(_("No short messages."))
        return ExitCode.OK
    _show(run, found)
    return ExitCode.OK


def _show(run: Run, found: Sequence[sms_pb2.Sms]) -> None:
    run.screen.table(
        (N_("PHONE"), N_("STATE"), N_("SINCE"), N_("WHY"), N_("SMS SEGMENTS"), N_("REQUEST ID")),
        [
            (
                each.phone,
                _(_state(each)),
                shapes.when(each.result_time if each.HasField("result_time") else each.submission_time),
                each.reason,
                str(each.segments),
                each.request_id,
            )
            for each in found
        ],
    )


def _state(sms: sms_pb2.Sms) -> str:
    if sms.state not in sms_pb2.SmsState.values():
        return str(int(sms.state))
    return sms_pb2.SmsState.Name(sms.state).removeprefix("SMS_STATE_")


def _shape(sms: sms_pb2.Sms) -> Shape:
    return {
        "sms_id": sms.sms_id,
        "request_id": sms.request_id,
        "sender": sms.sender,
        "phone": sms.phone,
        "delivery_id": sms.delivery_id or None,
        "segments": sms.segments,
        "state": _state(sms),
        "reason": sms.reason or None,
        "submission_time": shapes.time_of(sms.submission_time, sms.HasField("submission_time")),
        "result_time": shapes.time_of(sms.result_time, sms.HasField("result_time")),
        "evidence_ids": list(sms.evidence_ids),
    }
