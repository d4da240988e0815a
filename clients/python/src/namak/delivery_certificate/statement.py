"""The statement of a certificate: what a program reads instead of the pages (``namak-certificate/1``).

It says which proofs the certificate rests on, what follows from them, and what the pages need besides, such
as their language. All but the latter follows from the proofs, and is compared with them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from namak.delivery_certificate.account import MOST_PROOFS, Account
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import Value, json_of, load
from namak.evidence.times import format_time

VERSION: Final = "namak-certificate/1"
FILE_NAME: Final = "certificate.json"
"""The statement's name among the attachments."""

WORDING: Final = 1
"""Which words the pages have. Others get another number, and these stay."""

LIMIT: Final = 256 * 1024
"""A statement has at most so many bytes."""

SUBJECT_LIMIT: Final = 10_000
SITE_LIMIT: Final = 200
_LANGUAGE = re.compile("hy|ru|en|kk|az", re.ASCII)
_CODE_POINT = re.compile(r"[0-9A-F]{4,6}", re.ASCII)
_RULE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", re.ASCII)
_FILE = re.compile(r"[0-9]{2,3}-[A-Za-z]{1,60}\.tlog-proof", re.ASCII)


class Audience(StrEnum):
    """Whom a certificate was made for: it tells what they may see."""

    SENDER = "SENDER"
    HOLDER = "HOLDER"
    DELEGATE = "DELEGATE"


_AUDIENCE = re.compile("|".join(Audience), re.ASCII)


@dataclass(frozen=True, slots=True)
class StatedEffect:
    """A legal effect as the statement has it; ``fact`` is the digest of the evidence that it follows from."""

    rule: str
    effective_time: datetime
    fact: str


@dataclass(frozen=True, slots=True)
class StatedProof:
    """A proof among the attachments: its file's name, and the digest of the evidence in it (hexadecimal)."""

    file: str
    digest: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a certificate states.

    Attributes:
        language: of the pages.
        wording: which words they have.
        made_time: when it was made, by the post's clock.
        audience: for whom.
        delivery_id: of which delivery.
        subject: the message's; its digest stands in the evidence.
        site: where the post tells how certificates are verified, as it is printed; empty where it names none.
        unprintable: characters that the pages' fonts lack, in their order; the pages have their numbers
            instead.
        proofs: in the order of the facts, then the acts.
        effect: the recorded legal effect, if there is one.
    """

    language: str
    wording: int
    made_time: datetime
    audience: Audience
    delivery_id: UUID
    subject: str
    site: str
    unprintable: str
    proofs: tuple[StatedProof, ...]
    effect: StatedEffect | None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a statement. Raises :class:`MalformedEvidence`."""
        fields = load(data, LIMIT).fields(
            ("version", "language", "wording", "madeTime", "audience", "deliveryId", "subject", "proofs"),
            ("site", "unprintable", "effect"),
        )
        fields["version"].exactly(VERSION)
        return cls(
            language=fields["language"].matching(_LANGUAGE),
            wording=fields["wording"].integer(below=2**31),
            made_time=fields["madeTime"].time(),
            audience=Audience(fields["audience"].matching(_AUDIENCE)),
            delivery_id=fields["deliveryId"].uuid(),
            subject=_subject(fields["subject"]),
            site=fields["site"].line(SITE_LIMIT) if "site" in fields else "",
            unprintable=_unprintable(fields["unprintable"]) if "unprintable" in fields else "",
            proofs=tuple(_proof(each) for each in fields["proofs"].items(1, MOST_PROOFS)),
            effect=_effect(fields["effect"]) if "effect" in fields else None,
        )

    def encode(self) -> bytes:
        """Returns its bytes. Raises :class:`MalformedEvidence` where they would not say the same."""
        values: dict[str, object] = {
            "version": VERSION,
            "language": self.language,
            "wording": self.wording,
            "madeTime": format_time(self.made_time),
            "audience": str(self.audience),
            "deliveryId": str(self.delivery_id),
            "subject": self.subject,
        }
        if self.site:
            values["site"] = self.site
        if self.unprintable:
            values["unprintable"] = [f"{ord(each):04X}" for each in self.unprintable]
        if self.effect is not None:
            values["effect"] = {
                "rule": self.effect.rule,
                "effectiveTime": format_time(self.effect.effective_time),
                "fact": self.effect.fact,
            }
        values["proofs"] = [{"file": each.file, "evidence": each.digest} for each in self.proofs]
        try:
            data = f"{json_of(values)}\n".encode()
        except UnicodeEncodeError:
            raise MalformedEvidence("the statement is not UTF-8") from None
        if Statement.parse(data) != self:
            raise MalformedEvidence("the statement does not come back as it was written")
        return data


def effect_of(account: Account) -> StatedEffect | None:
    """Returns the effect that the proofs tell of."""
    if account.effect is None:
        return None
    details = account.effect[1]
    return StatedEffect(details.rule, details.effective_time, details.fact)


def _subject(value: Value) -> str:
    text = value.string()
    if len(text) > SUBJECT_LIMIT:
        value.refuse(f"has more than {SUBJECT_LIMIT} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        value.refuse("is not UTF-8")
    return text


def _unprintable(value: Value) -> str:
    spelled = [each.matching(_CODE_POINT) for each in value.items(1, 1000)]
    codes = [int(each, 16) for each in spelled]
    if codes != sorted(set(codes)) or codes[-1] > 0x10FFFF:
        value.refuse("is not a list of characters in their order")
    if spelled != [f"{code:04X}" for code in codes]:
        value.refuse("has a number with leading zeros")
    return "".join(map(chr, codes))


def _proof(value: Value) -> StatedProof:
    fields = value.fields(["file", "evidence"])
    return StatedProof(fields["file"].matching(_FILE), fields["evidence"].hex_digest())


def _effect(value: Value) -> StatedEffect:
    fields = value.fields(["rule", "effectiveTime", "fact"])
    return StatedEffect(
        fields["rule"].matching(_RULE), fields["effectiveTime"].time(), fields["fact"].hex_digest()
    )
