"""Macros in SPF policies (RFC 7208, 7): read, and expanded for one mail into names that the DNS is asked for.

Pure. The text that `exp` leads to is never fetched, so the macros that stand in it alone (c, r, t) are faults
of form wherever they are met.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NAME_OCTETS: Final = 253
"""Of a name as it is written, without the dot of the root."""
_LABEL_OCTETS: Final = 63
_MOST_PARTS: Final = 1000
"""More parts than a macro's value ever has: a longer number in a policy says the same."""

_TOKEN: Final = re.compile(
    r"(?P<literal>[!-$&-~]+)|%(?P<mark>[%_-])|%\{(?P<letter>[A-Za-z])(?P<digits>[0-9]*)(?P<turn>[rR]?)(?P<cuts>[-.+,/_=]*)\}"
)
_MARKS: Final[Mapping[str, str]] = {"%": "%", "_": " ", "-": "%20"}
_LETTERS: Final = frozenset("slodiphv")
_RESERVED: Final = re.compile(r"[^A-Za-z0-9._~-]")
_TOP_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


class SpfMalformed(Exception):
    """A policy that says nothing, for its form is wrong: `permerror` (RFC 7208, 4.6)."""


@dataclass(frozen=True, slots=True)
class Macro:
    """What stands for something of a mail, and how it is written there (RFC 7208, 7.1 and 7.3).

    Attributes:
        letter: which one, in lower case.
        parts: so many of its parts, the right-hand ones, after turning; None for all.
        turned: the parts come in the other order.
        cuts: the marks that divide it into parts.
        escaped: what may not stand in a URL is written as one would there.
    """

    letter: str
    parts: int | None
    turned: bool
    cuts: str
    escaped: bool

    def of(self, value: str) -> str:
        """Returns a value, of ASCII, as this macro writes it."""
        parts = re.split(f"[{re.escape(self.cuts)}]", value)
        if self.turned:
            parts.reverse()
        if self.parts is not None:
            parts = parts[-self.parts :]
        text = ".".join(parts)
        return _RESERVED.sub(lambda mark: f"%{ord(mark[0]):02X}", text) if self.escaped else text


@dataclass(frozen=True, slots=True)
class MacroText:
    """A text with macros: marks that stand for themselves, and macros, in their order."""

    tokens: tuple[str | Macro, ...]

    @property
    def letters(self) -> frozenset[str]:
        """The macros that stand in it."""
        return frozenset(each.letter for each in self.tokens if isinstance(each, Macro))

    def expanded(self, value_of: Callable[[str], str]) -> str:
        """Returns the text for one mail, where `value_of` says what each letter stands for."""
        return "".join(
            each if isinstance(each, str) else each.of(value_of(each.letter)) for each in self.tokens
        )


def macro_text(text: str) -> MacroText:
    """Reads a macro-string. Raises `SpfMalformed`."""
    return MacroText(tuple(token for token, _ in _tokens(text)))


def domain_spec(text: str) -> MacroText:
    """Reads a domain-spec: a macro-string that ends in a macro, or in a dot and a label fit for a top one.

    Raises:
        SpfMalformed: it is none.
    """
    tokens: Sequence[tuple[str | Macro, bool]] = tuple(_tokens(text))
    if not tokens:
        raise SpfMalformed("an empty domain")
    last, is_literal = tokens[-1]
    if is_literal:
        assert isinstance(last, str)
        _, dot, label = last.removesuffix(".").rpartition(".")
        if not dot or not _TOP_LABEL.fullmatch(label) or label.isdigit():
            raise SpfMalformed("a domain without a label that may be a top one")
    return MacroText(tuple(token for token, _ in tokens))


def target_name(text: str) -> str | None:
    """Returns an expanded domain-spec as a name to ask for, without the dot of the root; None where there is
    no such name. Of one that is too long the left labels are left out (RFC 7208, 7.3).
    """
    name = text.removesuffix(".")
    if len(name) > NAME_OCTETS:
        cut = name.find(".", len(name) - NAME_OCTETS - 1)
        name = name[cut + 1 :] if cut >= 0 else ""
    return name if is_name(name) else None


def is_name(name: str) -> bool:
    """Tells whether the DNS can be asked for a name."""
    return (
        name.isascii()
        and len(name) <= NAME_OCTETS
        and all(0 < len(label) <= _LABEL_OCTETS for label in name.split("."))
    )


def _tokens(text: str) -> Iterator[tuple[str | Macro, bool]]:
    """Yields what a macro-string consists of, each with whether it is marks that stand for themselves."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise SpfMalformed("a mark that may not stand there")
        at = found.end()
        if (literal := found["literal"]) is not None:
            yield literal, True
        elif (mark := found["mark"]) is not None:
            yield _MARKS[mark], False
        else:
            yield _macro(found), False


def _macro(found: re.Match[str]) -> Macro:
    letter, digits = found["letter"], found["digits"]
    if letter.lower() not in _LETTERS:
        raise SpfMalformed("a macro that there is not")
    parts = None
    if digits:
        significant = digits.lstrip("0")
        if not significant:
            raise SpfMalformed("a macro with no part")
        parts = int(significant) if len(significant) < len(str(_MOST_PARTS)) else _MOST_PARTS
    return Macro(letter.lower(), parts, bool(found["turn"]), found["cuts"] or ".", letter.isupper())
