"""`namak-server profile`: what each jurisdiction decides, and who says so."""

import json
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from server.domain.profile import Profile
from server.domain.profile_sources import Sourced, in_words, sourced
from server.jurisdictions import PROFILES, SOURCES

_DEFAULT = next(iter(PROFILES))
_TABLE_WIDTH = 120
# Columns; below it the longest names leave too little for values and sources, and each field is a paragraph.


def show(code: str, settings: Path | None, *, as_json: bool) -> None:
    """Prints one profile: the one asked for, else that of the settings, else the default."""
    if not code:
        code = _DEFAULT if settings is None else _set(settings)
    if code not in PROFILES:
        typer.echo(f"namak-server: no profile {code!r}; there are {', '.join(PROFILES)}", err=True)
        raise typer.Exit(1)
    found = sourced(PROFILES[code], SOURCES[code])
    if as_json:
        typer.echo(json.dumps(_as_json(code, found), indent=2, ensure_ascii=False))
    else:
        _print(code, found)


def show_all(*, as_json: bool) -> None:
    """Prints every profile in a line."""
    if as_json:
        listed = [{"code": each.code, **_summary(each), "default": each.code == _DEFAULT} for each in _all()]
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = Table("profile", "mailboxes at", "languages", "time zone", "assumed values", box=None)
    for each in _all():
        summary = _summary(each)
        table.add_row(
            each.code + (" (default)" if each.code == _DEFAULT else ""),
            str(summary["mailbox_domain"]),
            ", ".join(each.languages),
            each.time_zone,
            f"{summary['assumed']} of {summary['fields']}",
        )
    Console(soft_wrap=True).print(table)


def _set(settings: Path) -> str:
    # It brings the whole server with it, which takes long, and most ask for a profile by its code.
    from server.cli import endings

    return endings.load(settings).profile


def _all() -> tuple[Profile, ...]:
    return tuple(PROFILES.values())


def _summary(profile: Profile) -> dict[str, Any]:
    found = sourced(profile, SOURCES[profile.code])
    return {
        "mailbox_domain": profile.mailbox_domain,
        "languages": profile.languages,
        "time_zone": profile.time_zone,
        "fields": len(found),
        "assumed": sum(each.source.assumed for each in found),
    }


def _print(code: str, found: tuple[Sourced, ...]) -> None:
    console = Console()
    if console.width < _TABLE_WIDTH:
        _print_paragraphs(console, code, found)
    else:
        _print_table(console, code, found)
    assumed = sum(each.source.assumed for each in found)
    console.print(
        f"{assumed} of {len(found)} values are assumed: the documents are silent, or leave them open.",
        soft_wrap=True,
    )


def _print_paragraphs(console: Console, code: str, found: tuple[Sourced, ...]) -> None:
    console.print(Text(f"Profile {code}", style="italic"))
    for each in found:
        console.print(Text.assemble((each.name, "bold"), f"  {_mark(each)}"), soft_wrap=True)
        for line in (in_words(each.value), f"by {each.source.by}"):
            # Folded, never cut: an identifier that is longer than a line goes on in the next.
            console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 4)))


def _print_table(console: Console, code: str, found: tuple[Sourced, ...]) -> None:
    table = Table(title=f"Profile {code}", title_justify="left", box=None)
    table.add_column("field", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("", no_wrap=True)
    table.add_column("by", overflow="fold")
    for each in found:
        mark = Text(_mark(each), style="bold" if each.source.assumed else "")
        table.add_row(Text(each.name), Text(in_words(each.value)), mark, Text(each.source.by))
    console.print(table)


def _mark(each: Sourced) -> str:
    return "ASSUMED" if each.source.assumed else "stated"


def _as_json(code: str, found: tuple[Sourced, ...]) -> dict[str, object]:
    return {
        "code": code,
        "fields": [
            {
                "name": each.name,
                "value": _plain(each.value),
                "assumed": each.source.assumed,
                "by": each.source.by,
            }
            for each in found
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.0f}s"
    if isinstance(value, date | time):
        return value.isoformat()
    return value
