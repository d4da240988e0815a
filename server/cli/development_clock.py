"""`namak-server dev later` and `dev clock`: the clock of a development world, which can be put forward."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import typer

from namak.evidence.times import format_time
from server.bootstrap_machine import AHEAD, SystemClock
from server.cli.endings import fail, load, told
from server.config import Settings

_TIME: Final = re.compile(r"(\d{1,4})([dhm])")
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_MOST: Final = timedelta(days=60)
"""A world's certificates are good for some months."""


def put_forward(settings: Path, by: str) -> None:
    """Puts the clock forward, and says what it shows."""
    loaded = load(settings)
    file = _file(loaded, settings)
    match = _TIME.fullmatch(by)
    if match is None:
        fail(f"{by!r} is no time: a whole number with d, h or m, such as 4d")
    ahead = AHEAD.now() + int(match[1]) * _UNITS[match[2]]
    if ahead > _MOST:
        fail(f"a world's clock is at most {_MOST.days} days ahead; make a new world")
    with told():
        # Whole or not at all: programs that run read it at any moment.
        unfinished = file.with_name(file.name + ".new")
        unfinished.write_text(f"{ahead.total_seconds():.0f}\n", encoding="ascii")
        unfinished.replace(file)
    typer.echo(format_time(SystemClock().now()))


def show(settings: Path) -> None:
    """Prints what the clock shows."""
    _file(load(settings), settings)
    typer.echo(format_time(SystemClock().now()))


def _file(settings: Settings, path: Path) -> Path:
    if settings.development_clock is None:
        fail(f"{path} names no development_clock; worlds of dev init have one")
    return settings.development_clock
