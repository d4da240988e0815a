"""A mobile-id service without a network: phones that are asked, and what becomes of it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from server.domain.mobile_identity import (
    Digest,
    Failed,
    Failure,
    MobileKey,
    MobileSession,
    MobileUser,
    Outcome,
    ScreenText,
    Signed,
    SigningCertificate,
    Started,
    Waiting,
)
from server.domain.refusals import ServiceUnavailable
from server.usecases.ports import Clock
from tests.fakes.sim import Answer, Question, Sim

_FAILURES = {
    "WRONG_PIN": Failure.WRONG_PIN,
    "PIN_BLOCKED": Failure.PIN_BLOCKED,
    "PUK_BLOCKED": Failure.PUK_BLOCKED,
    "SERVICE_SUSPENDED": Failure.SERVICE_SUSPENDED,
    "CERTIFICATE_EXPIRED": Failure.CERTIFICATE_EXPIRED,
    "PHONE_ABSENT": Failure.PHONE_UNREACHABLE,
    "DELIVERY_ERROR": Failure.PHONE_UNREACHABLE,
    "USER_CANCELLED": Failure.CANCELLED,
    "TIMEOUT": Failure.TIMED_OUT,
    "SIGNATURE_HASH_MISMATCH": Failure.HASH_MISMATCH,
    "NOT_MID_CLIENT": Failure.NOT_A_CLIENT,
    "SIM_ERROR": Failure.SIM_FAULT,
}


class FakeMobileIdentity:
    """Implements `MobileIdentity` over phones that a test holds in its hand; their SIMs must be honest.

    Signatures are real ones, in DER; `away` makes the service unreachable.
    """

    def __init__(self, clock: Clock, *, lives: timedelta = timedelta(minutes=2)) -> None:
        self.away = False
        self._clock = clock
        self._lives = lives
        self._sims: dict[tuple[str, str], Sim] = {}
        self._answers: dict[str, asyncio.Future[Answer]] = {}

    def know(self, sim: Sim) -> Sim:
        """Makes the service know a phone, whose ECDSA signatures then come in DER."""
        sim.in_der = True
        self._sims[sim.phone, sim.person_number] = sim
        return sim

    async def start_authentication(
        self, user: MobileUser, digest: Digest, screen: ScreenText
    ) -> Started | Failed:
        """Asks for PIN1."""
        return await self._start(user, digest, screen, MobileKey.AUTHENTICATION, None)

    async def start_signing(
        self, user: MobileUser, digest: Digest, screen: ScreenText, certificate: SigningCertificate
    ) -> Started | Failed:
        """Asks for PIN2."""
        return await self._start(user, digest, screen, MobileKey.SIGNATURE, certificate.certificate)

    async def signing_certificate(self, user: MobileUser) -> SigningCertificate | Failed:
        """Returns the certificate of PIN2's key."""
        self._check()
        sim = self._sims.get((user.phone, user.person_number))
        if sim is None or sim.refusal in ("NOT_MID_CLIENT", "CERTIFICATE_EXPIRED"):
            return Failed(Failure.UNKNOWN_NUMBER, MobileKey.SIGNATURE)
        return SigningCertificate(sim.cards[MobileKey.SIGNATURE].der)

    async def outcome(self, session: MobileSession, *, wait: timedelta) -> Outcome:
        """Waits for the phone's owner."""
        self._check()
        if self._clock.now() >= session.expires_at:
            return Failed(Failure.TIMED_OUT, session.key)
        answer = self._answers[session.reference]
        done, _ = await asyncio.wait({answer}, timeout=wait.total_seconds())
        self._check()
        if not done:
            return Waiting()
        result = answer.result()
        if result.result != "OK":
            return Failed(_FAILURES[result.result], session.key, result.tries_left)
        return Signed(result.signature, session.certificate or result.certificate, session.key)

    async def _start(
        self, user: MobileUser, digest: Digest, screen: ScreenText, key: MobileKey, certificate: bytes | None
    ) -> Started | Failed:
        self._check()
        reference = str(uuid4())
        sim = self._sims.get((user.phone, user.person_number))
        if sim is None:
            self._answers[reference] = asyncio.get_running_loop().create_future()
            self._answers[reference].set_result(Answer("NOT_MID_CLIENT"))
        else:
            question = Question(key, digest.value, digest.algorithm.upper(), screen.text)
            self._answers[reference] = await sim.ask(question)
        session = MobileSession(
            reference, key, digest, user.person_number, self._clock.now() + self._lives, certificate
        )
        return Started(session, digest.code)

    def _check(self) -> None:
        if self.away:
            raise ServiceUnavailable("mobile id")
