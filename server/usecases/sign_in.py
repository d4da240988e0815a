"""Signing holders in at portals: a challenge, its proof, and the session that comes of it (SIGN-1 to SIGN-5).

Of every sign-in the proof is judged first, with no transaction open; then one transaction uses the challenge
up, ends what is to be ended, begins the session, and records what the sign-in means for deliveries.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from namak.evidence.sign_in import NONCE_BYTES, Purpose, SignInChallenge
from server.domain.caller import Assurance, Holder, Portal
from server.domain.mobile_identity import Digest, Failed, MobileUser
from server.domain.mobile_identity_texts import Screen, screen_for
from server.domain.profile import MobileCode, Profile
from server.domain.profile import SignInMethod as Offered
from server.domain.refusals import (
    ChallengeExpired,
    ChallengeUsed,
    MobileIdFailed,
    Overloaded,
    PasswordWrong,
    ResourceNotPermitted,
    SessionActive,
    SessionEnded,
    SignerNotExpected,
    SignInMethodNotOffered,
)
from server.domain.sessions import (
    CHALLENGE_LIFE,
    TOKEN_BYTES,
    Ending,
    Method,
    OldSessions,
    Session,
    SignIn,
    session_token,
    token_digest,
)
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork
from server.usecases.session_ports import SignInSignatures
from server.usecases.sign_in_effects import SignInEffects
from server.usecases.sign_in_proofs import CompleteSignIn, Pending, Proofs, Proved
from server.usecases.started_here import StartedHere
from server.usecases.tries import Starts, Tries

_ROUNDS: Final = 20
"""How often room is made for a session while others of the same holder begin."""
_SCREENS: Final = {Purpose.SIGN_IN: Screen.SIGN_IN, Purpose.STEP_UP: Screen.STEP_UP}


@dataclass(frozen=True, slots=True)
class ByCertificate:
    """`certificate` is the person's authentication certificate, DER."""

    certificate: bytes


@dataclass(frozen=True, slots=True)
class ByMobileId:
    user: MobileUser


@dataclass(frozen=True, slots=True)
class ByPassword:
    """`login` as it was given."""

    login: str


@dataclass(frozen=True, slots=True)
class StartSignIn:
    """`by` is the portal, or, for a step-up, the holder in a session; `language` is one that challenges have
    sentences in.
    """

    by: Portal | Holder
    how: ByCertificate | ByMobileId | ByPassword
    language: str
    ends_others: bool


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    """`code` is what the portal shows beside the phone; None where there is nothing to show.
    `code_required` says that the person enters it.
    """

    sign_in: SignIn
    code: str | None = None
    code_required: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` is None for a step-up: the session keeps the one it has."""

    session: Session
    token: str | None


class SignInDesk:
    """Starts and completes sign-ins."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log,
        signatures: SignInSignatures,
        mobile: MobileIdentity | None,
        proofs: Proofs,
        tries: Tries,
        profile: Profile,
        starts: Starts | None = None,
    ) -> None:
        """Without `mobile`, mobile id is not offered, whatever the profile says."""
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._signatures = signatures
        self._mobile = mobile
        self._proofs = proofs
        self._tries = tries
        self._profile = profile
        self._effects = SignInEffects(entropy, profile)
        self._starts = starts or Starts()
        self._started_here = StartedHere()

    async def start(self, command: StartSignIn) -> StartedSignIn:
        """Starts a sign-in, or a step-up.

        Raises:
            SignInMethodNotOffered, SignerNotExpected, SignInLocked, MobileIdFailed, what
            `SignInSignatures.person_of` raises.
            ResourceNotPermitted: a step-up without a session.
            Overloaded: the portal starts too many.
        """
        self._check_offered(command)
        sign_in = self._drafted(command)
        self._starts.take(sign_in.portal_sha256, sign_in.issued_at)
        started: StartedSignIn
        match command.how:
            case ByCertificate(certificate):
                started = await self._by_certificate(command, sign_in, certificate)
            case ByMobileId(user):
                started = await self._by_phone(command, sign_in, user)
            case ByPassword(login):
                started = StartedSignIn(replace(sign_in, login=login))
        async with self._uow.writing() as tx:
            # Whoever loses it to a crash starts another; and it is on disk before anything that comes of it.
            await tx.sign_ins.add(started.sign_in, may_be_lost=True)
            await tx.commit()
        self._started_here.keep(started.sign_in)
        return started

    async def complete(self, command: CompleteSignIn) -> SignedIn | Pending:
        """Completes a sign-in once it is proved.

        Raises:
            ResourceNotPermitted: it was not started here.
            ChallengeExpired, ChallengeUsed, SessionActive; SessionEnded for a step-up; what `Proofs` raises,
            PasswordWrong also for one that was replaced meanwhile.
        """
        now = self._clock.now()
        sign_in = self._started_here.get(command.sign_in_id, now) or await self._read(command.sign_in_id)
        if sign_in is None or not _started_by(sign_in, command.by):
            raise ResourceNotPermitted("sign-in")
        if sign_in.used_at is not None:
            raise ChallengeUsed
        if sign_in.expires_at <= now:
            raise ChallengeExpired(sign_in.expires_at)
        proved = await self._proofs.judge(sign_in, command, now)
        if isinstance(proved, Pending):
            return proved
        self._started_here.forget(sign_in.id)
        if sign_in.purpose is Purpose.STEP_UP:
            return await self._raise(sign_in, proved)
        return await self._begin(sign_in, proved)

    async def _read(self, sign_in_id: UUID) -> SignIn | None:
        async with self._uow.reading() as tx:
            return await tx.sign_ins.get(sign_in_id)

    def _check_offered(self, command: StartSignIn) -> None:
        offered = set(self._profile.sign_in.methods)
        how, holder = command.how, isinstance(command.by, Holder)
        if isinstance(command.by, Holder) and command.by.via is None:
            raise ResourceNotPermitted("session")
        match how:
            case ByCertificate() if offered.isdisjoint({Offered.CARD, Offered.TOKEN}):
                raise SignInMethodNotOffered("sign-in by certificate")
            case ByMobileId() if Offered.MOBILE_ID not in offered or self._mobile is None:
                raise SignInMethodNotOffered("sign-in by mobile id")
            case ByPassword() if Offered.PASSWORD not in offered:
                raise SignInMethodNotOffered("sign-in by password")
            case ByPassword() if holder:
                raise SignInMethodNotOffered("a step-up by password")
        # A fresh signature, with its PIN, may end what the same person began elsewhere; a password may not.
        may_end = self._profile.sessions.takeover and not isinstance(how, ByPassword) and not holder
        if command.ends_others and not may_end:
            raise SignInMethodNotOffered("to end other sessions with this sign-in")

    def _drafted(self, command: StartSignIn) -> SignIn:
        via = command.by.via if isinstance(command.by, Holder) else None
        now = self._clock.now()
        return SignIn(
            id=self._entropy.new_id(),
            purpose=Purpose.SIGN_IN if via is None else Purpose.STEP_UP,
            method=_METHODS[type(command.how)],
            text=b"",
            portal_sha256=command.by.connection.certificate_sha256,
            portal_name=command.by.name if isinstance(command.by, Portal) else via.name if via else "",
            ends_others=command.ends_others,
            issued_at=now,
            expires_at=now + CHALLENGE_LIFE,
            session_id=None if via is None else via.session_id,
        )

    async def _by_certificate(
        self, command: StartSignIn, sign_in: SignIn, certificate: bytes
    ) -> StartedSignIn:
        person_number = await self._signatures.person_of(certificate, sign_in.issued_at)
        _check_expected(command, person_number)
        digest = hashlib.sha256(certificate).digest()
        text = self._challenge(sign_in, command.language, digest)
        return StartedSignIn(
            replace(sign_in, text=text, person_number=person_number, certificate_sha256=digest)
        )

    async def _by_phone(self, command: StartSignIn, sign_in: SignIn, user: MobileUser) -> StartedSignIn:
        assert self._mobile is not None
        _check_expected(command, user.person_number)
        # Nobody's phone is to ring without end because somebody typed its number.
        counted = await self._tries.take_phone(sign_in.portal_sha256, user, sign_in.issued_at)
        text = self._challenge(sign_in, command.language, None)
        screen = screen_for(_SCREENS[sign_in.purpose], command.language)
        asked = await self._mobile.start_authentication(user, Digest(hashlib.sha256(text).digest()), screen)
        if isinstance(asked, Failed):
            if asked.failure.never_rang:
                await self._tries.never_rang(counted)
            raise MobileIdFailed(asked.failure.value, asked.tries_left, pin=asked.key.value)
        enters = self._profile.sign_in.mobile_code is MobileCode.ENTER
        started = replace(
            sign_in,
            text=text,
            person_number=user.person_number,
            mobile=replace(asked.session, counted=counted).as_text(),
            expires_at=max(sign_in.expires_at, asked.session.expires_at),
        )
        shown = asked.shown(MobileCode.ENTER if enters else MobileCode.COMPARE)
        return StartedSignIn(started, shown, code_required=enters)

    def _challenge(self, sign_in: SignIn, language: str, certificate_sha256: bytes | None) -> bytes:
        return SignInChallenge(
            sign_in_id=sign_in.id,
            purpose=sign_in.purpose,
            language=language,
            post=self._profile.operator_identifier,
            portal=sign_in.portal_name,
            certificate_sha256=certificate_sha256,
            ends_others=sign_in.ends_others,
            issued=sign_in.issued_at,
            expires=sign_in.expires_at,
            nonce=self._entropy.random(NONCE_BYTES),
        ).encode()

    async def _begin(self, sign_in: SignIn, proved: Proved) -> SignedIn:
        token = session_token(self._entropy.random(TOKEN_BYTES))
        now = self._clock.now()
        session = Session(
            id=self._entropy.new_id(),
            sign_in_id=sign_in.id,
            person_number=proved.person_number,
            portal_sha256=sign_in.portal_sha256,
            portal_name=sign_in.portal_name,
            method=sign_in.method,
            assurance=sign_in.method.assurance,
            started_at=now,
            expires_at=now + self._profile.sessions.length,
        )
        async with self._uow.writing() as tx:
            old = OldSessions(proved.person_number, all_of_them=sign_in.ends_others)
            # In one statement where nothing is locked between them: counts, the login, sessions is the order.
            at_once = proved.password is None and not proved.clears
            await self._use_up(tx, sign_in, proved, now, old if at_once else None)
            active = await self._make_room(tx, session, token, old, ended=at_once)
            facts = () if active else await self._effects.record(tx, session, sign_in, now)
            await tx.commit()
        if active:
            raise SessionActive(active[0].started_at, may_be_ended=self._profile.sessions.takeover)
        if facts:
            self._log.wake()
        return SignedIn(session, token)

    async def _make_room(
        self, tx: Transaction, session: Session, token: str, old: OldSessions, *, ended: bool
    ) -> tuple[Session, ...]:
        """Begins the session; returns those because of which it could not begin (SIGN-5). `ended` says that
        the old ones were ended a moment ago.
        """
        digest = token_digest(token)
        assert digest is not None
        now, person, most = session.started_at, session.person_number, self._profile.sessions.at_once
        for round_ in range(_ROUNDS):
            if round_ or not ended:
                await tx.sessions.end_old(person, now, all_of_them=old.all_of_them)
            if await tx.sessions.begin(session, digest, most=most):
                return ()
            # Whoever holds it may have begun after we looked, on another replica.
            active = tuple(await tx.sessions.active(person, now))
            if active and not old.all_of_them:
                return active
        raise Overloaded("holder's sign-ins")

    async def _raise(self, sign_in: SignIn, proved: Proved) -> SignedIn:
        assert sign_in.session_id is not None
        now = self._clock.now()
        async with self._uow.writing() as tx:
            await self._use_up(tx, sign_in, proved, now)
            session = await tx.sessions.lock(sign_in.session_id)
            if session is None or session.person_number != proved.person_number:
                raise SignerNotExpected
            if not await tx.sessions.raise_assurance(session.id, now):
                ended_at, ending = session.end_at(now) or (now, Ending.EXPIRED)
                raise SessionEnded(ending.value, ended_at)
            raised = replace(session, assurance=Assurance.SIGNATURE)
            facts = await self._effects.record(tx, raised, sign_in, now)
            await tx.commit()
        if facts:
            self._log.wake()
        return SignedIn(raised, None)

    async def _use_up(
        self,
        tx: Transaction,
        sign_in: SignIn,
        proved: Proved,
        now: datetime,
        ending: OldSessions | None = None,
    ) -> None:
        if not await tx.sign_ins.use(sign_in.id, now, proved.proof, ending=ending):
            raise ChallengeUsed
        await tx.tries.clear(proved.clears)
        if (password := proved.password) is not None:
            known = await tx.logins.lock(password.login)
            # Another may have been set since this one was compared.
            if known is None or known.password_hash != password.judged:
                raise PasswordWrong
            if password.newer is not None:
                await tx.logins.set_password(password.login, password.newer)


_METHODS: Final = {
    ByCertificate: Method.CERTIFICATE,
    ByMobileId: Method.MOBILE_ID,
    ByPassword: Method.PASSWORD,
}


def _started_by(sign_in: SignIn, by: Portal | Holder) -> bool:
    """Tells whether this caller started it: the same portal's certificate, and for a step-up the session."""
    if sign_in.portal_sha256 != by.connection.certificate_sha256:
        return False
    if isinstance(by, Portal):
        return sign_in.purpose is Purpose.SIGN_IN
    return by.via is not None and sign_in.session_id == by.via.session_id


def _check_expected(command: StartSignIn, person_number: str) -> None:
    if isinstance(command.by, Holder) and command.by.person_number != person_number:
        raise SignerNotExpected
