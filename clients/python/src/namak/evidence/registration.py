"""What people sign to become users of the post: an application for a mailbox, and their profile.

Texts of strict lines that a person can read (``docs/registration.md``). The first line names the purpose,
which no other text that is signed begins with: a signature over one of these can pass for nothing else. They
name the post, so that a signature given to one serves at no other, and the request, so that it serves once.

Evidence holds of such a text only its commitment: who has the text and the salt can check it, and nobody can
guess at phones and addresses.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from namak.evidence.failures import MalformedStatement

APPLICATION: Final = "namak-application/1 mailbox-registration"
"""The first line of an application."""

PROFILE: Final = "namak-profile/1 profile-confirmation"
"""The first line of a profile's confirmation."""

SALT_BYTES: Final = 32

APPLICATION_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "hy": "Խնդրում եմ գրանցել էլեկտրոնային փոստարկղ և միանում եմ ստորև նշված օգտագործման համաձայնագրին",
        "ru": "Прошу зарегистрировать электронный почтовый ящик и присоединяюсь к названному ниже "
        "пользовательскому соглашению",
        "en": "I ask for an electronic mailbox to be registered, and join the user agreement named below",
        "kk": "Электрондық пошта жәшігін тіркеуді сұраймын және төменде аталған пайдаланушы келісіміне "
        "қосыламын",
        "az": "Elektron poçt qutusunun qeydiyyatını xahiş edirəm və aşağıda adı çəkilən istifadəçi "
        "razılaşmasına qoşuluram",
    }
)
"""The second line of an application, by language."""

PROFILE_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "hy": "Հաստատում եմ, որ ստորև բերված տվյալներն իմն են և ճիշտ են",
        "ru": "Подтверждаю, что приведённые ниже сведения обо мне верны",
        "en": "I confirm that what is said below about me is right",
        "kk": "Төменде мен туралы келтірілген мәліметтердің дұрыс екенін растаймын",
        "az": "Aşağıda mənim haqqımda göstərilən məlumatların doğru olduğunu təsdiq edirəm",
    }
)
"""The second line of a profile's confirmation, by language."""

_TEXT_LIMIT: Final = 16 * 1024
_VALUE_LIMIT: Final = 1000
# What breaks a line, or can't be written in UTF-8.
_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Line = tuple[str, str]
"""A label and its value. What has no value has no line."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A version of the user agreement, and its digest (:func:`agreement_digest`)."""

    version: str
    digest: bytes


def person_lines(
    *,
    name: str,
    number: str,
    identity_document: str,
    residence: str,
    home_phone: str = "",
    mobile_phone: str = "",
) -> Sequence[Line]:
    """Returns what a natural person says of themselves, as both texts have it (BOX-4)."""
    return _said(
        ("holder", "natural person"),
        ("name", name),
        ("number", number),
        ("identity document", identity_document),
        ("residence", residence),
        ("home phone", home_phone),
        ("mobile phone", mobile_phone),
    )


def entity_lines(
    *,
    name: str,
    number: str,
    registration_number: str,
    registration_date: str,
    legal_address: str,
    actual_address: str,
    home_phone: str = "",
    mobile_phone: str = "",
) -> Sequence[Line]:
    """Returns what a legal entity says of itself, as both texts have it (BOX-4); the day is
    written ``2026-11-22``.
    """
    return _said(
        ("holder", "legal entity"),
        ("name", name),
        ("number", number),
        ("registration certificate", registration_number),
        ("registration date", registration_date),
        ("legal address", legal_address),
        ("actual address", actual_address),
        ("home phone", home_phone),
        ("mobile phone", mobile_phone),
    )


def application_text(
    *,
    language: str,
    post: str,
    request_id: str,
    holder: Sequence[Line],
    login: str = "",
    agreement: Agreement | None = None,
) -> bytes:
    """Returns the exact bytes that an applicant signs.

    ``holder`` is of :func:`person_lines` or :func:`entity_lines`; ``post`` is the post's identifier. Raises
    :class:`MalformedStatement` for a language without a sentence, and for a value that is not on one line.
    """
    joined = "" if agreement is None else f"{agreement.version} sha-256:{agreement.digest.hex()}"
    named = _said(("login", login), ("agreement", joined))
    head = _said(("post", post), ("request", request_id))
    return _text(APPLICATION, APPLICATION_SENTENCES.get(language), [*head, *holder, *named])


def profile_text(
    *, language: str, post: str, address: str, state: str, holder: Sequence[Line], login: str = ""
) -> bytes:
    """Returns the exact bytes that a holder signs to confirm their profile (BOX-9).

    ``state`` is the profile's etag: it ties the signature to what stands there. Raises as
    :func:`application_text` does.
    """
    head = _said(("post", post), ("mailbox", address), ("state", state))
    return _text(PROFILE, PROFILE_SENTENCES.get(language), [*head, *holder, *_said(("login", login))])


def agreement_digest(texts: Sequence[tuple[str, str]]) -> bytes:
    """Returns the SHA-256 that names an agreement: over its (language, text) in their order."""
    digest = hashlib.sha256(b"namak-user-agreement/1\x00")
    for language, text in texts:
        for data in (language.encode(), text.encode()):
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.digest()


def commitment(salt: bytes, content: bytes) -> bytes:
    """Returns what evidence holds instead of personal data: SHA-256 over a tag, the salt and the content.

    Raises ValueError for a salt that is not of 32 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(b"namak-commitment/1\x00" + salt + content).digest()


def _said(*lines: Line) -> list[Line]:
    return [(label, value) for label, value in lines if value]


def _text(purpose: str, sentence: str | None, lines: Sequence[Line]) -> bytes:
    if sentence is None:
        raise MalformedStatement("there is no sentence in this language")
    for label, value in lines:
        if len(value) > _VALUE_LIMIT or _BREAKS.search(value):
            raise MalformedStatement(f"the value of {label!r} is not on one line, or too long")
    written = [purpose, sentence, *(f"{label}: {value}" for label, value in lines)]
    data = "".join(f"{line}\n" for line in written).encode("utf-8")
    if len(data) > _TEXT_LIMIT:
        raise MalformedStatement(f"the text has more than {_TEXT_LIMIT} bytes")
    return data
