"""Lists of recipients: CSV, one line for each, read as a stream and forgiving nobody's typing errors.

A wrong line is told with its number and stops no other: each physical line is a row of its own, so that a
quotation mark that was never closed swallows nothing.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from namak.cli.bulk_index import Index
from namak.cli.texts import N_, _
from namak.client.letters import MAX_CONTENT_BYTES, MAX_PARTS
from namak.errors import FileProblem

COLUMNS = ("recipient", "subject", "attachments", "request_id")
"""The columns that a list may have; the first one is needed."""

LONGEST_LINE = 64 * 1024
"""Bytes; a longer line is wrong, and is never held in memory."""

_LONGEST_ADDRESS = 254
_LONGEST_SUBJECT = 250
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ADDRESS = re.compile("[^\\s@\x00-\x1f\x7f-\x9f]+@[^\\s@\x00-\x1f\x7f-\x9f]+")
_CHUNK = 1000
# Lines that are looked up at once.
_DELIMITERS = (",", ";", "\t")

PROBLEMS: Mapping[str, str] = {
    "NOT_UTF8": N_("is not UTF-8"),
    "TOO_LONG": N_("is longer than a line may be"),
    "QUOTES": N_("has a quotation mark that is not closed, or stands where none may"),
    "COLUMNS": N_("has another number of columns than the first line"),
    "RECIPIENT": N_("has no e-mail address as its recipient"),
    "SUBJECT": N_("has no subject, or one of more than 250 characters or with control characters"),
    "REQUEST_ID": N_("has a request id that is not 1 to 64 characters of A-Z a-z 0-9 . _ : -"),
    "ATTACHMENT": N_("names an attachment that can't be read"),
    "CONTENT": N_("has no content, an empty file, more than 20 files or more than 3 MiB"),
    "DUPLICATE": N_("names the recipient of line {line} again"),
    "DUPLICATE_ID": N_("has the request id of line {line}"),
    "NO_MAILBOX": N_("names a recipient that has no mailbox that receives"),
}
"""What can be wrong with a line: a code for programs, and the words."""


class Row(NamedTuple):  # there may be a million, and a dataclass takes three times as long to make
    """A line that can be sent."""

    line: int
    recipient: str
    subject: str
    attachments: tuple[Path, ...]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be sent; ``first`` is the line that it repeats, if that is what is wrong."""

    line: int
    code: str
    first: int = 0

    @property
    def words(self) -> str:
        """What is wrong, in the language spoken now."""
        return _(PROBLEMS[self.code]).format(line=self.first)


@dataclass(frozen=True, slots=True)
class Letter:
    """What all lines of a list have in common: the subject, if the list gives none, and the sizes of the
    common files.
    """

    subject: str | None
    sizes: Sequence[int]


class RecipientList:
    """A list in a file. It may be read more than once, and gives the same each time."""

    def __init__(self, path: Path, letter: Letter, index: Index) -> None:
        """Reads the first line. Raises FileProblem for a file that as a whole is no list."""
        self._path = path
        self._letter = letter
        self._is_whole = _is_content(letter.sizes)
        self._index = index
        try:
            with path.open("rb") as stream:
                self._header = _header(path, stream)
                self._places = self._header.places
        except OSError as problem:
            raise FileProblem(
                _("{file} can't be read: {problem}").format(file=path, problem=problem.strerror)
            ) from problem

    def __iter__(self) -> Iterator[Row | BadLine]:
        """Yields a row or what is wrong for each line that is not empty."""
        rows = self._rows()
        while chunk := list(islice(rows, _CHUNK)):
            yield from self._without_repeats(chunk)

    def _rows(self) -> Iterator[Row | BadLine]:
        with self._path.open("rb") as stream:
            for number, data in _lines(stream):
                if number == 1 and self._header.is_line:
                    continue
                if (found := self._read(number, data)) is not None:
                    yield found

    def _read(self, number: int, data: bytes | None) -> Row | BadLine | None:
        if data is None:
            return BadLine(number, "TOO_LONG")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return BadLine(number, "NOT_UTF8")
        if not text.strip():
            return None
        cells = _cells(text, self._header.delimiter)
        if cells is None:
            return BadLine(number, "QUOTES")
        if len(cells) != len(self._header.columns):
            return BadLine(number, "COLUMNS")
        return self._checked(number, cells)

    def _checked(self, number: int, cells: Sequence[str]) -> Row | BadLine:
        recipient, subject, attachments, request_id = (
            "" if place is None else cells[place].strip() for place in self._places
        )
        row = Row(
            number,
            recipient,
            subject or self._letter.subject or "",
            self._paths(attachments) if attachments else (),
            request_id or None,
        )
        if (code := _problem(row) or self._problem_of_content(row)) is not None:
            return BadLine(number, code)
        return row

    def _paths(self, text: str) -> tuple[Path, ...]:
        """Returns the attachments of a line; relative ones count from the list's own directory."""
        return tuple(self._path.parent / name.strip() for name in text.split("|") if name.strip())

    def _problem_of_content(self, row: Row) -> str | None:
        if not row.attachments and self._is_whole:
            return None
        sizes = list(self._letter.sizes)
        for path in row.attachments:
            try:
                sizes.append(path.stat().st_size)
            except OSError:
                return "ATTACHMENT"
            if not path.is_file():
                return "ATTACHMENT"
        return None if _is_content(sizes) else "CONTENT"

    def _without_repeats(self, chunk: Sequence[Row | BadLine]) -> Iterator[Row | BadLine]:
        """Yields what stands in the chunk, with what repeats an earlier line told so.

        A recipient's number counts, which is the same under each of the post's domains. Who has an own
        request id is meant to be there again.
        """
        rows = [found for found in chunk if isinstance(found, Row)]
        named = [(row.recipient.partition("@")[0].casefold(), row.line) for row in rows]
        first = dict(
            zip([row.line for row in rows], self._index.first_lines("recipient", named), strict=True)
        )
        own = [(row.request_id, row.line) for row in rows if row.request_id is not None]
        first_id = dict(
            zip([line for _id, line in own], self._index.first_lines("request_id", own), strict=True)
        )
        for found in chunk:
            line = found.line
            if isinstance(found, BadLine):
                yield found
            elif found.request_id is not None:
                yield found if first_id[line] == line else BadLine(line, "DUPLICATE_ID", first_id[line])
            else:
                yield found if first[line] == line else BadLine(line, "DUPLICATE", first[line])


@dataclass(frozen=True, slots=True)
class _Header:
    columns: Sequence[str]
    delimiter: str
    is_line: bool
    """Whether the first line names the columns, and is no row."""

    @property
    def places(self) -> Sequence[int | None]:
        """Where each of :data:`COLUMNS` stands in a row."""
        return [self.columns.index(name) if name in self.columns else None for name in COLUMNS]


def _header(path: Path, stream: BinaryIO) -> _Header:
    start = stream.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileProblem(_("{file} is UTF-16; save it as UTF-8").format(file=path))
    stream.seek(0)
    _number, data = next(_lines(stream), (0, b""))
    try:
        text = b"".join([data or b""]).decode("utf-8")
    except UnicodeDecodeError as problem:
        raise FileProblem(_("{file}: its first line is not UTF-8").format(file=path)) from problem
    if not text.strip():
        raise FileProblem(_("{file}: its first line is empty").format(file=path))
    delimiter = max(_DELIMITERS, key=text.count)
    cells = [cell.strip() for cell in _cells(text, delimiter) or [text]]
    if "@" in cells[0] and len(cells) <= len(COLUMNS):
        return _Header(COLUMNS[: len(cells)], delimiter, is_line=False)
    names = [cell.casefold() for cell in cells]
    if "recipient" not in names or len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
        raise FileProblem(
            _("{file}: its first line must name the columns, each once: {names}").format(
                file=path, names=", ".join(COLUMNS)
            )
        )
    return _Header(names, delimiter, is_line=True)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yields each line with its number, without its end; None for one that is too long."""
    number = 0
    while data := stream.readline(LONGEST_LINE):
        number += 1
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        if len(data) >= LONGEST_LINE - 3 and not data.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, None
            continue
        yield number, data.rstrip(b"\r\n")


def _cells(text: str, delimiter: str) -> list[str] | None:
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _is_content(sizes: Sequence[int]) -> bool:
    """Returns whether files of these sizes are what a letter may hold."""
    return 0 < len(sizes) <= MAX_PARTS and 0 not in sizes and sum(sizes) <= MAX_CONTENT_BYTES


def _problem(row: Row) -> str | None:
    if len(row.recipient) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(row.recipient):
        return "RECIPIENT"
    if not 0 < len(row.subject) <= _LONGEST_SUBJECT or _UNPRINTABLE.search(row.subject):
        return "SUBJECT"
    if row.request_id is not None and not _REQUEST_ID.fullmatch(row.request_id):
        return "REQUEST_ID"
    return None
