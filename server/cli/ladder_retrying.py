"""`namak-server ladder retry --all`: failed steps carried out again, one after the other."""

import json
from collections import Counter
from pathlib import Path

import typer
from rich.console import Console

from server.cli.endings import load, run
from server.cli.ladders import ladder_desk
from server.config import Settings
from server.domain.ladder import FailedSteps
from server.usecases.ladder_desk import SETTLED, Obstacle


def retry_all(
    settings: Path, wanted: FailedSteps, limit: int | None, *, dry_run: bool, as_json: bool
) -> None:
    """Has failed steps carried out again; exit code 1 where something is left to do for the operator."""
    run(_retry_all(load(settings), wanted, limit, dry_run=dry_run, as_json=as_json))


async def _retry_all(
    settings: Settings, wanted: FailedSteps, limit: int | None, *, dry_run: bool, as_json: bool
) -> None:
    done, left = 0, Counter[Obstacle]()
    progress = Console(stderr=True)
    async with ladder_desk(settings) as desk:
        with progress.status("looking at failed steps") as shown:
            async for _, obstacle in desk.retry_all(wanted, limit=limit, dry_run=dry_run):
                if obstacle is None:
                    done += 1
                else:
                    left[obstacle] += 1
                shown.update(f"{done + left.total():,} failed steps looked at")
    if as_json:
        counts = {each.name: count for each, count in sorted(left.items())}
        typer.echo(json.dumps({"dry_run": dry_run, "carried_out_again": done, "not": counts}, indent=2))
    else:
        what = "would be carried out again" if dry_run else "are carried out again"
        typer.echo(f"{done:,} of {done + left.total():,} failed steps {what}.")
        for each, count in left.most_common():
            typer.echo(f"{count:,} not: {each.value}")
    if any(each not in SETTLED for each in left):
        raise typer.Exit(1)
