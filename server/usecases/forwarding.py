"""The holder's forwarding targets: added, verified by a code, changed, removed, listed (POST-6)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from uuid import UUID

from server.domain.administration import forwarding_target_resource
from server.domain.caller import Holder
from server.domain.forwarding import (
    CODE_PERIOD,
    CODES_A_DAY,
    PHONE_GETS_NOTICES,
    ForwardedContent,
    ForwardingTarget,
    TargetKind,
    fits,
    masked_target,
)
from server.domain.jobs import SEND_CODE, Job
from server.domain.mailboxes import Mailbox
from server.domain.profile import Profile
from server.domain.refusals import (
    AlreadyRegistered,
    FieldProblem,
    ForwardingCodeEnded,
    ForwardingCodeWrong,
    ForwardingNotOffered,
    InvalidFields,
    ResourceNotPermitted,
    TooManyForwardingCodes,
    TooManyForwardingTargets,
)
from server.usecases.administration import Act, Administration, Changed
from server.usecases.assurance import check_signed
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork
from server.usecases.standing import standing_in

_ADD = "AddForwardingTarget"
_CHANGE = "ChangeForwardingTarget"
_REMOVE = "RemoveForwardingTarget"


@dataclass(frozen=True, slots=True)
class AddTarget:
    """`mailbox` is None for the caller's own. The address is in canonical form."""

    by: Holder
    request_id: str
    mailbox: str | None
    kind: TargetKind
    address: str = field(repr=False)
    content: ForwardedContent
    language: str


@dataclass(frozen=True, slots=True)
class OfTarget:
    """A target of a mailbox; `request_id` only where it is removed."""

    by: Holder
    mailbox: str | None
    target_id: UUID
    request_id: str = ""
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ChangeTarget:
    """What is None stays as it is; one of both is not."""

    by: Holder
    request_id: str
    mailbox: str | None
    target_id: UUID
    content: ForwardedContent | None
    language: str | None


class ForwardingDesk:
    """Keeps targets. Adding, changing and removing are acts in the log, and no delegate may do any of it."""

    def __init__(
        self,
        *,
        administration: Administration,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        profile: Profile,
        sends: frozenset[TargetKind],
    ) -> None:
        """`sends` is what this post has a gateway for."""
        self._administration = administration
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._most = profile.forwarding.targets
        self._sends = sends

    async def add_target(self, command: AddTarget) -> ForwardingTarget:
        """Adds a target, and has a code sent to it.

        Raises:
            RequestIdReused, ResourceNotPermitted, SignatureRequired.
            ForwardingNotOffered: there is nothing to send by.
            TooManyForwardingTargets: there are as many as there may be.
            TooManyForwardingCodes: as many codes were sent as a day permits.
            AlreadyRegistered: the mailbox has this target.
        """
        target_id = self._entropy.new_id()

        async def change(tx: Transaction) -> Changed[UUID]:
            now = self._clock.now()
            mailbox = await _held(tx, command.by, command.mailbox, now)
            await tx.mailboxes.lock([mailbox.address])
            await self._check_room(tx, mailbox, command)
            target = ForwardingTarget(
                id=target_id,
                mailbox_id=mailbox.id,
                kind=command.kind,
                address=command.address,
                language=command.language,
                content=command.content,
                added_at=now,
            )
            await tx.forwarding_targets.add(target)
            await self._have_code_sent(tx, target, now)
            return Changed(
                result=target_id,
                resource=forwarding_target_resource(target_id),
                organisation_id=None,
                before=None,
                after=_snapshot(mailbox, target),
            )

        content = (
            command.mailbox or "",
            command.kind.value,
            command.address,
            command.content.value,
            command.language,
        )
        act = Act(_ADD, command.by, command.request_id, content, target_id)
        found_id = await self._administration.carry_out(act, change, _same)
        return await self._get(OfTarget(command.by, command.mailbox, found_id))

    async def send_code(self, command: OfTarget) -> None:
        """Has another code sent.

        Raises:
            ResourceNotPermitted, SignatureRequired.
            TooManyForwardingCodes: as many codes were sent as a day permits.
            AlreadyRegistered: the target is verified.
        """
        async with self._uow.writing() as tx:
            now = self._clock.now()
            _, target = await self._locked(tx, command, now)
            if target.verified_at is not None:
                raise AlreadyRegistered("forwarding target", str(target.id))
            await self._have_code_sent(tx, target, now)
            await tx.commit()

    async def verify_target(self, command: OfTarget) -> ForwardingTarget:
        """Verifies a target by the code that was sent to it.

        A wrong code is counted, in a transaction that is committed, before anybody is told.

        Raises:
            ResourceNotPermitted, SignatureRequired.
            ForwardingCodeWrong, ForwardingCodeEnded.
        """
        async with self._uow.writing() as tx:
            now = self._clock.now()
            mailbox, target = await self._locked(tx, command, now)
            if target.verified_at is not None:
                return target
            code, left = target.code, 0
            if code is not None and code.counts(now):
                if code.is_met_by(command.code):
                    await tx.forwarding_targets.verify(mailbox.id, target.id, now)
                    await tx.commit()
                    return await self._get(command)
                if await tx.forwarding_targets.count_wrong_try(target.id, code):
                    left = code.tries_left - 1
                await tx.commit()
        if left:
            raise ForwardingCodeWrong(left)
        raise ForwardingCodeEnded

    async def change_target(self, command: ChangeTarget) -> ForwardingTarget:
        """Changes what is forwarded to a target, or the language around it.

        Raises:
            RequestIdReused, ResourceNotPermitted, SignatureRequired.
            InvalidFields: a phone gets notices only.
        """
        named = OfTarget(command.by, command.mailbox, command.target_id)

        async def change(tx: Transaction) -> Changed[UUID]:
            mailbox, before = await self._locked(tx, named, self._clock.now())
            after = replace(
                before,
                content=command.content or before.content,
                language=command.language or before.language,
            )
            if not fits(after.kind, after.content):
                raise InvalidFields([FieldProblem("content", "NOT_PERMITTED", PHONE_GETS_NOTICES)])
            await tx.forwarding_targets.change(after)
            return Changed(
                result=after.id,
                resource=forwarding_target_resource(after.id),
                organisation_id=None,
                before=_snapshot(mailbox, before),
                after=_snapshot(mailbox, after),
            )

        content = (
            command.mailbox or "",
            str(command.target_id),
            "" if command.content is None else command.content.value,
            command.language or "",
        )
        act = Act(_CHANGE, command.by, command.request_id, content, command.target_id)
        await self._administration.carry_out(act, change, _same)
        return await self._get(named)

    async def remove_target(self, command: OfTarget) -> None:
        """Removes a target.

        Raises:
            RequestIdReused, ResourceNotPermitted, SignatureRequired.
        """

        async def change(tx: Transaction) -> Changed[None]:
            mailbox, target = await self._locked(tx, command, self._clock.now())
            await tx.forwarding_targets.remove(mailbox.id, target.id)
            await tx.forwarding_targets.refresh_mark(mailbox.id)
            return Changed(
                result=None,
                resource=forwarding_target_resource(target.id),
                organisation_id=None,
                before=_snapshot(mailbox, target),
                after=None,
            )

        content = (command.mailbox or "", str(command.target_id))
        act = Act(_REMOVE, command.by, command.request_id, content, command.target_id)
        await self._administration.carry_out(act, change, _gone)

    async def list_targets(self, by: Holder, mailbox: str | None) -> list[ForwardingTarget]:
        """Returns the targets of a mailbox. Raises ResourceNotPermitted, SignatureRequired."""
        async with self._uow.reading() as tx:
            held = await _held(tx, by, mailbox, self._clock.now())
            return list(await tx.forwarding_targets.of_mailbox(held.id))

    async def _check_room(self, tx: Transaction, mailbox: Mailbox, command: AddTarget) -> None:
        if command.kind not in self._sends:
            raise ForwardingNotOffered("mail" if command.kind is TargetKind.EMAIL else "SMS")
        targets = await tx.forwarding_targets.of_mailbox(mailbox.id)
        same = [each for each in targets if each.address == command.address]
        if same:
            raise AlreadyRegistered("forwarding target", str(same[0].id))
        if len(targets) >= self._most:
            raise TooManyForwardingTargets(self._most)

    async def _have_code_sent(self, tx: Transaction, target: ForwardingTarget, now: datetime) -> None:
        in_the_way = await tx.forwarding_targets.code_in_the_way(
            target.mailbox_id, target.address, since=now - CODE_PERIOD, most=CODES_A_DAY
        )
        if in_the_way is not None:
            left = in_the_way + CODE_PERIOD - now
            raise TooManyForwardingCodes(CODES_A_DAY, ceil(left.total_seconds()))
        await tx.forwarding_targets.count_code(target.mailbox_id, target.address, now)
        await tx.jobs.defer([Job(SEND_CODE, {"mailbox": target.mailbox_id, "target": target.id})])

    async def _locked(
        self, tx: Transaction, command: OfTarget, now: datetime
    ) -> tuple[Mailbox, ForwardingTarget]:
        mailbox = await _held(tx, command.by, command.mailbox, now)
        await tx.mailboxes.lock([mailbox.address])
        target = await tx.forwarding_targets.get(mailbox.id, command.target_id)
        if target is None:
            raise ResourceNotPermitted("forwarding target")
        return mailbox, target

    async def _get(self, command: OfTarget) -> ForwardingTarget:
        async with self._uow.reading() as tx:
            mailbox = await _held(tx, command.by, command.mailbox, self._clock.now())
            target = await tx.forwarding_targets.get(mailbox.id, command.target_id)
        if target is None:
            # Added under this request id before, and removed since.
            raise ResourceNotPermitted("forwarding target")
        return target


async def _same(_tx: Transaction, target_id: UUID) -> UUID:
    return target_id


async def _gone(_tx: Transaction, _target_id: UUID) -> None:
    """There is nothing to tell of a target that was removed."""


async def _held(tx: Transaction, by: Holder, address: str | None, at: datetime) -> Mailbox:
    await check_signed(tx, by)
    standing = await standing_in(tx, by, address, at)
    standing.check_holds()
    return standing.mailbox


def _snapshot(mailbox: Mailbox, target: ForwardingTarget) -> dict[str, str]:
    # The operator sees acts; the address itself concerns nobody but the holder.
    return {
        "mailbox": mailbox.address,
        "kind": target.kind.value,
        "address": masked_target(target.kind, target.address),
        "content": target.content.value,
        "language": target.language,
    }
