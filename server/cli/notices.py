"""`namak-server notices`: how far public notices are, and what an operator decides about them."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Column, Table

from server import bootstrap
from server.bootstrap_machine import SystemClock
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.notices import Notice, NoticeState, digest_of, ending_of
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.notice_desk import Decision, NoticeDesk, NoticeView

_STATES = {state.value.lower().replace("_", "-"): state for state in NoticeState}
_USUAL = (NoticeState.WAITING, NoticeState.FAILED, NoticeState.PUBLISHED, NoticeState.WITHDRAWING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to list, and how to print it."""

    states: tuple[str, ...]
    after: str
    limit: int
    as_json: bool


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[NoticeDesk]:
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            yield NoticeDesk(uow=SqlUnitOfWork(database), clock=SystemClock())
        finally:
            await database.dispose()


def listed(settings: Path, asked: Asked) -> None:
    """Lists notices."""
    if unknown := [each for each in asked.states if each not in _STATES]:
        fail(f"there is no state {', '.join(unknown)}; there are: {', '.join(_STATES)}")
    run(_listed(load(settings), asked))


async def _listed(settings: Settings, asked: Asked) -> None:
    states = [_STATES[each] for each in asked.states] or list(_USUAL)
    after = _identifier(asked.after) if asked.after else None
    async with _desk(settings) as desk:
        found = await desk.listed(states, after=after, limit=asked.limit)
    if asked.as_json:
        typer.echo(json.dumps([_told(each) for each in found], indent=2))
        return
    # Whole, also where the screen is narrow: it is what the other commands ask for.
    table = Table(Column("notice", min_width=36, no_wrap=True), "state", "since", "why", "deadline")
    for each in found:
        since = each.ended_at or each.published_at or each.asked_at
        why = each.reason or ("" if each.ending is None else each.ending.value)
        table.add_row(str(each.id), each.state.value, _time(since), why, _time(each.deadline))
    Console().print(table if found else "There are no notices in these states.")
    if len(found) == asked.limit:
        typer.echo(f"There may be more: --after {found[-1].id}", err=True)


def show(settings: Path, notice: str, *, document: bool, as_json: bool) -> None:
    """Prints one notice, or its document alone."""
    run(_show(load(settings), _identifier(notice), document=document, as_json=as_json))


async def _show(settings: Settings, notice_id: UUID, *, document: bool, as_json: bool) -> None:
    async with _desk(settings) as desk:
        view = await desk.show(notice_id)
    if view is None:
        fail(f"there is no notice {notice_id}")
    if document:
        if view.notice.document is None:
            fail("it was never handed over for publication: there is no document yet")
        sys.stdout.flush()
        sys.stdout.buffer.write(view.notice.document)
        return
    told = _told(view.notice) | _of_job(view)
    told["delivery_state"] = view.delivery.state.value
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        typer.echo(f"{name}: {'' if value is None else value}")


def retry(settings: Path, notice: str) -> None:
    """Has one tried again; exit code 1 where there is nothing to try."""
    run(_retry(load(settings), _identifier(notice)))


async def _retry(settings: Settings, notice_id: UUID) -> None:
    async with _desk(settings) as desk:
        decision = await desk.retry(notice_id)
    _explain(decision, notice_id, "only one that failed, or is to be taken back, is tried again")
    typer.echo("To be tried again at once.")


def withdraw(settings: Path, notice: str, *, yes: bool, despite_effect: bool) -> None:
    """Takes one back, or says what that would do; exit code 1 where it can't be done."""
    run(_withdraw(load(settings), _identifier(notice), yes=yes, despite_effect=despite_effect))


async def _withdraw(settings: Settings, notice_id: UUID, *, yes: bool, despite_effect: bool) -> None:
    async with _desk(settings) as desk:
        view = await desk.show(notice_id)
        if view is None:
            fail(f"there is no notice {notice_id}")
        if not yes:
            typer.echo(_consequence(view))
            typer.echo("Nothing was changed; --yes does it.")
            return
        decision = await desk.withdraw(notice_id, despite_effect=despite_effect)
    _explain(decision, notice_id, "it is no longer public, or is being taken back")
    typer.echo(
        "To be taken back at once." if view.notice.document is not None else "It will not be published."
    )


def _consequence(view: NoticeView) -> str:
    notice = view.notice
    if notice.state is NoticeState.PUBLISHED:
        if ending_of(view.delivery) is None:
            return (
                "It would be taken back. Its publication is recorded and stays so: the recipient counts as "
                f"notified from {_time(notice.deadline)} on all the same, unless something comes before. "
                "That needs --despite-effect."
            )
        return "It would be taken back. The delivery needs it no more."
    if notice.state not in (NoticeState.WAITING, NoticeState.FAILED):
        return "It is no longer public, or is being taken back: there is nothing to do."
    return (
        "It would not be published, and so the ladder's step has no effect, ever: the recipient is notified "
        "by something else, or not at all."
        + ("" if notice.document is None else " What may have come through is taken back.")
    )


def _explain(decision: Decision, notice_id: UUID, not_now: str) -> None:
    """Ends the command where a decision was none."""
    match decision:
        case Decision.NO_NOTICE:
            fail(f"there is no notice {notice_id}")
        case Decision.NOT_NOW:
            fail(not_now)
        case Decision.EFFECT_GOES_ON:
            fail("its publication is recorded, and notifies all the same: --despite-effect says so expressly")
        case Decision.DONE:
            return


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        fail(f"{text!r} is no identifier of a notice")


def _told(notice: Notice) -> dict[str, object]:
    return {
        "notice": str(notice.id),
        "delivery": str(notice.delivery_id),
        "mailbox": str(notice.mailbox_id),
        "step": notice.step,
        "state": notice.state.value,
        "reason": notice.reason,
        "ending": None if notice.ending is None else notice.ending.value,
        "asked_at": _time(notice.asked_at),
        "published_at": _time(notice.published_at) or None,
        "deadline": _time(notice.deadline) or None,
        "ended_at": _time(notice.ended_at) or None,
        "place": notice.place,
        **({} if notice.document is None else {"sha256": digest_of(notice.document)}),
    }


def _of_job(view: NoticeView) -> dict[str, object]:
    job = view.job
    if job is None:
        return {"job": None}
    return {
        "job": f"{job.id} ({job.kind}, {job.state.value})",
        "attempts": job.attempts,
        "next_attempt": _time(job.due) or None,
        "failed_at": None if job.failure is None else _time(job.failure.at),
    }


def _time(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="seconds")
