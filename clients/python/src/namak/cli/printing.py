"""``namak printing``: letters on paper, leased, downloaded and reported on."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.naming import is_identifier, named_id
from namak.cli.shapes import Shape
from namak.cli.texts import N_, _, ngettext
from namak.client import Client
from namak.client.paging import first
from namak.client.printing import Report, file_digest
from namak.errors import NotFound
from namak.v1 import letter_pb2

_PREFIX = "PAPER_LETTER_STATE_"
_STATES = {
    letter_pb2.PAPER_LETTER_STATE_WAITING: N_("waiting"),
    letter_pb2.PAPER_LETTER_STATE_PRINTED: N_("printed"),
    letter_pb2.PAPER_LETTER_STATE_POSTED: N_("posted"),
    letter_pb2.PAPER_LETTER_STATE_HANDED_OVER: N_("handed over"),
    letter_pb2.PAPER_LETTER_STATE_REFUSED: N_("refused"),
    letter_pb2.PAPER_LETTER_STATE_RETURNED: N_("returned"),
    letter_pb2.PAPER_LETTER_STATE_CANCELLED: N_("cancelled"),
    letter_pb2.PAPER_LETTER_STATE_FAILED: N_("failed"),
}


async def lease(run: Run, directory: Path, most: int) -> ExitCode:
    """Fetches what was leased before and is missing, then leases letters and fetches them."""
    paths: list[Path] = []
    async with run.client() as post:
        with run.screen.progress(_("Leasing")):
            mine = [each async for each in _not_yet_printed(post)]
        await _fetch(run, post, mine, directory, paths)
        if most:
            with run.screen.progress(_("Leasing")):
                leased = await post.printing.lease(most)
            await _fetch(run, post, leased, directory, paths)
    run.screen.result({"files": [str(path) for path in paths]})
    run.screen.lines(str(path) for path in paths)
    run.screen.note(
        ngettext(
            "{count} letter is there to be printed.", "{count} letters are there to be printed.", len(paths)
        ).format(count=len(paths))
    )
    return ExitCode.OK


async def _not_yet_printed(post: Client) -> AsyncIterator[letter_pb2.PaperLetter]:
    """Yields what the house may still print."""
    now = datetime.now(UTC)
    async for letter in post.printing.letters(states=[letter_pb2.PAPER_LETTER_STATE_WAITING], page_size=200):
        if letter.lease_end_time.ToDatetime(UTC) > now:
            yield letter


async def _fetch(
    run: Run, post: Client, letters: Sequence[letter_pb2.PaperLetter], directory: Path, paths: list[Path]
) -> None:
    for letter in letters:
        with run.screen.progress(letter.tracking_number, letter.file_size_bytes) as steps:
            paths.append(await post.printing.download(letter, directory, progress=steps.reached))


async def letters(run: Run, states: Sequence[str], delivery: str, limit: int) -> ExitCode:
    """Lists letters."""
    wanted = [_state_named(each) for each in states]
    async with run.client() as post:
        found = await first(limit, post.printing.letters(states=wanted, delivery_id=delivery))
    run.screen.result({"letters": [_shape(each) for each in found]})
    if not found:
        run.screen.line(_("No letters."))
        return ExitCode.OK
    run.screen.table(
        (
            N_("LETTER"),
            N_("TRACKING"),
            N_("STATE"),
            N_("ORDERED"),
            N_("SHEETS"),
            N_("LAST REPORT"),
            N_("WHO OR WHY"),
        ),
        [
            (
                each.letter_id,
                each.tracking_number,
                _(_STATES.get(each.state, "?")),
                shapes.when(each.order_time),
                str(each.sheets) if each.sheets else "",
                shapes.when(each.reports[-1].report_time) if each.reports else "",
                each.reason or _who_or_why(each.reports),
            )
            for each in found
        ],
    )
    return ExitCode.OK


async def printed(run: Run, letter: str, file: Path, at: datetime | None, request_id: str | None) -> ExitCode:
    """Reports a letter as printed."""
    return await _report(run, letter, letter_pb2.LetterPrinted(file_sha256=file_digest(file)), at, request_id)


async def posted(
    run: Run, letter: str, tracking: str, at: datetime | None, request_id: str | None
) -> ExitCode:
    """Reports a letter as posted."""
    return await _report(run, letter, letter_pb2.LetterPosted(tracking_number=tracking), at, request_id)


async def handed_over(
    run: Run,
    letter: str,
    receiver: str,
    scan: Path,
    tracking: str,
    at: datetime | None,
    request_id: str | None,
) -> ExitCode:
    """Reports a letter as handed over."""
    said = letter_pb2.LetterHandedOver(
        receiver=receiver, scan_sha256=file_digest(scan), tracking_number=tracking
    )
    return await _report(run, letter, said, at, request_id)


async def refused(
    run: Run,
    letter: str,
    cause: str,
    scan: Path | None,
    tracking: str,
    at: datetime | None,
    request_id: str | None,
) -> ExitCode:
    """Reports a letter as refused."""
    noted = b"" if scan is None else file_digest(scan)
    said = letter_pb2.LetterRefused(cause=cause, scan_sha256=noted, tracking_number=tracking)
    return await _report(run, letter, said, at, request_id)


async def returned(
    run: Run, letter: str, cause: str, tracking: str, at: datetime | None, request_id: str | None
) -> ExitCode:
    """Reports a letter as returned."""
    said = letter_pb2.LetterReturned(cause=cause, tracking_number=tracking)
    return await _report(run, letter, said, at, request_id)


async def _report(
    run: Run, letter: str, said: Report, at: datetime | None, request_id: str | None
) -> ExitCode:
    async with run.client() as post:
        letter_id, tracking = await _named(post, letter)
        if isinstance(said, letter_pb2.LetterPosted) and not said.tracking_number:
            said.tracking_number = tracking
        answer = await post.printing.report(
            letter_id, said, at=at, request_id=named_id(run.screen, request_id)
        )
    run.screen.result(
        {"letter_id": letter_id, "state": _state_word(answer.state), "evidence_id": answer.evidence_id}
    )
    run.screen.fields(
        (
            (N_("Letter"), letter),
            (N_("State"), _(_STATES.get(answer.state, "?"))),
            (N_("Evidence"), answer.evidence_id),
        )
    )
    return ExitCode.OK


async def _named(post: Client, text: str) -> tuple[str, str]:
    """Returns identifier and tracking number of the letter that is named by either. Raises NotFound."""
    if is_identifier(text):
        return text, ""
    async for found in post.printing.letters(tracking_number=text, page_size=1):
        return found.letter_id, found.tracking_number
    raise NotFound(_("no letter {letter} that you leased").format(letter=text))


def _state_named(text: str) -> letter_pb2.PaperLetterState.ValueType:
    name = _PREFIX + text.upper().replace("-", "_")
    if name not in letter_pb2.PaperLetterState.keys() or name == f"{_PREFIX}UNSPECIFIED":  # noqa: SIM118 - no mapping
        names = ", ".join(_state_word(each) for each in _STATES)
        raise typer.BadParameter(_("must be one of {names}").format(names=names), param_hint="--state")
    return letter_pb2.PaperLetterState.Value(name)


def _state_word(state: letter_pb2.PaperLetterState.ValueType) -> str:
    if state not in letter_pb2.PaperLetterState.values():
        return str(int(state))
    return letter_pb2.PaperLetterState.Name(state).removeprefix(_PREFIX)


def _shape(letter: letter_pb2.PaperLetter) -> Shape:
    return {
        "letter_id": letter.letter_id,
        "tracking_number": letter.tracking_number or None,
        "state": _state_word(letter.state),
        "order_time": shapes.time_of(letter.order_time),
        "lease_end_time": shapes.time_of(letter.lease_end_time, letter.HasField("lease_end_time")),
        "file_sha256": letter.file_sha256.hex() or None,
        "file_size_bytes": letter.file_size_bytes,
        "sheets": letter.sheets,
        "reports": [_report_shape(each) for each in letter.reports],
        "delivery_id": letter.delivery_id or None,
        "step": letter.step or None,
        "print_house_id": letter.print_house_id or None,
        "reason": letter.reason or None,
    }


def _report_shape(report: letter_pb2.PaperLetterReport) -> Shape:
    handed, refused, returned = report.handed_over, report.refused, report.returned
    number = handed.tracking_number or refused.tracking_number or returned.tracking_number
    return {
        "state": _state_word(report.state),
        "report_time": shapes.time_of(report.report_time),
        "record_time": shapes.time_of(report.record_time),
        "evidence_id": report.evidence_id,
        "file_sha256": report.printed.file_sha256.hex() or None,
        "tracking_number": report.posted.tracking_number or number or None,
        "receiver": handed.receiver or None,
        "cause": refused.cause or returned.cause or None,
        "scan_sha256": (handed.scan_sha256 or refused.scan_sha256).hex() or None,
    }


def _who_or_why(reports: Sequence[letter_pb2.PaperLetterReport]) -> str:
    """Returns who took a letter, or why nobody did, as the last report says; empty for other ones."""
    if not reports:
        return ""
    last = reports[-1]
    return last.handed_over.receiver or last.refused.cause or last.returned.cause
