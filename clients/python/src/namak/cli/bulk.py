"""``namak send --to-file``: one letter, or one of a kind, to each line of a list."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import typer

from namak.cli.app import Run
from namak.cli.bulk_index import Index
from namak.cli.bulk_list import BadLine, Letter, RecipientList, Row
from namak.cli.bulk_results import Results
from namak.cli.bulk_tally import Tally, show_problems, summary
from namak.cli.codes import ExitCode
from namak.cli.request_ids import base_of, recipient_request_id
from namak.cli.screen import Steps
from namak.cli.texts import _, ngettext
from namak.client import Client, Outcome, compose, read_part
from namak.client.bulk import Pace, submitted
from namak.client.letters import check_parts, new_request_id
from namak.errors import FileProblem, NamakError, NotFound, Refused
from namak.v1 import delivery_pb2, mailbox_pb2

_REMEMBERED_FILES = 8
# Contents that are kept in memory, at most 3 MiB each: lists often attach the same few files to many lines.

_SECONDS_BETWEEN_LINES = 10.0
# Between two lines about progress, where there is no terminal to draw a bar on.

_RESOLVED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be sent to whom."""

    sender: str
    files: Sequence[Path]
    subject: str | None
    source: Path
    results: Path
    request_id: str | None
    strict: bool
    in_flight: int
    batch: int
    policy: str = ""


def no_sms() -> typer.BadParameter:
    """Returns what is wrong with a short message beside a list: which phone would be whose?"""
    return typer.BadParameter(_("goes with a letter to one recipient"), param_hint="--sms")


def contradiction(*, to: bool, receipt: bool) -> typer.BadParameter:
    """Returns what to say of options that a list has no use for."""
    if to:
        return typer.BadParameter(_("can't be given beside --to-file"), param_hint="--to")
    if receipt:
        return typer.BadParameter(
            _("can't be given beside --to-file; receipts come with: namak watch --output DIR"),
            param_hint="--output",
        )
    return typer.BadParameter(_("means nothing beside --to-file, which never waits"), param_hint="--no-wait")


async def check(run: Run, plan: Plan, *, resolve: bool) -> ExitCode:
    """Checks the whole list and sends nothing; asks the post only with ``resolve``."""
    parts = _common_parts(plan)
    if plan.request_id is not None:
        base_of(plan.request_id)
    tally = Tally()
    with Index() as index:
        source = RecipientList(plan.source, _letter(plan, parts), index)
        _count(source, tally)
        if resolve:
            async with run.client() as post:
                await _resolve(post, source, tally)
    good = tally.good - tally.counts["unreachable"]
    code = ExitCode.REFUSED if tally.counts["bad_lines"] else ExitCode.OK
    run.screen.result(
        {
            "dry_run": True,
            "lines": tally.lines,
            "good_lines": good,
            "bad_lines": tally.counts["bad_lines"],
            "problems": tally.problems,
            "exit_code": int(code),
        }
    )
    show_problems(run, tally, tally.counts["bad_lines"])
    run.screen.line(
        ngettext(
            "{number} letter can be sent; nothing was sent.",
            "{number} letters can be sent; nothing was sent.",
            good,
        ).format(number=good)
    )
    return code


async def send(run: Run, plan: Plan) -> ExitCode:
    """Sends to each line that has no answer yet, and writes each answer down as it comes."""
    parts = _common_parts(plan)
    tally = Tally()
    with Index() as index:
        source = RecipientList(plan.source, _letter(plan, parts), index)
        _count(source, tally)
        if plan.strict and tally.counts["bad_lines"]:
            return summary(run, plan.results, tally, "", stopped=None, sent=False)
        with Results(plan.results, index) as results:
            base = _base(plan, parts, results)
            tally.counts["accepted_before"] = results.accepted
            tally.counts["refused_before"] = results.refused
            run.screen.note(_("request id {id}").format(id=base))
            run.screen.note(_("results {file}").format(file=plan.results))
            stopped = await _send_all(run, plan, _Sending(plan, parts, base, source, results, tally))
    return summary(run, plan.results, tally, base, stopped=stopped, sent=True)


@dataclass(frozen=True, slots=True)
class _Sending:
    """One run over a list: its lines as letters, and its letters' lines."""

    plan: Plan
    parts: Sequence[delivery_pb2.Part]
    base: str
    source: RecipientList
    results: Results
    tally: Tally
    under_way: dict[str, Row] = field(default_factory=dict)
    """By request id; as many as are sent at once."""

    def submissions(self) -> Iterator[delivery_pb2.Submission]:
        """Yields the letters that have no answer yet, and writes down the lines that can't be sent."""
        for found in self.source:
            if isinstance(found, BadLine):
                self._write_bad(found)
                continue
            request_id = found.request_id or recipient_request_id(self.base, found.recipient)
            if self.results.is_done(request_id):
                continue
            try:
                own = [_part(path) for path in found.attachments]
            except NamakError:  # it was there when the list was checked
                bad = BadLine(found.line, "ATTACHMENT")
                self.tally.bad(bad)
                self._write_bad(bad)
                continue
            self.under_way[request_id] = found
            yield compose(
                sender=self.plan.sender,
                recipient=found.recipient,
                subject=found.subject,
                parts=[*self.parts, *own],
                request_id=request_id,
                notification_policy=self.plan.policy,
            )

    def answered(self, outcomes: Sequence[Outcome], *, refused_whole: bool) -> None:
        """Writes down what became of letters."""
        lines = []
        for outcome in outcomes:
            row = self.under_way.pop(outcome.request_id)
            line: dict[str, object] = {
                "line": row.line,
                "recipient": row.recipient,
                "request_id": outcome.request_id,
            }
            if outcome.accepted is not None:
                self.tally.counts["accepted"] += 1
                line["status"] = "accepted"
                line["delivery_id"] = outcome.accepted.delivery.delivery_id
                line["evidence_ids"] = [fact.evidence_id for fact in outcome.accepted.evidence]
            elif outcome.error is not None:
                status = _status(outcome.error, refused_whole=refused_whole)
                self.tally.refused(row, outcome.error, status)
                line["status"] = status
                line["reason"] = outcome.error.reason
                line["message"] = outcome.error.message
                line["evidence_id"] = outcome.error.evidence_id
            lines.append(line)
        self.results.write(lines)

    def _write_bad(self, found: BadLine) -> None:
        self.results.write(
            [{"line": found.line, "status": "bad_line", "code": found.code, "problem": found.words}]
        )


async def _send_all(run: Run, plan: Plan, sending: _Sending) -> NamakError | None:
    """Returns what ended the sending before every line had its answer."""
    tally = sending.tally
    total = max(0, tally.good - tally.counts["accepted_before"] - tally.counts["refused_before"])
    pace = Pace(plan.batch, plan.in_flight)
    answered = 0
    with run.screen.progress(_("Sending"), total) as steps:
        progress = _Progress(run, steps, total)
        async with run.client() as post:
            try:
                batches = submitted(post.deliveries, sending.submissions(), pace)
                async with contextlib.aclosing(batches):
                    async for outcomes in batches:
                        sending.answered(outcomes, refused_whole=_refused_whole(outcomes))
                        answered += len(outcomes)
                        progress.reached(answered)
            except NamakError as problem:
                return problem
            except asyncio.CancelledError:
                run.screen.note(_("Stopped; run the same command again, and it goes on where it stopped."))
                raise
    return None


class _Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, run: Run, steps: Steps, total: int) -> None:
        self._run = run
        self._steps = steps
        self._total = total
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def reached(self, done: int) -> None:
        """Tells how far it is."""
        self._steps.reached(done, self._total)
        if not self._steps.is_shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
            self._run.screen.note(
                _("{done} of {total} letters answered").format(done=done, total=self._total)
            )


def _status(error: NamakError, *, refused_whole: bool) -> str:
    if isinstance(error, Refused):
        return "not_sent" if refused_whole else "refused"
    return "unknown"


def _refused_whole(outcomes: Sequence[Outcome]) -> bool:
    """Returns whether the post refused the batch and looked at none of its letters: one error for all."""
    first = outcomes[0].error if outcomes else None
    return first is not None and len(outcomes) > 1 and all(outcome.error is first for outcome in outcomes)


def _count(source: RecipientList, tally: Tally) -> None:
    """Looks at every line, so that what is wrong is told before anything is sent."""
    for found in source:
        tally.lines += 1
        if isinstance(found, BadLine):
            tally.bad(found)
        else:
            tally.good += 1


async def _resolve(post: Client, source: RecipientList, tally: Tally) -> None:
    """Asks the post for each mailbox, some at once."""
    gate = asyncio.Semaphore(_RESOLVED_AT_ONCE)

    async def receives(row: Row) -> bool:
        async with gate:
            try:
                found = await post.admin.resolve_address(row.recipient)
            except (NotFound, Refused) as problem:
                if problem.reason not in ("MAILBOX_UNKNOWN", "INVALID_FIELDS"):
                    raise
                return False
            return found.state == mailbox_pb2.MAILBOX_STATE_OPEN

    rows: list[Row] = []

    async def ask() -> None:
        for row, open_ in zip(rows, await asyncio.gather(*map(receives, rows)), strict=True):
            if not open_:
                tally.counts["unreachable"] += 1
                tally.bad(BadLine(row.line, "NO_MAILBOX"))
        rows.clear()

    for found in source:
        if isinstance(found, Row):
            rows.append(found)
        if len(rows) == 10 * _RESOLVED_AT_ONCE:
            await ask()
    await ask()


def _common_parts(plan: Plan) -> Sequence[delivery_pb2.Part]:
    if plan.sender != plan.sender.strip():
        raise typer.BadParameter(_("an address begins or ends with a space"), param_hint="--from")
    parts = [read_part(path) for path in plan.files]
    if parts:
        check_parts(parts)
    return parts


def _letter(plan: Plan, parts: Sequence[delivery_pb2.Part]) -> Letter:
    return Letter(plan.subject, [len(part.content) for part in parts])


def _base(plan: Plan, parts: Sequence[delivery_pb2.Part], results: Results) -> str:
    """Returns the base of the request ids: the one that the results began with, else the option's, else a new
    one, written down before anything is sent.
    """
    letter = _digest(plan, parts)
    if results.header is None:
        base = base_of(plan.request_id or new_request_id())
        results.begin({"request_id": base, "letter": letter, "sender": plan.sender, "list": plan.source.name})
        return base
    base = str(results.header.get("request_id", ""))
    if results.header.get("letter") != letter:
        raise FileProblem(
            _("{file} belongs to another letter; name another one with --results").format(file=plan.results)
        )
    if plan.request_id not in (None, base):
        raise typer.BadParameter(
            _("{file} began with {id}").format(file=plan.results, id=base), param_hint="--request-id"
        )
    return base_of(base)


def _digest(plan: Plan, parts: Sequence[delivery_pb2.Part]) -> str:
    """Returns what tells letters apart: sender, subject and common files."""
    digest = hashlib.sha256()
    for piece in (plan.sender, plan.subject or "", *(f"{p.name}/{p.media_type}" for p in parts)):
        digest.update(hashlib.sha256(piece.encode()).digest())
    for part in parts:
        digest.update(part.digest.value)
    return digest.hexdigest()


@lru_cache(maxsize=_REMEMBERED_FILES)
def _part(path: Path) -> delivery_pb2.Part:
    return read_part(path)
