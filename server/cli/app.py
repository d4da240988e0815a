"""The commands as an operator sees them: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

import logging
import sys
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from namak.releases import installed
from server.cli.development_commands import dev
from server.cli.hsm_commands import hsm
from server.cli.job_commands import jobs
from server.cli.ladder_commands import ladder
from server.cli.log_commands import log
from server.cli.mail_commands import mail
from server.cli.notice_commands import notices
from server.cli.options import ENVIRONMENT, Config

app = typer.Typer(
    name="namak-server",
    help="Runs the post and looks after it. Every command takes --config, or NAMAK_SERVER_CONFIG.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    rich_markup_mode=None,
)
operator = typer.Typer(no_args_is_help=True, help="Who may operate the post.", rich_markup_mode=None)
clerk = typer.Typer(no_args_is_help=True, help="Who takes in what is on paper.", rich_markup_mode=None)
billing = typer.Typer(no_args_is_help=True, help="What senders used.", rich_markup_mode=None)
profile = typer.Typer(no_args_is_help=True, help="What each jurisdiction decides.", rich_markup_mode=None)
state_register = typer.Typer(
    no_args_is_help=True, help="The state's registers of persons and of entities.", rich_markup_mode=None
)
letter = typer.Typer(no_args_is_help=True, help="Letters on paper.", rich_markup_mode=None)
app.add_typer(operator, name="operator")
app.add_typer(clerk, name="clerk")
app.add_typer(billing, name="billing")
app.add_typer(log, name="log")
app.add_typer(hsm, name="hsm")
app.add_typer(state_register, name="register")
app.add_typer(profile, name="profile")
app.add_typer(jobs, name="jobs")
app.add_typer(ladder, name="ladder")
app.add_typer(mail, name="mail")
app.add_typer(notices, name="notices")
app.add_typer(letter, name="letter")
app.add_typer(dev, name="dev")


def say_version(wanted: bool) -> None:
    """Prints the version of the package and ends the process."""
    if wanted:
        typer.echo(f"namak-server {installed('namak-server') or 'not installed'}")
        raise typer.Exit


@app.callback()
def begin(
    version: Annotated[  # noqa: ARG001 - say_version has ended the process already
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=say_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the program an unexpected error arose.")
    ] = False,
) -> None:
    # Standard output is for what a command is asked for, so that `$(…)` gets that and nothing else.
    from server import log_lines

    log_lines.write_json_lines(at_least=logging.WARNING)
    if not debug:
        sys.excepthook = tell_in_a_line


def tell_in_a_line(kind: type[BaseException], problem: BaseException, _trace: TracebackType | None) -> None:
    """Tells of an exception that nobody foresaw; `sys.excepthook`, so the exit code is 1."""
    first, *_ = str(problem).splitlines() or [""]
    what = f"{kind.__name__}: {first}" if first else kind.__name__
    typer.echo(
        f"namak-server: unexpected: {what} (`namak-server --debug …` shows where it arose; a fault of this "
        "program, most likely)",
        err=True,
    )


@app.command(epilog="Example: namak-server serve --config /etc/namak/namak-server.toml --processes 4")
def serve(
    settings: Config,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Serve with so many processes on the one address; by default as the settings say, or one.",
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Written once the server serves: its addresses and process id, as JSON."),
    ] = None,
) -> None:
    """Serves until it is told to stop.

    On SIGTERM or Ctrl-C it finishes the calls under way. Processes that die are started again.
    """
    from server.cli import serving

    serving.serve(settings, processes, ready_file)


@app.command(epilog="Example: namak-server work --config /etc/namak/namak-server.toml")
def work(
    settings: Config,
    queue: Annotated[
        list[str] | None, typer.Option(help="Only jobs of this queue; may be given again. By default all.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=200, help="How many jobs at once, if not as the settings say."),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Written once it works: its health address and process id, as JSON."),
    ] = None,
) -> None:
    """Does jobs until it is told to stop.

    What goes outside: mail, above all. Start it as often as there is need. On SIGTERM or Ctrl-C it finishes
    the jobs under way.
    """
    from server.cli import working

    working.work(settings, queue or (), concurrency, ready_file)


@app.command(epilog="Example: namak-server smtp --config /etc/namak/namak-server.toml")
def smtp(
    settings: Config,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once it listens: its ports and process id, as JSON.")
    ] = None,
) -> None:
    """Takes mails from senders' ordinary mail clients until it is told to stop.

    What they submit is taken in as over the API; the servers' log leader logs it. On SIGTERM or Ctrl-C it
    decides what is being submitted, and ends.
    """
    from server.cli import receiving_mail

    receiving_mail.receive(settings, ready_file)


@app.command(epilog="Example: namak-server migrate --config namak-server.toml")
def migrate(
    settings: Annotated[
        Path | None, typer.Option("--config", envvar=ENVIRONMENT, help="The settings, a TOML file.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Change nothing: exit 1 where the database differs from this release's tables. "
            "Without settings, checks the migrations against a fresh embedded database.",
        ),
    ] = False,
) -> None:
    """Makes or updates the tables. Safe while servers of the release before run, and to run twice at once."""
    from server.cli import database

    database.migrate_tables(settings, check=check)


@operator.command(
    "bind", epilog="Example: namak-server operator bind operator.pem --config namak-server.toml"
)
def bind_operator(
    certificate: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The certificate, PEM.")],
    settings: Config,
) -> None:
    """Binds a certificate as the operator's.

    A machine certificate; its key registers senders and opens mailboxes.
    """
    from server.cli import database

    database.bind_operator(certificate, settings)


@clerk.command("bind", epilog="Example: namak-server clerk bind desk-7.pem --config namak-server.toml")
def bind_clerk(
    certificate: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The certificate, PEM.")],
    settings: Config,
) -> None:
    """Binds a certificate as a clerk's desk.

    A machine certificate; its key enters applications on paper, and decides about applications.
    """
    from server.cli import database

    database.bind_clerk(certificate, settings)


@billing.command(
    "audit",
    epilog="Example: namak-server billing audit --from 2026-11-01 --to 2026-11-30 --config namak-server.toml",
)
def audit_billing(
    settings: Config,
    first: Annotated[
        str,
        typer.Option(
            "--from", metavar="DAY", help="The first local day; by default the first of this month."
        ),
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="DAY", help="The last local day, inclusive; by default today.")
    ] = "",
    organisation: Annotated[
        str, typer.Option(metavar="ID", help="Only this organisation, a UUID; by default all.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Recounts what was billed from the evidence.

    Exit code 1 where the two differ, or where evidence is not what the log vouches for. Changes nothing, and
    may run while the post serves.
    """
    from server.cli import billing as command

    command.audit(settings, command.Asked(first, last, organisation, as_json))


@profile.command("show", epilog="Example: namak-server profile show kz")
def show_profile(
    code: Annotated[
        str, typer.Argument(metavar="[CODE]", help="By default that of the settings, or am.")
    ] = "",
    settings: Annotated[
        Path | None, typer.Option("--config", envvar=ENVIRONMENT, help="The settings, a TOML file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints what a jurisdiction decides, and who says so.

    Marks what is assumed because the documents are silent: whoever runs the post confirms it, or changes it.
    """
    from server.cli import profiles

    profiles.show(code, settings, as_json=as_json)


@profile.command("list", epilog="Example: namak-server profile list")
def list_profiles(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints the jurisdictions that there are."""
    from server.cli import profiles

    profiles.show_all(as_json=as_json)


@state_register.callback()
def begin_register() -> None:
    # One command alone would take the place of its group.
    pass


@state_register.command(
    "ask", epilog="Example: namak-server register ask person 5001950015 --config namak-server.toml"
)
def ask_register(
    whose: Annotated[str, typer.Argument(metavar="person|entity", help="Which register.")],
    number: Annotated[
        str,
        typer.Argument(
            help="Whose record. With - it is read from standard input, and in no shell's history."
        ),
    ],
    settings: Config,
    whole: Annotated[
        bool, typer.Option("--whole", help="Print the record itself, not only what tells nobody whose it is.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Asks a register once and prints the answer, its age and how long it took.

    Asks anew, as the server would. Ends with 1 where the register gives no usable answer.
    """
    from server.cli import registers

    registers.ask(settings, registers.Asked(whose, number, whole, as_json))


@letter.callback()
def begin_letter() -> None:
    # One command alone would take the place of its group.
    pass


@letter.command("preview", epilog="Example: namak-server letter preview kk --also ru -o letter.pdf")
def preview_letter(
    language: Annotated[str, typer.Argument(metavar="hy|ru|kk|az|en", help="The covering page's language.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the PDF/A goes; overwritten.")],
    also: Annotated[
        list[str] | None, typer.Option("--also", help="A further language of the covering page.")
    ] = None,
    part: Annotated[
        list[Path] | None,
        typer.Option("--part", help="A text (UTF-8) or PDF to print instead of the sample's text."),
    ] = None,
) -> None:
    """Sets an invented letter as print houses get letters.

    To try envelopes, machines and documents. Prints pages, sheets and the SHA-256.
    """
    from server.cli import letters

    letters.preview(tuple(dict.fromkeys((language, *(also or ())))), part or [], output)
