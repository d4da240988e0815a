"""Confirming a reading by phone: a statement, the question to the phone, and what became of it (SIGN-1).

Two calls, between which the holder finds the phone and enters PIN2; each may run on another replica. What the
phone signed goes the way of every confirmation (`Reading.confirm_reading`), and is judged as any.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from server.domain.caller import Holder
from server.domain.mobile_identity import Failed, MobileSession, MobileUser, Waiting
from server.domain.mobile_identity_texts import Screen, screen_for
from server.domain.phone_confirmations import WRONG_CODE, PhoneConfirmation, PhoneEnding
from server.domain.profile import MobileCode, Profile, SignInMethod
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    MobileIdFailed,
    ResourceNotPermitted,
    SignInMethodNotOffered,
    StatementNotIssued,
    VerificationCodeWrong,
)
from server.usecases.assurance import check_signed
from server.usecases.mobile_signing import MobileSigning
from server.usecases.ports import Clock, Entropy, UnitOfWork
from server.usecases.reading import ConfirmedReading, ConfirmReading, IssueStatement, Reading
from server.usecases.records import IssuedStatement
from server.usecases.sign_in_proofs import Pending
from server.usecases.tries import Tries, ringing


@dataclass(frozen=True, slots=True)
class StartConfirmationByPhone:
    """`phone` is the person's, in the form of E.164; `language` is one that phones' screens have words in;
    `mailbox` is where the message lies, None for the person's own.
    """

    holder: Holder
    delivery_id: UUID
    phone: str = field(repr=False)
    language: str
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class StartedConfirmation:
    """`code` is what is shown beside the phone; None where the person enters it (`code_required`)."""

    id: UUID
    statement: IssuedStatement
    expires_at: datetime
    code: str | None = field(repr=False)
    code_required: bool


@dataclass(frozen=True, slots=True)
class CompleteConfirmationByPhone:
    """`code` is None where none came; `wait` is how long the phone may be waited for."""

    holder: Holder
    confirmation_id: UUID
    code: str | None = field(default=None, repr=False)
    wait: timedelta = timedelta(0)
    mailbox: str | None = None


class PhoneConfirmationDesk:
    """Starts and completes confirmations by phone."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        reading: Reading,
        signing: MobileSigning | None,
        tries: Tries,
        profile: Profile,
    ) -> None:
        """Without `signing`, it is not offered, whatever the profile says."""
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._reading = reading
        self._signing = signing if SignInMethod.MOBILE_ID in profile.sign_in.methods else None
        self._tries = tries
        self._enters = profile.sign_in.mobile_code is MobileCode.ENTER

    async def start(self, command: StartConfirmationByPhone) -> StartedConfirmation:
        """Issues a statement and has the holder's phone ask for PIN2.

        Raises:
            SignInMethodNotOffered, SignInLocked, MobileIdFailed, what `Reading.issue_statement` raises, and
            what `MobileSigning.start` raises.
        """
        signing = self._offered()
        holder = command.holder
        asking = IssueStatement(holder, command.delivery_id, command.mailbox)
        statement = await self._reading.issue_statement(asking)
        now = self._clock.now()
        user = MobileUser(command.phone, holder.person_number)
        # Nobody's phone is to ring without end because somebody typed its number.
        counted = await self._tries.take_phone(holder.connection.certificate_sha256, user, now)
        screen = screen_for(Screen.CONFIRM_READING, command.language)
        asked = await signing.start(user, statement.text, screen)
        if isinstance(asked, Failed):
            if asked.failure.never_rang:
                await self._tries.never_rang(counted)
            raise _refusal(asked)
        confirmation = PhoneConfirmation(
            id=self._entropy.new_id(),
            mailbox_id=statement.mailbox_id,
            delivery_id=statement.delivery_id,
            statement_id=statement.id,
            person_number=holder.person_number,
            mobile=replace(asked.session, counted=counted).as_text(),
            started_at=now,
            expires_at=asked.session.expires_at,
        )
        await self._add(confirmation)
        code = asked.shown(MobileCode.ENTER if self._enters else MobileCode.COMPARE)
        return StartedConfirmation(
            confirmation.id, statement, confirmation.expires_at, code, code_required=self._enters
        )

    async def complete(self, command: CompleteConfirmationByPhone) -> ConfirmedReading | Pending:
        """Records the confirmation once the phone has signed. May be repeated, at any replica: what the
        phone answered first counts, and is kept.

        Raises:
            ResourceNotPermitted: somebody else started it, or nobody.
            InvalidFields: the digits are missing.
            VerificationCodeWrong, MobileIdFailed, SignInMethodNotOffered, what `MobileSigning.complete`
            raises, and what `Reading.confirm_reading` raises.
        """
        confirmation, statement = await self._started(command)
        if confirmation.cms is None and confirmation.ending is None:
            outcome = await self._outcome(confirmation, statement, command)
            if isinstance(outcome, Waiting):
                return Pending(confirmation.expires_at)
            confirmation = await self._settle(confirmation, outcome)
        if confirmation.cms is None:
            assert confirmation.ending is not None
            failed = confirmation.ending.failed
            raise VerificationCodeWrong if failed is None else _refusal(failed)
        return await self._reading.confirm_reading(
            ConfirmReading(
                command.holder, statement.delivery_id, statement.id, confirmation.cms, command.mailbox
            )
        )

    async def _started(
        self, command: CompleteConfirmationByPhone
    ) -> tuple[PhoneConfirmation, IssuedStatement]:
        async with self._uow.reading() as tx:
            await check_signed(tx, command.holder)
            found = await tx.phone_confirmations.get(command.confirmation_id)
            if found is None or found.person_number != command.holder.person_number:
                raise ResourceNotPermitted("confirmation")
            statement = await tx.deliveries.statement(found.mailbox_id, found.statement_id)
        if statement is None:
            raise StatementNotIssued(found.statement_id)
        return found, statement

    async def _outcome(
        self,
        confirmation: PhoneConfirmation,
        statement: IssuedStatement,
        command: CompleteConfirmationByPhone,
    ) -> bytes | PhoneEnding | Waiting:
        """Returns the CMS, or how it ended; no transaction is open meanwhile."""
        signing = self._offered()
        session = MobileSession.from_text(confirmation.mobile)
        if self._enters:
            if not command.code:
                raise InvalidFields(
                    [FieldProblem("verification_code", "REQUIRED", "must be the digits on the phone")]
                )
            if not session.digest.has_code(command.code):
                return PhoneEnding(WRONG_CODE)
        outcome = await signing.complete(session, statement.text, wait=command.wait)
        if isinstance(outcome, Failed):
            return PhoneEnding(outcome.failure.value, outcome.tries_left)
        return outcome

    async def _settle(
        self, confirmation: PhoneConfirmation, outcome: bytes | PhoneEnding
    ) -> PhoneConfirmation:
        """Keeps the outcome, unless another call was first; returns the confirmation with what counts."""
        counted = MobileSession.from_text(confirmation.mobile).counted
        failed = outcome.failed if isinstance(outcome, PhoneEnding) else None
        async with self._uow.writing() as tx:
            if isinstance(outcome, bytes):
                if await tx.phone_confirmations.keep(confirmation.id, outcome):
                    await tx.tries.clear(counted)
            else:
                first = await tx.phone_confirmations.end(confirmation.id, outcome)
                if first and failed is not None and failed.failure.never_rang:
                    await tx.tries.give_back(ringing(counted))
            settled = await tx.phone_confirmations.get(confirmation.id)
            await tx.commit()
        if settled is None:
            # Forgotten meanwhile: long after its end.
            raise ResourceNotPermitted("confirmation")
        return settled

    async def _add(self, confirmation: PhoneConfirmation) -> None:
        async with self._uow.writing() as tx:
            await tx.phone_confirmations.add(confirmation)
            await tx.commit()

    def _offered(self) -> MobileSigning:
        if self._signing is None:
            raise SignInMethodNotOffered("to sign by mobile id")
        return self._signing


def _refusal(failed: Failed) -> MobileIdFailed:
    return MobileIdFailed(failed.failure.value, failed.tries_left, pin=failed.key.value)
