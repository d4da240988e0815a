"""What reads bytes from strangers, as data: a sample of each format, how it is read, refused and written.

What is said here of a format is all that the tests of this folder know of it. Who adds a parser adds a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_DETAIL = 400
"""A refusal is read by people: it says what is wrong in a line, and repeats no input at length."""


@dataclass(frozen=True)
class Parser:
    """One format.

    Attributes:
        name: by which tests call it.
        sample: a good one.
        parse: reads it.
        refusal: what all else raises, and nothing else.
        write: gives the bytes of what was read, where the format has one spelling of everything.
        numbers: what the sample holds of decimal numbers, each with what stands before and behind it.
        base64: what it holds of base64, in the same way.
        signature: one of its signature lines, if it has some.
        permits: faults that are none here, and why. What they make reads as something else, or the same.
    """

    name: str
    sample: bytes = field(repr=False)
    parse: Callable[[bytes], Any] = field(repr=False)
    refusal: tuple[type[Exception], ...]
    write: Callable[[Any], bytes] | None = field(default=None, repr=False)
    numbers: tuple[tuple[bytes, bytes, bytes], ...] = ()
    base64: tuple[tuple[bytes, bytes, bytes], ...] = field(default=(), repr=False)
    signature: bytes = field(default=b"", repr=False)
    permits: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for before, value, behind in (*self.numbers, *self.base64):
            assert self.sample.count(before + value + behind) == 1, (self.name, before, value, behind)

    def with_number(self, place: tuple[bytes, bytes, bytes], spelled: bytes) -> bytes:
        """Returns the sample with another spelling at one of its places."""
        before, value, behind = place
        return self.sample.replace(before + value + behind, before + spelled + behind)


def words_of(refused: Exception) -> str:
    """Returns what a refusal says to people."""
    return str(getattr(refused, "detail", refused))


def assert_refuses(parser: Parser, data: bytes) -> None:
    """Fails unless the parser refuses this, by its own error, in words that people can read."""
    assert data != parser.sample, "this is no fault: nothing was changed"
    try:
        found = parser.parse(data)
    except parser.refusal as refused:
        assert_clear(refused)
        return
    raise AssertionError(f"{parser.name} takes {data[:120]!r}… ({len(data)} bytes) as {found!r}"[:600])


def assert_refuses_or_reads(parser: Parser, data: bytes) -> None:
    """Fails unless the parser refuses this, or reads something that is written so and not otherwise."""
    try:
        found = parser.parse(data)
    except parser.refusal as refused:
        assert_clear(refused)
        return
    if parser.write is not None:
        assert parser.write(found) == data, f"{parser.name} reads two spellings of one thing"


def assert_clear(refused: Exception) -> None:
    """Fails unless a refusal is a line of words that names no types and no places in our code."""
    words = words_of(refused)
    assert words.strip()
    assert len(words) <= LONGEST_DETAIL
    assert words.isprintable() or "'" in words
    for leaked in ("Traceback", "Error(", "codec can't", ".py", "object at 0x"):
        assert leaked not in words
