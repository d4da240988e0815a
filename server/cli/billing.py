"""`namak-server billing audit`: recounts what was billed from the evidence."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from server import bootstrap
from server.cli.days import day
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.fields import Malformed
from server.domain.ids import parse_id
from server.domain.usage import Usage, UsageFindings
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork

_STATEMENT_SECONDS = 120.0
"""An audit may take its time, where a caller may not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to audit: local days, both inclusive; one organisation or all."""

    first: str
    last: str
    organisation: str
    as_json: bool


def audit(settings: Path, asked: Asked) -> None:
    """Compares bill and evidence; exit code 1 where they differ."""
    first, last = day("--from", asked.first), day("--to", asked.last)
    organisation_id = _organisation(asked.organisation)
    run(_audit(load(settings), first, last, organisation_id, as_json=asked.as_json))


async def _audit(
    settings: Settings, first: date | None, last: date | None, organisation_id: UUID | None, *, as_json: bool
) -> None:
    zone = ZoneInfo(PROFILES[settings.profile].time_zone)
    today = datetime.now(zone).date()
    first, last = first or today.replace(day=1), last or today
    progress = Console(stderr=True)
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=1, statement_seconds=_STATEMENT_SECONDS)
        try:
            with progress.status("recounting") as shown:
                findings = await bootstrap.usage_audit(settings, SqlUnitOfWork(database)).run(
                    first,
                    last,
                    organisation_id,
                    on_progress=lambda facts: shown.update(f"recounting: {facts:,} pieces of evidence"),
                )
        finally:
            await database.dispose()
    if as_json:
        typer.echo(json.dumps(_as_json(findings, first, last, zone), indent=2))
    else:
        _print(findings, first, last, zone)
    if findings.differences or findings.corrupt:
        raise typer.Exit(1)


def _print(findings: UsageFindings, first: date, last: date, zone: ZoneInfo) -> None:
    console = Console()
    if findings.differences:
        table = Table("organisation", "day", "sender", "billed", "evidence", title="Bill and evidence differ")
        for each in findings.differences:
            table.add_row(
                str(each.organisation_id),
                str(each.day),
                each.sender,
                _words(each.billed),
                _words(each.evidenced),
            )
        console.print(table)
    for evidence_id in findings.corrupt:
        console.print(f"Evidence {evidence_id}: its bytes are not those that the log vouches for.")
    if findings.unlogged:
        console.print(f"{findings.unlogged:,} of them are in no leaf of the log yet.")
    verdict = "no difference" if not findings.differences and not findings.corrupt else "NOT in order"
    console.print(
        f"{first} to {last} ({zone.key}): {findings.facts:,} pieces of evidence recounted, {verdict}.",
        soft_wrap=True,
    )


def _as_json(findings: UsageFindings, first: date, last: date, zone: ZoneInfo) -> dict[str, object]:
    def usage(found: Usage) -> dict[str, int]:
        return {
            "accepted": found.accepted,
            "withdrawn": found.withdrawn,
            "sms": found.sms,
            "sms_segments": found.sms_segments,
        }

    return {
        "first_day": str(first),
        "last_day": str(last),
        "time_zone": zone.key,
        "evidence_recounted": findings.facts,
        "evidence_not_logged_yet": findings.unlogged,
        "evidence_corrupt": [str(each) for each in findings.corrupt],
        "differences": [
            {
                "organisation_id": str(each.organisation_id),
                "day": str(each.day),
                "sender": each.sender,
                "billed": usage(each.billed),
                "evidenced": usage(each.evidenced),
            }
            for each in findings.differences
        ],
    }


def _words(usage: Usage) -> str:
    withdrawn = f" ({usage.withdrawn:,} withdrawn)" if usage.withdrawn else ""
    texts = f", {usage.sms:,} SMS of {usage.sms_segments:,} segments" if usage.sms else ""
    return f"{usage.accepted:,}{withdrawn}{texts}"


def _organisation(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return parse_id(text)
    except Malformed as problem:
        fail(f"--organisation {problem.text}")
