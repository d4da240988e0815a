"""Takes submissions in: one transaction gives every one of them its outcome, once and for ever."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from namak.evidence import events, mailbox_link
from namak.evidence.notification_policy import policy_named
from server.domain import evidence_building, limits
from server.domain.caller import IpAddress
from server.domain.deliveries import Delivery, DeliveryState, Party, Submission
from server.domain.facts import Fact
from server.domain.jobs import PRINT_ANSWER, SPREAD, Job
from server.domain.ladder import Wake, turn_of
from server.domain.letters import Submitter
from server.domain.mail_origins import MailOrigin
from server.domain.mail_receipts import receipt_jobs
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxLink
from server.domain.paper_desk import PAPER_DESK_ID, PaperOrigin
from server.domain.profile import Profile
from server.domain.refusals import (
    Refused,
    RequestIdReused,
    SenderNotPermitted,
    restored,
)
from server.domain.sender_sms import TEXTS_A_DAY, SenderSms, SmsText
from server.usecases.asked import Asked, Key
from server.usecases.judging import GivenUp, Judge, Verdicts, check_gate
from server.usecases.outage_ports import SubmissionGate
from server.usecases.ports import Clock, Entropy, HostNames, Transaction, UnitOfWork
from server.usecases.records import Claim, LoggedReceipt, RecordedRefusal
from server.usecases.sms_accepting import SmsAsked, accept_texts
from server.usecases.stamps import Stamps

_AT_A_STRETCH = 4
"""So many submissions are decided before other work gets its turn."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted submission: the delivery as it was accepted, the evidence in the order
    SubmissionAcceptance, ContentConsignment, and of a letter on paper ReceivedFromNonERDS, and their receipts
    in the same order, or none. `repeated` says that it was accepted before.
    """

    request_id: str
    delivery: Delivery
    evidence: tuple[Fact, ...]
    receipts: tuple[LoggedReceipt, ...] = ()
    repeated: bool = field(default=False, compare=False)


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
    wakes: list[Wake] = field(default_factory=list)
    looks: dict[str, datetime | None] = field(default_factory=dict)
    """By policy, when deliveries that are accepted at the transaction's moment are looked at first."""
    jobs: list[Job] = field(default_factory=list)
    mails: list[tuple[UUID, UUID, MailOrigin]] = field(default_factory=list)
    texts: list[SenderSms] = field(default_factory=list)

    async def write(self, tx: Transaction) -> None:
        if self.deliveries:
            # First what changes rows: what only adds some can go in together.
            await tx.mailboxes.advance(self.heads, self.links)
            await tx.deliveries.add([(delivery, asked.parts) for delivery, asked in self.deliveries])
        if self.mails:
            await tx.mail_origins.add(self.mails)
        if self.wakes:
            await tx.ladders.plan(self.wakes)
        await tx.evidence.record(self.facts)
        if self.refusals:
            await tx.refusals.add(self.refusals)
        if self.texts:
            await tx.sender_texts.add(self.texts)
        if self.jobs:
            await tx.jobs.defer(self.jobs)


class Intake:
    """Decides over submissions, of one caller or many, and records the outcomes, all in one transaction."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        profile: Profile,
        host_names: HostNames,
        refusals_per_minute: int = limits.REFUSALS_PER_MINUTE,
        offers_sms: bool = False,
        sms_a_day: int = TEXTS_A_DAY,
        gate: SubmissionGate | None = None,
    ) -> None:
        """`refusals_per_minute` is how many refusals of one organisation are recorded within a minute;
        `offers_sms` says whether there is a gateway for SMS, `sms_a_day` how many one address may send;
        `gate` may keep everything out.
        """
        self._gate = gate
        self._host_names = host_names
        self._judge = Judge(
            clock=clock,
            zone=ZoneInfo(profile.time_zone),
            host_names=host_names,
            refusals_per_minute=refusals_per_minute,
            correspondence=profile.correspondence,
            usual_policy=profile.notification_policy,
            offers_sms=offers_sms,
            sms_a_day=sms_a_day,
        )
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._profile = profile
        self._stamps = Stamps(profile, entropy)
        self._deciding = asyncio.Lock()

    def asked(self, caller: Submitter, submissions: Sequence[Submission]) -> list[Asked]:
        """Returns the submissions of a call that was let in now."""
        at = self._clock.now()
        return [Asked(caller, submission, at) for submission in submissions]

    async def take_in(self, group: Sequence[Asked], *, hurried: bool = False) -> list[Outcome]:
        """Gives each submission its outcome, in their order; their keys differ.

        What is over a limit (TooManyRefusals, TooManyLetters, TooManySms), what came with a certificate that
        was revoked while it waited (CertificateRevoked), what is new during an outage (EvidenceDebtExceeded),
        and what hangs on a host name that can't be looked up (ServiceUnavailable) leaves nothing behind, not
        even the claim of its request id. Claims can't be taken back, so such a transaction is given up, and
        repeated without those items. A hurried one asks for no host name; it knows those that were looked up.

        Raises:
            Contended: it is hurried, and another transaction holds a lock that it needs; nothing was written.
            ServiceUnavailable: the outcome is unknown.
        """
        left_out: dict[Key, Refused] = {}
        looked_up = False
        outcomes: dict[Key, Outcome] = {}
        while wanted := [asked for asked in group if asked.key not in left_out]:
            try:
                outcomes = await self._one_transaction(wanted, hurried)
                break
            except GivenUp as given_up:
                left_out |= given_up.excess
                if hurried or looked_up:
                    left_out |= given_up.unplaced
                else:
                    await self._look_up(given_up.host_names)
                    looked_up = True
        return [left_out[asked.key] if asked.key in left_out else outcomes[asked.key] for asked in group]

    async def _look_up(self, host_names: Mapping[IpAddress, frozenset[str]]) -> None:
        await asyncio.gather(
            *(self._host_names.addresses_of(names, like=client) for client, names in host_names.items())
        )

    async def _one_transaction(self, group: Sequence[Asked], hurried: bool) -> dict[Key, Outcome]:
        """Returns the outcomes by key. Raises `GivenUp` with nothing written."""
        async with self._uow.writing(hurried=hurried) as tx:
            claims = {
                asked.key: Claim(asked.submission.request_id, asked.digest, self._entropy.new_id())
                for asked in group
            }
            earlier = await tx.claims.claim_all(claims)
            outcomes = await _repeated(tx, group, earlier)
            new = [asked for asked in group if asked.key not in earlier]
            if not new:
                return outcomes
            check_gate(self._gate, new)
            verdicts = await self._judge.judge(tx, new)
            ledger = _Ledger()
            outcomes |= await self._decide(ledger, verdicts, new, claims)
            await ledger.write(tx)
            await tx.commit()
        return outcomes

    async def _decide(
        self, ledger: _Ledger, verdicts: Verdicts, new: Sequence[Asked], claims: Mapping[Key, Claim]
    ) -> dict[Key, Outcome]:
        """Makes the outcomes of new submissions with their evidence.

        That takes a good part of a millisecond each, so everything else in the process gets its turn in
        between: a batch of hundreds must not silence the log's leader. Another group does not: if all went on
        side by side, each would hold its locks for as long as all of them take.
        """
        outcomes: dict[Key, Outcome] = {}
        at = verdicts.at
        async with self._deciding:
            for count, asked in enumerate(new, 1):
                if refused := verdicts.refused.get(asked.key):
                    self._refuse(ledger, verdicts, asked, refused, at)
                    outcomes[asked.key] = refused
                else:
                    delivery_id = claims[asked.key].subject_id
                    outcomes[asked.key] = self._accept(ledger, verdicts, asked, delivery_id, at)
                if count % _AT_A_STRETCH == 0:
                    await asyncio.sleep(0)
        return outcomes

    def _refuse(
        self, ledger: _Ledger, verdicts: Verdicts, asked: Asked, refused: Refused, at: datetime
    ) -> None:
        party = verdicts.parties[asked.key[0]]
        fact = evidence_building.submission_rejection(
            self._stamps.at(at),
            asked.submission,
            party,
            refused.reason,
            asked.caller.connection.address,
        )
        refused.evidence_id = fact.id
        ledger.facts.append(fact)
        ledger.refusals.append(
            RecordedRefusal(
                organisation_id=party.id,
                request_id=asked.submission.request_id,
                reason=refused.reason,
                text=refused.text,
                metadata=refused.metadata,
                evidence_id=fact.id,
                recorded_at=at,
            )
        )

    def _accept(
        self, ledger: _Ledger, verdicts: Verdicts, asked: Asked, delivery_id: UUID, at: datetime
    ) -> Accepted:
        submission, party = asked.submission, verdicts.parties[asked.key[0]]
        mailbox, head_when_locked = verdicts.mailboxes[submission.recipient]
        head = ledger.heads.get(mailbox.id, head_when_locked)
        link = self._next_link(mailbox, head, delivery_id)
        delivery = Delivery(
            id=delivery_id,
            mailbox_id=mailbox.id,
            organisation_id=party.id,
            sender_address_id=verdicts.permitted[asked.key],
            organisation_code=party.code,
            organisation_name=party.name,
            sender=submission.sender,
            recipient=submission.recipient,
            subject=submission.subject,
            parts=tuple(part.info for part in submission.parts),
            notification_policy=verdicts.policies.get(asked.key, self._profile.notification_policy),
            sequence=link.sequence,
            submitted_at=at,
            in_reply_to=submission.in_reply_to,
            receipts_by_mail=submission.receipts_by_mail,
        )
        evidence: tuple[Fact, ...] = (
            evidence_building.submission_acceptance(
                self._stamps.at(at), delivery, submission.request_id, asked.caller.connection.address
            ),
            evidence_building.content_consignment(self._stamps.at(at), delivery, link.link),
        )
        if submission.paper is not None:
            evidence += (self._on_paper(asked, submission.paper, delivery, evidence, at),)
        ledger.heads[mailbox.id] = MailboxHead(link.sequence, link.link)
        ledger.links.append(link)
        ledger.deliveries.append((delivery, submission))
        if mailbox.forwards:
            ledger.jobs.append(Job(SPREAD, {"mailbox": mailbox.id, "delivery": delivery_id}))
        if submission.mail is not None:
            ledger.mails.append((mailbox.id, delivery_id, submission.mail))
            ledger.jobs += receipt_jobs(delivery, evidence)
        if mailbox.id == PAPER_DESK_ID:
            # An answer to a letter on paper: it goes on by paper.
            ledger.jobs.append(Job(PRINT_ANSWER, {"delivery": delivery_id}))
        ledger.facts += evidence
        if submission.sms is not None:
            self._add_texts(ledger, asked, submission.sms, party, delivery, evidence[1])
        if (wake_at := _first_look(ledger, delivery.notification_policy, evidence, at)) is not None:
            ledger.wakes.append(Wake(mailbox.id, delivery_id, wake_at))
        return Accepted(submission.request_id, delivery, evidence)

    def _on_paper(
        self, asked: Asked, paper: PaperOrigin, delivery: Delivery, evidence: Sequence[Fact], at: datetime
    ) -> Fact:
        consignment = evidence_building.fact_of(evidence, events.CONTENT_CONSIGNMENT)
        clerk = asked.caller.connection.certificate_sha256
        return evidence_building.received_on_paper(self._stamps.at(at), delivery, consignment, paper, clerk)

    def _add_texts(
        self, ledger: _Ledger, asked: Asked, sms: SmsText, party: Party, delivery: Delivery, consigned: Fact
    ) -> None:
        """Has short messages go with a delivery (ADMIN-3); they are no part of it."""
        texts = accept_texts(
            SmsAsked(
                sms=sms,
                party=party,
                sender=delivery.sender,
                sender_address_id=delivery.sender_address_id,
                request_id=asked.submission.request_id,
                client=asked.caller.connection.address,
                at=delivery.submitted_at,
                delivery_id=delivery.id,
                consignment=consigned,
            ),
            self._stamps,
            self._entropy,
        )
        ledger.texts += texts.texts
        ledger.facts += texts.facts
        ledger.jobs += texts.jobs

    def _next_link(self, mailbox: Mailbox, head: MailboxHead, delivery_id: UUID) -> MailboxLink:
        nonce = self._entropy.random(mailbox_link.NONCE_BYTES)
        sequence = head.sequence + 1
        link = mailbox_link.link(nonce, mailbox.address, sequence, delivery_id, head.link)
        return MailboxLink(mailbox.id, sequence, delivery_id, nonce, head.link, link)


def _first_look(ledger: _Ledger, policy: str, evidence: Sequence[Fact], at: datetime) -> datetime | None:
    """Returns when a new delivery is looked at by the ladder; None where nothing comes by itself.

    That hangs on the policy and the moment alone, which is one for the transaction. So the evidence is read
    for the first delivery under each policy, which takes as long as accepting it; for the others not.
    """
    if policy not in ledger.looks:
        goes_on = policy_named(policy).goes_on_by_itself
        ledger.looks[policy] = turn_of(evidence, (), at).look_at(at) if goes_on else None
    return ledger.looks[policy]


async def _repeated(
    tx: Transaction, group: Sequence[Asked], earlier: Mapping[Key, Claim]
) -> dict[Key, Outcome]:
    """Returns the outcomes of those submissions whose request ids were claimed before: they are answered as
    they were the first time (docs/submission-cycle.md).
    """
    outcomes: dict[Key, Outcome] = {}
    same: dict[UUID, list[Asked]] = {}
    for asked in group:
        if known := earlier.get(asked.key):
            if known.digest == asked.digest:
                same.setdefault(asked.key[0], []).append(asked)
            else:
                outcomes[asked.key] = RequestIdReused(asked.submission.request_id)
    for party_id, of_one in same.items():
        outcomes |= await _repeated_of(tx, party_id, of_one, earlier)
    return outcomes


async def _repeated_of(
    tx: Transaction, party_id: UUID, same: Sequence[Asked], earlier: Mapping[Key, Claim]
) -> dict[Key, Outcome]:
    outcomes: dict[Key, Outcome] = {}
    sent = await tx.deliveries.sent(party_id, [earlier[asked.key].subject_id for asked in same])
    facts = await tx.evidence.of_deliveries(list(sent.values()))
    refusals = await tx.refusals.under(party_id, [asked.submission.request_id for asked in same])
    for asked in same:
        delivery = sent.get(earlier[asked.key].subject_id)
        if delivery is not None:
            outcomes[asked.key] = _accepted_before(
                asked.caller, asked.submission, delivery, facts[delivery.id]
            )
        elif refusal := refusals.get(asked.submission.request_id):
            outcomes[asked.key] = restored(
                refusal.reason, refusal.text, refusal.metadata, refusal.evidence_id
            )
        else:
            raise LookupError("a claimed submission has no outcome")
    return outcomes


def _accepted_before(
    caller: Submitter, asked: Submission, delivery: Delivery, facts: Sequence[Fact]
) -> Outcome:
    if caller.sender_address_id not in (None, delivery.sender_address_id):
        # Accepted from a colleague's certificate. It is not this one's to see, and it leaves no evidence of a
        # refusal either: one request id has one recorded outcome.
        return SenderNotPermitted(asked.sender)
    evidence = tuple(
        evidence_building.fact_of(facts, event)
        for event in (
            events.SUBMISSION_ACCEPTANCE,
            events.CONTENT_CONSIGNMENT,
            *([] if asked.paper is None else [events.RECEIVED_FROM_NON_ERDS]),
        )
    )
    # The delivery as it was accepted; what became of it since is for GetDelivery to say.
    as_accepted = replace(delivery, state=DeliveryState.CONSIGNED, notified_at=None, withdrawn_at=None)
    return Accepted(asked.request_id, as_accepted, evidence, repeated=True)
