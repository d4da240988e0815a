"""One process's setter of paper letters."""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from unicodedata import combining
from zoneinfo import ZoneInfo

import pypdfium2 as pdfium
import typst

from server.domain.deliveries import Part
from server.domain.paper_letter_texts import ANSWERS, POLICIES, TEXTS
from server.domain.paper_letters import (
    LONGEST_TEXT,
    MOST_PAGES,
    NotPrintable,
    PaperLetter,
    PostalAddress,
    PrintReady,
    Unprintable,
)
from server.gateways.local_times import local_time
from server.gateways.printing import fonts, pdf_parts
from server.gateways.printing.advances import Advances
from server.gateways.printing.marks import Code, data_matrix

STANDARD: Final = "a-2b"
"""PDF/A-2, level B (ISO 19005-2). Typst refuses what it can't say in it, a missing glyph for one."""

_TEMPLATE = "letter.typ"
_RETURN_SIZES = (7.0, 6.5, 6.0, 5.5, 5.0)
_TWO_LINE_SIZES = (6.0, 5.5, 5.0, 4.5, 4.0)
_SIZES = (10.5, 9.0, 8.0)
# Points; smaller ones, and addresses in more lines, are for Typst to find.
_LINE_POINTS = 78 / 25.4 * 72 * 0.98
# How wide the window's lines are; kerning may make a text a little wider than its characters.
_LINES = 60
# More lines than a page has.
_TAB = "    "
_LONG_WORD = 28
_JOINT = "\u200b"
_UNSEEN = "\u00a0\u00ad\u2002\u2003\u2007\u2009\u200a\u200b\u202f\u2060\ufeff"
# Spaces, a soft hyphen and joints, which show as nothing on paper as on screens.
_SEEN = {ord(each): None for each in f"\n{_UNSEEN}"}


class Renderer:
    """Sets paper letters. Not to be shared among threads; keeps a directory of its own while it is open."""

    def __init__(self) -> None:
        """Lays out the fonts and reads the template. Raises `FontsMissing`."""
        self._directory = Path(tempfile.mkdtemp(prefix="namak-printing-"))
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _set_up(self) -> None:
        laid = self._directory / "fonts"
        laid.mkdir()
        fonts.lay_out(laid)
        shutil.copyfile(Path(__file__).with_name(_TEMPLATE), self._directory / _TEMPLATE)
        self._advances = Advances([laid / name for name in fonts.FILES])
        found = typst.Fonts(False, False, [laid])
        self._compiler = typst.Compiler(self._directory / _TEMPLATE, root=self._directory, font_paths=found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the directory."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def render(self, letter: PaperLetter) -> PrintReady:
        """Returns the letter print-ready: equal bytes for an equal letter, with the same fonts and packages.

        Raises `NotPrintable` where it can't be printed whole.
        """
        with contextlib.ExitStack() as stack:
            parts = self._parts(letter.parts, stack)
            told = {**_told(letter, parts), **self._addresses(letter)}
            at = int(letter.accepted_at.timestamp())
            pdf, pages = self._planned(letter, told, at)
            if not pages:
                pdf = self._compile({**told, "planned": False, "sheets": _sheets(letter, MOST_PAGES)}, at)
                pages = _count(pdf)
        if pages > MOST_PAGES:
            what = f"the letter takes {pages} pages, more than {MOST_PAGES}"
            raise NotPrintable(Unprintable.LENGTH, what)
        return PrintReady(pdf, pages)

    def _planned(self, letter: PaperLetter, told: dict[str, Any], at: int) -> tuple[bytes, int]:
        """Returns the letter as most are: with addresses that fit as they are, and a page for each section.
        No pages where it is not so: then Typst has to find out what comes where, which takes longer.
        """
        sections = 1 + sum(len(each.get("pages", "-")) for each in told["parts"])
        sides = sections + sections % 2
        long = any(len(each["lines"]) > _LINES for each in told["parts"] if each["kind"] == "text")
        if None in told["sizes"].values() or sides > MOST_PAGES or long:
            return b"", 0
        planned = {**told, "planned": True, "sheets": _sheets(letter, sides)}
        try:
            # Most letters need two of the fonts, and Typst asks each one about every text.
            pdf = self._compile({**planned, "fonts": fonts.FAMILIES[:2]}, at)
        except NotPrintable:
            pdf = self._compile(planned, at)
        # Each section begins a page, so with as many pages as planned each has one.
        return (pdf, sides) if _count(pdf) == sides else (b"", 0)

    def _addresses(self, letter: PaperLetter) -> dict[str, Any]:
        """Returns the lines of the return address, one or, where it fits on none, two; and the sizes in which
        the addresses stand, None where Typst has to find out.
        """
        sender, recipient = letter.sender, letter.recipient
        lines = [" · ".join((sender.name, *sender.lines))]
        size = self._size(_RETURN_SIZES, lines)
        if size is None:
            lines = [sender.name, " · ".join(sender.lines)]
            size = self._size(_TWO_LINE_SIZES, lines)
        sizes = {"sender": size, "recipient": self._size(_SIZES, [recipient.name, *recipient.lines])}
        return {"return-lines": [_folded(line) for line in lines], "sizes": sizes}

    def _size(self, sizes: tuple[float, ...], lines: list[str]) -> float | None:
        """Returns the first of the sizes, in points, in which no line is wider than the window's."""
        widths = [self._advances.width(line) for line in lines]
        if any(width is None for width in widths):
            return None
        widest = max(width for width in widths if width is not None)
        return next((size for size in sizes if widest * size <= _LINE_POINTS), None)

    def _parts(self, parts: tuple[Part, ...], stack: contextlib.ExitStack) -> list[dict[str, Any]]:
        """Returns what is told of the parts; pictures are there as long as the stack is open."""
        told = []
        place: Path | None = None
        # Counted as they come, so that no picture is drawn for a letter that is too long anyway.
        pages, characters = MOST_PAGES - 1, LONGEST_TEXT
        for index, part in enumerate(parts):
            name = part.info.name
            common = {"name": _folded(name), "digest": part.info.digest.hex()}
            kind = part.info.media_type.partition(";")[0].strip().lower()
            if kind == "text/plain":
                text = _text(part)
                characters -= len(text)
                if characters < 0:
                    raise NotPrintable(Unprintable.LENGTH, "the text is too long for a letter", name)
                told.append({**common, "kind": "text", "lines": [_folded(line) for line in text.split("\n")]})
                pages -= 1
            elif kind == "application/pdf":
                if place is None:
                    place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self._directory)))
                drawn = pdf_parts.draw(part.content, name, pages, place, str(index))
                pages -= len(drawn)
                paths = [f"/{place.name}/{each}" for each in drawn]
                told.append({**common, "kind": "pdf", "pages": paths})
            else:
                raise NotPrintable(Unprintable.KIND, f"{kind} can't be printed; text and PDF can", name)
        return told

    def _compile(self, told: dict[str, Any], at: int) -> bytes:
        inputs = {"letter": json.dumps(told, ensure_ascii=False)}
        try:
            made = self._compiler.compile(
                format="pdf", pdf_standards=STANDARD, sys_inputs=inputs, timestamp=at, pdf_tags=False
            )
        except typst.TypstError as problem:
            raise _refusal(problem) from None  # whose traceback shows the text
        if not isinstance(made, bytes):
            raise TypeError("Typst gave no PDF")
        return made


def _text(part: Part) -> str:
    try:
        text = part.content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise NotPrintable(Unprintable.ENCODING, "the text is not UTF-8", part.info.name) from problem
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\t", _TAB)
    plain = text.translate(_SEEN)
    for character in () if plain.isprintable() else text:
        # Typst would drop some of these in silence, and others turn what is read (bidirectional controls).
        if character != "\n" and not character.isprintable() and character not in _UNSEEN:
            what = f"the character U+{ord(character):04X} can't be printed"
            raise NotPrintable(Unprintable.CHARACTER, what, part.info.name)
    return text.rstrip("\n")


def _told(letter: PaperLetter, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "fonts": fonts.FAMILIES,
        "words": [
            {
                "lang": each,
                **TEXTS[each],
                **(ANSWERS[each] if letter.is_answer else {}),
                "said-policy": _policy(each, letter.policy),
            }
            for each in letter.languages
        ],
        "answer": letter.is_answer,
        "sender": _address(letter.sender),
        "recipient": _address(letter.recipient),
        "subject": _folded(letter.subject),
        "mailbox": _folded(letter.mailbox),
        "accepted": local_time(letter.accepted_at, ZoneInfo(letter.time_zone)),
        "delivery": str(letter.delivery_id),
        "portal": _folded(letter.portal),
        "tracking": letter.tracking,
        "code": data_matrix(letter.tracking),
        "parts": parts,
    }


def _sheets(letter: PaperLetter, sides: int) -> list[Code]:
    return [data_matrix(f"{letter.tracking}-{sheet + 1:02}") for sheet in range(sides // 2)]


def _policy(language: str, policy: str) -> str:
    said = POLICIES[language].get(policy.partition("@")[0])
    return policy if said is None else f"{said} ({policy})"


def _address(address: PostalAddress) -> dict[str, Any]:
    return {"name": _folded(address.name), "lines": [_folded(line) for line in address.lines]}


def _folded(text: str) -> str:
    """Lets words break that are longer than words are; the others stay whole."""
    return " ".join(word if len(word) <= _LONG_WORD else _joints(word) for word in text.split(" "))


def _joints(word: str) -> str:
    # Never between a letter and what stands above or below it.
    return "".join(each if combining(each) else _JOINT + each for each in word)[1:]


def _count(pdf: bytes) -> int:
    document = pdfium.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def _refusal(problem: typst.TypstError) -> Exception:
    if "could not be displayed with font" in problem.message:
        shown = problem.message.partition("`")[2].partition("`")[0]
        return NotPrintable(Unprintable.CHARACTER, f"no font of the letter has {shown}")
    if "ADDRESS_TOO_LONG" in problem.message:
        return NotPrintable(Unprintable.LENGTH, "the address doesn't fit into the window")
    return RuntimeError(f"Typst can't set the letter: {problem.message[:200]}")
