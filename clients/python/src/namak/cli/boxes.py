"""``namak admin mailbox``."""

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.texts import N_, _
from namak.v1 import mailbox_pb2


async def mailbox_open(run: Run, address: str, request_id: str | None) -> ExitCode:
    """Opens a mailbox."""
    async with run.client() as post:
        found = await post.admin.open_mailbox(address, request_id=named_id(run.screen, request_id))
    return show(run, found)


async def mailbox_suspend(run: Run, address: str, request_id: str | None, *, yes: bool) -> ExitCode:
    """Suspends a mailbox, after asking."""
    question = _("Suspend the mailbox {address}? What is sent to it is refused.").format(address=address)
    if not agreed(run, question, yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        found = await post.admin.suspend_mailbox(address, request_id=named_id(run.screen, request_id))
    return show(run, found)


async def mailbox_resume(run: Run, address: str, request_id: str | None) -> ExitCode:
    """Resumes a mailbox."""
    async with run.client() as post:
        found = await post.admin.resume_mailbox(address, request_id=named_id(run.screen, request_id))
    return show(run, found)


async def mailbox_close(run: Run, address: str, request_id: str | None, *, yes: bool) -> ExitCode:
    """Closes a mailbox, after asking."""
    question = _("Close the mailbox {address}? It receives nothing until it is opened again.")
    if not agreed(run, question.format(address=address), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        found = await post.admin.close_mailbox(address, request_id=named_id(run.screen, request_id))
    return show(run, found)


async def mailbox_reopen(run: Run, address: str, request_id: str | None) -> ExitCode:
    """Opens a closed mailbox again."""
    async with run.client() as post:
        found = await post.admin.reopen_mailbox(address, request_id=named_id(run.screen, request_id))
    return show(run, found)


async def signatories_refresh(run: Run, address: str, request_id: str | None) -> ExitCode:
    """Has the register asked who may sign for an entity."""
    async with run.client() as post:
        found = await post.admin.refresh_signatories(address, request_id=named_id(run.screen, request_id))
    run.screen.result(
        {
            "address": found.address,
            "register_time": shapes.time_of(found.register_time),
            "signatories": [
                {
                    "person_number": each.person_number,
                    "register_time": shapes.time_of(each.register_time),
                    "evidence_id": each.evidence_id,
                }
                for each in found.signatories
            ],
        }
    )
    run.screen.fields(
        (
            (N_("Address"), found.address),
            (N_("The register said so"), shapes.when(found.register_time)),
        )
    )
    run.screen.table(
        (N_("MAY SIGN"), N_("SINCE"), N_("EVIDENCE")),
        [
            (each.person_number, shapes.when(each.register_time), each.evidence_id)
            for each in found.signatories
        ],
    )
    return ExitCode.OK


async def mailbox_resolve(run: Run, address: str) -> ExitCode:
    """Shows what an address means."""
    async with run.client() as post:
        found = await post.admin.resolve_address(address)
    kind = shapes_admin.holder_kind_name(found.holder_kind)
    state = shapes_admin.mailbox_state_name(found.state)
    run.screen.result(
        {
            "address": found.address,
            "holder_kind": kind,
            "state": state,
            "mailbox_id": found.mailbox_id or None,
        }
    )
    run.screen.fields(
        (
            (N_("Address"), found.address),
            (N_("Holder"), _(kind)),
            (N_("State"), _(state)),
            (N_("Identifier"), found.mailbox_id),
        )
    )
    return ExitCode.OK


def show(run: Run, found: mailbox_pb2.Mailbox) -> ExitCode:
    """Shows a mailbox."""
    run.screen.result({"mailbox": shapes_admin.mailbox(found)})
    run.screen.fields(
        (
            (N_("Address"), found.address),
            (N_("Holder"), _(shapes_admin.holder_kind_name(found.holder_kind))),
            (N_("State"), _(shapes_admin.mailbox_state_name(found.state))),
            (N_("Opened"), shapes.when(found.open_time, found.HasField("open_time"))),
            (N_("Identifier"), found.mailbox_id),
        )
    )
    return ExitCode.OK
