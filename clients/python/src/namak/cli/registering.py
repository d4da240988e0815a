"""``namak admin org`` and ``administrator``."""

from collections.abc import Sequence
from datetime import date

import typer

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation, named_id, organisation_id, owner
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.v1 import sender_admin_pb2

_CONTRACT_STATES = {
    "none": sender_admin_pb2.CONTRACT_STATE_NONE,
    "in-force": sender_admin_pb2.CONTRACT_STATE_IN_FORCE,
    "suspended": sender_admin_pb2.CONTRACT_STATE_SUSPENDED,
    "ended": sender_admin_pb2.CONTRACT_STATE_ENDED,
}


async def org_list(run: Run, contract: str | None, code: str, limit: int) -> ExitCode:
    """Lists organisations."""
    state = sender_admin_pb2.CONTRACT_STATE_UNSPECIFIED
    if contract is not None:
        state = _contract_state(contract, "--contract", without=())
    async with run.client() as post:
        found = await first(
            limit, post.admin.organisations(code=code, contract_state=state, page_size=min(limit, 200))
        )
    run.screen.result({"organisations": [shapes_admin.organisation(item) for item in found]})
    run.screen.table(
        (N_("CODE"), N_("NAME"), N_("CONTRACT"), N_("UNTIL"), N_("ID")),
        [
            (
                item.code,
                item.display_name,
                _(shapes_admin.contract_name(item.contract_state)),
                shapes_admin.day_of(item.contract_end_date, item.HasField("contract_end_date")) or "",
                item.organisation_id,
            )
            for item in found
        ],
    )
    return ExitCode.OK


async def org_show(run: Run, org: str, acting_as: str | None) -> ExitCode:
    """Shows an organisation."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await post.admin.organisation(await organisation_id(post, org), acting_as=acting)
    return _show(run, found)


async def org_register(run: Run, code: str, name: str, request_id: str | None) -> ExitCode:
    """Registers an organisation."""
    async with run.client() as post:
        found = await post.admin.register_organisation(
            code=code, display_name=name, request_id=named_id(run.screen, request_id)
        )
    return _show(run, found)


async def org_rename(run: Run, org: str, name: str, request_id: str | None) -> ExitCode:
    """Renames an organisation, as it was when it was looked at."""
    async with run.client() as post:
        before = await post.admin.organisation(await organisation_id(post, org))
        found = await post.admin.rename_organisation(
            before.organisation_id,
            name,
            etag=before.etag if request_id is None else "",
            request_id=named_id(run.screen, request_id),
        )
    return _show(run, found)


async def org_policies(run: Run, org: str, policies: Sequence[str], request_id: str | None) -> ExitCode:
    """Sets the policies that a contract permits."""
    async with run.client() as post:
        before = await post.admin.organisation(await organisation_id(post, org))
        found = await post.admin.set_notification_policies(
            before.organisation_id,
            policies,
            etag=before.etag if request_id is None else "",
            request_id=named_id(run.screen, request_id),
        )
    return _show(run, found)


async def org_contract(
    run: Run, org: str, state: str, until: date | None, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Sets a contract's state; asks before one that ends or suspends it."""
    wanted = _contract_state(state, "STATE", without=("none",))
    if wanted == sender_admin_pb2.CONTRACT_STATE_ENDED and until is not None:
        raise typer.BadParameter(_("an ended contract has no last day to come"), param_hint="--until")
    if wanted != sender_admin_pb2.CONTRACT_STATE_IN_FORCE and not agreed(
        run, _("Stop the organisation {org} from sending?").format(org=org), yes=yes
    ):
        return ExitCode.REFUSED
    async with run.client() as post:
        found = await post.admin.set_contract_state(
            await organisation_id(post, org),
            wanted,
            end_date=until,
            request_id=named_id(run.screen, request_id),
        )
    return _show(run, found)


async def administrator_list(
    run: Run, org: str | None, acting_as: str | None, limit: int, *, disabled: bool
) -> ExitCode:
    """Lists administrators."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await first(
            limit,
            post.admin.administrators(
                await owner(post, org, acting),
                show_disabled=disabled,
                acting_as=acting,
                page_size=min(limit, 200),
            ),
        )
    run.screen.result({"administrators": [shapes_admin.administrator(item) for item in found]})
    run.screen.table(
        (N_("NUMBER"), N_("NAME"), N_("ENABLED"), N_("DISABLED")),
        [
            (
                item.person_number,
                item.display_name,
                shapes.when(item.enable_time, item.HasField("enable_time")),
                shapes.when(item.disable_time, item.HasField("disable_time")),
            )
            for item in found
        ],
    )
    return ExitCode.OK


async def administrator_enable(
    run: Run, org: str | None, person_number: str, name: str, request_id: str | None
) -> ExitCode:
    """Enables an administrator."""
    async with run.client() as post:
        found = await post.admin.enable_administrator(
            await owner(post, org, ""),
            person_number=person_number,
            display_name=name,
            request_id=named_id(run.screen, request_id),
        )
    return _show_administrator(run, found)


async def administrator_disable(
    run: Run, org: str | None, person_number: str, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Disables an administrator, after asking."""
    question = _("End the rights of {person} as administrator?").format(person=person_number)
    if not agreed(run, question, yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        found = await post.admin.disable_administrator(
            await owner(post, org, ""),
            person_number=person_number,
            request_id=named_id(run.screen, request_id),
        )
    return _show_administrator(run, found)


def _contract_state(
    text: str, hint: str, *, without: tuple[str, ...]
) -> sender_admin_pb2.ContractState.ValueType:
    names = [name for name in _CONTRACT_STATES if name not in without]
    if text not in names:
        raise typer.BadParameter(_("must be one of {names}").format(names=", ".join(names)), param_hint=hint)
    return _CONTRACT_STATES[text]


def _show(run: Run, found: sender_admin_pb2.Organisation) -> ExitCode:
    run.screen.result({"organisation": shapes_admin.organisation(found)})
    run.screen.fields(
        (
            (N_("Name"), found.display_name),
            (N_("Code"), found.code),
            (N_("Contract"), _(shapes_admin.contract_name(found.contract_state))),
            (
                N_("Until"),
                shapes_admin.day_of(found.contract_end_date, found.HasField("contract_end_date")) or "",
            ),
            (
                N_("Notification policies"),
                ", ".join(found.notification_policies) or _("the post's usual one alone"),
            ),
            (N_("Registered"), shapes.when(found.registration_time, found.HasField("registration_time"))),
            (N_("Identifier"), found.organisation_id),
        )
    )
    return ExitCode.OK


def _show_administrator(run: Run, found: sender_admin_pb2.Administrator) -> ExitCode:
    run.screen.result({"administrator": shapes_admin.administrator(found)})
    run.screen.fields(
        (
            (N_("Name"), found.display_name),
            (N_("Number"), found.person_number),
            (N_("Enabled"), shapes.when(found.enable_time, found.HasField("enable_time"))),
            (N_("Disabled"), shapes.when(found.disable_time, found.HasField("disable_time"))),
        )
    )
    return ExitCode.OK
