"""``namak admin portal`` and ``session`` as a person sees them."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import Limit, RequestId, Yes
from namak.cli.texts import N_


def register(app: typer.Typer) -> None:
    """Adds the commands about portals and sessions."""
    portal = group(app, "portal", N_("Portals at which holders sign in; for the operator."))
    add(
        portal,
        "bind",
        portal_bind,
        N_("Bind a machine certificate as a portal's: its back end may sign holders in."),
        N_(
            "Several may be bound at once, so that a new one can take over before the old one ends; "
            "namak admin certificate revoke revokes one."
        ),
        examples=("namak admin portal bind portal.am portal.pem",),
    )
    add(
        portal,
        "list",
        portal_list,
        N_("List the portals, last registered first."),
        N_("CERTIFICATES counts those that are active now, SESSIONS those that are open."),
        examples=("namak admin portal list",),
    )
    add(
        portal,
        "show",
        portal_show,
        N_("Show a portal with all certificates that are or were bound for it."),
        examples=("namak admin portal show portal.am",),
    )
    session = group(app, "session", N_("Sessions of holders at portals; for the operator."))
    add(
        session,
        "list",
        session_list,
        N_("List a holder's sessions, newest first."),
        examples=("namak admin session list 5001950015 --ended",),
    )
    add(
        session,
        "end",
        session_end,
        N_("End somebody's session. Whoever uses it is refused within one second."),
        examples=("namak admin session end 0192f0c4-5d1c-7000-8000-0000000000aa",),
    )


async def portal_bind(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("The portal's name, for people."))],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("The certificate, PEM or DER; of several the first."))
    ],
    request_id: RequestId = None,
) -> ExitCode:
    """Binds a portal."""
    from namak.cli import portals

    return await portals.portal_bind(run, name, file, request_id)


async def portal_list(run: Run, limit: Limit = 50) -> ExitCode:
    """Lists portals."""
    from namak.cli import portals

    return await portals.portal_list(run, limit)


async def portal_show(
    run: Run,
    portal: Annotated[
        str,
        typer.Argument(metavar="PORTAL", help=N_("The portal's name or identifier, as the list shows them.")),
    ],
) -> ExitCode:
    """Shows a portal."""
    from namak.cli import portals

    return await portals.portal_show(run, portal)


async def session_list(
    run: Run,
    holder: Annotated[str, typer.Argument(metavar="NUMBER", help=N_("The holder's national number."))],
    ended: Annotated[bool, typer.Option("--ended", help=N_("Those that have ended too."))] = False,
    limit: Limit = 50,
) -> ExitCode:
    """Lists sessions."""
    from namak.cli import portals

    return await portals.session_list(run, holder, limit, ended=ended)


async def session_end(
    run: Run,
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help=N_("The session's identifier, as the list shows it."))
    ],
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Ends a session."""
    from namak.cli import portals

    return await portals.session_end(run, session, request_id, yes=yes)
