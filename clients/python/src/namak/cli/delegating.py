"""``namak delegate``: rights in a mailbox that are given to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.v1 import delegation_pb2

_RIGHTS = {
    delegation_pb2.DELEGATED_RIGHT_READ: N_("read"),
    delegation_pb2.DELEGATED_RIGHT_READ_AND_CONFIRM: N_("read and confirm"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The right that is to be given."""

    person: str
    start: datetime | None
    until: datetime
    confirm: bool
    mailbox: str


async def grant(run: Run, asked: Asked, request_id: str | None) -> ExitCode:
    """Gives a right."""
    async with run.client() as post:
        granted = await post.delegations.grant(
            asked.person,
            expire=asked.until,
            confirm=asked.confirm,
            start=asked.start,
            mailbox=asked.mailbox,
            request_id=named_id(run.screen, request_id),
        )
    code = _show(run, granted)
    ends = granted.expire_time.ToDatetime(UTC).astimezone().isoformat(" ", "seconds")
    run.screen.note(_("The right ends at {time}, unless it is revoked before.").format(time=ends))
    return code


async def revoke(run: Run, delegation_id: str, request_id: str | None, *, yes: bool) -> ExitCode:
    """Takes a right back, after asking."""
    if not agreed(run, _("Take back the right {id}?").format(id=delegation_id), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        name = named_id(run.screen, request_id)
        return _show(run, await post.delegations.revoke(delegation_id, request_id=name))


async def delegate_list(run: Run, received: bool, ended: bool, mailbox: str, limit: int) -> ExitCode:
    """Lists rights."""
    if received and mailbox:
        raise typer.BadParameter(_("not with --received"), param_hint="--mailbox")
    size = min(limit, 200)
    async with run.client() as post:
        calls = post.delegations
        found = await first(
            limit,
            calls.received(show_ended=ended, page_size=size)
            if received
            else calls.given(mailbox, show_ended=ended, page_size=size),
        )
    run.screen.result({"delegations": [_shape(item) for item in found]})
    _table(run, found)
    return ExitCode.OK


def _show(run: Run, delegation: delegation_pb2.Delegation) -> ExitCode:
    run.screen.result({"delegation": _shape(delegation)})
    _table(run, [delegation])
    return ExitCode.OK


def _table(run: Run, delegations: Sequence[delegation_pb2.Delegation]) -> None:
    run.screen.table(
        (N_("MAILBOX"), N_("PERSON"), N_("MAY"), N_("FROM"), N_("UNTIL"), N_("REVOKED"), N_("ID")),
        [
            (
                item.mailbox,
                item.delegate,
                _(_RIGHTS.get(item.right, N_("unknown"))),
                shapes.when(item.start_time),
                shapes.when(item.expire_time),
                shapes.when(item.revoke_time, item.HasField("revoke_time")),
                item.delegation_id,
            )
            for item in delegations
        ],
    )


def _shape(item: delegation_pb2.Delegation) -> dict[str, object]:
    return {
        "delegation_id": item.delegation_id,
        "mailbox": item.mailbox,
        "delegate": item.delegate,
        "right": delegation_pb2.DelegatedRight.Name(item.right).removeprefix("DELEGATED_RIGHT_").lower()
        if item.right in _RIGHTS
        else "unknown",
        "start_time": shapes.time_of(item.start_time),
        "expire_time": shapes.time_of(item.expire_time),
        "grantor": item.grantor,
        "grant_time": shapes.time_of(item.grant_time),
        "revoke_time": shapes.time_of(item.revoke_time, item.HasField("revoke_time")),
        "grant_evidence_id": item.grant_evidence_id,
        "revoke_evidence_id": item.revoke_evidence_id or None,
    }
