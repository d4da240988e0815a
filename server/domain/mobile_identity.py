"""Signing in and signing by phone: two keys in the SIM behind two PINs, and how each attempt can end (SIGN-1,
SIGN-2).

PIN1 answers for the authentication key, PIN2 for the signature key; neither stands in for the other. What a
phone is asked to sign is a digest, and the four digits that phone and portal show are computed from it.
"""

import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from server.domain.profile import MobileCode

DIGEST_BYTES: Mapping[str, int] = MappingProxyType({"sha256": 32, "sha384": 48, "sha512": 64})
"""The digests that phones sign, and their lengths."""

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164, 6: at most 15 digits
_PERSON = re.compile(r"[0-9A-Z]{4,20}")

# GSM 03.38's default alphabet and its extension table, each of which takes two places on the screen.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("€[]^|{}\\~")
_GSM_CHARACTERS, _GSM_EXTENDED, _UCS2_CHARACTERS = 100, 5, 50


class MobileKey(StrEnum):
    """Which of the SIM's two keys is asked; the value is the name that citizens know its PIN by."""

    AUTHENTICATION = "PIN1"
    """Signs in; its certificate's key usage is digitalSignature, without contentCommitment."""

    SIGNATURE = "PIN2"
    """Signs documents and statements; its certificate's key usage holds contentCommitment."""


class Failure(StrEnum):
    """How an attempt ends that gives no signature; each has words of its own for the citizen (SIGN-2)."""

    WRONG_PIN = "WRONG_PIN"
    PIN_BLOCKED = "PIN_BLOCKED"
    """Three wrong PINs: the PUK opens it again."""
    PUK_BLOCKED = "PUK_BLOCKED"
    """Three wrong PUKs: only a new SIM with a new certificate helps."""
    SERVICE_SUSPENDED = "SERVICE_SUSPENDED"
    """For debt; the operator tells it as "Service suspended"."""
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    PHONE_UNREACHABLE = "PHONE_UNREACHABLE"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    HASH_MISMATCH = "HASH_MISMATCH"
    """The SIM's keys are others than the operator believes."""
    NOT_A_CLIENT = "NOT_A_CLIENT"
    """The person has no mobile signature in force."""
    UNKNOWN_NUMBER = "UNKNOWN_NUMBER"
    """The service knows no such person with such a phone."""
    SIM_FAULT = "SIM_FAULT"
    """The SIM answered something that is no answer."""
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    """What came back is no signature over the digest by the certificate's key."""
    WRONG_KEY = "WRONG_KEY"
    """The certificate is not for this use: one PIN's key answered for the other's."""
    OTHER_PERSON = "OTHER_PERSON"
    """The certificate names somebody else than was asked."""
    NOT_COMPLETED = "NOT_COMPLETED"
    """The service ended the attempt for a reason that is not known here."""

    @property
    def never_rang(self) -> bool:
        """Whether it is certain that no phone asked anybody for anything."""
        return self in _NEVER_RANG


_NEVER_RANG = frozenset(
    {
        Failure.NOT_A_CLIENT,
        Failure.UNKNOWN_NUMBER,
        Failure.SERVICE_SUSPENDED,
        Failure.CERTIFICATE_EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class MobileUser:
    """Whom to ask: the phone in the form of E.164 (`+994501234567`), and the personal number as the profile
    has it.

    Neither is in the value's text, so that neither gets into a log with it. Raises ValueError.
    """

    phone: str = field(repr=False)
    person_number: str = field(repr=False)

    def __post_init__(self) -> None:
        if _PHONE.fullmatch(self.phone) is None:
            raise ValueError("a phone number is + and 7 to 15 digits")
        if _PERSON.fullmatch(self.person_number) is None:
            raise ValueError("a personal number is 4 to 20 digits and capital letters")


@dataclass(frozen=True, slots=True)
class Digest:
    """What the phone signs. Raises ValueError for an algorithm or a length that phones do not take."""

    value: bytes
    algorithm: str = "sha256"

    def __post_init__(self) -> None:
        if DIGEST_BYTES.get(self.algorithm) != len(self.value):
            raise ValueError("a digest is of SHA-256, SHA-384 or SHA-512, with all its bytes")

    @property
    def code(self) -> str:
        """The four digits: the first six and the last seven bits, as a number below 8192."""
        return f"{(self.value[0] >> 2) << 7 | self.value[-1] & 0x7F:04d}"

    def has_code(self, entered: str) -> bool:
        """Tells, in constant time, whether a citizen entered this digest's four digits; spaces aside."""
        return hmac.compare_digest("".join(entered.split()).encode(), self.code.encode())


class ScreenAlphabet(StrEnum):
    """How a text gets onto the phone's screen, by the names that the protocol has for it."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class ScreenText:
    """What the phone shows before it asks for the PIN, and the language of its own words (`az`).

    100 characters of the GSM alphabet, of which five of its extension, or else 50 of the basic multilingual
    plane. Raises ValueError for a text that would not come out as it stands: nobody signs half a sentence.
    """

    text: str
    language: str

    def __post_init__(self) -> None:
        extended = sum(character in _GSM_EXTENSION for character in self.text)
        if self.alphabet is ScreenAlphabet.GSM_7:
            fits = len(self.text) <= _GSM_CHARACTERS and extended <= _GSM_EXTENDED
        else:
            fits = len(self.text) <= _UCS2_CHARACTERS and max(self.text) <= "\uffff"
        if not fits:
            raise ValueError("a phone's screen does not take this text")

    @property
    def alphabet(self) -> ScreenAlphabet:
        """The smallest alphabet that has every character."""
        plain = all(character in _GSM or character in _GSM_EXTENSION for character in self.text)
        return ScreenAlphabet.GSM_7 if plain else ScreenAlphabet.UCS_2


@dataclass(frozen=True, slots=True)
class MobileSession:
    """One question put to one phone: what its answer must be, and until when it counts (UTC).

    Whoever started it keeps it, as text, and asks for the outcome with it on whichever replica. It is to be
    kept from clients: `reference` is the service's own name of the session, and where the code is entered, it
    follows from the digest. `certificate` (DER) is set where the key is the signature key, and so is `nonce`,
    which is signed with the document: whoever knows document and certificate does not know the code.
    `counted` are the counts of tries that the question is in (`server.usecases.tries`).
    """

    reference: str = field(repr=False)
    key: MobileKey
    digest: Digest = field(repr=False)
    person_number: str = field(repr=False)
    expires_at: datetime
    certificate: bytes | None = field(default=None, repr=False)
    nonce: bytes = field(default=b"", repr=False)
    counted: tuple[bytes, ...] = field(default=(), repr=False)

    def as_text(self) -> str:
        """Returns what `from_text` takes."""
        return json.dumps(
            {
                "reference": self.reference,
                "key": self.key.value,
                "digest": b64encode(self.digest.value).decode(),
                "algorithm": self.digest.algorithm,
                "person": self.person_number,
                "expires": self.expires_at.isoformat(),
                "certificate": None if self.certificate is None else b64encode(self.certificate).decode(),
                "nonce": self.nonce.hex(),
                "counted": [each.hex() for each in self.counted],
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Returns the session kept as this text. Raises ValueError for any other text."""
        try:
            kept = json.loads(text)
            certificate = kept["certificate"]
            return cls(
                kept["reference"],
                MobileKey(kept["key"]),
                Digest(b64decode(kept["digest"], validate=True), kept["algorithm"]),
                kept["person"],
                datetime.fromisoformat(kept["expires"]),
                None if certificate is None else b64decode(certificate, validate=True),
                # The release before kept neither.
                bytes.fromhex(kept.get("nonce", "")),
                tuple(bytes.fromhex(each) for each in kept.get("counted", ())),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("this is no mobile session") from error


@dataclass(frozen=True, slots=True)
class Started:
    """The phone has been asked. `code` goes to the portal where it is compared, and nowhere where it is
    entered.
    """

    session: MobileSession
    code: str = field(repr=False)

    def shown(self, use: MobileCode) -> str | None:
        """Returns the code for the portal to show; None where the citizen reads it off the phone."""
        return self.code if use is MobileCode.COMPARE else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The citizen has not answered yet."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that verifies over the session's digest by the certificate's key; the certificate (DER) is
    for the use, in its time, and names the person who was asked.

    An ECDSA signature is in DER, an RSA one of PKCS#1 v1.5, as CMS has them. That an authority vouches for
    the certificate, and has not revoked it, is not decided here: the caller MUST check it (SIGN-4).
    """

    signature: bytes
    certificate: bytes
    key: MobileKey


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """The certificate (DER) of the person's signature key: for the use, in its time, naming the person."""

    certificate: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt has ended without a signature. `tries_left` belongs to WRONG_PIN, where the service tells
    it.
    """

    failure: Failure
    key: MobileKey
    tries_left: int | None = None


Outcome = Waiting | Signed | Failed
