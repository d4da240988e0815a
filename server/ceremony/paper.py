"""Plain text for the file: fixed width, printable, nothing lost in it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 78
_NAME: Final = 22
_MARGIN: Final = "  "


@dataclass(frozen=True, slots=True)
class Field:
    """A name with its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A name with a digest in hexadecimal, which is set in groups of four."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text whose every character counts. A line too long for the page goes on after a backslash."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words."""

    text: str


Piece = Field | Digest | Verbatim | Paragraph


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document under a heading."""

    title: str
    pieces: tuple[Piece, ...]


def set_out(title: str, sections: Sequence[Section], names: Sequence[str]) -> str:
    """Returns the document, with places for signatures at its end."""
    lines = ["=" * WIDTH, printable(title).center(WIDTH).rstrip(), "=" * WIDTH, ""]
    for number, section in enumerate((*sections, _PRESENT), start=1):
        heading = f"{number}  {printable(section.title)}"
        lines += [heading, "-" * len(heading), ""]
        lines += _without_last_blanks([line for piece in section.pieces for line in _lines(piece)])
        lines.append("")
    return "\n".join([*lines, "", *_signatures(names)]) + "\n"


def printable(text: str) -> str:
    """Returns a text on one line, with a question mark in place of all that no printer has a sign for."""
    return "".join(each if each.isprintable() else "?" for each in text)


_PRESENT: Final = Section(
    "Those present",
    (
        Paragraph(
            "Who signs says that they saw this done, and that what is written above is what they saw. A line"
            " above that ends in a backslash goes on in the next one, without the backslash."
        ),
    ),
)


def _lines(piece: Piece) -> list[str]:
    match piece:
        case Paragraph(text):
            return [
                *textwrap.wrap(printable(text), WIDTH, initial_indent=_MARGIN, subsequent_indent=_MARGIN),
                "",
            ]
        case Verbatim(text):
            return [part for line in text.splitlines() for part in _continued(printable(line), WIDTH)]
        case Digest(name, value):
            groups = [value[at : at + 4] for at in range(0, len(value), 4)]
            halves = [" ".join(groups[at : at + 8]) for at in range(0, len(groups), 8)]
            return _named(name, halves)
        case Field(name, value):
            room = WIDTH - len(_MARGIN) - _NAME
            words: list[str] = []
            for word in printable(value).split(" "):
                *filled, last = _continued(word, room)
                if words and not filled and len(words[-1]) + 1 + len(last) <= room and words[-1][-1:] != "\\":
                    words[-1] += f" {last}"
                else:
                    words += [*filled, last]
            return _named(name, words)


def _without_last_blanks(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _named(name: str, values: Sequence[str]) -> list[str]:
    heads = [name, *[""] * (len(values) - 1)]
    return [f"{_MARGIN}{head:<{_NAME}}{value}".rstrip() for head, value in zip(heads, values, strict=True)]


def _continued(line: str, room: int) -> list[str]:
    parts = []
    while len(line) > room:
        parts.append(line[: room - 1] + "\\")
        line = line[room - 1 :]
    return [*parts, line]


def _signatures(names: Sequence[str]) -> list[str]:
    lines = []
    for name in names or ("", ""):
        lines += [
            f"{_MARGIN}Name       {printable(name) or '.' * 56}",
            "",
            f"{_MARGIN}Signature  {'.' * 38}  Date  {'.' * 10}",
            "",
            "",
        ]
    return lines[:-1]
