"""PDF parts as pictures of their pages.

Typst can't take a PDF into a PDF/A, and pages appended as they are would bring along whatever keeps them from
being one: scripts, passwords, fonts they don't hold. A picture at the press's own resolution shows what the
page shows, and nothing else.
"""

import ctypes
import struct
import zlib
from pathlib import Path
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from server.domain.paper_letters import NotPrintable, Unprintable

DOTS_PER_INCH: Final = 300
_WIDTH, _HEIGHT = 165, 241
# Millimetres that a page gets on the letter's: what letter.typ leaves below the heading.
_MM_PER_INCH = 25.4
_NESTING = 10
# Forms within forms in which text is looked for.
_BUILT_IN = ("Helvetica", "Times", "Courier", "Arial")
# By the beginnings of their names: PDFium has its own glyphs for Latin letters in these.


def draw(content: bytes, part: str, most: int, directory: Path, stem: str) -> tuple[str, ...]:
    """Draws the pages of a PDF as grey pictures in a directory; returns their file names, in order.

    A page wider than high is turned by a quarter.

    Args:
        content: the PDF.
        part: the name of the part, for refusals.
        most: how many pages may be drawn.
        directory, stem: where, and what the names of the files begin with.

    Raises `NotPrintable` (BROKEN_PDF, LOCKED_PDF, FONT, LENGTH); then some may be drawn.
    """
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as problem:
        locked = getattr(problem, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        if locked:
            raise NotPrintable(Unprintable.LOCKED_PDF, "the PDF asks for a password", part) from problem
        raise NotPrintable(Unprintable.BROKEN_PDF, "the PDF can't be read", part) from problem
    try:
        if not 0 < len(document) <= most:
            what = f"the PDF has {len(document)} pages, of which {most} fit into the letter"
            raise NotPrintable(Unprintable.LENGTH, what, part)
        if document.get_formtype() != raw.FORMTYPE_NONE:
            document.init_forms()  # what is filled in is part of what the page shows
        names = []
        for index in range(len(document)):
            names.append(f"{stem}-{index}.png")
            (directory / names[-1]).write_bytes(_drawn(document, index, part))
        return tuple(names)
    except pdfium.PdfiumError as problem:
        raise NotPrintable(Unprintable.BROKEN_PDF, "a page of the PDF can't be read", part) from problem
    finally:
        document.close()


def _drawn(document: pdfium.PdfDocument, index: int, part: str) -> bytes:
    page = document[index]
    _check_fonts(page, index, part)
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        raise NotPrintable(Unprintable.BROKEN_PDF, f"page {index + 1} of the PDF has no size", part)
    turned = width > height
    if turned:
        width, height = height, width
    dots = DOTS_PER_INCH / _MM_PER_INCH
    # By the room on paper: whatever size a page claims, its picture has no more than some six million dots.
    scale = min(_WIDTH * dots / width, _HEIGHT * dots / height)
    bitmap = page.render(scale=scale, rotation=90 if turned else 0, grayscale=True)
    return _png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride)


def _check_fonts(page: pdfium.PdfPage, index: int, part: str) -> None:
    for piece in page.get_objects(filter=(raw.FPDF_PAGEOBJ_TEXT,), max_depth=_NESTING):
        font = raw.FPDFTextObj_GetFont(piece.raw)
        if not font or raw.FPDFFont_GetIsEmbedded(font) == 1:
            continue
        name = ctypes.create_string_buffer(256)
        raw.FPDFFont_GetBaseFontName(font, name, len(name))
        called = name.value.decode("utf-8", "replace")
        if not called.startswith(_BUILT_IN):
            what = f"page {index + 1} of the PDF uses the font {called[:80]!r}, which it doesn't hold"
            raise NotPrintable(Unprintable.FONT, what, part)


def _png(rows: bytes, width: int, height: int, stride: int) -> bytes:
    """Returns an 8-bit grey PNG (ISO/IEC 15948), without the needs of an imaging library."""
    lines = b"".join(b"\0" + rows[start : start + width] for start in range(0, stride * height, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
