"""The text that a person signs to sign in at a portal (SIGN-1, SIGN-3): strict lines, ``namak-sign-in/1``.

Its first line names its purpose, which no other text that is signed begins with: a signature over it can pass
for no confirmation and no document, and none of these for a sign-in. It names portal and post, so that it
serves nowhere else, and holds a random value, so that nobody has it signed beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NoReturn, Self
from uuid import UUID

from namak.evidence.failures import MalformedSignIn
from namak.evidence.strict_json import UUID_FORM
from namak.evidence.times import format_time, parse_time

FORMAT: Final = "namak-sign-in/1"
CHALLENGE_LIMIT: Final = 4096
"""A challenge has at most so many bytes."""
NONCE_BYTES: Final = 32

_NAME_LIMIT = 255


class Purpose(StrEnum):
    """What the signature is for."""

    SIGN_IN = "sign-in"
    """It begins a session."""
    STEP_UP = "step-up"
    """It lets a session that began with a password be used for official letters."""


SENTENCES: Mapping[Purpose, Mapping[str, str]] = MappingProxyType(
    {
        Purpose.SIGN_IN: MappingProxyType(
            {
                "hy": "Մուտք եմ գործում պաշտոնական փոստ",
                "ru": "Вхожу в официальную почту",
                "en": "I am signing in to the official post",
                "kk": "Ресми поштаға кіремін",
                "az": "Rəsmi poçta daxil oluram",
            }
        ),
        Purpose.STEP_UP: MappingProxyType(
            {
                "hy": "Իմ ստորագրությամբ հաստատում եմ իմ մուտքը պաշտոնական փոստ",
                "ru": "Подтверждаю подписью свой вход в официальную почту",
                "en": "I confirm by signature that I signed in to the official post",
                "kk": "Ресми поштаға кіргенімді қолтаңбаммен растаймын",
                "az": "Rəsmi poçta daxil olmağımı imzamla təsdiq edirəm",
            }
        ),
    }
)
"""The second line by purpose and language."""


@dataclass(frozen=True, slots=True)
class SignInChallenge:
    """What the person says by signing.

    Attributes:
        sign_in_id: the sign-in's identifier.
        purpose, language: the sentence is theirs.
        post, portal: where: the post's identifier, and the portal's name.
        certificate_sha256: of the certificate that the signature is to be by; None for a phone's, which is
            not known before.
        ends_others: whether the person asks for their other sessions to be ended.
        issued, expires: from when until when it serves, UTC.
        nonce: 32 random bytes.
    """

    sign_in_id: UUID
    purpose: Purpose
    language: str
    post: str
    portal: str
    certificate_sha256: bytes | None
    ends_others: bool
    issued: datetime
    expires: datetime
    nonce: bytes

    def encode(self) -> bytes:
        """Returns the exact bytes to be shown and signed.

        Raises :class:`MalformedSignIn` when they would not parse to this very challenge.
        """
        sentence = SENTENCES[self.purpose].get(self.language)
        if sentence is None:
            _refuse(f"no sentence in {self.language!r}")
        digest = self.certificate_sha256
        lines = [
            f"{FORMAT} {self.purpose}",
            sentence,
            f"sign-in: {self.sign_in_id}",
            f"post: {self.post}",
            f"portal: {self.portal}",
            *([] if digest is None else [f"certificate: sha-256:{digest.hex()}"]),
            f"other sessions: {'end' if self.ends_others else 'keep'}",
            f"issued: {format_time(self.issued)}",
            f"expires: {format_time(self.expires)}",
            f"nonce: {self.nonce.hex()}",
        ]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", errors="surrogatepass")
        if type(self).parse(data) != self:
            _refuse("it does not come back as it was written")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns what the challenge says.

        Who is asked to sign MUST parse it first: it tells what the signature is for. Raises
        :class:`MalformedSignIn` for whatever the format does not permit.
        """
        lines = _lines(data)
        purpose, language = _purpose(lines[0], lines[1])
        named = [line.partition(": ") for line in lines[2:]]
        labels = tuple(label for label, _, _ in named)
        values = {label: value for label, _, value in named}
        if labels not in (_LABELS, tuple(label for label in _LABELS if label != "certificate")):
            _refuse("its lines are not those of a sign-in")
        certificate = values.get("certificate")
        challenge = cls(
            sign_in_id=_uuid(values["sign-in"]),
            purpose=purpose,
            language=language,
            post=_name(values["post"]),
            portal=_name(values["portal"]),
            certificate_sha256=None if certificate is None else _digest(certificate),
            ends_others=_others(values["other sessions"]),
            issued=_time(values["issued"]),
            expires=_time(values["expires"]),
            nonce=_hex(values["nonce"], NONCE_BYTES),
        )
        if challenge.issued >= challenge.expires:
            _refuse("it expires before it is issued")
        return challenge


_LABELS = (
    *("sign-in", "post", "portal", "certificate"),
    *("other sessions", "issued", "expires", "nonce"),
)


def _lines(data: bytes) -> list[str]:
    if len(data) > CHALLENGE_LIMIT:
        _refuse(f"has more than {CHALLENGE_LIMIT} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("not UTF-8")
    lines = text.split("\n")
    if lines.pop() or len(lines) < 2:
        _refuse("the last line has no end")
    return lines


def _purpose(first: str, sentence: str) -> tuple[Purpose, str]:
    for purpose, sentences in SENTENCES.items():
        if first == f"{FORMAT} {purpose}":
            for language, words in sentences.items():
                if words == sentence:
                    return purpose, language
            raise MalformedSignIn("sign-in: the sentence is not that of its purpose")
    raise MalformedSignIn("sign-in: it is none")


def _uuid(text: str) -> UUID:
    if not UUID_FORM.fullmatch(text):
        _refuse("an identifier is not a UUID in lower case")
    return UUID(text)


def _name(text: str) -> str:
    if not text or len(text) > _NAME_LIMIT or not text.isprintable():
        _refuse("a name has a form that no name has")
    return text


def _digest(text: str) -> bytes:
    if not text.startswith("sha-256:"):
        _refuse("a digest is not SHA-256")
    return _hex(text.removeprefix("sha-256:"), 32)


def _hex(text: str, count: int) -> bytes:
    if len(text) != 2 * count or set(text) - set("0123456789abcdef"):
        _refuse(f"something is not {count} bytes in lower hexadecimal")
    return bytes.fromhex(text)


def _others(text: str) -> bool:
    if text not in ("end", "keep"):
        _refuse("other sessions are neither ended nor kept")
    return text == "end"


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as wrong:
        _refuse(str(wrong)[:100])


def _refuse(why: str) -> NoReturn:
    raise MalformedSignIn(f"sign-in: {why}")
