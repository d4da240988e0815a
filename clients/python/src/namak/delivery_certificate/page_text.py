"""The text that a page of a PDF shows, from its instructions (ISO 32000-2, 9.4) and its fonts' tables.

Only what the setter of certificates writes is understood: fonts with two-byte codes and a table of what each
means, text shown by ``Tj`` and ``TJ``, pictures. A page that does anything else is not read, so that nobody
is told a text that is not the one on the page. What a font's glyphs look like no reader of tables can know.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

Font = Mapping[int, str]
"""What each code of a font means."""

MAX_CODES: Final = 65_536
MAX_TABLE_BYTES: Final = 1024 * 1024
MAX_CONTENT_BYTES: Final = 1024 * 1024
"""Of one page."""
MAX_SHOWN: Final = 256 * 1024
"""Characters on one page."""
MAX_MEANING: Final = 16
"""Characters that one sign stands for: the parts of a ligature."""

TOKEN: Final = re.compile(
    rb"\s*(?:"
    rb"(?P<string>\()"
    rb"|(?P<hex><[0-9A-Fa-f\s]*>)"
    rb"|(?P<mark><<|>>|\[|\])"
    rb"|(?P<name>/[^\s()<>\[\]{}/%]*)"
    rb"|(?P<word>[^\s()<>\[\]{}/%]+)"
    rb"|(?P<end>\Z)"
    rb")",
    re.DOTALL,
)
_PIECE: Final = re.compile(rb"(?:[^()\\]|\\.)*+([()])", re.DOTALL)
"""A string up to the next bracket that is not behind a backslash."""
_SILENT: Final = frozenset(
    b"q Q cm w J j M d ri i gs m l c v y h re S s f F f* B B* b b* n W W* CS cs SC SCN sc scn G g RG rg K k "
    b"BT ET Tc Tw Tz TL Tr Ts Td TD Tm T* BMC BDC EMC MP DP".split()
)
"""Operators that show no text."""

_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_PLAIN: Final = {
    b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b"",
}  # fmt: skip
_OPERAND: Final = re.compile(rb"[+-]?[0-9.]+|true|false|null")
_BEGIN: Final = re.compile(rb"begin(bfchar|bfrange)")
_END: Final = re.compile(rb"endbf(?:char|range)")
_HEX: Final = re.compile(rb"<([0-9A-Fa-f]*)>")


class Unreadable(Exception):
    """A page's text can't be told; its text says why."""


def font_of(dictionary: Any) -> Font:
    """Reads a font's table. Raises :class:`Unreadable`."""
    kind = [str(dictionary[key]) for key in ("/Subtype", "/Encoding") if key in dictionary]
    if kind != ["/Type0", "/Identity-H"]:
        raise Unreadable("a page uses a font of a kind that certificates do not have")
    try:
        table = bytes(dictionary["/ToUnicode"].data)
    except KeyError:
        raise Unreadable("a font does not say what its signs mean") from None
    if len(table) > MAX_TABLE_BYTES:
        raise Unreadable("a font's table is too large")
    found: dict[int, str] = {}
    given = 0
    for first, last, meant in _meanings(table):
        # Counted as they come, and not as they are found: a code may be given again and again.
        given += last - first + 1
        if last >= MAX_CODES or given > MAX_CODES:
            raise Unreadable("a font's table is too large")
        for code in range(first, last + 1):
            found[code] = meant[:-1] + chr(ord(meant[-1]) + code - first) if meant else ""
    return found


def _meanings(table: bytes) -> Iterator[tuple[int, int, str]]:
    """Yields the first and last code of each range, and what the first means (ISO 32000-2, 9.10.3)."""
    for step, body in _sections(table):
        if b"[" in body:
            raise Unreadable("a font's table has a form that certificates do not have")
        codes = [bytes.fromhex(each.decode("ascii")) for each in _HEX.findall(body)]
        if len(codes) % step:
            raise Unreadable("a font's table is broken")
        for place in range(0, len(codes), step):
            first, last = int.from_bytes(codes[place], "big"), int.from_bytes(codes[place + step - 2], "big")
            meant = codes[place + step - 1].decode("utf-16-be", "replace")
            if last < first or len(meant) > MAX_MEANING:
                raise Unreadable("a font's table is broken")
            yield first, last, meant


def _sections(table: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields each section of a table, and how many values stand in each of its lines.

    Found one after the other: a pattern for the whole would look for an end from every beginning.
    """
    position = 0
    while begin := _BEGIN.search(table, position):
        end = _END.search(table, begin.end())
        if end is None:
            raise Unreadable("a font's table is broken")
        yield 2 if begin[1] == b"bfchar" else 3, table[begin.end() : end.start()]
        position = end.end()


def shown_text(content: bytes, fonts: Mapping[str, Font], images: Collection[str]) -> str:
    """Returns what a page's instructions show, in their order. Raises :class:`Unreadable`."""
    if len(content) > MAX_CONTENT_BYTES:
        raise Unreadable("a page has more instructions than those of certificates")
    page = _Shown(fonts, images)
    operands: list[tuple[str, bytes]] = []
    position = 0
    while True:
        token = TOKEN.match(content, position)
        if token is None:
            raise Unreadable("a page has instructions that can't be read")
        position, kind = token.end(), token.lastgroup or ""
        if kind == "end":
            return "".join(page.shown)
        value = token[kind]
        if kind == "string":
            position = end_of_string(content, position)
            value = content[token.start(kind) : position]
        if kind == "word" and not _OPERAND.fullmatch(value):
            page.follow(value, operands)
            operands.clear()
        else:
            operands.append((kind, value))


def end_of_string(content: bytes, position: int) -> int:
    """Returns where a string ends, of which the opening bracket is behind: brackets inside it come in pairs,
    however deep (ISO 32000-2, 7.3.4.2).
    """
    depth = 1
    while depth:
        piece = _PIECE.match(content, position)
        if piece is None:
            raise Unreadable("a page has instructions that can't be read")
        position = piece.end()
        depth += 1 if piece[1] == b"(" else -1
    return position


class _Shown:
    """What was shown so far, and in which font the next text is."""

    def __init__(self, fonts: Mapping[str, Font], images: Collection[str]) -> None:
        self.shown: list[str] = []
        self._count = 0
        self._fonts = fonts
        self._images = images
        self._font: Font | None = None

    def follow(self, operator: bytes, operands: Sequence[tuple[str, bytes]]) -> None:
        """Does what an instruction says."""
        if operator == b"Tf":
            name = next((value for kind, value in operands if kind == "name"), b"")
            self._font = self._fonts.get(name.decode("latin-1"))
        elif operator in (b"Tj", b"TJ"):
            if self._font is None:
                raise Unreadable("a page shows text in a font that it does not have")
            texts = (value for kind, value in operands if kind in ("string", "hex"))
            for value in texts:
                self._show(_meant(self._font, value))
        elif operator == b"Do":
            if not operands or operands[-1][1].decode("latin-1") not in self._images:
                raise Unreadable("a page shows something else than text and pictures")
        elif operator not in _SILENT:
            raise Unreadable("a page has instructions that certificates do not have")

    def _show(self, text: str) -> None:
        self._count += len(text)
        if self._count > MAX_SHOWN:
            raise Unreadable("a page has more text than those of certificates")
        self.shown.append(text)


def _meant(font: Font, string: bytes) -> str:
    codes = _bytes_of(string)
    if len(codes) % 2:
        raise Unreadable("a text has half a sign")
    try:
        return "".join(font[codes[place] << 8 | codes[place + 1]] for place in range(0, len(codes), 2))
    except KeyError:
        raise Unreadable("a page shows a sign of which its font does not say what it means") from None


def _bytes_of(string: bytes) -> bytes:
    if string.startswith(b"<"):
        digits = b"".join(string[1:-1].split()).decode("ascii")
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    return _ESCAPE.sub(_unescaped, string[1:-1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    what = match[1]
    if what[0:1].isdigit() and what[0:1] < b"8":
        return bytes([int(what, 8) & 0xFF])
    return _PLAIN.get(what, what)
