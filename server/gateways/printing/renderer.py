"""One process's setter of paper letters."""

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
from server.domain.paper_letter_texts import ANSWERS, TEXTS
from server.domain.paper_letters import (
    LONGEST_TEXT,
    MOST_PAGES,
    NotPrintable,
    PaperLetter,
    PostalAddress,
    PrintReady,
    Unprintable,
)
from server.gateways.printing import fonts, pdf_parts
from server.gateways.printing.marks import data_matrix

STANDARD: Final = "a-2b"
"""PDF/A-2, level B (ISO 19005-2). Typst refuses what it can't say in it, a missing glyph for one."""

_TEMPLATE = "letter.typ"
_TAB = "    "
_LONG_WORD = 28
_JOINT = "\u200b"
_UNSEEN = "\u00a0\u00ad\u2002\u2003\u2007\u2009\u200a\u200b\u202f\u2060\ufeff"
# Spaces, a soft hyphen and joints, which show as nothing on paper as on screens.


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
        with tempfile.TemporaryDirectory(dir=self._directory) as place:
            told = _told(letter, self._parts(letter.parts, Path(place)))
            pdf = self._compile(told, int(letter.accepted_at.timestamp()))
        pages = _count(pdf)
        if pages > MOST_PAGES:
            what = f"the letter takes {pages} pages, more than {MOST_PAGES}"
            raise NotPrintable(Unprintable.LENGTH, what)
        return PrintReady(pdf, pages)

    def _parts(self, parts: tuple[Part, ...], place: Path) -> list[dict[str, Any]]:
        told = []
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
    for character in text:
        # Typst would drop some of these in silence, and others turn what is read (bidirectional controls).
        if character != "\n" and not character.isprintable() and character not in _UNSEEN:
            what = f"the character U+{ord(character):04X} can't be printed"
            raise NotPrintable(Unprintable.CHARACTER, what, part.info.name)
    return text.rstrip("\n")


def _told(letter: PaperLetter, parts: list[dict[str, Any]]) -> dict[str, Any]:
    at = letter.accepted_at.astimezone(ZoneInfo(letter.time_zone))
    return {
        "fonts": fonts.FAMILIES,
        "words": [
            {"lang": each, **TEXTS[each], **(ANSWERS[each] if letter.is_answer else {})}
            for each in letter.languages
        ],
        "answer": letter.is_answer,
        "sender": _address(letter.sender),
        "recipient": _address(letter.recipient),
        "subject": _folded(letter.subject),
        "mailbox": _folded(letter.mailbox),
        "accepted": f"{at:%d.%m.%Y %H:%M} (UTC{at.isoformat()[-6:]})",
        "delivery": str(letter.delivery_id),
        "policy": letter.policy,
        "portal": _folded(letter.portal),
        "tracking": letter.tracking,
        "code": data_matrix(letter.tracking),
        "sheets": [data_matrix(f"{letter.tracking}-{sheet + 1:02}") for sheet in range(MOST_PAGES // 2)],
        "parts": parts,
    }


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
