"""The statement that a holder signs to confirm the reading (ADMIN-7): strict lines, ``namak-statement/1``.

It names its purpose, so that a signature over it can pass for nothing else, and says which letter of whom to
whom it is about, with the digest of every part. The signature is over exactly these bytes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NoReturn, Self
from uuid import UUID

from namak.evidence.details import STATEMENT_LIMIT
from namak.evidence.document import ADDRESS_FORM, PARTS_LIMIT, SUBJECT, Part
from namak.evidence.failures import MalformedStatement
from namak.evidence.strict_json import UUID_FORM
from namak.evidence.times import format_time, parse_time

PURPOSE: Final = "namak-statement/1 reading-confirmation"
"""The first line."""

SENTENCE: Final = "Հավաստում եմ, որ կարդացել և ընդունել եմ նամակի բովանդակությունը"
"""The sentence of ADMIN-7, the second line under ``am``."""

TRANSLATIONS: Mapping[str, str] = MappingProxyType(
    {
        "hy": SENTENCE,
        "ru": "Подтверждаю, что прочитал(а) и принял(а) содержание письма",
        "en": "I certify that I have read and accepted the content of the letter",
        "kk": "Хаттың мазмұнын оқып, қабылдағанымды растаймын",
        "az": "Məktubun məzmununu oxuduğumu və qəbul etdiyimi təsdiq edirəm",
    }
)
"""The sentence by language, to be shown beside the one that is signed, never instead of it (POST-11)."""

SIGNED_IN: Mapping[str, str] = MappingProxyType({"namak:am:1": "hy", "namak:kz:1": "kk", "namak:az:1": "az"})
"""In which language it is signed, by the profile's ``EvidenceIssuerPolicyID``: whatever language it is shown
in, people sign the words of their own state. What stands here for a profile never changes.
"""

_BY_SENTENCE = {TRANSLATIONS[language]: language for language in SIGNED_IN.values()}

_LONGEST_CHARACTER: Final = 4
"""Bytes, in UTF-8."""
_RIGHT = re.compile(r"sha-256:(?P<digest>[0-9a-f]{64})", re.ASCII)
_PART = re.compile(r"(?P<identifier>\S{1,16}) sha-256:(?P<digest>[0-9a-f]{64})", re.ASCII)


def language_under(policy_id: str) -> str:
    """Returns the language of the sentence under a profile; for one that is not known, as under ``am``."""
    return SIGNED_IN.get(policy_id, "hy")


@dataclass(frozen=True, slots=True)
class StatedPart:
    """A part as the statement names it: ``subject``, ``1``, ``2``, … and its content's SHA-256 (32 bytes)."""

    identifier: str
    digest: bytes


def stated_parts(parts: tuple[Part, ...]) -> tuple[StatedPart, ...]:
    """Returns the parts of a piece of evidence as a statement names them."""
    return tuple(StatedPart(part.identifier, part.digest) for part in parts)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is certified: for one delivery and one person, from ``issued`` up to ``expires``.

    ``right`` is None where the recipient signs. Otherwise somebody signs on the recipient's behalf, and it is
    the hex digest of the act that gives them the right (:mod:`namak.evidence.delegation`). ``language`` is
    that of the sentence, one of those in :data:`SIGNED_IN`.
    """

    statement_id: UUID
    delivery_id: UUID
    sender: str
    recipient: str
    parts: tuple[StatedPart, ...]
    issued: datetime
    expires: datetime
    right: str | None = None
    language: str = "hy"

    def encode(self) -> bytes:
        """Returns the bytes to be shown and signed.

        Raises :class:`MalformedStatement` when they would not parse to this very statement.
        """
        lines = [
            PURPOSE,
            TRANSLATIONS.get(self.language, ""),
            f"statement: {self.statement_id}",
            f"delivery: {self.delivery_id}",
            f"sender: {self.sender}",
            f"recipient: {self.recipient}",
            *self._on_behalf(),
            *(f"part: {part.identifier} sha-256:{part.digest.hex()}" for part in self.parts),
            f"issued: {format_time(self.issued)}",
            f"expires: {format_time(self.expires)}",
        ]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="surrogatepass")
        if type(self).parse(data) != self:
            raise MalformedStatement("the statement does not come back as it was written")
        return data

    def _on_behalf(self) -> tuple[str, ...]:
        if self.right is None:
            return ()
        return f"on behalf of: {self.recipient}", f"right: sha-256:{self.right}"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns what the statement says.

        Raises :class:`MalformedStatement` for whatever the format does not permit.
        """
        lines = _lines(data)
        _expect(next(lines), PURPOSE, "the purpose")
        language = _BY_SENTENCE.get(next(lines))
        if language is None:
            _refuse("the sentence is not that of a reading confirmation")
        statement = cls(
            statement_id=_uuid(_labelled(next(lines), "statement")),
            delivery_id=_uuid(_labelled(next(lines), "delivery")),
            sender=_address(_labelled(next(lines), "sender")),
            recipient=(recipient := _address(_labelled(next(lines), "recipient"))),
            right=_right(rest := list(lines), recipient),
            parts=_parts(rest),
            issued=_time(_labelled(rest[-2], "issued")),
            expires=_time(_labelled(rest[-1], "expires")),
            language=language,
        )
        if statement.issued >= statement.expires:
            _refuse("it expires before it is issued")
        return statement


def _lines(data: bytes) -> Iterator[str]:
    if len(data) > _LONGEST_CHARACTER * STATEMENT_LIMIT:
        _refuse(f"has more than {STATEMENT_LIMIT} characters")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("not UTF-8")
    if len(text) > STATEMENT_LIMIT:
        _refuse(f"has more than {STATEMENT_LIMIT} characters")
    if not text.endswith("\n"):
        _refuse("the last line has no end")
    lines = text[:-1].split("\n")
    # Six lines before the parts, or eight, at least the subject, and two after them.
    if not 9 <= len(lines) <= 10 + PARTS_LIMIT:
        _refuse(f"has {len(lines)} lines")
    return iter(lines)


def _right(lines: list[str], recipient: str) -> str | None:
    """Takes the two lines of a statement on somebody's behalf away, if they are there; returns what they
    say.
    """
    if not lines[0].startswith("on behalf of: "):
        return None
    behalf, right = lines[:2]
    del lines[:2]
    _expect(_labelled(behalf, "on behalf of"), recipient, "whom it is signed for")
    found = _RIGHT.fullmatch(_labelled(right, "right"))
    if found is None:
        _refuse("the right is not the SHA-256 of an act")
    return found["digest"]


def _parts(lines: list[str]) -> tuple[StatedPart, ...]:
    if not 3 <= len(lines) <= 2 + PARTS_LIMIT:
        _refuse(f"has {len(lines) - 2} parts")
    parts = []
    for number, line in enumerate(lines[:-2]):
        found = _PART.fullmatch(_labelled(line, "part"))
        if found is None or found["identifier"] != (str(number) if number else SUBJECT):
            _refuse(f"part line {number + 1} is not the one that belongs there")
        parts.append(StatedPart(found["identifier"], bytes.fromhex(found["digest"])))
    return tuple(parts)


def _expect(line: str, wanted: str, what: str) -> None:
    if line != wanted:
        _refuse(f"{what} is not that of a reading confirmation")


def _labelled(line: str, label: str) -> str:
    if not line.startswith(f"{label}: "):
        _refuse(f"the line {label!r} is missing")
    return line[len(label) + 2 :]


def _uuid(text: str) -> UUID:
    if not UUID_FORM.fullmatch(text):
        _refuse("an identifier is not a UUID in lower case")
    return UUID(text)


def _address(text: str) -> str:
    if not ADDRESS_FORM.fullmatch(text):
        _refuse("an address has a form that no address has")
    return text


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as wrong:
        _refuse(str(wrong)[:100])


def _refuse(why: str) -> NoReturn:
    raise MalformedStatement(f"statement: {why}")
