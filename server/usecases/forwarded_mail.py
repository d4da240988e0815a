"""What jobs of forwarding do: send codes, spread a message over its targets, send one copy.

Whatever becomes of a copy is recorded as a fact of the holder's alone, and touches neither state nor effect
of the delivery (POST-7).
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

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
from server.usecases.copy_records import CopyRecords, DueCopy, Outcome
from server.usecases.forwarding_ports import CopyRoute, Letter, NotSent
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork

_SALT_BYTES = 16
_AT_ONCE = frozenset({TargetKind.EMAIL})
"""Targets whose copies are sent with the job that a message causes: one of its own would cost as much again.
"""


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
        self._routes = routes
        self._records = CopyRecords(
            uow=uow, clock=clock, entropy=entropy, log=log, profile=profile, kinds=routes
        )

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
        """Sends a copy to each verified target at once where that is quick, and has what fails for now, and
        all others, sent by jobs of their own.

        Run again it sends what was not recorded as sent, with the same Message-ID.
        """
        due = await self._records.open(_id(job, "mailbox"), _id(job, "delivery"))
        at_once = [each for each in due if each.target.kind in _AT_ONCE]
        results = await asyncio.gather(*(self._send(each) for each in at_once), return_exceptions=True)
        later = [each for each in due if each not in at_once]
        for each, failure in zip(at_once, results, strict=True):
            if isinstance(failure, NotSent):
                later.append(each)
            elif isinstance(failure, BaseException):
                raise failure
        if not later:
            return
        wait = SEND_COPY.retries.wait(1, 0.5)
        assert wait is not None
        again = self._clock.now() + wait
        async with self._uow.writing() as tx:
            await tx.jobs.defer([_send_copy(each, again if each in at_once else None) for each in later])
            await tx.commit()

    async def send_copy(self, job: RunningJob) -> None:
        """Sends one copy, and records what became of it.

        Run again after it was recorded it does nothing. Where a worker is killed between the other server's
        answer and the record, it is sent twice, with one Message-ID.
        """
        mailbox_id, delivery_id, target_id = _id(job, "mailbox"), _id(job, "delivery"), _id(job, "target")
        async with self._uow.reading() as tx:
            copy = await tx.forwarded_copies.get(delivery_id, target_id)
            target = await tx.forwarding_targets.get(mailbox_id, target_id)
            delivery = (await tx.deliveries.found({(mailbox_id, delivery_id)})).get(delivery_id)
        if copy is None or copy.state is not CopyState.WAITING:
            return
        if target is None or delivery is None:
            await self._skip(copy)
            return
        due = DueCopy(copy, target, delivery)
        try:
            await self._send(due, is_last=job.is_last)
        except NotSent as failure:
            raise JobFailed(failure.reason) from None

    async def _send(self, due: DueCopy, *, is_last: bool = False) -> None:
        """Sends a copy and records what became of it. Raises NotSent where another try may help."""
        copy, target, delivery = due.copy, due.target, due.delivery
        if delivery.state is DeliveryState.WITHDRAWN:
            await self._skip(copy)
            return
        route = self._route_to(target)
        letter = await self._letter(route, target, delivery)
        state, result, why = CopyState.SENT, Result.SENT, ""
        try:
            await route.send_copy(target, copy, letter)
        except NotSent as refused:
            if not refused.for_good and not is_last:
                raise
            state, result, why = CopyState.FAILED, Result.FAILED, refused.reason
        await self._records.record(
            Outcome(copy, delivery, target.id, letter.content, route.channel, state, result, why)
        )

    async def reported(self, token: UUID, failure: str) -> bool:
        """Records what a phone's network reported of a copy: why the phone did not get it, or, where that is
        empty, that it has it. The first report counts. False while the copy is not recorded as sent.
        """
        copy = await self._of_token(token)
        if copy is None or copy.state is not CopyState.SENT:
            return copy is None or copy.state is not CopyState.WAITING
        state, result = CopyState.DELIVERED, Result.DELIVERED
        if failure:
            state, result = CopyState.BOUNCED, Result.BOUNCED
        await self._records.record_later(
            copy, ForwardedContent.NOTICE, "SMS", state, result, failure, reported=True
        )
        return True

    async def _of_token(self, token: UUID) -> ForwardedCopy | None:
        async with self._uow.reading() as tx:
            return await tx.forwarded_copies.by_token(token)

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
        async with self._uow.reading() as tx:
            parts = await tx.deliveries.read_parts(delivery.mailbox_id, delivery.id)
        if len(parts) != len(delivery.parts):
            raise LookupError("a part of a delivery is not there")
        return parts

    async def _skip(self, copy: ForwardedCopy) -> None:
        async with self._uow.writing() as tx:
            await tx.forwarded_copies.move(copy, CopyState.SKIPPED)
            await tx.commit()

    async def _addressed(self, job: RunningJob) -> tuple[Mailbox, ForwardingTarget] | None:
        async with self._uow.reading() as tx:
            mailbox = await tx.mailboxes.get(_id(job, "mailbox"))
            target = await tx.forwarding_targets.get(_id(job, "mailbox"), _id(job, "target"))
        return None if mailbox is None or target is None else (mailbox, target)


def _send_copy(due: DueCopy, not_before: datetime | None) -> Job:
    copy = due.copy
    arguments = {"mailbox": copy.mailbox_id, "delivery": copy.delivery_id, "target": copy.target_id}
    return Job(SEND_COPY, arguments, not_before)


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
