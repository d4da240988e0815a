"""Judging what proves a sign-in: a card's signature, a phone's, or a password. No transaction is open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from server.domain import logins
from server.domain.caller import Holder, Portal
from server.domain.fields import Malformed
from server.domain.logins import Login
from server.domain.mobile_identity import Failed, MobileSession, Waiting
from server.domain.passwords import in_one_form
from server.domain.profile import MobileCode, Profile
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    MobileIdFailed,
    Overloaded,
    PasswordWrong,
    SignerNotExpected,
    SignInMethodNotOffered,
    VerificationCodeWrong,
)
from server.domain.sessions import Method, Proof, SignIn
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.ports import UnitOfWork
from server.usecases.session_ports import PasswordHashes, SignInSignatures
from server.usecases.tries import Tries, ringing

_T = TypeVar("_T", str, bytes)


@dataclass(frozen=True, slots=True)
class CompleteSignIn:
    """`cms`, `code` and `password` are None where they did not come; `wait` is how long a phone may be waited
    for.
    """

    by: Portal | Holder
    sign_in_id: UUID
    cms: bytes | None = None
    code: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Pending:
    """The phone has not answered yet."""

    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RightPassword:
    """A login, the hash that its password was compared with, and a stronger one if that is outdated."""

    login: str
    judged: str = field(repr=False)
    newer: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proved:
    """Who it was, and the proof to keep; None for a password, which counts only while it is the one.

    `clears` are the counts of tries to forget.
    """

    person_number: str
    proof: Proof | None
    clears: Sequence[bytes] = ()
    password: RightPassword | None = None


class Proofs:
    """Judges proofs."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        signatures: SignInSignatures,
        mobile: MobileIdentity | None,
        passwords: PasswordHashes,
        tries: Tries,
        profile: Profile,
    ) -> None:
        self._uow = uow
        self._signatures = signatures
        self._mobile = mobile
        self._passwords = passwords
        self._tries = tries
        self._profile = profile

    async def judge(self, sign_in: SignIn, command: CompleteSignIn, now: datetime) -> Proved | Pending:
        """Returns who proved to be whom.

        Raises:
            InvalidFields: the proof is of another method than the sign-in.
            SignatureInvalid, SignerNotExpected, VerificationCodeWrong, MobileIdFailed, PasswordWrong,
            SignInLocked, and what is said of certificates (`SignInSignatures`).
        """
        match sign_in.method:
            case Method.CERTIFICATE:
                return await self._signature(sign_in, _given(command.cms, "cms"), now)
            case Method.MOBILE_ID:
                return await self._phone(sign_in, command, now)
            case Method.PASSWORD:
                return await self._password(sign_in, _given(command.password, "password"), now)

    async def _signature(self, sign_in: SignIn, cms: bytes, now: datetime) -> Proved:
        person_number, certificate_sha256 = await self._signatures.signer(cms, sign_in.text, now)
        expected = sign_in.certificate_sha256
        if certificate_sha256 != expected or person_number != sign_in.person_number:
            raise SignerNotExpected
        return Proved(person_number, Proof(cms))

    async def _phone(self, sign_in: SignIn, command: CompleteSignIn, now: datetime) -> Proved | Pending:
        if self._mobile is None or sign_in.mobile is None:
            raise SignInMethodNotOffered("sign-in by mobile id")
        session = MobileSession.from_text(sign_in.mobile)
        if self._profile.sign_in.mobile_code is MobileCode.ENTER:
            code = _given(command.code, "verification_code")
            if not session.digest.has_code(code):
                await self._spoil(sign_in, now)
                raise VerificationCodeWrong
        outcome = await self._mobile.outcome(session, wait=command.wait)
        if isinstance(outcome, Waiting):
            return Pending(sign_in.expires_at)
        if isinstance(outcome, Failed):
            unrung = ringing(session.counted) if outcome.failure.never_rang else ()
            await self._spoil(sign_in, now, unrung=unrung)
            raise MobileIdFailed(outcome.failure.value, outcome.tries_left, pin=outcome.key.value)
        person_number = await self._signatures.person_of(outcome.certificate, now)
        if person_number != sign_in.person_number:
            raise SignerNotExpected
        return Proved(person_number, Proof(outcome.signature, outcome.certificate), session.counted)

    async def _password(self, sign_in: SignIn, password: str, now: datetime) -> Proved:
        given = sign_in.login or ""
        try:
            login = logins.login(given)
        except Malformed:
            # What can't be a login is counted and tried like one that nobody has.
            login = ""
        clears = await self._tries.take_password(
            sign_in.portal_sha256, logins.skeleton(login) if login else given, now
        )
        async with self._uow.reading() as tx:
            known = await tx.logins.named(login) if login else None
        # As long for a login that nobody has as for any other.
        password = in_one_form(password)
        try:
            right = await self._passwords.verify(None if known is None else known.password_hash, password)
        except Overloaded:
            # Nobody has been told whether it was wrong.
            await self._tries.give_back(clears)
            raise
        if known is None or not right:
            raise PasswordWrong
        found = RightPassword(known.login, known.password_hash, await self._newer(known, password))
        return Proved(known.person_number, None, clears, found)

    async def _newer(self, known: Login, password: str) -> str | None:
        """Returns a stronger hash of a right password, if it is due and there is room to make one: it is as
        good at the next sign-in.
        """
        if not self._passwords.is_outdated(known.password_hash):
            return None
        try:
            return await self._passwords.hash(password)
        except Overloaded:
            return None

    async def _spoil(self, sign_in: SignIn, now: datetime, *, unrung: Sequence[bytes] = ()) -> None:
        """Uses the sign-in up without a session: what failed is not tried again. `unrung` are the counts of
        a phone that did not ring.
        """
        async with self._uow.writing() as tx:
            if await tx.sign_ins.use(sign_in.id, now, None):
                await tx.tries.give_back(unrung)
            await tx.commit()


def _given(value: _T | None, name: str) -> _T:
    if not value:
        raise InvalidFields([FieldProblem(name, "REQUIRED", "is what proves this sign-in")])
    return value
