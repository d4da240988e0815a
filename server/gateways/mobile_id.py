"""A client of the REST protocol that mobile-id services of the Baltic kind publish (SIGN-1, SIGN-2).

A question is put with POST and answered by a session; GET waits for the session's end, as long as it is told
to (a long poll). Everything that takes a citizen's time has an end: the session's.
"""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Self

import structlog

from namak.evidence.certificate import CertificateNaming
from server.domain.mobile_identity import (
    Digest,
    Failed,
    Failure,
    MobileKey,
    MobileSession,
    MobileUser,
    Outcome,
    ScreenText,
    SigningCertificate,
    Started,
    Waiting,
)
from server.domain.refusals import ServiceUnavailable
from server.gateways.mobile_id_answer import Nonsense, failure_of, outcome_of, signing_certificate_of
from server.gateways.mobile_id_http import Https, Rejected, Service, Trouble, Unreached
from server.usecases.ports import Clock

COMPONENT = "mobile id"

TROUBLES_AT_MOST = 5
"""So many polls of one call may fail one after the other before it is told."""

_PATHS: Mapping[MobileKey, str] = MappingProxyType(
    {MobileKey.AUTHENTICATION: "authentication", MobileKey.SIGNATURE: "signature"}
)
# The protocol names languages in three letters; which ones a service speaks is its own to say.
_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {"az": "AZE", "en": "ENG", "hy": "HYE", "kk": "KAZ", "ru": "RUS"}
)
_ENGLISH = "ENG"
_SESSION = re.compile(r"[0-9A-Za-z-]{1,64}")
_GONE = 404
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 2.0
# A poll that ends early with nothing has been displaced by another poll of the same session.
_DISPLACED_PAUSE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MobileIdSettings:
    """How to ask a mobile-id service.

    Attributes:
        relying_party, relying_party_name: what it gave the operator to be known by; the first (a UUID) is a
        secret, the second is shown on phones.
        languages: those of its own words, as it names them (`ENG`); others get English.
        session: how long a citizen has from the question to the answer.
        poll: how long one poll is to wait; its answer may take `margin` longer, as the protocol advises.
        request: how long any other answer may take.
    """

    service: Service
    relying_party: str
    relying_party_name: str
    languages: tuple[str, ...] = (_ENGLISH,)
    session: timedelta = timedelta(minutes=2)
    poll: timedelta = timedelta(seconds=20)
    margin: timedelta = timedelta(seconds=1.5)
    request: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Poll:
    """For how many seconds to poll, and whether there is time for another one after it."""

    seconds: float
    is_last: bool


class MobileId:
    """Implements `MobileIdentity`. Keeps nothing between calls: sessions lie with whoever started them."""

    def __init__(
        self,
        settings: MobileIdSettings,
        naming: CertificateNaming,
        clock: Clock,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads the service's authorities; `naming` is how the profile's certificates name their person.

        Raises:
            OSError, ssl.SSLError: the authorities can't be read.
        """
        self._settings = settings
        self._https = Https(settings.service)
        self._naming = naming
        self._clock = clock
        self._pause = pause
        self._monotonic = monotonic

    async def __aenter__(self) -> Self:
        await self._https.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._https.__aexit__()

    async def start_authentication(
        self, user: MobileUser, digest: Digest, screen: ScreenText
    ) -> Started | Failed:
        """Asks for PIN1 (`MobileIdentity.start_authentication`)."""
        return await self._start(user, digest, screen, MobileKey.AUTHENTICATION, None)

    async def start_signing(
        self, user: MobileUser, digest: Digest, screen: ScreenText, certificate: SigningCertificate
    ) -> Started | Failed:
        """Asks for PIN2 (`MobileIdentity.start_signing`)."""
        return await self._start(user, digest, screen, MobileKey.SIGNATURE, certificate.certificate)

    async def signing_certificate(self, user: MobileUser) -> SigningCertificate | Failed:
        """Asks for the certificate of the signature key (`MobileIdentity.signing_certificate`)."""
        content = await self._post("certificate", self._who(user))
        with _Sense():
            return signing_certificate_of(content, user.person_number, self._naming, self._clock.now())

    async def outcome(self, session: MobileSession, *, wait: timedelta) -> Outcome:
        """Waits for the citizen (`MobileIdentity.outcome`)."""
        ends = self._monotonic() + wait.total_seconds()
        troubles = 0
        while True:
            poll = self._next(session, ends)
            if poll is None:
                return Failed(Failure.TIMED_OUT, session.key)
            try:
                outcome, early = await self._poll(session, poll.seconds)
            except Trouble as trouble:
                troubles += 1
                _log.warning("a poll of mobile id failed", kind=str(trouble), failures=troubles)
                pause = min(_FIRST_PAUSE_SECONDS * 2 ** (troubles - 1), _LONGEST_PAUSE_SECONDS)
                if troubles >= TROUBLES_AT_MOST or self._monotonic() + pause >= ends:
                    raise ServiceUnavailable(COMPONENT) from None
                await self._pause(pause)
                continue
            troubles = 0
            if not isinstance(outcome, Waiting):
                return outcome
            if poll.is_last and not (early and self._monotonic() + _DISPLACED_PAUSE_SECONDS < ends):
                return outcome
            if early:
                await self._pause(_DISPLACED_PAUSE_SECONDS)

    def _next(self, session: MobileSession, ends: float) -> "_Poll | None":
        """Returns how to poll next; None once the session is over."""
        lives = (session.expires_at - self._clock.now()).total_seconds()
        if lives <= 0:
            return None
        left = max(0.0, ends - self._monotonic())
        # The answer to the last one has its way to go, too.
        last = max(left - self._settings.margin.total_seconds(), left / 2)
        longest = min(self._settings.poll.total_seconds(), lives)
        return _Poll(min(longest, last), is_last=last <= longest)

    async def _poll(self, session: MobileSession, seconds: float) -> tuple[Outcome, bool]:
        """Returns the outcome, and whether the poll ended long before it had to."""
        path = f"{_PATHS[session.key]}/session/{session.reference}"
        asked = self._monotonic()
        try:
            content = await self._https.get(
                path,
                {"timeoutMs": str(round(seconds * 1000))},
                seconds=seconds + self._settings.margin.total_seconds(),
            )
            outcome = outcome_of(content, session, self._naming, self._clock.now())
        except Rejected as rejected:
            if rejected.status == _GONE:
                # Services forget sessions minutes after their end.
                return Failed(Failure.TIMED_OUT, session.key), False
            raise _unavailable(rejected) from None
        except Nonsense as nonsense:
            raise Trouble(str(nonsense)) from None
        return outcome, self._monotonic() - asked < seconds / 2

    async def _start(
        self, user: MobileUser, digest: Digest, screen: ScreenText, key: MobileKey, certificate: bytes | None
    ) -> Started | Failed:
        expires_at = self._clock.now() + self._settings.session
        content = await self._post(
            _PATHS[key],
            {
                **self._who(user),
                "hash": b64encode(digest.value).decode(),
                "hashType": digest.algorithm.upper(),
                "language": self._language(screen.language),
                "displayText": screen.text,
                "displayTextFormat": screen.alphabet.value,
            },
        )
        with _Sense():
            reference = content.get("sessionID")
            if reference is None and (failed := failure_of(content, key)) is not None:
                return failed
            if not isinstance(reference, str) or _SESSION.fullmatch(reference) is None:
                raise Nonsense("there is no session")
        session = MobileSession(reference, key, digest, user.person_number, expires_at, certificate)
        return Started(session, digest.code)

    async def _post(self, path: str, body: Mapping[str, str]) -> dict[str, Any]:
        """Returns the answer; asks a second time only what certainly never arrived."""
        seconds = self._settings.request.total_seconds()
        try:
            try:
                return await self._https.post(path, body, seconds=seconds)
            except Unreached:
                await self._pause(_FIRST_PAUSE_SECONDS)
                return await self._https.post(path, body, seconds=seconds)
        except Trouble as trouble:
            _log.warning("mobile id could not be asked", kind=str(trouble))
            raise ServiceUnavailable(COMPONENT) from None
        except Rejected as rejected:
            raise _unavailable(rejected) from None

    def _who(self, user: MobileUser) -> dict[str, str]:
        return {
            "relyingPartyUUID": self._settings.relying_party,
            "relyingPartyName": self._settings.relying_party_name,
            "phoneNumber": user.phone,
            "nationalIdentityNumber": user.person_number,
        }

    def _language(self, language: str) -> str:
        named = _LANGUAGES.get(language, _ENGLISH)
        return named if named in self._settings.languages else _ENGLISH


class _Sense:
    """Makes an answer that is none of the protocol's into a refusal."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Nonsense):
            _log.warning("mobile id answered nonsense", kind=str(error))
            raise ServiceUnavailable(COMPONENT) from None


def _unavailable(rejected: Rejected) -> ServiceUnavailable:
    # 400, 401 and 403 are about how the operator is known to the service, and wait for somebody to mend it.
    _log.error("mobile id rejects what it is asked", status=rejected.status)
    return ServiceUnavailable(COMPONENT)
