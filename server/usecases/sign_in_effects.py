"""What a sign-in means for the deliveries that are open then (LADDER-1).

A mailbox may hold very many of them. Nobody who sends them can keep its holder from signing in: the sign-in's
own transaction records a bounded number, and keeps what is left to be recorded in the background, as of the
moment of the sign-in, so that nothing takes effect later for it.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from namak.evidence import events
from namak.evidence.notification_policy import POLICIES
from server.domain import evidence_building
from server.domain.caller import Assurance
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.jobs import Job
from server.domain.mail_receipts import receipt_jobs
from server.domain.profile import Profile
from server.domain.refusals import Refused
from server.domain.sessions import Method, Session, SignIn
from server.domain.sign_in_effects import OutstandingSignIn
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork
from server.usecases.stamps import Stamps

ASKING: Final[Collection[str]] = frozenset(
    key for key, policy in POLICIES.items() if policy.asks_for(events.HOLDER_SIGNED_IN)
)
"""The policies under which a sign-in is a fact. Under all others it is nobody's business but the holder's."""
MOST_AT_ONCE: Final = 200
"""Of so many deliveries a sign-in is recorded in one transaction at most."""

_BETWEEN_PAUSES = 4


class SignInEffects:
    """Records sign-ins as facts of deliveries."""

    def __init__(self, entropy: Entropy, profile: Profile, asking: Collection[str] = ASKING) -> None:
        self._stamps = Stamps(profile, entropy)
        self._asking = asking

    async def record(
        self, tx: Transaction, session: Session, sign_in: SignIn, now: datetime
    ) -> Sequence[Fact]:
        """Records HolderSignedIn for every delivery that is consigned, and not yet notified or withdrawn,
        under a policy that asks for it, and what follows from it; for what is too much to do at once it
        leaves an `OutstandingSignIn`. A password is no fact: it proves too little of who came.
        """
        if session.assurance is not Assurance.SIGNATURE or sign_in.method is Method.PASSWORD:
            return ()
        if not self._asking:
            return ()
        mailbox = await tx.outstanding_sign_ins.mailbox_of(session.person_number)
        if mailbox is None or mailbox.sequence == 0:
            return ()
        whole = OutstandingSignIn(sign_in.id, mailbox.mailbox_id, now, 0, mailbox.sequence)
        if mailbox.has_outstanding:
            # What is open may be so only because an earlier sign-in's turn has not come, which counts first.
            await tx.outstanding_sign_ins.add(whole)
            return ()
        facts, reached = await self.record_some(tx, whole, sign_in)
        if reached < whole.up_to:
            await tx.outstanding_sign_ins.add(replace(whole, after=reached))
        return facts

    async def record_some(
        self, tx: Transaction, outstanding: OutstandingSignIn, sign_in: SignIn
    ) -> tuple[Sequence[Fact], int]:
        """Records it of the next deliveries, `MOST_AT_ONCE` at most; returns the facts, and the sequence up
        to which nothing is left. What was withdrawn or notified meanwhile is left alone.
        """
        deliveries, reached = await tx.open_deliveries.lock_consigned(
            outstanding.mailbox_id,
            self._asking,
            after=outstanding.after,
            up_to=outstanding.up_to,
            limit=MOST_AT_ONCE,
        )
        if not deliveries:
            return (), reached
        earlier = await tx.evidence.of_deliveries(deliveries)
        recorded: list[Fact] = []
        mails: list[Job] = []
        notified: dict[tuple[UUID, UUID], datetime] = {}
        for number, delivery in enumerate(deliveries, 1):
            facts = self._facts(delivery, earlier[delivery.id], outstanding, sign_in, notified)
            recorded.extend(facts)
            mails.extend(receipt_jobs(delivery, facts))
            if number % _BETWEEN_PAUSES == 0:
                # Others are served meanwhile.
                await asyncio.sleep(0)
        await tx.deliveries.set_all_notified(notified)
        await tx.evidence.record(recorded)
        await tx.jobs.defer(mails)
        return recorded, reached

    def _facts(
        self,
        delivery: Delivery,
        earlier: Sequence[Fact],
        outstanding: OutstandingSignIn,
        sign_in: SignIn,
        notified: dict[tuple[UUID, UUID], datetime],
    ) -> Sequence[Fact]:
        """Makes the facts of one delivery, and notes since when it is notified."""
        at = evidence_building.recording_time(outstanding.signed_in_at, earlier)
        consignment = evidence_building.fact_of(earlier, events.CONTENT_CONSIGNMENT)
        fact = evidence_building.holder_signed_in(
            self._stamps.at(at), delivery, consignment, sign_in.method.value, sign_in.text
        )
        effect = evidence_building.effect_after(fact, earlier)
        if effect is None:
            return (fact,)
        notified[delivery.mailbox_id, delivery.id] = effect.effective_time
        stamp = self._stamps.at(fact.recorded_at)
        return fact, evidence_building.notification_effected(stamp, delivery, effect)


class OutstandingEffects:
    """Records what sign-ins left to be recorded. Every replica does so: each step takes what no other one
    has, and is one transaction, so that whoever goes on after a kill goes on where the last one ended.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock, log: Log, effects: SignInEffects) -> None:
        self._uow = uow
        self._clock = clock
        self._log = log
        self._effects = effects

    async def work_off(self) -> None:
        """Goes on until nothing is left that others do not have in hand.

        Raises:
            ServiceUnavailable: the database does not answer; what is left stays.
            ExceptionGroup: something went wrong with some; the others were gone on with.
        """
        faults: dict[UUID, Exception] = {}
        while await self._step(faults):
            pass
        if faults:
            raise ExceptionGroup("not every sign-in was recorded wholly", list(faults.values()))

    async def _step(self, faults: dict[UUID, Exception]) -> bool:
        """Takes one step with one sign-in; returns whether there was one."""
        async with self._uow.writing() as tx:
            outstanding = await tx.outstanding_sign_ins.take(faults.keys())
            if outstanding is None:
                return False
            try:
                facts = await self._record(tx, outstanding)
                await tx.commit()
            except Refused:
                raise
            except Exception as fault:  # noqa: BLE001 - whatever it is, it must not hold up the others
                faults[outstanding.sign_in_id] = fault
                return True
        if facts:
            self._log.wake()
        return True

    async def _record(self, tx: Transaction, outstanding: OutstandingSignIn) -> Sequence[Fact]:
        sign_in = await tx.sign_ins.get(outstanding.sign_in_id)
        if sign_in is None:
            raise LookupError("a sign-in is gone that something is left to record of")
        facts, reached = await self._effects.record_some(tx, outstanding, sign_in)
        if reached < outstanding.up_to:
            await tx.outstanding_sign_ins.advance(outstanding.sign_in_id, reached, self._clock.now())
        else:
            await tx.outstanding_sign_ins.finish(outstanding.sign_in_id)
        return facts
