"""Pictures by their structure: whether a file is, to its end, a PNG, JPEG or TIFF of a size that a page may
have.

No pixel is decoded but those of a PNG, in pieces. What follows the end of a PNG or JPEG is refused: nothing
is to be delivered that no viewer shows.
"""

import struct
import zlib
from typing import Final

from server.domain.scans import ScanFault

MOST_DOTS: Final = 20_000
"""Along one side: A0 at 400 dots per inch."""
MOST_PIXELS: Final = 150_000_000
"""A3 at 800 dots per inch; more is no page."""
MOST_PAGES: Final = 200
"""Of one file: 3 MiB hold no more that a person can read."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PIECE = 1024 * 1024
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Of a PNG's colour types.
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
# Start of frame, of a JPEG that scanners write: baseline, extended, progressive.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# Markers without a segment.
_WIDTH, _LENGTH, _STRIP_OFFSETS, _STRIP_COUNTS = 256, 257, 273, 279
_TILE_OFFSETS, _TILE_COUNTS = 324, 325
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
# Bytes of a TIFF's types.


class NotAPicture(Exception):
    """What is wrong with a picture, as a fault."""

    def __init__(self, fault: ScanFault) -> None:
        super().__init__(fault)
        self.fault = fault


_BROKEN, _OTHER = ScanFault.BROKEN, ScanFault.NOT_WHAT_IT_SAYS


def check_png(content: bytes) -> None:
    """Raises `NotAPicture` unless it is one whole PNG (ISO/IEC 15948)."""
    if not content.startswith(_PNG):
        raise NotAPicture(_OTHER)
    at, kind, rows, expected = len(_PNG), b"", zlib.decompressobj(), 0
    made = 0
    while kind != b"IEND":
        if len(content) < at + 12:
            raise NotAPicture(_BROKEN)
        length, kind = struct.unpack_from(">I4s", content, at)
        data, end = content[at + 8 : at + 8 + length], at + 12 + length
        if len(content) < end or zlib.crc32(kind + data) != int.from_bytes(content[end - 4 : end], "big"):
            raise NotAPicture(_BROKEN)
        if (at == len(_PNG)) != (kind == b"IHDR"):
            raise NotAPicture(_BROKEN)
        if kind == b"IHDR":
            expected = _png_bytes(data)
        elif kind == b"IDAT":
            made += _inflated(rows, data, expected - made)
        at = end
    if at != len(content) or made != expected or not rows.eof:
        raise NotAPicture(_BROKEN)


def _png_bytes(header: bytes) -> int:
    """Returns how many bytes the rows have; of an interlaced one, which no scanner writes, none are known."""
    if len(header) != 13:
        raise NotAPicture(_BROKEN)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth not in (1, 2, 4, 8, 16) or colour not in _CHANNELS or interlaced:
        raise NotAPicture(_BROKEN)
    _check_size(width, height)
    return int(height * (1 + (width * depth * _CHANNELS[colour] + 7) // 8))


def _inflated(rows: "zlib._Decompress", data: bytes, most: int) -> int:
    """Returns how many bytes the data gives; more than `most` is refused before it is made."""
    made = 0
    try:
        while data:
            made += len(rows.decompress(data, _PIECE))
            data = rows.unconsumed_tail
            if made > most or rows.unused_data:
                raise NotAPicture(_BROKEN)
    except zlib.error:
        raise NotAPicture(_BROKEN) from None
    return made


def check_jpeg(content: bytes) -> None:
    """Raises `NotAPicture` unless it is one whole JPEG (ISO/IEC 10918-1), from start to end marker."""
    if not content.startswith(b"\xff\xd8\xff"):
        raise NotAPicture(_OTHER)
    at, framed, scanned = 2, False, False
    while True:
        marker, at = _marker(content, at)
        if marker == 0xD9:
            if at != len(content) or not (framed and scanned):
                raise NotAPicture(_BROKEN)
            return
        if marker in _ALONE:
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        if length < 2 or at + length > len(content):
            raise NotAPicture(_BROKEN)
        if marker in _FRAMES:
            if framed or length < 9:
                raise NotAPicture(_BROKEN)
            height, width = struct.unpack_from(">HH", content, at + 3)
            _check_size(width, height)
            framed = True
        at += length
        if marker == 0xDA:
            at, scanned = _after_entropy(content, at), True


def _marker(content: bytes, at: int) -> tuple[int, int]:
    """Returns the marker that stands here, perhaps after fill bytes, and where what follows begins."""
    if at >= len(content) or content[at] != 0xFF:
        raise NotAPicture(_BROKEN)
    while at < len(content) and content[at] == 0xFF:
        at += 1
    if at >= len(content) or content[at] == 0:
        raise NotAPicture(_BROKEN)
    return content[at], at + 1


def _after_entropy(content: bytes, at: int) -> int:
    """Returns where the next marker stands that is not part of the coded data."""
    while (at := content.find(b"\xff", at)) != -1 and at + 1 < len(content):
        if content[at + 1] != 0 and not 0xD0 <= content[at + 1] <= 0xD7:
            return at
        at += 2
    raise NotAPicture(_BROKEN)


def check_tiff(content: bytes) -> None:
    """Raises `NotAPicture` unless it is a TIFF (revision 6.0) whose pages lie within the file."""
    if content[:4] not in (b"II*\x00", b"MM\x00*"):
        raise NotAPicture(_OTHER)
    order = "<" if content[:1] == b"I" else ">"
    try:
        _check_pages(content, order)
    except struct.error:
        raise NotAPicture(_BROKEN) from None


def _check_pages(content: bytes, order: str) -> None:
    (at,) = struct.unpack_from(order + "I", content, 4)
    seen: set[int] = set()
    while at:
        if at in seen or at < 8:
            raise NotAPicture(_BROKEN)
        if len(seen) == MOST_PAGES:
            raise NotAPicture(ScanFault.TOO_MANY_PAGES)
        seen.add(at)
        (count,) = struct.unpack_from(order + "H", content, at)
        _check_page(content, order, at + 2, count)
        (at,) = struct.unpack_from(order + "I", content, at + 2 + 12 * count)
    if not seen:
        raise NotAPicture(_BROKEN)


def _check_page(content: bytes, order: str, at: int, count: int) -> None:
    values = {
        tag: found
        for tag, found in (_entry(content, order, at + 12 * number) for number in range(count))
        if found
    }
    if _WIDTH not in values or _LENGTH not in values:
        raise NotAPicture(_BROKEN)
    _check_size(values[_WIDTH][0], values[_LENGTH][0])
    offsets = values.get(_STRIP_OFFSETS) or values.get(_TILE_OFFSETS) or ()
    counts = values.get(_STRIP_COUNTS) or values.get(_TILE_COUNTS) or ()
    if not offsets or len(offsets) != len(counts):
        raise NotAPicture(_BROKEN)
    for offset, size in zip(offsets, counts, strict=True):
        if size == 0 or offset + size > len(content):
            raise NotAPicture(_BROKEN)


def _entry(content: bytes, order: str, at: int) -> tuple[int, tuple[int, ...]]:
    """Returns a field's tag, and its values where they are whole numbers that matter here."""
    tag, kind, count = struct.unpack_from(order + "HHI", content, at)
    size = _SIZES.get(kind, 1) * count
    place = at + 8
    if size > 4:
        (place,) = struct.unpack_from(order + "I", content, place)
    if place + size > len(content):
        raise NotAPicture(_BROKEN)
    if kind not in (3, 4) or tag not in (
        _WIDTH,
        _LENGTH,
        _STRIP_OFFSETS,
        _STRIP_COUNTS,
        _TILE_OFFSETS,
        _TILE_COUNTS,
    ):
        return tag, ()
    return tag, struct.unpack_from(f"{order}{count}{'H' if kind == 3 else 'I'}", content, place)


def _check_size(width: int, height: int) -> None:
    if not (width and height):
        raise NotAPicture(_BROKEN)
    if max(width, height) > MOST_DOTS or width * height > MOST_PIXELS:
        raise NotAPicture(ScanFault.TOO_DEMANDING)
