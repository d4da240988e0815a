"""The updates that stand behind the sealed part of a file, byte by byte (ISO 32000-2, 7.5.6).

Nothing is said here of what the objects mean: only that the bytes are whole updates and nothing besides,
where each object stands, and where the table or stream of cross-references.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from namak.delivery_certificate.page_text import TOKEN, Unreadable, end_of_string

MOST_UPDATES: Final = 64
"""Behind a seal stand at most so many: for each the whole file is gone through again."""

_HEAD: Final = re.compile(rb"%PDF-[^\r\n]*[\r\n]+(?:%[^\r\n]*[\r\n]+)?")
_END: Final = re.compile(rb"\s*([0-9]{1,10})\s*%%EOF(?:\r\n|\n|\r)?")
_BODY: Final = re.compile(rb"\r?\n")
_END_OF_BODY: Final = re.compile(rb"\s*endstream\s+endobj\b")


@dataclass(frozen=True, slots=True)
class Update:
    """An update as its bytes have it.

    Attributes:
        end: where it ends.
        objects: where each of its objects begins, by number.
        start_of_references: what it says where its cross-references stand.
        table: where the word is that its table of cross-references begins with; None where it has no table.
        rows: how many objects the table names.
        trailer: where the dictionary behind the table begins.
    """

    end: int
    objects: Mapping[int, int]
    start_of_references: int
    table: int | None
    rows: int
    trailer: int


def updates(data: bytes, position: int) -> Iterator[Update]:
    """Yields the updates from there on. Raises :class:`Unreadable` where anything else stands between or
    behind them, be it a comment or a space, and where they are too many.
    """
    for _ in range(MOST_UPDATES):
        if position == len(data):
            return
        update = _update(data, position)
        yield update
        position = update.end
    if position < len(data):
        raise Unreadable("there are too many updates")


def without_streams(data: bytes) -> bytes:
    """Returns a file without what its streams hold, whether anything leads to them or not; the whole file
    where it is not written as certificates are.
    """
    head = _HEAD.match(data)
    position = begin = 0 if head is None else head.end()
    kept = []
    try:
        while position < len(data):
            streams: list[tuple[int, int]] = []
            position = _update(data, position, streams).end
            for start, end in streams:
                kept.append(data[begin:start])
                begin = end
    except Unreadable:
        return data
    return b"".join((*kept, data[begin:]))


def _update(data: bytes, position: int, streams: list[tuple[int, int]] | None = None) -> Update:
    """Reads an update, and notes where its streams are."""
    objects: dict[int, int] = {}
    table: int | None = None
    rows = trailer = 0
    while True:
        kind, value, position = _token(data, position)
        if kind == "word" and value == b"startxref":
            break
        begin = position - len(value)
        if kind == "word" and value == b"xref" and table is None:
            table = begin
            rows, trailer, position = _behind_table(data, position)
        elif kind == "word" and value.isdigit() and int(value) not in objects:
            objects[int(value)] = begin
            position, stream = _behind_object(data, position)
            if streams is not None and stream is not None:
                streams.append(stream)
        else:
            raise Unreadable("something else than an object follows")
    end = _END.match(data, position)
    if end is None:
        raise Unreadable("an update does not end")
    return Update(end.end(), objects, int(end[1]), table, rows, trailer)


def _token(data: bytes, position: int) -> tuple[str, bytes, int]:
    found = TOKEN.match(data, position)
    if found is None or found.lastgroup == "end":
        raise Unreadable("an update is cut off, or holds a comment")
    kind = found.lastgroup or ""
    after = end_of_string(data, found.end()) if kind == "string" else found.end()
    return kind, found[kind], after


def _behind_object(data: bytes, position: int) -> tuple[int, tuple[int, int] | None]:
    """Returns where an object ends of which the number is behind, and where its stream is, if it has one."""
    for expected in (b"0", b"obj"):
        kind, value, position = _token(data, position)
        if kind != "word" or value != expected:
            raise Unreadable("an object does not begin, or is not the first of its number")
    depth, length, last = 0, -1, b""
    while True:
        kind, value, position = _token(data, position)
        if kind == "mark":
            depth += {b"<<": 1, b">>": -1}.get(value, 0)
        elif depth == 1 and last == b"/Length" and value.isdigit():
            length = int(value)
        elif kind == "word" and depth == 0 and value == b"endobj":
            return position, None
        elif kind == "word" and depth == 0 and value == b"stream":
            return _behind_stream(data, position, length), (position, position + length)
        last = value


def _behind_stream(data: bytes, position: int, length: int) -> int:
    begin = _BODY.match(data, position)
    end = None if begin is None or length < 0 else _END_OF_BODY.match(data, begin.end() + length)
    if end is None:
        raise Unreadable("a stream does not end")
    return end.end()


def _behind_table(data: bytes, position: int) -> tuple[int, int, int]:
    """Returns how many objects a table of cross-references names, where its trailer begins, and where that
    ends.
    """
    rows = 0
    while True:
        kind, value, position = _token(data, position)
        if kind == "word" and value == b"trailer":
            break
        if kind != "word" or not (value.isdigit() or value in (b"n", b"f")):
            raise Unreadable("a table holds something else than cross-references")
        rows += value == b"n"
    trailer, depth = position, 0
    while True:
        kind, value, position = _token(data, position)
        depth += {b"<<": 1, b">>": -1}.get(value, 0) if kind == "mark" else 0
        if depth == 0:
            return rows, trailer, position
