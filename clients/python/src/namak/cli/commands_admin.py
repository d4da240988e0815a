"""``namak admin`` as a person sees it: organisations, administrators, domains, mailboxes and the audit.

Organisations stand in ``commands_organisations``, addresses and certificates in ``commands_senders``.
"""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli import commands_organisations, commands_portals, commands_printing, commands_senders
from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import (
    ActingAs,
    Before,
    DomainName,
    Limit,
    Mailbox,
    Org,
    RequestId,
    Since,
    Yes,
)
from namak.cli.texts import N_


def register(app: typer.Typer) -> None:
    """Adds every command about the register."""
    commands_organisations.register(app)
    _add_domains(app)
    commands_senders.register(app)
    commands_portals.register(app)
    commands_printing.register_admin(app)
    _add_mailboxes(app)
    add(
        app,
        "audit",
        audit,
        N_(
            "List what was done in the register and to mailboxes, newest first: who, from where, what "
            "changed."
        ),
        N_("Each act is evidence in the log; its receipt can be kept: namak receipt EVIDENCE_ID"),
        examples=("namak admin audit --org 01234567 --since 2026-03-01 --limit 20",),
    )


def _add_domains(app: typer.Typer) -> None:
    domain = group(app, "domain", N_("Domains that belong to an organisation."))
    add(
        domain,
        "list",
        domain_list,
        N_("List an organisation's domains, by name."),
        examples=("namak admin domain list --org 01234567",),
    )
    add(
        domain,
        "register",
        domain_register,
        N_("Register a domain on the operator's word that a document proves its ownership."),
        examples=('namak admin domain register --org 01234567 src.am --document "letter 12/34"',),
    )
    add(
        domain,
        "request-proof",
        domain_request_proof,
        N_("Show the TXT record that proves the ownership of a domain once it stands in the DNS."),
        examples=("namak admin domain request-proof --org 01234567 src.am",),
    )
    add(
        domain,
        "prove",
        domain_prove,
        N_("Have the post look into the DNS for the record, and register the domain."),
        examples=("namak admin domain prove --org 01234567 src.am",),
    )
    add(
        domain,
        "delete",
        domain_delete,
        N_("Give a domain up. No sender address may lie under it any more."),
        examples=("namak admin domain delete --org 01234567 src.am",),
    )


def _add_mailboxes(app: typer.Typer) -> None:
    mailbox = group(app, "mailbox", N_("Mailboxes of people and entities; for the operator."))
    add(
        mailbox,
        "open",
        mailbox_open,
        N_("Open a mailbox. Its address is never given to anyone else."),
        examples=("namak admin mailbox open 5001950015@e-citizen.am",),
    )
    add(
        mailbox,
        "suspend",
        mailbox_suspend,
        N_("Suspend a mailbox: what is sent to it is refused, with evidence, until it is resumed."),
        examples=("namak admin mailbox suspend 5001950015@e-citizen.am",),
    )
    add(
        mailbox,
        "resume",
        mailbox_resume,
        N_("Resume a suspended mailbox."),
        examples=("namak admin mailbox resume 5001950015@e-citizen.am",),
    )
    add(
        mailbox,
        "close",
        mailbox_close,
        N_("Close a mailbox: it receives nothing any more. What lies in it can be read."),
        N_("It can be opened again, for the same holder only: namak admin mailbox reopen."),
        examples=("namak admin mailbox close 5001950015@e-citizen.am",),
    )
    add(
        mailbox,
        "reopen",
        mailbox_reopen,
        N_("Open a closed mailbox again, for the holder that it always had."),
        examples=("namak admin mailbox reopen 5001950015@e-citizen.am",),
    )
    signatories = group(
        mailbox, "signatories", N_("Who may sign for an entity; for the operator and clerks.")
    )
    add(
        signatories,
        "refresh",
        signatories_refresh,
        N_("Ask the register of entities who may sign for an entity now, and keep what it says."),
        N_("Whom it no longer names acts for the entity no more; what they signed stays good."),
        examples=("namak admin mailbox signatories refresh 12345678@e-citizen.am",),
    )
    add(
        mailbox,
        "import",
        mailbox_import,
        N_("Open mailboxes for all whom a register's file names: one number of a person a line."),
        N_(
            "What became of each line that opened none goes into the results file; the same command again "
            "goes on where it stopped."
        ),
        examples=("namak admin mailbox import cards.txt --results cards.results.jsonl",),
    )
    add(
        mailbox,
        "resolve",
        mailbox_resolve,
        N_("Show the official address that an address means, and whether its mailbox receives now."),
        N_("Senders may ask too."),
        examples=("namak admin mailbox resolve 5001950015@e-citizen.am",),
    )


async def domain_list(run: Run, org: Org = None, acting_as: ActingAs = None, limit: Limit = 50) -> ExitCode:
    """Lists domains."""
    from namak.cli import domains

    return await domains.domain_list(run, org, acting_as, limit)


async def domain_register(
    run: Run,
    name: DomainName,
    document: Annotated[
        str, typer.Option(metavar="TEXT", help=N_("The document that proves ownership, for the files."))
    ],
    org: Org = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Registers a domain."""
    from namak.cli import domains

    return await domains.domain_register(run, org, name, document, request_id)


async def domain_request_proof(
    run: Run, name: DomainName, org: Org = None, acting_as: ActingAs = None
) -> ExitCode:
    """Shows the record to set."""
    from namak.cli import domains

    return await domains.domain_request_proof(run, org, name, acting_as)


async def domain_prove(
    run: Run,
    name: DomainName,
    org: Org = None,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Proves a domain."""
    from namak.cli import domains

    return await domains.domain_prove(run, org, name, acting_as, request_id)


async def domain_delete(
    run: Run,
    name: DomainName,
    org: Org = None,
    acting_as: ActingAs = None,
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Gives a domain up."""
    from namak.cli import domains

    return await domains.domain_delete(run, org, name, acting_as, request_id, yes=yes)


async def mailbox_open(run: Run, address: Mailbox, request_id: RequestId = None) -> ExitCode:
    """Opens a mailbox."""
    from namak.cli import boxes

    return await boxes.mailbox_open(run, address, request_id)


async def mailbox_suspend(
    run: Run, address: Mailbox, request_id: RequestId = None, yes: Yes = False
) -> ExitCode:
    """Suspends a mailbox."""
    from namak.cli import boxes

    return await boxes.mailbox_suspend(run, address, request_id, yes=yes)


async def mailbox_resume(run: Run, address: Mailbox, request_id: RequestId = None) -> ExitCode:
    """Resumes a mailbox."""
    from namak.cli import boxes

    return await boxes.mailbox_resume(run, address, request_id)


async def mailbox_close(
    run: Run, address: Mailbox, request_id: RequestId = None, yes: Yes = False
) -> ExitCode:
    """Closes a mailbox."""
    from namak.cli import boxes

    return await boxes.mailbox_close(run, address, request_id, yes=yes)


async def mailbox_reopen(run: Run, address: Mailbox, request_id: RequestId = None) -> ExitCode:
    """Opens a closed mailbox again."""
    from namak.cli import boxes

    return await boxes.mailbox_reopen(run, address, request_id)


async def signatories_refresh(run: Run, address: Mailbox, request_id: RequestId = None) -> ExitCode:
    """Asks who may sign for an entity."""
    from namak.cli import boxes

    return await boxes.signatories_refresh(run, address, request_id)


async def mailbox_import(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("The register's file."))],
    results: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The results file; by default beside the register's.")),
    ] = None,
) -> ExitCode:
    """Imports mailboxes."""
    from namak.cli import importing

    return await importing.mailbox_import(run, file, results)


async def mailbox_resolve(run: Run, address: Mailbox) -> ExitCode:
    """Resolves an address."""
    from namak.cli import boxes

    return await boxes.mailbox_resolve(run, address)


async def audit(
    run: Run,
    org: Org = None,
    act: Annotated[
        str, typer.Option(metavar="NAME", help=N_("Only acts of this name, for example UpdateSenderAddress."))
    ] = "",
    resource: Annotated[
        str, typer.Option(metavar="ID", help=N_("Only acts on this thing: identifier, domain or address."))
    ] = "",
    person: Annotated[str, typer.Option(metavar="NUMBER", help=N_("Only acts of this administrator."))] = "",
    since: Since = None,
    before: Before = None,
    acting_as: ActingAs = None,
    limit: Limit = 50,
) -> ExitCode:
    """Lists acts."""
    from namak.cli import auditing

    return await auditing.audit(
        run, org, auditing.Filters(act, resource, person, since, before), acting_as, limit
    )
