"""Sign-ins and the sessions that come of them (SIGN-1 to SIGN-5, BOX-8)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from namak.evidence.sign_in import Purpose
from server.domain.caller import Assurance
from server.domain.refusals import SessionEnded

TOKEN_BYTES: Final = 32
"""Random bytes of a session's token: nobody guesses one in a lifetime of guessing."""
_TOKEN_CHARACTERS = 43

CHALLENGE_LIFE: Final = timedelta(minutes=5)
"""How long a person has from the challenge to the signature."""


class Method(StrEnum):
    """How somebody signed in."""

    CERTIFICATE = "CERTIFICATE"
    MOBILE_ID = "MOBILE_ID"
    PASSWORD = "PASSWORD"  # noqa: S105 - a method's name

    @property
    def assurance(self) -> Assurance:
        """What it proves."""
        return Assurance.PASSWORD if self is Method.PASSWORD else Assurance.SIGNATURE


class Ending(StrEnum):
    """How a session ended."""

    EXPIRED = "EXPIRED"
    SIGNED_OUT = "SIGNED_OUT"
    REPLACED = "REPLACED"
    TERMINATED = "TERMINATED"
    PASSWORD_SET = "PASSWORD_SET"  # noqa: S105 - an ending's name


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a holder at a portal.

    `portal_sha256` is that of the certificate that its token was issued to, and counts with. `ended_at` and
    `ending` are both None while it can be used, and for some time after it expired.
    """

    id: UUID
    sign_in_id: UUID
    person_number: str
    portal_sha256: bytes
    portal_name: str
    method: Method
    assurance: Assurance
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    ending: Ending | None = None

    def end_at(self, now: datetime) -> tuple[datetime, Ending] | None:
        """Returns when and how it ended, as seen now; None while it can be used."""
        if self.ended_at is not None and self.ending is not None:
            return self.ended_at, self.ending
        return (self.expires_at, Ending.EXPIRED) if self.expires_at <= now else None

    def check_usable(self, now: datetime) -> None:
        """Raises `SessionEnded` unless it can be used now."""
        if (end := self.end_at(now)) is not None:
            raise SessionEnded(end[1].value, end[0])


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that was started: its challenge, and what its proof must be.

    Attributes:
        text: the challenge's exact bytes; empty for a password.
        portal_sha256, portal_name: the portal that started it, and alone completes it.
        person_number: who it is for; None for a password until that is right.
        certificate_sha256: whose key signs; None but for a certificate.
        login: its canonical form, or what was given instead of one; None but for a password.
        mobile: the request to the phone, as its gateway keeps it; None but for mobile id.
        session_id: the session to raise, for a step-up.
        used_at: when it was completed or failed for good.
    """

    id: UUID
    purpose: Purpose
    method: Method
    text: bytes
    portal_sha256: bytes
    portal_name: str
    ends_others: bool
    issued_at: datetime
    expires_at: datetime
    person_number: str | None = None
    certificate_sha256: bytes | None = None
    login: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    session_id: UUID | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OldSessions:
    """The sessions of a holder that make room for a new one: those that expired, or all of them."""

    person_number: str
    all_of_them: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What proved a sign-in, to be kept with it: a CMS, or a phone's signature with its certificate (DER)."""

    signature: bytes
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class TryLimit:
    """So many tries in a row; after that none until so much time passed since the last one."""

    tries: int
    pause: timedelta


def session_token(random: bytes) -> str:
    """Returns the token made of `TOKEN_BYTES` unpredictable bytes: 43 characters of base64url."""
    if len(random) != TOKEN_BYTES:
        raise ValueError(f"a token is made of {TOKEN_BYTES} bytes")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def token_digest(token: str) -> bytes | None:
    """Returns what is kept of a token: its SHA-256. None for what has not the form of one.

    Looking the digest up tells a guesser nothing by its timing: the digests of two guesses have nothing in
    common.
    """
    if len(token) != _TOKEN_CHARACTERS or not token.isascii():
        return None
    try:
        data = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    # One spelling only: the last character's spare bits are nobody's.
    is_token = len(data) == TOKEN_BYTES and session_token(data) == token
    return hashlib.sha256(data).digest() if is_token else None
