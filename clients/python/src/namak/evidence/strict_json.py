"""JSON that says one thing: objects with exactly their keys, and values in their one canonical spelling.

Two readers that understand the same bytes differently would see two different facts, so whatever leaves room
for that is refused: duplicate and unknown keys, floating-point numbers, unpaired surrogates, second spellings
of times, UUIDs, digests and base64. Space between tokens and the order of keys are free: the bytes are what
counts, and they are hashed.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Collection
from datetime import datetime
from functools import lru_cache
from typing import Final, NoReturn, TypeVar
from uuid import UUID

from namak.evidence.encoding import decode_base64
from namak.evidence.failures import MalformedEvidence
from namak.evidence.times import parse_time

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_T = TypeVar("_T")

json_of: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes a JSON value without spaces, as UTF-8 can hold it."""

text_of: Final[Callable[[str], str]] = json.encoder.encode_basestring
"""Writes a JSON string as :data:`json_of` does, without looking at what it was given."""

uuid_text: Final = lru_cache(16_384)(UUID.__str__)
"""Writes a UUID in its canonical form. The same one is written several times in a row."""

UUID_FORM: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
HEX_DIGEST_FORM: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Cc; the line and paragraph separators break lines just as well; Cs cannot be written in UTF-8.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Value:
    """A JSON value and where it stands, so that a refusal can say so."""

    __slots__ = ("_above", "_key", "raw")

    def __init__(self, raw: object, key: str | int, above: "Value | None" = None) -> None:
        self.raw = raw
        self._key = key
        self._above = above

    @property
    def path(self) -> str:
        """Where the value stands, for example ``document.SenderDetails.Identifier``."""
        if self._above is None:
            return str(self._key)
        own = f"[{self._key}]" if isinstance(self._key, int) else f".{self._key}"
        return self._above.path + own

    def refuse(self, why: str) -> NoReturn:
        raise MalformedEvidence(f"{self.path}: {why}")

    def fields(self, keys: Collection[str], optional: Collection[str] = ()) -> dict[str, "Value"]:
        """Returns the values of an object that has exactly ``keys``, and perhaps those of ``optional``."""
        if not isinstance(self.raw, dict):
            self.refuse("not an object")
        if optional:
            keys = (*keys, *(key for key in optional if key in self.raw))
        if len(self.raw) != len(keys) or not all(map(self.raw.__contains__, keys)):
            self._refuse_keys(self.raw, keys)
        return {key: Value(value, key, self) for key, value in self.raw.items()}

    def _refuse_keys(self, found: dict[str, object], keys: Collection[str]) -> NoReturn:
        if missing := [key for key in keys if key not in found]:
            self.refuse(f"{missing[0]} is missing")
        surplus = next(key for key in found if key not in keys)
        # The key comes from outside and may be anything.
        self.refuse(f"{surplus[:40]!r} is not permitted here")

    def entries(self, pattern: re.Pattern[str], at_most: int) -> dict[str, "Value"]:
        """Returns the values of an object of 1 to ``at_most`` keys, all of the form ``pattern``."""
        if not isinstance(self.raw, dict):
            self.refuse("not an object")
        if not 1 <= len(self.raw) <= at_most:
            self.refuse(f"has {len(self.raw)} keys, not 1 to {at_most}")
        for key in self.raw:
            if not pattern.fullmatch(key):
                self.refuse(f"{key[:40]!r} is not permitted here")
        return {key: Value(value, key, self) for key, value in self.raw.items()}

    def items(self, at_least: int, at_most: int) -> list["Value"]:
        if not isinstance(self.raw, list):
            self.refuse("not a list")
        if not at_least <= len(self.raw) <= at_most:
            self.refuse(f"has {len(self.raw)} items, not {at_least} to {at_most}")
        return [Value(item, number, self) for number, item in enumerate(self.raw)]

    def has(self, key: str) -> bool:
        return isinstance(self.raw, dict) and key in self.raw

    def string(self) -> str:
        if not isinstance(self.raw, str):
            self.refuse("not a string")
        return self.raw

    def line(self, limit: int) -> str:
        """Returns a text of 1 to ``limit`` characters on one line, without control characters."""
        text = self.string()
        if not 1 <= len(text) <= limit:
            self.refuse(f"has {len(text)} characters, not 1 to {limit}")
        if _CONTROL.search(text):
            self.refuse("has a control character")
        return text

    def lines(self, limit: int) -> str:
        """Returns a text of 1 to ``limit`` characters whose only control character is LF."""
        text = self.string()
        if not 1 <= len(text) <= limit:
            self.refuse(f"has {len(text)} characters, not 1 to {limit}")
        if _CONTROL.search(text.replace("\n", "")):
            self.refuse("has a control character")
        return text

    def matching(self, pattern: re.Pattern[str]) -> str:
        text = self.string()
        if not pattern.fullmatch(text):
            self.refuse(f"is not of the form {pattern.pattern}")
        return text

    def exactly(self, text: str) -> str:
        if self.raw != text:
            self.refuse(f"is not {text!r}")
        return text

    def integer(self, below: int) -> int:
        # bool is an int in Python and not in JSON.
        if not isinstance(self.raw, int) or isinstance(self.raw, bool):
            self.refuse("not a whole number")
        if not 0 <= self.raw < below:
            self.refuse("is out of range")
        return self.raw

    def time(self) -> datetime:
        return self._spelled(parse_time)

    def uuid(self) -> UUID:
        if not UUID_FORM.fullmatch(text := self.string()):
            self.refuse("not a UUID in lower case")
        return UUID(text)

    def hex_digest(self) -> str:
        """Returns a SHA-256 in lower-case hexadecimal."""
        if not HEX_DIGEST_FORM.fullmatch(text := self.string()):
            self.refuse("not 64 hexadecimal digits in lower case")
        return text

    def base64(self, at_least: int, at_most: int, decode: Callable[[str], bytes] = decode_base64) -> bytes:
        """Returns ``at_least`` to ``at_most`` bytes. ``decode`` does what ``decode_base64`` does."""
        data = self._spelled(decode)
        if not at_least <= len(data) <= at_most:
            self.refuse(f"has {len(data)} bytes, not {at_least} to {at_most}")
        return data

    def ip_address(self) -> IpAddress:
        return self._spelled(_ip_address)

    def _spelled(self, parse: Callable[[str], _T]) -> _T:
        text = self.string()
        try:
            return parse(text)
        except ValueError as wrong:
            self.refuse(str(wrong)[:100])


# A sender's address stands in all that comes from it.
@lru_cache(1024)
def _ip_address(text: str) -> IpAddress:
    address = ipaddress.ip_address(text)
    # IPv4 inside IPv6 is IPv4, and versions of Python differ on how they write it.
    inside = getattr(address, "ipv4_mapped", None)
    if str(address) != text or getattr(address, "scope_id", None) is not None or inside is not None:
        raise ValueError("not an IP address in its canonical spelling")
    return address


def written(raw: object, read: Callable[[Value], _T], meant: _T) -> str:
    """Returns ``raw`` in JSON after making sure that its reader finds in it what is meant.

    Raises :class:`MalformedEvidence`: what a reader would refuse is not written.
    """
    if read(Value(raw, "document")) != meant:
        raise MalformedEvidence("the document does not come back as it was written")
    return json_of(raw)


def load(data: bytes, limit: int) -> Value:
    """Returns the JSON value that ``data`` (UTF-8, at most ``limit`` bytes) writes, or raises
    :class:`MalformedEvidence`.
    """
    if len(data) > limit:
        raise MalformedEvidence(f"document: has {len(data)} bytes, more than {limit}")
    try:
        raw = _decoder.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedEvidence("document: not UTF-8") from None
    except RecursionError:
        raise MalformedEvidence("document: nested too deeply") from None
    except json.JSONDecodeError as wrong:
        raise MalformedEvidence(f"document: not JSON at character {wrong.pos}") from None
    except ValueError as wrong:
        raise MalformedEvidence(f"document: {wrong}"[:200]) from None
    return Value(raw, "document")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _whole_number(spelling: str) -> int:
    # "-0" would be a second spelling of 0; nothing that is counted here is negative.
    return _no_number(spelling) if spelling.startswith("-") else int(spelling)


def _no_number(spelling: str) -> NoReturn:
    raise ValueError(f"{spelling[:20]!r} is not a whole number")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_no_number,
    parse_int=_whole_number,
    parse_constant=_no_number,
)
