"""`namak-server mail` as an operator sees it: names, help, arguments and options."""

from typing import Annotated

import typer

from server.cli.options import Config

mail = typer.Typer(no_args_is_help=True, help="Deliveries that came in by mail.", rich_markup_mode=None)

_DELIVERY = "01995f0c-8f6b-7a31-9d53-2b1f2f6a7c10"


@mail.command("show", epilog=f"Example: namak-server mail show {_DELIVERY} --config namak-server.toml")
def show_mail(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's identifier.")],
    settings: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints which mail a delivery came in by, and what DKIM and SPF said of it.

    Nothing hangs on what they said. Exit code 1 where there is no such delivery, or it came in otherwise.
    """
    from server.cli import mail_origins

    mail_origins.show(settings, delivery, as_json=as_json)
