"""``namak admin address`` and ``certificate`` as a person sees them."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import ActingAs, Limit, Org, RequestId, SenderArgument, Yes
from namak.cli.texts import N_

Networks = Annotated[
    list[str] | None,
    typer.Option("--network", metavar="CIDR", help=N_("An IP address or network; may be repeated.")),
]
HostNames = Annotated[
    list[str] | None,
    typer.Option(
        "--host", metavar="NAME", help=N_("A host name whose public addresses count; may be repeated.")
    ),
]
Fingerprint = Annotated[
    str,
    typer.Argument(
        metavar="CERTIFICATE", help=N_("The certificate: its SHA-256 in hexadecimal, or its PEM file.")
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands about addresses and certificates."""
    address = group(app, "address", N_("Addresses from which organisations send."))
    _add_addresses(address)
    _add_address_changes(address)
    _add_certificates(group(app, "certificate", N_("Machine certificates of organisations.")))


def _add_addresses(address: typer.Typer) -> None:
    add(
        address,
        "list",
        address_list,
        N_("List sender addresses; all filters that are given must hold."),
        examples=("namak admin address list --org 01234567 --suspended",),
    )
    add(
        address,
        "show",
        address_show,
        N_("Show one sender address: where it may send from, and its state."),
        examples=("namak admin address show notices@src.am",),
    )
    add(
        address,
        "register",
        address_register,
        N_("Register an address from which an organisation may send."),
        N_(
            "It lies under a domain of its own; *@DOMAIN stands for all of a domain. At least one network "
            "or host name is needed, and only public ones are taken."
        ),
        examples=(
            "namak admin address register --org 01234567 notices@src.am --network 198.51.100.0/28",
            "namak admin address register --org 01234567 '*@src.am' --host mail.src.am --sms",
        ),
    )


def _add_address_changes(address: typer.Typer) -> None:
    add(
        address,
        "update",
        address_update,
        N_("Change where a sender address may send from, or whether it may send SMS messages."),
        N_(
            "--network and --host replace all there are; --add-network, --remove-network, --add-host and "
            "--remove-host change single ones. What somebody else changed in the meantime is not undone. "
            "With --dry-run the change is only shown."
        ),
        examples=("namak admin address update notices@src.am --add-network 198.51.100.16/28 --dry-run",),
    )
    add(
        address,
        "suspend",
        address_suspend,
        N_("Suspend a sender address: what it sends is refused, with evidence, until it is resumed."),
        examples=("namak admin address suspend notices@src.am",),
    )
    add(
        address,
        "resume",
        address_resume,
        N_("Resume a suspended sender address."),
        examples=("namak admin address resume notices@src.am",),
    )
    add(
        address,
        "delete",
        address_delete,
        N_("Delete a sender address. Certificates bound to it alone are revoked; what it sent stays."),
        examples=("namak admin address delete notices@src.am",),
    )


def _add_certificates(certificate: typer.Typer) -> None:
    add(
        certificate,
        "list",
        certificate_list,
        N_("List the certificates bound to an organisation, and warn of those that end soon."),
        examples=("namak admin certificate list --org 01234567 --expiring-within 30",),
    )
    add(
        certificate,
        "bind",
        certificate_bind,
        N_("Bind a machine certificate to an organisation, or to one of its addresses only."),
        N_(
            "Several may be bound at once, so that a new one can take over before the old one ends. "
            "Administrators must give the certificate's private key too: it signs that it is to be bound to "
            "this organisation, and never leaves this machine."
        ),
        examples=(
            "namak admin certificate bind agency.pem --key agency.key --acting-as 01234567",
            "namak admin certificate bind --org 01234567 agency.pem --address notices@src.am",
        ),
    )
    add(
        certificate,
        "revoke",
        certificate_revoke,
        N_("Revoke a certificate for ever. Whoever uses it is refused within one second."),
        examples=("namak admin certificate revoke agency.pem",),
    )


async def address_list(
    run: Run,
    org: Org = None,
    domain: Annotated[
        str, typer.Option(metavar="DOMAIN", help=N_("Only those under this very domain."))
    ] = "",
    suspended: Annotated[
        bool | None, typer.Option("--suspended/--active", help=N_("Only suspended ones, or only others."))
    ] = None,
    sms: Annotated[
        bool | None,
        typer.Option("--sms/--no-sms", help=N_("Only those that may send SMS messages, or others.")),
    ] = None,
    acting_as: ActingAs = None,
    limit: Limit = 50,
) -> ExitCode:
    """Lists addresses."""
    from namak.cli import addressing

    return await addressing.address_list(run, org, domain, suspended, sms, acting_as, limit)


async def address_show(run: Run, address: SenderArgument, acting_as: ActingAs = None) -> ExitCode:
    """Shows an address."""
    from namak.cli import addressing

    return await addressing.address_show(run, address, acting_as)


async def address_register(
    run: Run,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help=N_("The address, or *@DOMAIN for all of a domain."))
    ],
    network: Networks = None,
    host: HostNames = None,
    sms: Annotated[bool, typer.Option("--sms", help=N_("It may send SMS messages too."))] = False,
    org: Org = None,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Registers an address."""
    from namak.cli import addressing

    return await addressing.address_register(
        run, org, address, network or [], host or [], acting_as, request_id, sms=sms
    )


async def address_update(
    run: Run,
    address: SenderArgument,
    network: Networks = None,
    add_network: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help=N_("One network more; may be repeated."))
    ] = None,
    remove_network: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help=N_("One network less; may be repeated."))
    ] = None,
    host: HostNames = None,
    add_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=N_("One host name more; may be repeated."))
    ] = None,
    remove_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=N_("One host name less; may be repeated."))
    ] = None,
    sms: Annotated[
        bool | None, typer.Option("--sms/--no-sms", help=N_("Whether it may send SMS messages too."))
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=N_("Show what would change, and change nothing."))
    ] = False,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Updates an address."""
    from namak.cli import addressing

    change = addressing.Change(
        addressing.ListChange(network, add_network or [], remove_network or []),
        addressing.ListChange(host, add_host or [], remove_host or []),
        sms,
    )
    return await addressing.address_update(run, address, change, acting_as, request_id, dry_run=dry_run)


async def address_suspend(
    run: Run,
    address: SenderArgument,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Suspends an address."""
    from namak.cli import addressing

    return await addressing.address_suspend(run, address, acting_as, request_id, yes=yes)


async def address_resume(
    run: Run, address: SenderArgument, acting_as: ActingAs = None, request_id: RequestId = None
) -> ExitCode:
    """Resumes an address."""
    from namak.cli import addressing

    return await addressing.address_resume(run, address, acting_as, request_id)


async def address_delete(
    run: Run,
    address: SenderArgument,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Deletes an address."""
    from namak.cli import addressing

    return await addressing.address_delete(run, address, acting_as, request_id, yes=yes)


async def certificate_list(
    run: Run,
    org: Org = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help=N_("Only those bound to this one address."))
    ] = None,
    expiring_within: Annotated[
        int,
        typer.Option(min=0, max=3650, metavar="DAYS", help=N_("Only those that end within so many days.")),
    ] = 0,
    ended: Annotated[bool, typer.Option("--ended", help=N_("Revoked and expired ones too."))] = False,
    acting_as: ActingAs = None,
    limit: Limit = 50,
) -> ExitCode:
    """Lists certificates."""
    from namak.cli import binding

    return await binding.certificate_list(run, org, address, expiring_within, acting_as, limit, ended=ended)


async def certificate_bind(
    run: Run,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("The certificate, PEM or DER; of several the first."))
    ],
    key: Annotated[
        Path | None,
        typer.Option(metavar="KEY.pem", help=N_("The certificate's private key, PEM without a passphrase.")),
    ] = None,
    org: Org = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help=N_("Bind it to this one sender address only."))
    ] = None,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Binds a certificate."""
    from namak.cli import binding

    return await binding.certificate_bind(run, org, file, key, address, acting_as, request_id)


async def certificate_revoke(
    run: Run,
    certificate: Fingerprint,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Revokes a certificate."""
    from namak.cli import binding

    return await binding.certificate_revoke(run, certificate, acting_as, request_id, yes=yes)
