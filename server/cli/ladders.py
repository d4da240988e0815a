"""`namak-server ladder`: what was done of deliveries' ladders, what comes, and what failed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import typer

from namak.cli.tables import show_table
from namak.evidence.failures import UnknownCalendar, UnknownPolicy
from server import bootstrap
from server.bootstrap_ladder import ladder_actions
from server.bootstrap_machine import SystemClock
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.fields import Malformed
from server.domain.ids import parse_id
from server.domain.ladder import FailedSteps, StepState, TakenStep
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.ladder_desk import LadderDesk, LadderView, NotCarriedOut, Rung


@asynccontextmanager
async def ladder_desk(settings: Settings) -> AsyncIterator[LadderDesk]:
    """Gives the operator's desk over the settings' database."""
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            yield LadderDesk(
                uow=SqlUnitOfWork(database), clock=SystemClock(), actions=ladder_actions(settings)
            )
        except (UnknownPolicy, UnknownCalendar) as unknown:
            fail(f"this release can't say: {unknown}")
        finally:
            await database.dispose()


def failed(settings: Path, wanted: FailedSteps, limit: int, *, as_json: bool) -> None:
    """Lists steps that failed."""
    run(_failed(load(settings), wanted, limit, as_json=as_json))


async def _failed(settings: Settings, wanted: FailedSteps, limit: int, *, as_json: bool) -> None:
    async with ladder_desk(settings) as desk:
        found = await desk.failed(wanted, after=None, limit=limit)
    if as_json:
        typer.echo(json.dumps([_taken(each) for each in found], indent=2))
    elif not found:
        typer.echo("No step of an open delivery has failed.")
    else:
        show_table(
            ("delivery", "step", "action", "taken", "why"),
            [
                (str(each.delivery_id), each.step, each.action.value, _time(each.taken_at), each.reason or "")
                for each in found
            ],
        )
    if len(found) == limit:
        typer.echo(f"There may be more than {limit}: --limit", err=True)


def show(settings: Path, delivery: str, *, as_json: bool) -> None:
    """Prints a delivery's ladder."""
    run(_show(load(settings), _identifier(delivery), as_json=as_json))


async def _show(settings: Settings, delivery_id: UUID, *, as_json: bool) -> None:
    async with ladder_desk(settings) as desk:
        view = await desk.show(delivery_id)
    if view is None:
        fail(f"there is no delivery {delivery_id}")
    if as_json:
        typer.echo(json.dumps(_view(view), indent=2))
        return
    delivery = view.delivery
    typer.echo(f"delivery: {delivery.id}")
    typer.echo(f"policy: {delivery.notification_policy}")
    typer.echo(f"accepted: {_time(delivery.submitted_at)}")
    typer.echo(f"state: {delivery.state.value}")
    if delivery.notified_at is not None:
        typer.echo(f"notified since: {_time(delivery.notified_at)} ({view.notified_by})")
    if delivery.withdrawn_at is not None:
        typer.echo(f"withdrawn: {_time(delivery.withdrawn_at)}")
    if view.lapses_at is not None:
        typer.echo(f"notified by lapse of time: {_time(view.lapses_at)}")
    if view.looked_at is not None:
        typer.echo(f"looked at again: {_time(view.looked_at)}")
    if not view.rungs:
        typer.echo("The policy has no steps.")
        return
    columns = ("step", "action", "due", "state", "taken", "why", "again")
    show_table(columns, [_row(rung) for rung in view.rungs])


def retry(settings: Path, delivery: str, step: str, *, dry_run: bool) -> None:
    """Has a failed step carried out again; exit code 1 where it is not."""
    run(_retry(load(settings), _identifier(delivery), step, dry_run=dry_run))


async def _retry(settings: Settings, delivery_id: UUID, step: str, *, dry_run: bool) -> None:
    async with ladder_desk(settings) as desk:
        try:
            before = await desk.retry(delivery_id, step, dry_run=dry_run)
        except NotCarriedOut as refused:
            fail(f"{delivery_id} {step}: {refused}")
    done = "would be carried out again" if dry_run else "is carried out again"
    typer.echo(f"{delivery_id} {step} ({before.action.value}, failed with {before.reason}) {done}")


def _identifier(text: str) -> UUID:
    try:
        return parse_id(text)
    except Malformed as malformed:
        fail(f"DELIVERY {malformed}")


def _row(rung: Rung) -> tuple[str, ...]:
    taken = rung.taken
    due = "" if rung.due is None else _time(rung.due)
    if taken is None:
        return rung.step.id, rung.step.action.value, due, "", "", "", ""
    again = "" if taken.again_at is None else _time(taken.again_at)
    return (
        *(rung.step.id, rung.step.action.value, due, taken.state.value),
        *(_time(taken.taken_at), taken.reason or "", again),
    )


def _view(view: LadderView) -> dict[str, object]:
    delivery = view.delivery
    return {
        "delivery": str(delivery.id),
        "policy": delivery.notification_policy,
        "accepted_at": delivery.submitted_at.isoformat(),
        "state": delivery.state.value,
        "notified_at": _iso(delivery.notified_at),
        "notified_by": view.notified_by,
        "withdrawn_at": _iso(delivery.withdrawn_at),
        "lapses_at": _iso(view.lapses_at),
        "looked_at": _iso(view.looked_at),
        "steps": [
            {
                "step": rung.step.id,
                "action": rung.step.action.value,
                "due_at": _iso(rung.due),
                "taken": None if rung.taken is None else _outcome(rung.taken),
            }
            for rung in view.rungs
        ],
    }


def _taken(step: TakenStep) -> dict[str, object]:
    return {
        "delivery": str(step.delivery_id),
        "step": step.step,
        "action": step.action.value,
        "due_at": step.due_at.isoformat(),
        **_outcome(step),
    }


def _outcome(step: TakenStep) -> dict[str, object]:
    return {
        "state": step.state.value,
        "taken_at": step.taken_at.isoformat(),
        "reason": step.reason if step.state is StepState.FAILED else None,
        "again_at": _iso(step.again_at),
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
