"""Reads a certificate's PDF as it comes from a stranger: its attachments, and the text on its pages.

By pyhanko, strictly, within limits on size, number and what is unpacked. The text is read from the pages' own
instructions, as the setter of certificates writes them; what is written otherwise is not guessed at.
"""

import io
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyhanko.pdf_utils.decode_limits import (
    DEFAULT_PURPOSE_LIMITS,
    DecodeLimits,
    DecodePurpose,
    DocumentDecodeBudget,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from namak.delivery_certificate.account import MOST_PROOFS, MOST_TIMESTAMPS
from namak.delivery_certificate.page_text import Font, Unreadable, font_of, shown_text
from namak.delivery_certificate.stated_time import by_proof
from namak.delivery_certificate.statement import FILE_NAME
from namak.evidence.certificate import PARSING, UNREADABLE
from namak.evidence.timestamp_file import MAX_NAME

MAX_BYTES: Final = 32 * 1024 * 1024
"""A certificate has at most so many bytes: twice its proofs."""

MAX_PAGES: Final = 100
_MOST_ATTACHMENTS: Final = 1 + MOST_PROOFS * (1 + MOST_TIMESTAMPS)
MAX_NODES: Final = 1000
"""Of the tree of pages, and of that of names. One may stand in many places, so they are counted as they are
met.
"""
MAX_FONTS: Final = 64
MAX_NAMED: Final = 64
"""Fonts, pictures and annotations of one page, each."""
MAX_CONTENTS: Final = 8 * 1024 * 1024
"""Bytes of all pages' instructions, counted for each page that has them."""
_DEPTH: Final = 8
# Levels of the trees of pages and of names.
_MIB: Final = 1024 * 1024
LIMITS: Final = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=16 * _MIB),
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.XREF_STREAM: StreamDecodeLimits(max_ratio=200, max_output_size=8 * _MIB),
    },
    document_budget=DocumentDecodeBudget(base_allowance=32 * _MIB, max_ratio=8),
)
_BROKEN = (PdfError, AssertionError, EOFError, AttributeError, zlib.error, *UNREADABLE)


class NotReadable(Exception):
    """The file is no certificate that can be read; its text says why, for the report."""


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """What a certificate's PDF holds.

    Attributes:
        statement: the attached statement's bytes.
        proofs: the other attachments by their names.
        timestamps: those of them that are timestamps over the proofs' checkpoints.
        pages: the text of each page, without what separates words; None where it can't be read.
        problem: why it can't.
    """

    statement: bytes = field(repr=False)
    proofs: Mapping[str, bytes] = field(repr=False)
    pages: tuple[str, ...] | None = field(repr=False)
    problem: str = ""
    timestamps: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def read_certificate(data: bytes) -> CertificateFile:
    """Reads a certificate. Raises :class:`NotReadable`."""
    if len(data) > MAX_BYTES:
        raise NotReadable(f"the file has more than {MAX_BYTES} bytes")
    try:
        with PARSING:
            return _read(data)
    except (PdfDecodeLimitError, RecursionError, MemoryError):
        raise NotReadable("the file unpacks to more than a certificate holds") from None
    except _BROKEN:
        raise NotReadable("the file is no PDF that can be read") from None


def _read(data: bytes) -> CertificateFile:
    reader = PdfFileReader(io.BytesIO(data), strict=True, decode_limits=LIMITS)
    if "/Encrypt" in reader.trailer:
        raise NotReadable("the file is encrypted, which no certificate is")
    attached = _attachments(reader)
    statement = attached.pop(FILE_NAME, None)
    if statement is None:
        raise NotReadable(f"the file has no attachment {FILE_NAME}, so it is no delivery certificate")
    stamps = [file for each in by_proof(attached, attached).values() for file in each.values()]
    timestamps = {name: attached.pop(name) for name in stamps}
    if not attached:
        raise NotReadable("the file has no proofs attached")
    if len(attached) > MOST_PROOFS:
        raise NotReadable(f"the file has more than {MOST_PROOFS + 1} attachments")
    try:
        return CertificateFile(statement, attached, tuple(_page_texts(reader)), "", timestamps)
    except Unreadable as unreadable:
        return CertificateFile(statement, attached, None, str(unreadable), timestamps)


def _attachments(reader: PdfFileReader) -> dict[str, bytes]:
    names = _entry(reader.root, "/Names")
    tree = None if names is None else _entry(names, "/EmbeddedFiles")
    if tree is None:
        raise NotReadable("the file has no attachments, so it is no delivery certificate")
    found: dict[str, bytes] = {}
    for key, file in _leaves(tree, 0, _Count(MAX_NODES)):
        name = str(file["/UF"])
        if len(name) > MAX_NAME:
            raise NotReadable(f"an attachment's name has more than {MAX_NAME} characters")
        if name != key:
            raise NotReadable("an attachment has two names")
        if name in found:
            raise NotReadable("two attachments have the same name")
        if len(found) > _MOST_ATTACHMENTS:
            raise NotReadable(f"the file has more than {_MOST_ATTACHMENTS} attachments")
        found[name] = bytes(file["/EF"]["/F"].data)
    return found


class _Count:
    """How many there may still be of something."""

    def __init__(self, most: int) -> None:
        self._left = most

    def is_over(self, spent: int = 1) -> bool:
        """Counts so many more; tells whether those are too many."""
        self._left -= spent
        return self._left < 0


def _leaves(node: Any, depth: int, nodes: _Count) -> Iterator[tuple[str, Any]]:
    """Yields names and files of a name tree (ISO 32000-2, 7.9.6)."""
    if depth > _DEPTH or nodes.is_over():
        raise NotReadable("the list of attachments is nested too deeply, or has too many parts")
    flat = _entry(node, "/Names") or ()
    for place in range(0, len(flat) - 1, 2):
        yield str(flat[place]), flat[place + 1]
    children = _entry(node, "/Kids") or ()
    for place in range(len(children)):
        yield from _leaves(children[place], depth + 1, nodes)


def _entry(dictionary: Any, key: str) -> Any:
    """Returns an entry of a dictionary, wherever in the file it stands; None where there is none."""
    try:
        # Its `get` would give the reference to what stands elsewhere.
        return dictionary[key]
    except KeyError:
        return None


def _page_texts(reader: PdfFileReader) -> Iterator[str]:
    fonts = _Fonts()
    contents = _Count(MAX_CONTENTS)
    for number, page in enumerate(_pages(reader.root["/Pages"], 0, _Count(MAX_NODES))):
        if number >= MAX_PAGES:
            raise Unreadable(f"there are more than {MAX_PAGES} pages")
        annotations = _few(_entry(page, "/Annots") or ())
        for place in range(len(annotations)):
            _check_unseen(annotations[place])
        content = page["/Contents"]
        if not hasattr(content, "data"):
            raise Unreadable("a page is written in pieces")
        instructions = bytes(content.data)
        if contents.is_over(len(instructions)):
            raise Unreadable("the pages have more instructions than those of certificates")
        yield shown_text(instructions, fonts.of(page), _images(page))


def _few(found: Any) -> Any:
    """Returns a page's fonts, pictures or annotations unless they are too many."""
    if len(found) > MAX_NAMED:
        raise Unreadable("a page has more fonts, pictures or annotations than those of certificates")
    return found


class _Fonts:
    """The fonts that were read, by their places in the file: the same ones stand on every page."""

    def __init__(self) -> None:
        self._known: dict[object, Font] = {}
        self._left = _Count(MAX_FONTS)

    def of(self, page: Any) -> Mapping[str, Font]:
        """Returns the fonts of a page by their names there."""
        named: Any = _few(_entry(page["/Resources"], "/Font") or {})
        used = {}
        for name in named:
            reference = getattr(named.raw_get(name), "reference", None)
            if reference is None or reference not in self._known:
                if self._left.is_over():
                    raise Unreadable("the file has more fonts than certificates have")
                self._known[reference] = font_of(named[name])
            used[str(name)] = self._known[reference]
        return used


def _images(page: Any) -> Collection[str]:
    shown = _few(_entry(page["/Resources"], "/XObject") or {})
    return {str(name) for name in shown if str(_entry(shown[name], "/Subtype")) == "/Image"}


def _pages(node: Any, depth: int, nodes: _Count) -> Iterator[Any]:
    if depth > _DEPTH or nodes.is_over():
        raise Unreadable("the pages are nested too deeply, or in too many parts")
    children = node["/Kids"]
    for place in range(len(children)):
        found = children[place]
        if str(found["/Type"]) == "/Pages":
            yield from _pages(found, depth + 1, nodes)
        else:
            yield found


def _check_unseen(annotation: Any) -> None:
    """Raises :class:`Unreadable` for what shows on the page besides its text."""
    rectangle = [float(each) for each in annotation["/Rect"]]
    seen = rectangle[0] != rectangle[2] or rectangle[1] != rectangle[3]
    if seen or str(_entry(annotation, "/FT")) != "/Sig":
        raise Unreadable("something was put over a page")
