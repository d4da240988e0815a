"""How wide texts are, from the fonts' own tables (OpenType 1.9: `head`, `hhea`, `hmtx`, `cmap`).

Typst measures too, but what it measures it lays out twice.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

_BASIC, _FULL = 4, 12
# The formats of `cmap` for the Basic Multilingual Plane, and for all of Unicode.


class Advances:
    """The widths of characters, each in the first of some fonts that has it."""

    def __init__(self, fonts: Sequence[Path]) -> None:
        """Reads fonts. Raises OSError, ValueError."""
        self._of: dict[str, float] = {}
        for font in reversed(fonts):
            self._of.update(_advances(font.read_bytes()))

    def width(self, text: str) -> float | None:
        """Returns how wide a text is set, in em, without kerning; None where no font has a character."""
        total = 0.0
        for character in text:
            advance = self._of.get(character)
            if advance is None:
                return None
            total += advance
        return total


def _advances(data: bytes) -> Mapping[str, float]:
    count = struct.unpack_from(">H", data, 4)[0]
    tables = {
        tag: offset
        for tag, _, offset, _ in (struct.unpack_from(">4sIII", data, 12 + 16 * each) for each in range(count))
    }
    try:
        (units,) = struct.unpack_from(">H", data, tables[b"head"] + 18)
        (metrics,) = struct.unpack_from(">H", data, tables[b"hhea"] + 34)
        start = tables[b"hmtx"]
        widths = [struct.unpack_from(">H", data, start + 4 * each)[0] for each in range(metrics)]
        glyphs = _glyphs(data, tables[b"cmap"])
    except (KeyError, struct.error) as problem:
        raise ValueError("this is no font with horizontal metrics") from problem
    return {
        chr(character): widths[min(glyph, metrics - 1)] / units
        for character, glyph in glyphs.items()
        if glyph
    }


def _glyphs(data: bytes, cmap: int) -> Mapping[int, int]:
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    found: dict[int, int] = {}
    for each in range(count):
        _, _, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * each)
        (form,) = struct.unpack_from(">H", data, cmap + offset)
        if form == _BASIC:
            found.update(_basic(data, cmap + offset))
        elif form == _FULL:
            (groups,) = struct.unpack_from(">I", data, cmap + offset + 12)
            for group in range(groups):
                first, last, glyph = struct.unpack_from(">III", data, cmap + offset + 16 + 12 * group)
                found.update((code, glyph + code - first) for code in range(first, last + 1))
    return found


def _basic(data: bytes, start: int) -> Mapping[int, int]:
    segments = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends, starts, deltas, ranges = (
        start + 14,
        start + 16 + 2 * segments,
        start + 16 + 4 * segments,
        start + 16 + 6 * segments,
    )
    found: dict[int, int] = {}
    for each in range(segments):
        (last,) = struct.unpack_from(">H", data, ends + 2 * each)
        (first,) = struct.unpack_from(">H", data, starts + 2 * each)
        (delta,) = struct.unpack_from(">H", data, deltas + 2 * each)
        (jump,) = struct.unpack_from(">H", data, ranges + 2 * each)
        for code in range(first, min(last, 0xFFFE) + 1):
            if jump:
                place = ranges + 2 * each + jump + 2 * (code - first)
                (glyph,) = struct.unpack_from(">H", data, place)
                glyph = (glyph + delta) & 0xFFFF if glyph else 0
            else:
                glyph = (code + delta) & 0xFFFF
            found[code] = glyph
    return found
