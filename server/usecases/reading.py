"""What a holder does with a message: opens it, reads it, and confirms the reading (ADMIN-7)."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

import structlog

from namak.evidence import events
from namak.evidence.statement import Statement
from server.domain import evidence_building, limits
from server.domain.caller import Holder
from server.domain.deliveries import Delivery, DeliveryState, MessageView, Part
from server.domain.evidence_building import SignedStatement
from server.domain.facts import Fact
from server.domain.mailboxes import Mailbox
from server.domain.profile import Profile
from server.domain.refusals import (
    AlreadyConfirmed,
    DeliveryWithdrawn,
    EvidenceCorrupt,
    FieldProblem,
    InvalidFields,
    NotOpened,
    ResourceNotPermitted,
    SignerNotRecipient,
    StatementExpired,
    StatementNotIssued,
)
from server.usecases import telling
from server.usecases.assurance import check_signed
from server.usecases.paper_origins import with_paper
from server.usecases.ports import Clock, Entropy, Log, Signatures, Transaction, UnitOfWork
from server.usecases.records import Confirmation, IssuedStatement, Opening, VerifiedSigner
from server.usecases.stamps import Stamps
from server.usecases.standing import Standing, standing_in

_TICK = timedelta(microseconds=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """`mailbox` is where it lies, None for the caller's own; so in all that follows."""

    holder: Holder
    delivery_id: UUID
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """An opened message, with the evidence of this person's first opening (ContentAccessTracking)."""

    message: MessageView
    evidence: Fact


@dataclass(frozen=True, slots=True)
class ReadPart:
    """`part_number` counts from 1."""

    holder: Holder
    delivery_id: UUID
    part_number: int
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class IssueStatement:
    holder: Holder
    delivery_id: UUID
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class ConfirmReading:
    """`cms` is a detached signature (DER) over the statement's exact bytes."""

    holder: Holder
    delivery_id: UUID
    statement_id: UUID
    cms: bytes
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class ConfirmedReading:
    """The message after the confirmation, and the evidence: ReadingConfirmed and, when the policy says that
    it notifies, NotificationEffected.
    """

    message: MessageView
    evidence: tuple[Fact, ...]


class Reading:
    """Lets holders open, read and confirm what lies in their own mailbox, and others what lies in one that
    they have rights in.

    A delivery of somebody else's and one that does not exist get the same answer.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log,
        signatures: Signatures,
        profile: Profile,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._signatures = signatures
        self._language = profile.statement_language
        self._stamps = Stamps(profile, entropy)

    async def open_message(self, command: OpenMessage) -> OpenedMessage:
        """Records the access, once per person and message, before anything of the content leaves.

        Raises:
            ResourceNotPermitted.
            SignatureRequired: the session began with a password.
            DeliveryWithdrawn: the sender was first.
        """
        holder = command.holder
        async with self._uow.writing() as tx:
            await check_signed(tx, holder)
            standing, delivery = await self._lock(tx, command)
            mailbox = standing.mailbox
            _check_not_withdrawn(delivery)
            if opening := await tx.deliveries.opening(mailbox.id, delivery.id, holder.person_number):
                (fact,) = await _recorded(tx, [opening.evidence_id])
                return OpenedMessage(await _message(tx, mailbox, holder, delivery.id), fact)
            facts = await tx.evidence.of_delivery(mailbox.id, delivery.id)
            at = evidence_building.recording_time(self._clock.now(), facts)
            consignment = evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT)
            stamp, right = self._stamps.at(at), standing.digest
            fact = evidence_building.content_access_tracking(stamp, delivery, consignment, right)
            # Under some policies opening notifies (LADDER-1).
            await telling.record(tx, delivery, (fact, *await self._effect(tx, delivery, fact, facts)))
            await tx.deliveries.add_opening(
                Opening(mailbox.id, delivery.id, holder.person_number, fact.id, at)
            )
            message = await _message(tx, mailbox, holder, delivery.id)
            await tx.commit()
        self._log.wake()
        return OpenedMessage(message, fact)

    async def read_part(self, command: ReadPart) -> Part:
        """Returns one part of an opened message, as it was submitted (POST-10).

        Raises:
            ResourceNotPermitted, SignatureRequired, NotOpened, DeliveryWithdrawn.
            InvalidFields: the message has no such part.
            EvidenceCorrupt: the stored content is not the one whose digest stands in the evidence.
        """
        async with self._uow.reading() as tx:
            await check_signed(tx, command.holder)
            mailbox = (await self._standing(tx, command)).mailbox
            message = await _message(tx, mailbox, command.holder, command.delivery_id)
            _check_not_withdrawn(message.delivery)
            if message.opened_at is None:
                raise NotOpened(command.delivery_id)
            found = None
            if 1 <= command.part_number <= len(message.delivery.parts):
                found = await tx.deliveries.read_part(mailbox.id, command.delivery_id, command.part_number)
            if found is None:
                raise InvalidFields(
                    [FieldProblem("part_number", "NO_SUCH_PART", "the message has no part of this number")]
                )
            info, content = found
            stated = message.delivery.parts[command.part_number - 1].digest
            if not hmac.compare_digest(hashlib.sha256(content).digest(), stated):
                facts = await tx.evidence.of_delivery(mailbox.id, command.delivery_id)
                consignment = evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT)
                _log.critical("stored content is not what the evidence says", evidence_id=str(consignment.id))
                raise EvidenceCorrupt(consignment.id)
        return Part(info, content)

    async def issue_statement(self, command: IssueStatement) -> IssuedStatement:
        """Returns the statement to sign: one that has at least half its life left, or a new one.

        Raises:
            ResourceNotPermitted, SignatureRequired, NotOpened, AlreadyConfirmed, DeliveryWithdrawn.
        """
        holder = command.holder
        async with self._uow.writing() as tx:
            await check_signed(tx, holder)
            standing, delivery = await self._lock(tx, command)
            mailbox, right = standing.mailbox, standing.digest
            _check_not_withdrawn(delivery)
            opening = await _opening(tx, mailbox, holder, delivery.id)
            if await tx.deliveries.confirmation(mailbox.id, delivery.id):
                raise AlreadyConfirmed(delivery.id)
            at = max(self._clock.now(), opening.opened_at + _TICK)
            standing.check_confirms(at)
            newest = await tx.deliveries.newest_statement(mailbox.id, delivery.id, holder.person_number)
            if newest and newest.expires_at - at >= limits.STATEMENT_LIFE / 2 and _right_in(newest) == right:
                return newest
            statement_id, expires_at = self._entropy.new_id(), at + limits.STATEMENT_LIFE
            text = evidence_building.statement_to_sign(
                statement_id, delivery, at, expires_at, right, language=self._language
            )
            statement = IssuedStatement(
                statement_id, mailbox.id, delivery.id, holder.person_number, text, at, expires_at
            )
            await tx.deliveries.add_statement(statement)
            await tx.commit()
        return statement

    async def confirm_reading(self, command: ConfirmReading) -> ConfirmedReading:
        """Records the holder's signed confirmation; whether it notifies is the policy's to say (POST-2).

        The signature is the key: the same one again returns the same evidence, even when its statement has
        expired meanwhile.

        Raises:
            ResourceNotPermitted, SignatureRequired, NotOpened, AlreadyConfirmed, StatementNotIssued,
            StatementExpired, SignerNotRecipient, DeliveryWithdrawn, and what `Signatures.verify` raises.
        """
        judged = await self._judge(command)
        if isinstance(judged, ConfirmedReading):
            return judged
        # No transaction is open here: judging a signature takes its time.
        signer = await self._signatures.verify(command.cms, judged.statement.text, judged.at)
        if signer.person_number != command.holder.person_number:
            raise SignerNotRecipient
        return await self._record_confirmation(command, judged, signer)

    async def _judge(self, command: ConfirmReading) -> "ConfirmedReading | _ToJudge":
        holder = command.holder
        async with self._uow.reading() as tx:
            await check_signed(tx, holder)
            standing = await self._standing(tx, command)
            mailbox = standing.mailbox
            message = await _message(tx, mailbox, holder, command.delivery_id)
            _check_not_withdrawn(message.delivery)
            await _opening(tx, mailbox, holder, command.delivery_id)
            if earlier := await _confirmed_before(tx, mailbox, command):
                return ConfirmedReading(message, earlier)
            statement = await tx.deliveries.statement(mailbox.id, command.statement_id)
            if statement is None or (statement.delivery_id, statement.person_number) != (
                command.delivery_id,
                holder.person_number,
            ):
                raise StatementNotIssued(command.statement_id)
            if _right_in(statement) != standing.digest:
                # Issued under a right that was taken back since, whatever was granted afterwards.
                raise StatementNotIssued(command.statement_id)
            facts = await tx.evidence.of_delivery(mailbox.id, command.delivery_id)
        at = max(
            evidence_building.recording_time(self._clock.now(), facts),
            statement.issued_at + _TICK,
        )
        _check_unexpired(statement, at)
        standing.check_confirms(at)
        return _ToJudge(statement, at)

    async def _record_confirmation(
        self, command: ConfirmReading, judged: "_ToJudge", signer: VerifiedSigner
    ) -> ConfirmedReading:
        holder, statement = command.holder, judged.statement
        async with self._uow.writing() as tx:
            standing, delivery = await self._lock(tx, command)
            mailbox = standing.mailbox
            _check_not_withdrawn(delivery)
            if earlier := await _confirmed_before(tx, mailbox, command):
                return ConfirmedReading(await _message(tx, mailbox, holder, delivery.id), earlier)
            opening = await _opening(tx, mailbox, holder, delivery.id)
            facts = await tx.evidence.of_delivery(mailbox.id, delivery.id)
            # The time for which the signature was judged, so that a verifier judges it for the same; later
            # only where another fact came in between.
            at = evidence_building.recording_time(judged.at, facts)
            _check_unexpired(statement, at)
            standing.check_confirms(at)
            if _right_in(statement) != standing.digest:
                raise StatementNotIssued(statement.id)
            (access,) = await _recorded(tx, [opening.evidence_id])
            confirmed = evidence_building.reading_confirmed(
                self._stamps.at(at),
                delivery,
                evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT),
                access,
                SignedStatement(statement.text, command.cms, signer.revocation_lists, standing.digest),
            )
            for der in signer.revocation_lists:
                if len(der) > limits.REVOCATION_LIST_INLINE_BYTES:
                    await tx.evidence.add_revocation_list(hashlib.sha256(der).digest(), der)
            evidence = (confirmed, *await self._effect(tx, delivery, confirmed, facts))
            await telling.record(tx, delivery, evidence)
            await tx.delegations.rest_on(delivery, standing.acts)
            await tx.deliveries.add_confirmation(
                Confirmation(
                    mailbox.id,
                    delivery.id,
                    holder.person_number,
                    hashlib.sha256(command.cms).digest(),
                    tuple(fact.id for fact in evidence),
                    at,
                )
            )
            message = await _message(tx, mailbox, holder, delivery.id)
            await tx.commit()
        self._log.wake()
        return ConfirmedReading(message, evidence)

    async def _standing(self, tx: Transaction, command: "_Command", *, locked: bool = False) -> Standing:
        return await standing_in(tx, command.holder, command.mailbox, self._clock.now(), locked=locked)

    async def _lock(self, tx: Transaction, command: "_Command") -> tuple[Standing, Delivery]:
        """Locks the delivery, and the caller's right to it from before that."""
        standing = await self._standing(tx, command, locked=True)
        delivery = await tx.deliveries.lock(standing.mailbox.id, command.delivery_id)
        if delivery is None:
            _not_yours()
        return standing, delivery

    async def _effect(
        self, tx: Transaction, delivery: Delivery, fact: Fact, earlier: Sequence[Fact]
    ) -> tuple[Fact, ...]:
        """Derives the fact's legal effect, and brings it about once, for ever (LADDER-2)."""
        effect = evidence_building.effect_after(fact, earlier)
        if effect is None:
            return ()
        if not await tx.deliveries.set_notified(delivery.mailbox_id, delivery.id, effect.effective_time):
            return ()
        stamp = self._stamps.at(fact.recorded_at)
        return (evidence_building.notification_effected(stamp, delivery, effect),)


_Command = OpenMessage | ReadPart | IssueStatement | ConfirmReading


@dataclass(frozen=True, slots=True)
class _ToJudge:
    """The statement that is said to be signed, and the time for which the signature is judged."""

    statement: IssuedStatement
    at: datetime


async def _message(tx: Transaction, mailbox: Mailbox, holder: Holder, delivery_id: UUID) -> MessageView:
    found = await tx.deliveries.in_mailbox(mailbox.id, delivery_id, holder.person_number)
    return (await with_paper(tx, mailbox.id, [found]))[0] if found else _not_yours()


def _check_not_withdrawn(delivery: Delivery) -> None:
    if delivery.state is DeliveryState.WITHDRAWN:
        raise DeliveryWithdrawn(delivery.id)


def _not_yours() -> NoReturn:
    raise ResourceNotPermitted("message")


async def _opening(tx: Transaction, mailbox: Mailbox, holder: Holder, delivery_id: UUID) -> Opening:
    opening = await tx.deliveries.opening(mailbox.id, delivery_id, holder.person_number)
    if opening is None:
        raise NotOpened(delivery_id)
    return opening


async def _confirmed_before(
    tx: Transaction, mailbox: Mailbox, command: ConfirmReading
) -> tuple[Fact, ...] | None:
    confirmation = await tx.deliveries.confirmation(mailbox.id, command.delivery_id)
    if confirmation is None:
        return None
    same_act = (
        confirmation.cms_digest == hashlib.sha256(command.cms).digest()
        and confirmation.person_number == command.holder.person_number
    )
    if not same_act:
        raise AlreadyConfirmed(command.delivery_id)
    return await _recorded(tx, confirmation.evidence_ids)


async def _recorded(tx: Transaction, evidence_ids: Sequence[UUID]) -> tuple[Fact, ...]:
    found = await tx.evidence.get(evidence_ids)
    return tuple(found[evidence_id] for evidence_id in evidence_ids)


def _check_unexpired(statement: IssuedStatement, at: datetime) -> None:
    if at > statement.expires_at:
        raise StatementExpired(statement.id)


def _right_in(statement: IssuedStatement) -> str | None:
    return Statement.parse(statement.text).right
