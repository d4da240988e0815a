"""Takes submissions in: one transaction gives every one of them its outcome, once and for ever."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from namak.evidence import events, mailbox_link
from server.domain import evidence_building, limits
from server.domain.caller import Sender
from server.domain.deliveries import Delivery, DeliveryState, Submission
from server.domain.facts import Fact
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxLink, MailboxState
from server.domain.profile import Profile
from server.domain.refusals import (
    ContractNotInForce,
    MailboxClosed,
    MailboxSuspended,
    MailboxUnknown,
    NetworkNotPermitted,
    Refused,
    RequestIdReused,
    SenderNotPermitted,
    SenderSuspended,
    TooManyRefusals,
    restored,
)
from server.domain.senders import ContractState, Organisation, SenderAddress
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork
from server.usecases.records import Claim, LoggedReceipt, RecordedRefusal
from server.usecases.stamps import Stamps

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted submission: the delivery as it was accepted, the evidence in the order
    SubmissionAcceptance, ContentConsignment, and their receipts in the same order, or none.
    """

    request_id: str
    delivery: Delivery
    evidence: tuple[Fact, ...]
    receipts: tuple[LoggedReceipt, ...] = ()


Outcome = Accepted | Refused
"""What became of one submission. A refusal is a value here: it is one item's, and touches no other."""


@dataclass(slots=True)
class _Ledger:
    """What one transaction is going to write; everything in the order of the request."""

    heads: dict[UUID, MailboxHead] = field(default_factory=dict)
    links: list[MailboxLink] = field(default_factory=list)
    deliveries: list[tuple[Delivery, Submission]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    refusals: list[RecordedRefusal] = field(default_factory=list)

    async def write(self, tx: Transaction) -> None:
        if self.deliveries:
            await tx.deliveries.add([(delivery, asked.parts) for delivery, asked in self.deliveries])
            await tx.mailboxes.advance(self.heads, self.links)
        await tx.evidence.record(self.facts)
        if self.refusals:
            await tx.refusals.add(self.refusals)


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """The judgement of new submissions: who is refused why, and where the others go."""

    organisation: Organisation
    addresses: Mapping[str, SenderAddress]
    mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]]
    refused: Mapping[str, Refused]


class Intake:
    """Decides over submissions and records the outcome, all in one transaction."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        profile: Profile,
        refusals_per_minute: int = limits.REFUSALS_PER_MINUTE,
    ) -> None:
        """`refusals_per_minute` is how many refusals of one organisation are recorded within a minute."""
        self._refusals_per_minute = refusals_per_minute
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._profile = profile
        self._stamps = Stamps(profile, entropy)
        self._deciding = asyncio.Lock()

    async def take_in(self, caller: Sender, submissions: Sequence[Submission]) -> list[Outcome]:
        """Gives each submission its outcome, in their order; their request ids differ.

        Refusals over the organisation's limit get TooManyRefusals and leave nothing behind, not even the
        claim of their request id. Claims can't be taken back, so such a transaction is given up, and repeated
        without those items.
        """
        excess: set[str] = set()
        while True:
            wanted = [asked for asked in submissions if asked.request_id not in excess]
            outcomes, too_many = await self._one_transaction(caller, wanted) if wanted else ({}, set())
            if not too_many:
                break
            excess |= too_many
        return [
            TooManyRefusals(self._refusals_per_minute, int(_MINUTE.total_seconds()))
            if asked.request_id in excess
            else outcomes[asked.request_id]
            for asked in submissions
        ]

    async def _one_transaction(
        self, caller: Sender, submissions: Sequence[Submission]
    ) -> tuple[dict[str, Outcome], set[str]]:
        """Returns the outcomes by request id; or, with nothing written, the ids that are over the limit."""
        async with self._uow.writing() as tx:
            claims = {
                asked.request_id: Claim(asked.request_id, asked.digest(), self._entropy.new_id())
                for asked in submissions
            }
            earlier = await tx.claims.claim(caller.organisation_id, list(claims.values()))
            outcomes = await _repeated(tx, caller, submissions, claims, earlier)
            new = [asked for asked in submissions if asked.request_id not in earlier]
            if not new:
                return outcomes, set()
            verdicts = await self._judge(tx, caller, new)
            if too_many := await self._too_many(tx, caller, verdicts.refused):
                return {}, too_many
            ledger = _Ledger()
            outcomes |= await self._decide(ledger, caller, verdicts, new, claims)
            await ledger.write(tx)
            await tx.commit()
        return outcomes, set()

    async def _decide(
        self,
        ledger: _Ledger,
        caller: Sender,
        verdicts: _Verdicts,
        new: Sequence[Submission],
        claims: Mapping[str, Claim],
    ) -> dict[str, Outcome]:
        """Makes the outcomes of new submissions with their evidence.

        That takes a millisecond or more each, so everything else in the process gets its turn in between: a
        batch of hundreds must not silence the log's leader. Another batch does not: if all went on side by
        side, each would hold its locks for as long as all of them take.
        """
        outcomes: dict[str, Outcome] = {}
        async with self._deciding:
            # After the locks: within a mailbox, times follow the sequence as far as replicas' clocks agree.
            at = self._clock.now()
            for asked in new:
                if refused := verdicts.refused.get(asked.request_id):
                    self._refuse(ledger, caller, verdicts, asked, refused, at)
                    outcomes[asked.request_id] = refused
                else:
                    delivery_id = claims[asked.request_id].subject_id
                    outcomes[asked.request_id] = self._accept(
                        ledger, caller, verdicts, asked, delivery_id, at
                    )
                await asyncio.sleep(0)
        return outcomes

    async def _judge(self, tx: Transaction, caller: Sender, new: Sequence[Submission]) -> _Verdicts:
        organisation = await tx.organisations.get(caller.organisation_id)
        if organisation is None:
            raise LookupError("a bound certificate names an organisation that is not there")
        addresses = await tx.sender_addresses.named(organisation.id, {asked.sender for asked in new})
        refused: dict[str, Refused] = {}
        for asked in new:
            if why := _sender_refusal(caller, organisation, addresses.get(asked.sender), asked.sender):
                refused[asked.request_id] = why
        to_lock = {asked.recipient for asked in new if asked.request_id not in refused}
        mailboxes = await tx.mailboxes.lock(to_lock) if to_lock else {}
        for asked in new:
            if asked.request_id not in refused and (why := _mailbox_refusal(mailboxes, asked.recipient)):
                refused[asked.request_id] = why
        return _Verdicts(organisation, addresses, mailboxes, refused)

    async def _too_many(self, tx: Transaction, caller: Sender, refused: Mapping[str, Refused]) -> set[str]:
        """Returns the ids of those refusals for which the organisation has no room left this minute."""
        if not refused:
            return set()
        since = self._clock.now() - _MINUTE
        room = self._refusals_per_minute - await tx.refusals.count_since(caller.organisation_id, since)
        return set(list(refused)[max(room, 0) :])

    def _refuse(
        self,
        ledger: _Ledger,
        caller: Sender,
        verdicts: _Verdicts,
        asked: Submission,
        refused: Refused,
        at: datetime,
    ) -> None:
        fact = evidence_building.submission_rejection(
            self._stamps.at(at), asked, verdicts.organisation, refused.reason, caller.connection.address
        )
        refused.evidence_id = fact.id
        ledger.facts.append(fact)
        ledger.refusals.append(
            RecordedRefusal(
                organisation_id=caller.organisation_id,
                request_id=asked.request_id,
                reason=refused.reason,
                text=refused.text,
                metadata=refused.metadata,
                evidence_id=fact.id,
                recorded_at=at,
            )
        )

    def _accept(
        self,
        ledger: _Ledger,
        caller: Sender,
        verdicts: _Verdicts,
        asked: Submission,
        delivery_id: UUID,
        at: datetime,
    ) -> Accepted:
        mailbox, head_when_locked = verdicts.mailboxes[asked.recipient]
        head = ledger.heads.get(mailbox.id, head_when_locked)
        link = self._next_link(mailbox, head, delivery_id)
        delivery = Delivery(
            id=delivery_id,
            mailbox_id=mailbox.id,
            organisation_id=verdicts.organisation.id,
            sender_address_id=verdicts.addresses[asked.sender].id,
            organisation_code=verdicts.organisation.code,
            organisation_name=verdicts.organisation.name,
            sender=asked.sender,
            recipient=asked.recipient,
            subject=asked.subject,
            parts=tuple(part.info for part in asked.parts),
            notification_policy=self._profile.notification_policy,
            sequence=link.sequence,
            submitted_at=at,
        )
        evidence = (
            evidence_building.submission_acceptance(
                self._stamps.at(at), delivery, asked.request_id, caller.connection.address
            ),
            evidence_building.content_consignment(self._stamps.at(at), delivery, link.link),
        )
        ledger.heads[mailbox.id] = MailboxHead(link.sequence, link.link)
        ledger.links.append(link)
        ledger.deliveries.append((delivery, asked))
        ledger.facts += evidence
        return Accepted(asked.request_id, delivery, evidence)

    def _next_link(self, mailbox: Mailbox, head: MailboxHead, delivery_id: UUID) -> MailboxLink:
        nonce = self._entropy.random(mailbox_link.NONCE_BYTES)
        sequence = head.sequence + 1
        link = mailbox_link.link(nonce, mailbox.address, sequence, delivery_id, head.link)
        return MailboxLink(mailbox.id, sequence, delivery_id, nonce, head.link, link)


def _sender_refusal(
    caller: Sender, organisation: Organisation, address: SenderAddress | None, sender: str
) -> Refused | None:
    """Judges the sending side (POST-8, ADMIN-3). The first reason that holds is the answer."""
    if address is None or caller.sender_address_id not in (None, address.id):
        return SenderNotPermitted(sender)
    if not address.permits(caller.connection.address):
        return NetworkNotPermitted(str(caller.connection.address), sender=sender)
    if address.suspended:
        return SenderSuspended(sender)
    if organisation.contract_state is not ContractState.IN_FORCE:
        return ContractNotInForce(organisation.contract_state.value)
    return None


def _mailbox_refusal(mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]], recipient: str) -> Refused | None:
    found = mailboxes.get(recipient)
    if found is None:
        return MailboxUnknown(recipient)
    match found[0].state:
        case MailboxState.OPEN:
            return None
        case MailboxState.SUSPENDED:
            return MailboxSuspended(recipient)
        case MailboxState.CLOSED:
            return MailboxClosed(recipient)


async def _repeated(
    tx: Transaction,
    caller: Sender,
    submissions: Sequence[Submission],
    claims: Mapping[str, Claim],
    earlier: Mapping[str, Claim],
) -> dict[str, Outcome]:
    """Returns the outcomes of those submissions whose request ids were claimed before: they are answered as
    they were the first time (log-and-receipt.md, section 5).
    """
    outcomes: dict[str, Outcome] = {}
    same = []
    for asked in submissions:
        if known := earlier.get(asked.request_id):
            if known.digest == claims[asked.request_id].digest:
                same.append(asked)
            else:
                outcomes[asked.request_id] = RequestIdReused(asked.request_id)
    if not same:
        return outcomes
    sent = await tx.deliveries.sent(
        caller.organisation_id, [earlier[asked.request_id].subject_id for asked in same]
    )
    facts = await tx.evidence.of_deliveries(list(sent.values()))
    refusals = await tx.refusals.under(caller.organisation_id, [asked.request_id for asked in same])
    for asked in same:
        delivery = sent.get(earlier[asked.request_id].subject_id)
        if delivery is not None:
            outcomes[asked.request_id] = _accepted_before(caller, asked, delivery, facts[delivery.id])
        elif refusal := refusals.get(asked.request_id):
            outcomes[asked.request_id] = restored(
                refusal.reason, refusal.text, refusal.metadata, refusal.evidence_id
            )
        else:
            raise LookupError("a claimed submission has no outcome")
    return outcomes


def _accepted_before(caller: Sender, asked: Submission, delivery: Delivery, facts: Sequence[Fact]) -> Outcome:
    if caller.sender_address_id not in (None, delivery.sender_address_id):
        # Accepted from a colleague's certificate. It is not this one's to see, and it leaves no evidence of a
        # refusal either: one request id has one recorded outcome.
        return SenderNotPermitted(asked.sender)
    evidence = tuple(
        evidence_building.fact_of(facts, event)
        for event in (events.SUBMISSION_ACCEPTANCE, events.CONTENT_CONSIGNMENT)
    )
    # The delivery as it was accepted; what became of it since is for GetDelivery to say.
    as_accepted = replace(delivery, state=DeliveryState.CONSIGNED, notified_at=None)
    return Accepted(asked.request_id, as_accepted, evidence)
