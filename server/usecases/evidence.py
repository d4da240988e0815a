"""Shows evidence to those whom it concerns, and the log to everybody."""

import asyncio
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from namak.evidence import events
from namak.evidence.document import EvidenceDocument, entry_of
from namak.evidence.events import Audience
from server.domain.administration import ActingAdministrator, owns
from server.domain.caller import Holder, Operator, Sender
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.paging import Page, Query
from server.domain.reasons import Reason
from server.domain.refusals import (
    EvidenceCorrupt,
    InvalidPageToken,
    NotFound,
    ResourceNotPermitted,
    ServiceUnavailable,
    TimestampsNotOffered,
    WitnessesNotOffered,
)
from server.usecases.administration import check_right
from server.usecases.correspondence import correspondent
from server.usecases.delivery import sent_by
from server.usecases.log_ports import TimestampedLog, WitnessedLog
from server.usecases.mailboxes import checked_page_size
from server.usecases.ports import Clock, Log, Transaction, UnitOfWork
from server.usecases.receipts import receipts_in_time, timestamped_in_time, witnessed_in_time
from server.usecases.records import LoggedReceipt, PublishedCheckpoint
from server.usecases.standing import Capacity, standing_in

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ListFacts:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    caller: Sender | Holder
    delivery_id: UUID
    page_size: int
    page_token: str
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class GetReceipt:
    """`wait_seconds` is how long to wait for the receipt at most; 0 does not wait. `reply_by` is when the
    reply must go out without it, on the event loop's clock. `witnessed` takes only one that the quorum of
    witnesses vouches for, `timestamped` only one with timestamps.
    """

    caller: Sender | Holder | Operator | ActingAdministrator
    evidence_id: UUID
    wait_seconds: float
    reply_by: float = math.inf
    mailbox: str | None = None
    witnessed: bool = False
    timestamped: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """A published checkpoint, the log's verifier key as it is now, for information and not for trust, and the
    note of the newest witnessed checkpoint, if there is one, of the same tree or a smaller one; of a shard
    that is complete the receipt that leads to the next one.
    """

    checkpoint: PublishedCheckpoint
    vkey: str
    witnessed: bytes | None = None
    successor: bytes | None = None


class EvidenceDesk:
    """Gives out facts, receipts and checkpoints.

    A sender sees the facts of its organisation's deliveries (bound to one address: of that address's) whose
    audience it belongs to; a holder those of the messages in the own mailbox, and as a sender those of the
    letters written from it; a delegate those of the messages that are not the holder's alone; of
    administrative acts the operator sees all, an administrator those on their organisation's things. Acts
    that give rights in a mailbox its holder sees, who got the right, and a sender whose delivery was
    confirmed by them. What is not theirs and what does not exist get the same answer.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        log: Log,
        witnessed: WitnessedLog,
        timestamped: TimestampedLog,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._log = log
        self._witnessed = witnessed
        self._timestamped = timestamped
        self._clock = clock

    async def list_facts(self, command: ListFacts) -> Page[Fact]:
        """Lists the facts of a delivery that the caller may see, in the order of recording, and then the acts
        by which those were entitled who confirmed it on the holder's behalf.

        Raises:
            ResourceNotPermitted, InvalidPageToken, InvalidFields: the last for a negative page size.
        """
        size = checked_page_size(command.page_size)
        query = Query(("ListFacts", *_identity(command.caller), str(command.delivery_id)))
        after = query.key(command.page_token)
        async with self._uow.reading() as tx:
            seen = (
                await seen_of(tx, command.caller, command.delivery_id, command.mailbox, self._clock.now())
            ).facts
        start = 0
        if after is not None:
            known = [str(fact.id) for fact in seen]
            if after not in known:
                raise InvalidPageToken
            start = known.index(after) + 1
        shown = seen[start : start + size]
        more = start + size < len(seen)
        return Page(shown, query.token(str(shown[-1].id)) if more else "")

    async def receipt(self, command: GetReceipt) -> LoggedReceipt | None:
        """Returns the receipt of one piece of evidence, a witnessed one if there is one already; None while
        it stands under no published checkpoint.

        Raises:
            ResourceNotPermitted, ServiceUnavailable.
            WitnessesNotOffered, TimestampsNotOffered: only a witnessed or a timestamped one will do, and none
                will come.
            EvidenceCorrupt: the stored bytes are not those whose digest is in the log.
        """
        async with self._uow.reading() as tx:
            fact = (await tx.evidence.get([command.evidence_id])).get(command.evidence_id)
            seen_by = _SeenBy(tx, command.mailbox, self._clock.now())
            if fact is None or not await seen_by.may_see(command.caller, fact):
                raise ResourceNotPermitted("evidence")
        if not hmac.compare_digest(entry_of(fact.data), fact.entry):
            _log.critical("stored evidence is not what the log vouches for", evidence_id=str(fact.id))
            raise EvidenceCorrupt(fact.id)
        if command.timestamped:
            return await self._timestamped_receipt(command, fact)
        if command.witnessed or self._witnessed.active:
            witnessed = await witnessed_in_time(
                self._witnessed,
                fact.id,
                fact.data,
                wait_seconds=command.wait_seconds if command.witnessed else 0.0,
                reply_by=command.reply_by,
            )
            if witnessed is not None:
                return witnessed
            if command.witnessed:
                # Where the look itself took too long, there may be one all the same.
                in_time = asyncio.get_running_loop().time() < command.reply_by
                if in_time and not self._witnessed.active:
                    raise WitnessesNotOffered
                return None
        receipts = await receipts_in_time(
            self._log,
            {fact.id: fact.data},
            wait_seconds=command.wait_seconds,
            reply_by=command.reply_by,
        )
        return receipts.get(fact.id)

    async def _timestamped_receipt(self, command: GetReceipt, fact: Fact) -> LoggedReceipt | None:
        none_is_witnessed = command.witnessed and not self._witnessed.active
        found = await timestamped_in_time(
            self._timestamped,
            fact.id,
            fact.data,
            wait_seconds=0.0 if none_is_witnessed else command.wait_seconds,
            reply_by=command.reply_by,
            witnessed=command.witnessed,
        )
        # Where the look itself took too long, there may be one all the same.
        if found is None and asyncio.get_running_loop().time() < command.reply_by:
            if not self._timestamped.active:
                raise TimestampsNotOffered
            if none_is_witnessed:
                raise WitnessesNotOffered
        return found

    async def checkpoint(self, origin: str | None = None) -> CheckpointView:
        """Returns the newest published checkpoint of a shard, by default of the current one, or of the one
        before it until that has any.

        Raises:
            NotFound: there is no such shard.
            ServiceUnavailable: it has published nothing yet.
        """
        found = await self._log.checkpoint(origin or None)
        if found is not None:
            witnessed = await self._witnessed.checkpoint(found.origin)
            # The published one once more: what was witnessed meanwhile is published.
            found = await self._log.checkpoint(found.origin) or found
            successor = await self._witnessed.successor(found.origin)
            return CheckpointView(found, self._log.vkey_of(found.origin), witnessed, successor)
        if origin and not self._log.vkey_of(origin):
            raise NotFound("log shard", origin)
        raise ServiceUnavailable("log")

    async def revocation_list(self, digest: bytes) -> bytes:
        """Returns a revocation list (DER) that evidence names by its SHA-256.

        Raises:
            NotFound.
        """
        async with self._uow.reading() as tx:
            der = await tx.evidence.revocation_list(digest)
        if der is None:
            raise NotFound("revocation list", digest.hex())
        return der


@dataclass(frozen=True, slots=True)
class Seen:
    """What a caller sees of a delivery: the facts of their audiences in the order of recording, and then the
    acts by which those were entitled who confirmed it on the holder's behalf.
    """

    delivery: Delivery
    audiences: frozenset[Audience]
    facts: Sequence[Fact]


async def seen_of(
    tx: Transaction, caller: Sender | Holder, delivery_id: UUID, mailbox: str | None, now: datetime
) -> Seen:
    """Returns what the caller sees of a delivery.

    Raises:
        ResourceNotPermitted, SignatureRequired.
    """
    delivery, audiences = await _SeenBy(tx, mailbox, now).delivery(caller, delivery_id)
    facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
    behind = await tx.delegations.acts_behind(delivery.mailbox_id, delivery.id)
    acts = await tx.evidence.get(behind) if behind else {}
    seen = [fact for fact in facts if fact.event.audience in audiences]
    return Seen(delivery, audiences, [*seen, *(acts[evidence_id] for evidence_id in behind)])


def _identity(caller: Sender | Holder) -> tuple[str, ...]:
    match caller:
        case Sender():
            return "sender", str(caller.organisation_id), str(caller.sender_address_id or "")
        case Holder():
            return ("holder",)


_SENDERS = frozenset({Audience.SENDER, Audience.BOTH})


@dataclass(frozen=True, slots=True)
class _SeenBy:
    """What callers may see; holders, and those who act for one, in the mailbox that they name."""

    tx: Transaction
    mailbox: str | None
    now: datetime

    async def delivery(
        self, caller: Sender | Holder, delivery_id: UUID
    ) -> tuple[Delivery, frozenset[Audience]]:
        """Returns a delivery, and of whose audience the caller is there.

        Raises:
            ResourceNotPermitted, SignatureRequired.
        """
        match caller:
            case Sender():
                return await sent_by(self.tx, caller, delivery_id), _SENDERS
            case Holder():
                standing = await standing_in(self.tx, caller, self.mailbox, self.now)
                message = await self.tx.deliveries.in_mailbox(
                    standing.mailbox.id, delivery_id, caller.person_number
                )
                if message is not None:
                    return message.delivery, standing.audiences
                if standing.capacity is Capacity.HOLDER:
                    # Not in the mailbox; perhaps a letter that was written from it.
                    writer = correspondent(caller, standing.mailbox, standing.mailbox.address)
                    return await sent_by(self.tx, writer, delivery_id), _SENDERS
        raise ResourceNotPermitted("delivery")

    async def may_see(self, caller: Sender | Holder | Operator | ActingAdministrator, fact: Fact) -> bool:
        """Tells whether the caller may see a fact. Raises `SignatureRequired`."""
        if isinstance(caller, Operator | ActingAdministrator):
            return await _may_see_act(self.tx, caller, fact)
        if fact.event == events.ADMINISTRATIVE_ACT:
            return await self._may_see_right(caller, fact)
        if fact.delivery_id is None:
            return fact.event in _WITHOUT_DELIVERY and await _is_own(self.tx, caller, fact)
        try:
            _, audiences = await self.delivery(caller, fact.delivery_id)
        except ResourceNotPermitted:
            return False
        return fact.event.audience in audiences

    async def _may_see_right(self, caller: Sender | Holder, fact: Fact) -> bool:
        found = await self.tx.delegations.act(fact.id) or await self.tx.signatories.act(fact.id)
        if found is None:
            return False
        if isinstance(caller, Sender):
            organisation, address = caller.organisation_id, caller.sender_address_id
            return await self.tx.delegations.is_shown(fact.id, organisation, address)
        if found.person_number == caller.person_number:
            return True
        try:
            standing = await standing_in(self.tx, caller, self.mailbox, self.now)
        except ResourceNotPermitted:
            return False
        return standing.mailbox.id == found.mailbox_id


async def _may_see_act(tx: Transaction, caller: Operator | ActingAdministrator, fact: Fact) -> bool:
    if fact.event in _OUTAGES and isinstance(caller, Operator):
        await check_right(tx, caller)
        return True
    # What passes between senders and holders is none of theirs.
    if fact.event != events.ADMINISTRATIVE_ACT:
        return False
    await check_right(tx, caller)
    return owns(caller, fact.organisation_id)


_OUTAGES = (events.OUTAGE_BEGAN, events.OUTAGE_ENDED)
_WITHOUT_DELIVERY = frozenset(
    {
        events.SUBMISSION_REJECTION,
        events.SMS_ACCEPTED,
        events.SMS_SENT,
        events.SMS_DELIVERED,
        events.SMS_FAILED,
    }
)
"""What a sender may see though it is of no delivery: refusals, and short messages."""


async def _is_own(tx: Transaction, caller: Sender | Holder, fact: Fact) -> bool:
    if isinstance(caller, Holder):
        # Of a letter: it stands under the mailbox that it was written from.
        own = await tx.mailboxes.of_person(caller.person_number)
        return own is not None and fact.organisation_id == own.id
    if fact.organisation_id != caller.organisation_id:
        return False
    if caller.sender_address_id is None:
        return True
    # Bound to one address: what was refused under that address, and what was refused because it named
    # another.
    document = EvidenceDocument.parse(fact.data)
    if document.reason == Reason.SENDER_NOT_PERMITTED:
        return True
    address = await tx.sender_addresses.get(caller.sender_address_id)
    return address is not None and address.address == document.sender.identifier
