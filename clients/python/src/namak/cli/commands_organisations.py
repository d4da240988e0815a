"""``namak admin org`` and ``administrator`` as a person sees them."""

from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import (
    ActingAs,
    Limit,
    Org,
    OrgArgument,
    RequestId,
    Until,
    Yes,
)
from namak.cli.texts import N_


def register(app: typer.Typer) -> None:
    """Adds the commands about organisations and their administrators."""
    org = group(app, "org", N_("Organisations that send."))
    add(
        org,
        "list",
        org_list,
        N_("List organisations by code; an administrator sees those that they may act for."),
        examples=("namak admin org list --contract in-force",),
    )
    add(org, "show", org_show, N_("Show one organisation."), examples=("namak admin org show 01234567",))
    add(
        org,
        "register",
        org_register,
        N_("Register an organisation. It can't send before it has a contract, an address and a certificate."),
        examples=('namak admin org register --code 01234567 --name "State Revenue Committee"',),
    )
    add(
        org,
        "rename",
        org_rename,
        N_("Change an organisation's name."),
        examples=('namak admin org rename 01234567 "State Revenue Committee of Armenia"',),
    )
    add(
        org,
        "contract",
        org_contract,
        N_("Set the state of an organisation's contract: in-force, suspended or ended."),
        N_("It counts from the next submission on. Without --until, an end that was set is taken back."),
        examples=("namak admin org contract 01234567 in-force --until 2027-12-31",),
    )
    add(
        org,
        "policies",
        org_policies,
        N_("Set the notification policies that an organisation's contract permits, its usual one first."),
        N_(
            "Without any, the operator's usual one alone is permitted. It counts from the next submission on."
        ),
        examples=("namak admin org policies 01234567 am-2015@1 am-2025@2",),
    )
    administrator = group(app, "administrator", N_("People who may act for an organisation."))
    add(
        administrator,
        "list",
        administrator_list,
        N_("List an organisation's administrators, by personal number."),
        examples=("namak admin administrator list --org 01234567 --disabled",),
    )
    add(
        administrator,
        "enable",
        administrator_enable,
        N_("Let a person act for an organisation, with this and every later certificate of theirs."),
        examples=('namak admin administrator enable --org 01234567 5001950015 --name "Ani Sargsyan"',),
    )
    add(
        administrator,
        "disable",
        administrator_disable,
        N_("End a person's rights as administrator of an organisation, within one second everywhere."),
        examples=("namak admin administrator disable --org 01234567 5001950015",),
    )


PersonNumber = Annotated[str, typer.Argument(metavar="NUMBER", help=N_("The person's number, 10 digits."))]


async def org_list(
    run: Run,
    contract: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            autocompletion=lambda: ["none", "in-force", "suspended", "ended"],
            help=N_("Only those whose contract is in this state: none, in-force, suspended or ended."),
        ),
    ] = None,
    code: Annotated[str, typer.Option(metavar="CODE", help=N_("Only the one with this code."))] = "",
    limit: Limit = 50,
) -> ExitCode:
    """Lists organisations."""
    from namak.cli import registering

    return await registering.org_list(run, contract, code, limit)


async def org_show(run: Run, org: OrgArgument, acting_as: ActingAs = None) -> ExitCode:
    """Shows an organisation."""
    from namak.cli import registering

    return await registering.org_show(run, org, acting_as)


async def org_register(
    run: Run,
    code: Annotated[str, typer.Option(metavar="CODE", help=N_("The legal entity code, 8 digits."))],
    name: Annotated[str, typer.Option(metavar="NAME", help=N_("The name as people know it."))],
    request_id: RequestId = None,
) -> ExitCode:
    """Registers an organisation."""
    from namak.cli import registering

    return await registering.org_register(run, code, name, request_id)


async def org_rename(
    run: Run,
    org: OrgArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("The new name."))],
    request_id: RequestId = None,
) -> ExitCode:
    """Renames an organisation."""
    from namak.cli import registering

    return await registering.org_rename(run, org, name, request_id)


async def org_contract(
    run: Run,
    org: OrgArgument,
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE",
            autocompletion=lambda: ["in-force", "suspended", "ended"],
            help=N_("in-force, suspended or ended."),
        ),
    ],
    until: Until = None,
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Sets a contract's state."""
    from namak.cli import registering

    return await registering.org_contract(run, org, state, until, request_id, yes=yes)


async def org_policies(
    run: Run,
    org: OrgArgument,
    policies: Annotated[
        list[str] | None, typer.Argument(metavar="[POLICY]", help=N_("A policy, for example am-2025@2."))
    ] = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Sets the policies of a contract."""
    from namak.cli import registering

    return await registering.org_policies(run, org, policies or [], request_id)


async def administrator_list(
    run: Run,
    org: Org = None,
    disabled: Annotated[bool, typer.Option("--disabled", help=N_("Disabled ones too."))] = False,
    acting_as: ActingAs = None,
    limit: Limit = 50,
) -> ExitCode:
    """Lists administrators."""
    from namak.cli import registering

    return await registering.administrator_list(run, org, acting_as, limit, disabled=disabled)


async def administrator_enable(
    run: Run,
    person_number: PersonNumber,
    name: Annotated[str, typer.Option(metavar="NAME", help=N_("The person's name."))],
    org: Org = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Enables an administrator."""
    from namak.cli import registering

    return await registering.administrator_enable(run, org, person_number, name, request_id)


async def administrator_disable(
    run: Run, person_number: PersonNumber, org: Org = None, request_id: RequestId = None, yes: Yes = False
) -> ExitCode:
    """Disables an administrator."""
    from namak.cli import registering

    return await registering.administrator_disable(run, org, person_number, request_id, yes=yes)
