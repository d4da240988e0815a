"""The two spellings that every C2SP format shares: canonical base64 and plain decimals.

Both accept exactly one spelling of a value. A second spelling of the same value would let two different files
carry the same proof, and would let one verifier accept what another refuses. Both raise :class:`ValueError`;
the format that reads the field turns it into its own error.
"""

import binascii
import re
from functools import lru_cache

LIMIT = 2**63
"""Sizes, indexes and times are below this everywhere: what a signed 64-bit integer holds."""

# So that what is kept stays below some twenty megabytes.
_KEPT_CHARACTERS = 90_000

_LINE = re.compile(r"[^\x00-\x1f\ud800-\udfff]+")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def encode_base64(data: bytes) -> str:
    """Returns ``data`` in standard base64 with padding (RFC 4648, 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Returns what ``text`` encodes.

    Refuses every spelling but that of :func:`encode_base64`: other alphabets, line ends, missing padding, and
    padding bits that are not zero (RFC 4648, 3.5).
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise ValueError("not base64") from None
    # Taken strictly, four digits have one reading, so only the last ones may be a second spelling.
    rest = len(data) % 3 or 3
    if len(text) != (len(data) + 2) // 3 * 4 or (data and encode_base64(data[-rest:]) != text[-4:]):
        raise ValueError("not canonical base64")
    return data


def decode_repeated(text: str) -> bytes:
    """Does what :func:`decode_base64` does, for what stands in many documents, as a revocation list does."""
    return (_decode_kept if len(text) <= _KEPT_CHARACTERS else decode_base64)(text)


_decode_kept = lru_cache(maxsize=128)(decode_base64)


def parse_decimal(text: str) -> int:
    """Returns the number below 2**63 that ``text`` writes in ASCII digits, no sign, space or leading zero."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal number without leading zeros")
    number = int(text)
    if number >= LIMIT:
        raise ValueError("number is 2**63 or more")
    return number


def is_line(text: str) -> bool:
    """Says whether ``text`` may be a line of a note: not empty, no ASCII control character, fit for UTF-8."""
    return _LINE.fullmatch(text) is not None
