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
from namak.client.printing import Report, Waiting, file_digest
from namak.errors import NotFound
from namak.v1 import letter_pb2

_PREFIX = "LETTER_STATE_"
_STATES = {
    letter_pb2.LETTER_STATE_WAITING: N_("waiting"),
    letter_pb2.LETTER_STATE_PRINTED: N_("printed"),
    letter_pb2.LETTER_STATE_POSTED: N_("posted"),
    letter_pb2.LETTER_STATE_HANDED_OVER: N_("handed over"),
    letter_pb2.LETTER_STATE_REFUSED: N_("refused"),
    letter_pb2.LETTER_STATE_RETURNED: N_("returned"),
    letter_pb2.LETTER_STATE_CANCELLED: N_("cancelled"),
    letter_pb2.LETTER_STATE_FAILED: N_("failed"),
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


async def _not_yet_printed(post: Client) -> AsyncIterator[letter_pb2.LetterOrder]:
    """Yields what the house may still print."""
    now = datetime.now(UTC)
    async for letter in post.printing.letters(states=[letter_pb2.LETTER_STATE_WAITING], page_size=200):
        if letter.lease_end_time.ToDatetime(UTC) > now:
            yield letter


async def _fetch(
    run: Run, post: Client, letters: Sequence[Waiting], directory: Path, paths: list[Path]
) -> None:
    for letter in letters:
        with run.screen.progress(letter.tracking, letter.file_size) as steps:
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
            N_("WHY"),
        ),
        [
            (
                each.letter_id,
                each.tracking,
                _(_STATES.get(each.state, "?")),
                shapes.when(each.order_time),
                str(each.sheets) if each.sheets else "",
                shapes.when(each.reports[-1].report_time) if each.reports else "",
                each.reason,
            )
            for each in found
        ],
    )
    return ExitCode.OK


async def printed(run: Run, letter: str, file: Path, at: datetime | None, request_id: str | None) -> ExitCode:
    """Reports a letter as printed."""
    return await _report(run, letter, letter_pb2.LetterPrinted(file_digest=file_digest(file)), at, request_id)


async def posted(
    run: Run, letter: str, tracking: str, at: datetime | None, request_id: str | None
) -> ExitCode:
    """Reports a letter as posted."""
    return await _report(run, letter, letter_pb2.LetterPosted(tracking=tracking), at, request_id)


async def handed_over(
    run: Run, letter: str, receiver: str, scan: Path, at: datetime | None, request_id: str | None
) -> ExitCode:
    """Reports a letter as handed over."""
    said = letter_pb2.LetterHandedOver(receiver=receiver, scan_digest=file_digest(scan))
    return await _report(run, letter, said, at, request_id)


async def refused(
    run: Run, letter: str, cause: str, scan: Path | None, at: datetime | None, request_id: str | None
) -> ExitCode:
    """Reports a letter as refused."""
    said = letter_pb2.LetterRefused(cause=cause, scan_digest=b"" if scan is None else file_digest(scan))
    return await _report(run, letter, said, at, request_id)


async def returned(
    run: Run, letter: str, cause: str, at: datetime | None, request_id: str | None
) -> ExitCode:
    """Reports a letter as returned."""
    return await _report(run, letter, letter_pb2.LetterReturned(cause=cause), at, request_id)


async def _report(
    run: Run, letter: str, said: Report, at: datetime | None, request_id: str | None
) -> ExitCode:
    async with run.client() as post:
        letter_id, tracking = await _named(post, letter)
        if isinstance(said, letter_pb2.LetterPosted) and not said.tracking:
            said.tracking = tracking
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
    async for found in post.printing.letters(tracking=text, page_size=1):
        return found.letter_id, found.tracking
    raise NotFound(_("no letter {letter} that you leased").format(letter=text))


def _state_named(text: str) -> letter_pb2.LetterState.ValueType:
    name = _PREFIX + text.upper().replace("-", "_")
    if name not in letter_pb2.LetterState.keys() or name == f"{_PREFIX}UNSPECIFIED":  # noqa: SIM118 - no mapping
        names = ", ".join(_state_word(each) for each in _STATES)
        raise typer.BadParameter(_("must be one of {names}").format(names=names), param_hint="--state")
    return letter_pb2.LetterState.Value(name)


def _state_word(state: letter_pb2.LetterState.ValueType) -> str:
    if state not in letter_pb2.LetterState.values():
        return str(int(state))
    return letter_pb2.LetterState.Name(state).removeprefix(_PREFIX)


def _shape(letter: letter_pb2.LetterOrder) -> Shape:
    return {
        "letter_id": letter.letter_id,
        "tracking": letter.tracking or None,
        "state": _state_word(letter.state),
        "order_time": shapes.time_of(letter.order_time),
        "lease_end_time": shapes.time_of(letter.lease_end_time, letter.HasField("lease_end_time")),
        "file_sha256": letter.file_digest.hex() or None,
        "file_size": letter.file_size,
        "sheets": letter.sheets,
        "reports": [
            {
                "state": _state_word(each.state),
                "report_time": shapes.time_of(each.report_time),
                "record_time": shapes.time_of(each.record_time),
                "evidence_id": each.evidence_id,
            }
            for each in letter.reports
        ],
        "delivery_id": letter.delivery_id or None,
        "step": letter.step or None,
        "print_house_id": letter.print_house_id or None,
        "reason": letter.reason or None,
    }
