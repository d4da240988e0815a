"""``namak paper``: letters that came on paper, as clerks hand them in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from namak.cli import shapes, withdrawn
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.given import by_options
from namak.cli.naming import named_id
from namak.cli.screen import error_document
from namak.cli.texts import N_, _
from namak.cli.writing import save_receipts
from namak.client import read_part
from namak.client.letters import check_parts
from namak.errors import FileProblem
from namak.evidence.custody import CustodyAct, CustodyStep
from namak.v1 import delivery_pb2


@dataclass(frozen=True, slots=True)
class Times:
    """When the steps of an ordinary letter were."""

    received: datetime | None
    opened: datetime | None
    scanned: datetime | None
    stored: datetime | None


@dataclass(frozen=True, slots=True)
class Way:
    """The paper's way, and by which option each step's time was typed; of a file, with the step's number."""

    steps: Sequence[CustodyStep]
    typed: Sequence[str]
    by_file: bool

    def options(self) -> Mapping[str, str]:
        """Returns by field of the request what it was typed by."""
        names = {}
        for index, typed in enumerate(self.typed):
            for part in ("act", "time", "place", "person", "digest"):
                asked_for = part in ("place", "person") and not self.by_file
                names[f"custody[{index}].{part}"] = f"--{part}" if asked_for else typed
        return names


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as the clerk typed it."""

    to: str
    subject: str
    files: Sequence[Path]
    way: Way
    original: str
    sender_name: str
    sender_lines: Sequence[str]
    tracking: str
    language: str


def custody_of(times: Times, place: str | None, person: str | None) -> Way:
    """Returns the steps of a letter that stayed in one place, with one person. Raises BadParameter."""
    for value, option in (
        (times.received, "--received"),
        (times.scanned, "--scanned"),
        (place, "--place"),
        (person, "--person"),
    ):
        if not value:
            raise typer.BadParameter(_("is needed, or --custody"), param_hint=option)
    known = (
        (CustodyAct.RECEIVED, times.received, "--received"),
        (CustodyAct.OPENED, times.opened, "--opened"),
        (CustodyAct.SCANNED, times.scanned, "--scanned"),
        (CustodyAct.STORED, times.stored, "--stored"),
    )
    steps = [CustodyStep(act, time, place or "", person or "") for act, time, _option in known if time]
    return Way(steps, [option for _act, time, option in known if time], by_file=False)


def custody_from(path: Path) -> Way:
    """Returns the steps in a file. Raises FileProblem."""
    try:
        steps = [_step(each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as problem:
        raise FileProblem(f"{path} can't be read: {problem.strerror}") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise FileProblem(f"{path} is no list of steps in JSON: {problem}") from problem
    named = _("{option}, step {number}")
    typed = [named.format(option="--custody", number=index + 1) for index in range(len(steps))]
    return Way(steps, typed, by_file=True)


def _step(value: Mapping[str, Any]) -> CustodyStep:
    time = datetime.fromisoformat(value["time"])
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    digest = bytes.fromhex(value.get("digest", "")).hex()
    return CustodyStep(
        CustodyAct(value["act"]), time.astimezone(UTC), str(value["place"]), str(value["person"]), digest
    )


async def submit(
    run: Run, letter: Letter, request_id: str | None, output: Path | None, *, yes: bool
) -> ExitCode:
    """Hands in a letter after asking for the statement, and saves the receipts if asked to."""
    if not letter.files:
        raise typer.BadParameter(_("is needed"), param_hint="FILE")
    scans = [read_part(path) for path in letter.files]
    check_parts(scans)
    async with run.client() as post:
        stated = await post.paper.statement()
        words = next((text.text for text in stated.texts if text.language == letter.language), "")
        question = _("You state for the operator: {text} Do you?")
        if not agreed(run, question.format(text=words or stated.texts[0].text), yes=yes):
            return ExitCode.REFUSED
        name = named_id(run.screen, request_id)
        with run.screen.progress(_("Sending")), by_options(letter.way.options()):
            accepted = await post.paper.submit(
                recipient=letter.to,
                subject=letter.subject,
                scans=scans,
                custody=letter.way.steps,
                original=letter.original,
                statement_version=stated.version,
                statement_language=letter.language,
                sender_name=letter.sender_name,
                sender_address=letter.sender_lines,
                tracking_number=letter.tracking,
                request_id=name,
                max_receipt_wait=None if output else timedelta(0),
            )
        saved, late = await save_receipts(post, accepted.evidence, accepted.receipts, output)
    run.screen.result(
        {
            "request_id": name,
            "delivery": shapes.delivery(accepted.delivery),
            "evidence": [shapes.evidence(fact) for fact in accepted.evidence],
            "receipts": [shapes.saved(item) for item in saved],
            "receipt_problem": None if late is None else error_document(late),
        }
    )
    _table(run, accepted.delivery)
    run.screen.lines(str(item.path) for item in saved)
    return ExitCode.OK if late is None else run.screen.trouble(late)


async def withdraw(
    run: Run, delivery_id: str, request_id: str | None, output: Path | None, *, yes: bool
) -> ExitCode:
    """Withdraws a scanned letter, after asking, and saves the receipt if asked to."""
    if not agreed(run, _("Withdraw the letter {id}?").format(id=delivery_id), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        done = await post.paper.withdraw(delivery_id, request_id=named_id(run.screen, request_id))
        receipts = [done.receipt] if done.HasField("receipt") else []
        # The fourth fact of a scanned letter that nobody opened.
        saved, late = await save_receipts(post, [done.evidence], receipts, output, start=4)
    withdrawn.show_document(run, done.delivery, done.evidence, saved, late)
    _table(run, done.delivery)
    return withdrawn.show_saved(run, saved, late)


async def statement(run: Run) -> ExitCode:
    """Shows the statement in force."""
    async with run.client() as post:
        stated = await post.paper.statement()
    run.screen.result(
        {"version": stated.version, "texts": {text.language: text.text for text in stated.texts}}
    )
    run.screen.fields(((N_("Version"), stated.version),))
    run.screen.lines(f"{text.language}: {text.text}" for text in stated.texts)
    return ExitCode.OK


def _table(run: Run, delivery: delivery_pb2.Delivery) -> None:
    run.screen.table(
        (N_("ID"), N_("RECIPIENT"), N_("SUBJECT"), N_("SENT"), N_("STATE")),
        [
            (
                delivery.delivery_id,
                delivery.recipient,
                delivery.subject,
                shapes.when(delivery.submission_time),
                _(shapes.state_name(delivery.state)),
            )
        ],
    )
