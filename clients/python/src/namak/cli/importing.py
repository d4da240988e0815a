"""``namak admin mailbox import``: mailboxes for all whom a register's file names, one number a line.

What became of the lines goes into a results file, JSON lines, on disk before the next block is told of: the
same command again goes on after the last line that was dealt with.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import _, ngettext
from namak.client.registration import BLOCK_LINES, LINE_BYTES, Block
from namak.errors import FileProblem
from namak.v1 import registration_pb2

_VERSION: Final = 1
_CHUNK: Final = 1 << 20
_SECONDS_BETWEEN_LINES: Final = 10.0

_NAMES: Final = {
    registration_pb2.IMPORT_OUTCOME_MALFORMED: "malformed",
    registration_pb2.IMPORT_OUTCOME_THERE_ALREADY: "there_already",
    registration_pb2.IMPORT_OUTCOME_REPEATED: "repeated",
}


async def mailbox_import(run: Run, file: Path, results: Path | None) -> ExitCode:
    """Opens mailboxes, and tells how it went."""
    kept = results or file.with_name(f"{file.name}.results.jsonl")
    total = _count_lines(file)
    told: Counter[str] = Counter()
    with _Results(kept, file) as journal:
        through = journal.through
        if through:
            run.screen.note(_("going on after line {line}").format(line=through))
        next_note = time.monotonic() + _SECONDS_BETWEEN_LINES
        with run.screen.progress(_("Importing"), total) as steps:
            async with run.client() as post:
                async for reply in post.registration.import_mailboxes(
                    lambda after: _blocks(file, after), after=through
                ):
                    journal.add(reply)
                    told["opened"] += reply.opened
                    told["skipped"] += reply.skipped
                    told.update(_NAMES.get(each.outcome, "other") for each in reply.others)
                    steps.reached(reply.through_line, total)
                    if not steps.is_shown and time.monotonic() >= next_note:
                        next_note = time.monotonic() + _SECONDS_BETWEEN_LINES
                        run.screen.note(
                            _("{done} of {total} lines dealt with").format(
                                done=reply.through_line, total=total
                            )
                        )
    wrong = told["malformed"] or journal.malformed
    code = ExitCode.REFUSED if wrong else ExitCode.OK
    names = ("opened", "there_already", "repeated", "malformed", "skipped")
    run.screen.result({**{name: told[name] for name in names}, "results": str(kept), "exit_code": int(code)})
    run.screen.line(
        ngettext("{number} mailbox was opened.", "{number} mailboxes were opened.", told["opened"]).format(
            number=told["opened"]
        )
    )
    others = sum(told[name] for name in names[1:4])
    if others:
        run.screen.line(
            ngettext(
                "{number} line opened none; {file} tells why.",
                "{number} lines opened none; {file} tells why.",
                others,
            ).format(number=others, file=kept)
        )
    return code


def _count_lines(file: Path) -> int:
    """Returns how many lines a file has; a last one without an end counts."""
    count, last = 0, b"\n"
    with _reading(file) as stream:
        while chunk := stream.read(_CHUNK):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yields lines without their ends, of overlong ones only so much that they are refused."""
    while line := stream.readline(LINE_BYTES + 2):
        whole = line.endswith(b"\n")
        yield line.removesuffix(b"\n")[: LINE_BYTES + 1]
        while not whole and (rest := stream.readline(_CHUNK)):
            whole = rest.endswith(b"\n")


def _blocks(file: Path, after: int) -> Iterator[Block]:
    with _reading(file) as stream:
        block: list[bytes] = []
        number = 0
        for number, line in enumerate(_lines(stream), start=1):
            if number <= after:
                continue
            block.append(line)
            if len(block) == BLOCK_LINES:
                yield Block(number - len(block) + 1, block)
                block = []
        if block:
            yield Block(number - len(block) + 1, block)


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[BinaryIO]:
    try:
        with file.open("rb") as stream:
            yield stream
    except OSError as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=file, problem=problem.strerror)
        ) from problem


class _Results:
    """The results file of one register's file. A context manager that holds it alone."""

    def __init__(self, path: Path, source: Path) -> None:
        self._path = path
        self._source = source
        self._stack = contextlib.ExitStack()
        self._stream: BinaryIO | None = None
        self.through = 0
        """The last line that was dealt with in earlier runs."""
        self.malformed = 0
        """How many lines up to that one were malformed."""

    def __enter__(self) -> "_Results":
        """Reads what is there. Raises FileProblem for another file, and when another run has it."""
        with contextlib.ExitStack() as unwanted:
            try:
                self._stream = unwanted.enter_context(self._path.open("a+b"))
                fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise FileProblem(_("{file} is in use by another run").format(file=self._path)) from problem
            except OSError as problem:
                raise self._problem(problem) from problem
            self._read(self._stream)
            self._stack.push(unwanted.pop_all())
        return self

    def __exit__(self, *_ended: object) -> None:
        with contextlib.suppress(OSError):
            self._stack.close()

    def add(self, reply: registration_pb2.ImportMailboxesResponse) -> None:
        """Adds what became of a block, and has it on disk when it returns."""
        others = [
            {
                "line": each.line,
                "outcome": _NAMES.get(each.outcome, "other"),
                **({"problem": each.problem} if each.problem else {}),
            }
            for each in reply.others
        ]
        self._write([*others, {"through_line": reply.through_line, "opened": reply.opened}])

    def _write(self, lines: list[dict[str, object]]) -> None:
        stream = self._stream
        if stream is None:
            raise ValueError("the results are not open")
        try:
            stream.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
        except OSError as problem:
            raise self._problem(problem) from problem

    def _read(self, stream: BinaryIO) -> None:
        stream.seek(0)
        whole, through_at, malformed, of = 0, 0, 0, None
        for number, data in enumerate(stream, start=1):
            if not data.endswith(b"\n"):
                break  # what a run that was killed could not finish
            whole += len(data)
            try:
                line = json.loads(data)
                if number == 1:
                    if line["namak_import"] != _VERSION:
                        raise ValueError("another version")
                    of = line["sha256"]
                elif "through_line" in line:
                    self.through, through_at, self.malformed = int(line["through_line"]), whole, malformed
                else:
                    malformed += line["outcome"] == "malformed"
            except (ValueError, KeyError, TypeError) as problem:
                raise FileProblem(
                    _("{file}, line {line}: this is no results file of namak admin mailbox import").format(
                        file=self._path, line=number
                    )
                ) from problem
            if number == 1:
                through_at = whole
        # A block is told of in whole: what stands after the last one is told again.
        stream.truncate(through_at)
        stream.seek(0, os.SEEK_END)
        digest = _digest(self._source)
        if of is None:
            self._write([{"namak_import": _VERSION, "file": self._source.name, "sha256": digest}])
        elif of != digest:
            raise FileProblem(
                _(
                    "{file} belongs to another list, or the list was changed; name another one with --results"
                ).format(file=self._path)
            )

    def _problem(self, problem: OSError) -> FileProblem:
        return FileProblem(
            _("{file} can't be written: {problem}").format(file=self._path, problem=problem.strerror)
        )


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with _reading(file) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
