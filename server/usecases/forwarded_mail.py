"""What jobs of forwarding do: send codes, spread a message over its targets, send one copy, take bounces in.

Whatever becomes of a copy is recorded as a fact of the holder's alone, and touches neither state nor effect
of the delivery (POST-7).
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from namak.evidence import events
from server.domain import evidence_building
from server.domain.deliveries import Delivery, DeliveryState, PartInfo
from server.domain.forwarding import (
    CODE_DIGITS,
    CODE_LIFE,
    CODE_TRIES,
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    Result,
    TargetKind,
    TargetResult,
    VerificationCode,
    code_digest,
)
from server.domain.jobs import SEND_COPY, Job, JobFailed, RunningJob
from server.domain.mailboxes import Mailbox
from server.domain.profile import Profile
from server.usecases.forwarding_ports import CopyRoute, Letter, NotSent
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork
from server.usecases.stamps import Stamps

_SALT_BYTES = 16

RESULT_EVENTS = {
    (ForwardedContent.WHOLE, True): events.RELAY_TO_NON_ERDS,
    (ForwardedContent.WHOLE, False): events.RELAY_TO_NON_ERDS_FAILURE,
    (ForwardedContent.NOTICE, True): events.CONSIGNMENT_NOTIFICATION,
    (ForwardedContent.NOTICE, False): events.CONSIGNMENT_NOTIFICATION_FAILURE,
}
"""A whole message is relayed; a notice tells that one was consigned."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a copy: its state from then on, what its target shows, of a failure why, and whether a
    phone's network reported it.
    """

    state: CopyState
    result: Result
    why: str = ""
    reported: bool = False


_SENT = _Outcome(CopyState.SENT, Result.SENT)
_DELIVERED = _Outcome(CopyState.DELIVERED, Result.DELIVERED, reported=True)


class ForwardingWork:
    """Does the jobs of forwarding, by whichever route leads to a target."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log | None,
        profile: Profile,
        routes: Mapping[TargetKind, CopyRoute],
    ) -> None:
        """`log` is told of new evidence; a process without one leaves that to the leader's own rounds.
        `routes` are those that this post has; nothing is sent to targets of other kinds.
        """
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._stamps = Stamps(profile, entropy)
        self._routes = routes

    async def send_code(self, job: RunningJob) -> None:
        """Makes a code, keeps its digest, and sends it. Run again it sends another, which alone counts."""
        found = await self._addressed(job)
        if found is None or found[1].verified_at is not None:
            return
        mailbox, target = found
        route = self._route_to(target)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        salt = self._entropy.random(_SALT_BYTES)
        kept = VerificationCode(salt, code_digest(salt, code), self._clock.now() + CODE_LIFE, CODE_TRIES)
        async with self._uow.writing() as tx:
            if not await tx.forwarding_targets.set_code(target.id, kept):
                return  # verified or removed meanwhile
            await tx.commit()
        try:
            await route.send_code(target, mailbox, code)
        except NotSent as failure:
            if not failure.for_good and not job.is_last:
                raise JobFailed(failure.reason) from None
            async with self._uow.writing() as tx:
                last = TargetResult(Result.FAILED, self._clock.now(), failure.reason)
                await tx.forwarding_targets.set_last(target.id, last)
                await tx.commit()

    async def spread(self, job: RunningJob) -> None:
        """Has a copy sent to each verified target. Run again it adds nothing."""
        mailbox_id, delivery_id = _id(job, "mailbox"), _id(job, "delivery")
        async with self._uow.writing() as tx:
            targets = await tx.forwarding_targets.of_mailbox(mailbox_id)
            wanted = [
                ForwardedCopy(mailbox_id, delivery_id, target.id, self._entropy.new_id())
                for target in targets
                if target.verified_at is not None and target.kind in self._routes
            ]
            added = await tx.forwarded_copies.add(wanted)
            await tx.jobs.defer(
                [
                    Job(SEND_COPY, {"mailbox": mailbox_id, "delivery": delivery_id, "target": copy.target_id})
                    for copy in added
                ]
            )
            await tx.commit()

    async def send_copy(self, job: RunningJob) -> None:
        """Sends one copy, and records what became of it.

        Run again after it was recorded it does nothing. Where a worker is killed between the other server's
        answer and the record, it is sent twice, with one Message-ID.
        """
        found = await self._addressed(job)
        async with self._uow.writing() as tx:  # to look at it under its lock; nothing is written
            copy = await tx.forwarded_copies.get(_id(job, "delivery"), _id(job, "target"))
            delivery = await tx.deliveries.lock(_id(job, "mailbox"), _id(job, "delivery"))
        if copy is None or copy.state is not CopyState.WAITING:
            return
        if found is None or delivery is None or delivery.state is DeliveryState.WITHDRAWN:
            await self._skip(copy)
            return
        _, target = found
        route = self._route_to(target)
        letter = await self._letter(route, target, delivery)
        failure: NotSent | None = None
        try:
            await route.send_copy(target, copy, letter)
        except NotSent as refused:
            if not refused.for_good and not job.is_last:
                raise JobFailed(refused.reason) from None
            failure = refused
        outcome = _SENT if failure is None else _Outcome(CopyState.FAILED, Result.FAILED, failure.reason)
        await self._record(copy, target, letter.content, route.channel, outcome)

    async def bounced(self, token: UUID, reason: str, *, channel: str = "EMAIL") -> bool:
        """Records that a copy came back after its target's server had taken it; False for one that is not
        known, or came back before (a bounce is repeated, or forged: its token is a secret of ours).
        """
        async with self._uow.reading() as tx:
            copy = await tx.forwarded_copies.by_token(token)
            target = (
                None if copy is None else await tx.forwarding_targets.get(copy.mailbox_id, copy.target_id)
            )
        if copy is None or copy.state is not CopyState.SENT:
            return False
        # That it carried more than a notice is not said where nobody kept that it did.
        content = copy.content or ForwardedContent.NOTICE
        outcome = _Outcome(CopyState.BOUNCED, Result.BOUNCED, reason)
        return await self._record(copy, target, content, channel, outcome)

    async def reported(self, token: UUID, failure: str) -> bool:
        """Records what a phone's network reported of a copy: why the phone did not get it, or, where that is
        empty, that it has it. The first report counts. False while the copy is not recorded as sent.
        """
        async with self._uow.reading() as tx:
            copy = await tx.forwarded_copies.by_token(token)
            target = (
                None if copy is None else await tx.forwarding_targets.get(copy.mailbox_id, copy.target_id)
            )
        if copy is None or copy.state is not CopyState.SENT:
            return copy is None or copy.state is not CopyState.WAITING
        outcome = _DELIVERED
        if failure:
            outcome = _Outcome(CopyState.BOUNCED, Result.BOUNCED, failure, reported=True)
        await self._record(copy, target, ForwardedContent.NOTICE, "SMS", outcome)
        return True

    def _route_to(self, target: ForwardingTarget) -> CopyRoute:
        route = self._routes.get(target.kind)
        if route is None:
            # The operator has taken the gateway away since, or gave it to other workers only.
            raise JobFailed("NO_GATEWAY")
        return route

    async def _letter(self, route: CopyRoute, target: ForwardingTarget, delivery: Delivery) -> Letter:
        limit = route.parts_limit
        if target.content is ForwardedContent.NOTICE or limit is None:
            return Letter(delivery)
        if sum(part.size for part in delivery.parts) > limit:
            return Letter(delivery, too_large=True)
        return Letter(delivery, await self._parts(delivery))

    async def _parts(self, delivery: Delivery) -> Sequence[tuple[PartInfo, bytes]]:
        parts = []
        for number in range(1, len(delivery.parts) + 1):
            async with self._uow.reading() as tx:
                part = await tx.deliveries.read_part(delivery.mailbox_id, delivery.id, number)
            if part is None:
                raise LookupError("a part of a delivery is not there")
            parts.append(part)
        return parts

    async def _record(
        self,
        copy: ForwardedCopy,
        target: ForwardingTarget | None,
        content: ForwardedContent,
        channel: str,
        outcome: _Outcome,
    ) -> bool:
        """Records what became of a copy, and what it carried; False where that was recorded before."""
        async with self._uow.writing() as tx:
            # Whoever records a fact about a delivery locks it first.
            delivery = await tx.deliveries.lock(copy.mailbox_id, copy.delivery_id)
            if delivery is None:
                raise LookupError("a delivery is not in its mailbox")
            if not await tx.forwarded_copies.move(copy, outcome.state, content):
                return False
            now = self._clock.now()
            facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
            consignment = evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT)
            stamp = self._stamps.at(evidence_building.recording_time(now, facts))
            fact = evidence_building.forwarded(
                stamp,
                RESULT_EVENTS[content, not outcome.why],
                delivery,
                consignment,
                channel,
                outcome.why,
                reported_time=stamp.recorded_at if outcome.reported else None,
            )
            await tx.evidence.record([fact])
            if target is not None:
                last = TargetResult(outcome.result, now, outcome.why)
                await tx.forwarding_targets.set_last(target.id, last)
            await tx.commit()
        if self._log is not None:
            self._log.wake()
        return True

    async def _skip(self, copy: ForwardedCopy) -> None:
        async with self._uow.writing() as tx:
            await tx.forwarded_copies.move(copy, CopyState.SKIPPED)
            await tx.commit()

    async def _addressed(self, job: RunningJob) -> tuple[Mailbox, ForwardingTarget] | None:
        async with self._uow.reading() as tx:
            mailbox = await tx.mailboxes.get(_id(job, "mailbox"))
            target = await tx.forwarding_targets.get(_id(job, "mailbox"), _id(job, "target"))
        return None if mailbox is None or target is None else (mailbox, target)


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
