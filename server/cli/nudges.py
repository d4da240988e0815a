"""`namak-server ladder nudges`: how many nudges ladders asked for, and what the operator pays for them."""

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from namak.cli.tables import show_table
from server import bootstrap
from server.cli.days import day
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.fields import Malformed
from server.domain.local_days import stretches
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork


def counted(settings: Path, first: str, last: str, *, as_json: bool) -> None:
    """Counts the nudges that were asked for on local days, both inclusive; by default those of this month."""
    run(_counted(load(settings), day("--from", first), day("--to", last), as_json=as_json))


async def _counted(settings: Settings, first: date | None, last: date | None, *, as_json: bool) -> None:
    zone = ZoneInfo(PROFILES[settings.profile].time_zone)
    today = datetime.now(zone).date()
    first, last = first or today.replace(day=1), last or today
    try:
        time = stretches(first, last, zone)
    except Malformed as problem:
        fail(f"--from, --to: {problem.text}")
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=1)
        try:
            async with SqlUnitOfWork(database).reading() as tx:
                found = await tx.nudges.counted(time[0].start, time[-1].end)
        finally:
            await database.dispose()
    if as_json:
        counts = [asdict(each) for each in found]
        days = {"first_day": str(first), "last_day": str(last), "time_zone": zone.key}
        typer.echo(json.dumps(days | {"nudges": counts}, indent=2))
        return
    if not found:
        typer.echo(f"{first} to {last} ({zone.key}): no nudges.")
        return
    rows = [(each.kind.value, each.state.value, f"{each.nudges:,}", f"{each.segments:,}") for each in found]
    show_table(("to", "state", "nudges", "SMS segments"), rows)
    typer.echo(f"{first} to {last} ({zone.key}); on nobody's bill.")
