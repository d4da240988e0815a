"""How every administrative act is carried out: right, request id, change and evidence in one transaction."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID, uuid5

from namak.evidence.administrative_act import ActDetails, Resource
from server.domain.administration import (
    ActingAdministrator,
    Actor,
    Snapshot,
    TheServer,
    act_evidence,
    evidence_actor,
)
from server.domain.caller import Clerk, Holder
from server.domain.facts import Fact
from server.domain.ids import OPERATOR_ID
from server.domain.profile import Profile
from server.domain.refusals import RequestIdReused, ResourceNotPermitted
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork
from server.usecases.records import Claim, ListedAct
from server.usecases.stamps import Stamps

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Act:
    """An act as it is asked for.

    Attributes:
        name: the method's name, `UpdateSenderAddress`, or a command's, `operator bind`.
        by: who asks, in what capacity.
        request_id: the caller's; None for a command that changes nothing when it is repeated.
        content: what the request id stands for, besides the name: repeated with other content it is refused.
        subject_id: the identifier under which a repetition finds what came of it: the resource's, or one made
            for the claim alone.
    """

    name: str
    by: Actor
    request_id: str | None
    content: tuple[str, ...]
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class Changed(Generic[_T]):
    """What a change came to.

    Attributes:
        result: what the caller gets.
        resource: what was changed (`server.domain.administration` names it).
        organisation_id: whose it is; None for mailboxes and for what is the operator's own.
        before, after: its fields; None where there was, or is, no such thing. Where they are equal nothing
            was changed, and nothing is recorded.
        with_it: other things that the same act changed; each is recorded by itself.
        keep: stores what needs the act's own evidence; called with it, and only where something was changed.
        then: what follows from that evidence; called with it, and recorded right behind it.
        name: what this change is called where that is not the act's own name.
        shown: others than the operator get to see the act, so that it tells neither from where it was asked
            for nor under which request id, and of the post's own people not who it was.
    """

    result: _T
    resource: Resource
    organisation_id: UUID | None
    before: Snapshot | None
    after: Snapshot | None
    with_it: "tuple[Changed[None], ...]" = ()
    keep: Callable[[Transaction, Fact], Awaitable[None]] | None = None
    shown: bool = False
    then: "Callable[[Fact], Changed[None]] | None" = None
    name: str | None = None


class Administration:
    """Carries out administrative acts.

    An act is recorded as evidence in the transaction that makes the change; what is refused, repeated, or
    changes nothing leaves none. Lock order: the claim, the administrator, then what is changed.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        wake_log: Callable[[], None],
        profile: Profile,
    ) -> None:
        """`wake_log` says, without waiting, that evidence was committed (`Log.wake`)."""
        self._uow = uow
        self._clock = clock
        self._wake_log = wake_log
        self._stamps = Stamps(profile, entropy)

    async def carry_out(
        self,
        act: Act,
        change: Callable[[Transaction], Awaitable[Changed[_T]]],
        again: Callable[[Transaction, UUID], Awaitable[_T]],
    ) -> _T:
        """Makes a change once, and records it.

        `change` makes it, with what it changes locked from before it looked; it checks whose that is
        (`owns`). `again` returns what came of the request the first time, as it is by now; it gets the
        `subject_id` of then.

        Raises:
            RequestIdReused: the request id stands for something else.
            ResourceNotPermitted: the administrator is one no longer.
            Refused: as `change` and `again` do; then nothing has happened.
        """
        async with self._uow.writing() as tx:
            earlier = await _claim(tx, act)
            # Locked, so that nothing is done by somebody whose right ended before it was committed.
            await check_right(tx, act.by, locked=True)
            if earlier is not None:
                return await again(tx, earlier)
            changed = await change(tx)
            recorded = await self._record_all(tx, act, changed)
            await tx.commit()
        if recorded:
            self._wake_log()
        return changed.result

    async def repeated(self, act: Act, again: Callable[[Transaction, UUID], Awaitable[_T]]) -> _T | None:
        """Returns what came of a request that was carried out before, None for a new one; nothing is kept.

        For acts that need a proof which is judged outside the transaction: a repetition is answered also when
        the proof would not be good enough any more.

        Raises:
            RequestIdReused, ResourceNotPermitted, and what `again` raises, as `carry_out`.
        """
        if act.request_id is None:
            return None
        async with self._uow.writing() as tx:
            earlier = await _claim(tx, act)
            await check_right(tx, act.by)
            return None if earlier is None else await again(tx, earlier)

    @asynccontextmanager
    async def reading(self, by: Actor) -> AsyncIterator[Transaction]:
        """Opens a reading transaction for somebody who may look into the register.

        Raises:
            ResourceNotPermitted: the administrator is one no longer.
        """
        async with self._uow.reading() as tx:
            await check_right(tx, by)
            yield tx

    async def _record_all(self, tx: Transaction, act: Act, changed: Changed[_T]) -> bool:
        """Records what was changed; returns whether anything was."""
        recorded = changed.before != changed.after
        if recorded:
            fact = await self._record(tx, act, changed)
            if changed.then is not None:
                await self._record_all(tx, act, changed.then(fact))
        for other in changed.with_it:
            recorded = await self._record_all(tx, act, other) or recorded
        return recorded

    async def _record(self, tx: Transaction, act: Act, changed: Changed[_T]) -> Fact:
        by = TheServer() if changed.shown and not isinstance(act.by, Holder) else act.by
        actor, acted_from = evidence_actor(by)
        details = ActDetails(
            act=changed.name or act.name,
            actor=actor,
            acted_from=None if changed.shown else acted_from,
            organisation=await _code(tx, changed.organisation_id),
            resource=changed.resource,
            before=changed.before,
            after=changed.after,
            request_id=None if changed.shown else act.request_id,
        )
        fact = act_evidence(self._stamps.at(self._clock.now()), details, changed.organisation_id)
        await tx.evidence.record([fact])
        if changed.keep is not None:
            await changed.keep(tx, fact)
        await tx.administrative_acts.add(
            ListedAct(
                evidence_id=fact.id,
                organisation_id=changed.organisation_id,
                act=details.act,
                actor_kind=actor.kind,
                person_number=actor.person,
                resource_kind=changed.resource.kind,
                resource=changed.resource.identifier,
                recorded_at=fact.recorded_at,
            )
        )
        return fact


async def check_right(tx: Transaction, by: Actor, *, locked: bool = False) -> None:
    """Checks that who acts may do so now; with `locked`, whoever ends that right waits for the transaction.

    Raises:
        ResourceNotPermitted: the administrator is one no longer.
    """
    if not isinstance(by, ActingAdministrator):
        return
    found = await tx.administrators.get(by.organisation_id, by.person_number, shared=locked)
    if found is None or not found.enabled:
        raise ResourceNotPermitted("organisation")


async def _code(tx: Transaction, organisation_id: UUID | None) -> str | None:
    if organisation_id is None:
        return None
    organisation = await tx.organisations.get(organisation_id)
    if organisation is None:
        raise LookupError("the organisation whose thing was changed is not there")
    return organisation.code


async def _claim(tx: Transaction, act: Act) -> UUID | None:
    """Claims the act's request id; returns what came of it the first time, if it was claimed before."""
    if act.request_id is None:
        return None
    claim = Claim(act.request_id, _digest(act.name, *act.content), act.subject_id)
    earlier = (await tx.claims.claim(_claimant(act.by), [claim])).get(act.request_id)
    if earlier is None:
        return None
    if earlier.digest != claim.digest:
        raise RequestIdReused(act.request_id)
    return earlier.subject_id


def _claimant(by: Actor) -> UUID:
    """Returns who owns the request ids.

    Each administrator has their own, apart from the organisation's submissions (which the organisation's
    identifier owns) and from colleagues: what one person numbers never collides with what another does.
    """
    match by:
        case ActingAdministrator():
            return uuid5(by.organisation_id, f"administrator {by.person_number}")
        case Holder():
            # By the person, at whichever portal: what one numbers never collides with what another does.
            return uuid5(OPERATOR_ID, f"holder {by.person_number}")
        case Clerk():
            return uuid5(OPERATOR_ID, "clerks")
        case _:
            return OPERATOR_ID


def _digest(*fields: str) -> bytes:
    # Each field is preceded by its length: moving characters between fields makes another digest.
    digest = hashlib.sha256(b"namak-operator-request/1\x00")
    for field in fields:
        data = field.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
