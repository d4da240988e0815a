"""``namak forwarding``: copies of new messages at addresses of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.asking import agreed, typed
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.texts import N_, _
from namak.v1 import forwarding_pb2 as pb

_CONTENTS = {
    pb.FORWARDED_CONTENT_NOTICE: ("notice", N_("word of them")),
    pb.FORWARDED_CONTENT_WHOLE: ("whole", N_("whole messages")),
}
_OUTCOMES = {
    pb.FORWARDING_OUTCOME_SENT: ("sent", N_("sent")),
    pb.FORWARDING_OUTCOME_FAILED: ("failed", N_("not sent")),
    pb.FORWARDING_OUTCOME_BOUNCED: ("bounced", N_("came back")),
    pb.FORWARDING_OUTCOME_DELIVERED: ("delivered", N_("on the phone")),
}
_MANY = 3
"""From so many failures in a row on the holder is told."""
_UNKNOWN = ("unknown", N_("unknown"))


@dataclass(frozen=True, slots=True)
class Asked:
    """The target that is to be added."""

    address: str
    whole: bool
    language: str
    mailbox: str


async def target_list(run: Run, mailbox: str) -> ExitCode:
    """Lists targets."""
    async with run.client() as post:
        targets = await post.forwarding.targets(mailbox)
    run.screen.result({"targets": [_shape(target) for target in targets]})
    _table(run, targets)
    for target in targets:
        _tell_of_failures(run, target)
    return ExitCode.OK


async def target_add(run: Run, asked: Asked, request_id: str | None) -> ExitCode:
    """Adds a target."""
    is_mail = "@" in asked.address
    async with run.client() as post:
        target = await post.forwarding.add(
            email=asked.address if is_mail else "",
            phone="" if is_mail else asked.address,
            whole=asked.whole,
            language=asked.language,
            mailbox=asked.mailbox,
            request_id=named_id(run.screen, request_id),
        )
    code = _show(run, target)
    if not target.HasField("verify_time"):
        run.screen.note(
            _("A code was sent there. Enter it within half an hour: namak forwarding verify {id}").format(
                id=target.target_id
            )
        )
    return code


async def target_verify(run: Run, target_id: str, code: str, mailbox: str) -> ExitCode:
    """Enters a code, asking for it where it is not given."""
    entered = code or typed(_("The code that was sent: "))
    async with run.client() as post:
        return _show(run, await post.forwarding.verify(target_id, entered.strip(), mailbox=mailbox))


async def target_code(run: Run, target_id: str, mailbox: str) -> ExitCode:
    """Has another code sent."""
    async with run.client() as post:
        await post.forwarding.send_code(target_id, mailbox=mailbox)
    run.screen.result({"target_id": target_id})
    run.screen.note(_("Another code was sent; the one before counts no more."))
    return ExitCode.OK


async def target_change(
    run: Run, target_id: str, whole: bool | None, language: str, mailbox: str, request_id: str | None
) -> ExitCode:
    """Changes a target."""
    if whole is None and not language:
        raise typer.BadParameter(_("is needed, or --language"), param_hint="--whole, --notice")
    async with run.client() as post:
        name = named_id(run.screen, request_id)
        changed = await post.forwarding.change(
            target_id, whole=whole, language=language, mailbox=mailbox, request_id=name
        )
    return _show(run, changed)


async def target_remove(
    run: Run, target_id: str, mailbox: str, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Removes a target, after asking."""
    if not agreed(run, _("Forward nothing to {id} any more?").format(id=target_id), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        name = named_id(run.screen, request_id)
        await post.forwarding.remove(target_id, mailbox=mailbox, request_id=name)
    run.screen.result({"target_id": target_id})
    run.screen.note(_("Nothing is forwarded there any more."))
    return ExitCode.OK


def _show(run: Run, target: pb.ForwardingTarget) -> ExitCode:
    run.screen.result({"target": _shape(target)})
    _table(run, [target])
    return ExitCode.OK


def _table(run: Run, targets: Sequence[pb.ForwardingTarget]) -> None:
    run.screen.table(
        (N_("ADDRESS"), N_("GETS"), N_("LANGUAGE"), N_("VERIFIED"), N_("LAST COPY"), N_("ID")),
        [
            (
                target.email or target.phone,
                _(_CONTENTS.get(target.content, _UNKNOWN)[1]),
                target.language,
                shapes.when(target.verify_time, target.HasField("verify_time")),
                _last(target),
                target.target_id,
            )
            for target in targets
        ],
    )


def _tell_of_failures(run: Run, target: pb.ForwardingTarget) -> None:
    address, last = target.email or target.phone, target.last_result
    if last.diagnostic:
        run.screen.note(
            _("What the mail server of {address} says: {words}").format(
                address=address, words=last.diagnostic
            )
        )
    if last.failures_in_a_row >= _MANY:
        told = _("Copies to {address} keep failing. If it is not your address any more, remove it: {command}")
        command = f"namak forwarding remove {target.target_id}"
        run.screen.note(told.format(address=address, command=command))


def _last(target: pb.ForwardingTarget) -> str:
    if not target.HasField("last_result"):
        return ""
    result = target.last_result
    words = [_(_OUTCOMES.get(result.outcome, _UNKNOWN)[1]), result.reason, shapes.when(result.result_time)]
    return " ".join(word for word in words if word)


def _shape(target: pb.ForwardingTarget) -> dict[str, object]:
    last = target.last_result
    return {
        "target_id": target.target_id,
        "email": target.email or None,
        "phone": target.phone or None,
        "content": _CONTENTS.get(target.content, _UNKNOWN)[0],
        "language": target.language,
        "add_time": shapes.time_of(target.add_time),
        "verify_time": shapes.time_of(target.verify_time, target.HasField("verify_time")),
        "last_result": {
            "outcome": _OUTCOMES.get(last.outcome, _UNKNOWN)[0],
            "result_time": shapes.time_of(last.result_time),
            "reason": last.reason or None,
            "diagnostic": last.diagnostic or None,
            "failures_in_a_row": last.failures_in_a_row,
        }
        if target.HasField("last_result")
        else None,
    }
