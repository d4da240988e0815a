"""`namak-server jobs`: what is to be done outside, and what failed."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from server import bootstrap
from server.bootstrap_machine import SystemClock
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.jobs import Backlog, JobState, StoredJob
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.jobs import JobDesk

_STATES = {state.value.lower().replace("_", "-"): state for state in JobState}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to list, and how to print it."""

    state: str
    kind: str
    after: int
    limit: int
    as_json: bool


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[JobDesk]:
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            yield JobDesk(uow=SqlUnitOfWork(database), clock=SystemClock())
        finally:
            await database.dispose()


def status(settings: Path, *, as_json: bool) -> None:
    """Prints what there is of each kind."""
    run(_status(load(settings), as_json=as_json))


async def _status(settings: Settings, *, as_json: bool) -> None:
    async with _desk(settings) as desk:
        backlogs = await desk.backlogs()
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([_backlog(each, now) for each in backlogs], indent=2))
        return
    table = Table("kind", "due", "oldest", "later", "next due", "running", "dead")
    for each in backlogs:
        oldest = "" if each.oldest is None else f"{_seconds(each.oldest, now)} s"
        following = "" if each.next is None else each.next.isoformat(timespec="seconds")
        counts = (str(each.later), following, str(each.running), str(each.dead))
        table.add_row(each.kind, str(each.due), oldest, *counts)
    Console().print(table if backlogs else "There is nothing to do, and nothing failed.")


def listed(settings: Path, asked: Asked) -> None:
    """Lists jobs in a state."""
    if asked.state not in _STATES:
        fail(f"--state must be one of: {', '.join(_STATES)}")
    run(_listed(load(settings), asked))


async def _listed(settings: Settings, asked: Asked) -> None:
    async with _desk(settings) as desk:
        found = await desk.listed(
            [_STATES[asked.state]], asked.kind or None, after=asked.after, limit=asked.limit
        )
    if asked.as_json:
        typer.echo(json.dumps([_job(each) for each in found], indent=2))
        return
    table = Table("number", "kind", "attempts", "last failed", "why")
    for job in found:
        failure = job.failure
        when, why = (
            ("", "") if failure is None else (failure.at.isoformat(timespec="seconds"), failure.reason)
        )
        table.add_row(str(job.id), job.kind, str(job.attempts), when, why)
    Console().print(table if found else _none(asked))
    if len(found) == asked.limit:
        typer.echo(f"There may be more: --after {found[-1].id}", err=True)


def show(settings: Path, number: int, *, as_json: bool) -> None:
    """Prints one job."""
    run(_show(load(settings), number, as_json=as_json))


async def _show(settings: Settings, number: int, *, as_json: bool) -> None:
    async with _desk(settings) as desk:
        job = await desk.get(number)
    if job is None:
        fail(f"there is no job {number}: what was done is deleted")
    told = _job(job)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        typer.echo(f"{name}: {json.dumps(value) if isinstance(value, dict) else value}")


def retry(settings: Path, numbers: Sequence[int]) -> None:
    """Has dead letters tried again; exit code 1 where one is none."""
    run(_decide(load(settings), numbers, gives_up=False))


def discard(settings: Path, numbers: Sequence[int]) -> None:
    """Gives dead letters up; exit code 1 where one is none."""
    run(_decide(load(settings), numbers, gives_up=True))


async def _decide(settings: Settings, numbers: Sequence[int], *, gives_up: bool) -> None:
    async with _desk(settings) as desk:
        others = await (desk.discard(numbers) if gives_up else desk.retry(numbers))
    count = len(set(numbers)) - len(others)
    if count or not others:
        typer.echo(f"{'Given up' if gives_up else 'To be tried again'}: {count}")
    if others:
        fail(f"no dead letters: {', '.join(map(str, others))}")


def _none(asked: Asked) -> str:
    of_kind = f" of {asked.kind}" if asked.kind else ""
    return f"There are no jobs{of_kind} that are {asked.state}."


def _seconds(since: datetime, now: datetime) -> int:
    return max(0, round((now - since).total_seconds()))


def _backlog(backlog: Backlog, now: datetime) -> dict[str, object]:
    return {
        "kind": backlog.kind,
        "due": backlog.due,
        "oldest_seconds": None if backlog.oldest is None else _seconds(backlog.oldest, now),
        "later": backlog.later,
        "next_due": None if backlog.next is None else backlog.next.isoformat(),
        "running": backlog.running,
        "dead": backlog.dead,
    }


def _job(job: StoredJob) -> dict[str, object]:
    failure = job.failure
    return {
        "number": job.id,
        "kind": job.kind,
        "state": job.state.value,
        "arguments": {name: str(value) for name, value in job.arguments.items()},
        "attempts": job.attempts,
        "deferred_at": job.deferred_at.isoformat(),
        "due": None if job.due is None else job.due.isoformat(),
        "failed_at": None if failure is None else failure.at.isoformat(),
        "reason": None if failure is None else failure.reason,
    }
