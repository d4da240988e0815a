"""Delegations: holders give others rights in their mailboxes, and take them back (BOX-4)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from namak.evidence.delegation import GRANT, REVOKE, DelegationTerms, Right
from namak.evidence.times import format_time
from server.domain.administration import delegation_resource
from server.domain.caller import Holder, Operator
from server.domain.delegations import Delegation, Signatory, revoked_snapshot, term_problems
from server.domain.facts import Fact
from server.domain.paging import Page, Query
from server.domain.refusals import (
    AlreadyRegistered,
    FieldProblem,
    InvalidFields,
    MailboxUnknown,
    ResourceNotPermitted,
)
from server.usecases.administration import Act, Administration, Changed
from server.usecases.assurance import check_signed
from server.usecases.delegation_ports import DelegationFilter
from server.usecases.mailboxes import checked_page_size
from server.usecases.ports import Clock, Entropy, Transaction
from server.usecases.standing import Standing, standing_in


@dataclass(frozen=True, slots=True, repr=False)
class GrantDelegation:
    """`mailbox` is None for the caller's own; `start` is None for at once."""

    by: Holder
    request_id: str
    mailbox: str | None
    delegate: str
    right: Right
    start: datetime | None
    expire: datetime


@dataclass(frozen=True, slots=True)
class RevokeDelegation:
    by: Holder
    request_id: str
    delegation_id: UUID


@dataclass(frozen=True, slots=True)
class ListDelegations:
    """`received` asks for those given to the caller, in whichever mailbox."""

    by: Holder | Operator
    page_size: int
    page_token: str
    mailbox: str | None
    received: bool
    show_ended: bool


class DelegationDesk:
    """Grants, revokes and lists delegations. Granting and revoking are acts in the log.

    A delegate has no right to do any of it in the mailbox: they stand not as its holder.
    """

    def __init__(self, *, administration: Administration, clock: Clock, entropy: Entropy) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy

    async def grant(self, command: GrantDelegation) -> Delegation:
        """Gives a person rights.

        Raises:
            RequestIdReused, ResourceNotPermitted, SignatureRequired.
            InvalidFields: the time is too long or reversed, or the delegate is the holder.
            AlreadyRegistered: the person has rights in this mailbox already.
        """
        delegation_id = self._entropy.new_id()

        async def change(tx: Transaction) -> Changed[UUID]:
            now = self._clock.now()
            start = max(command.start or now, now)
            await check_signed(tx, command.by)
            standing = await _holding(tx, command.by, command.mailbox, now)
            _check(term_problems(start, command.expire, now))
            if command.delegate in (command.by.person_number, standing.mailbox.holder_number):
                _check([FieldProblem("delegate", "OWN_NUMBER", "must be somebody else's number")])
            # So that of two at the same moment one is granted.
            await tx.mailboxes.lock([standing.mailbox.address])
            earlier = await tx.delegations.unended(standing.mailbox.id, command.delegate, now)
            if earlier is not None:
                raise AlreadyRegistered("delegation", str(earlier.id))
            terms = DelegationTerms(
                mailbox=standing.mailbox.address,
                delegate=command.delegate,
                right=command.right,
                start=start,
                expire=command.expire,
                under=standing.digest,
            )

            async def keep(tx: Transaction, fact: Fact) -> None:
                await tx.delegations.add(
                    Delegation(
                        id=delegation_id,
                        mailbox_id=standing.mailbox.id,
                        terms=terms,
                        grantor=command.by.person_number,
                        granted_at=fact.recorded_at,
                        grant_evidence_id=fact.id,
                        grant_digest=fact.entry,
                        under_evidence_id=_entry_of(standing),
                    )
                )

            return Changed(
                result=delegation_id,
                resource=delegation_resource(delegation_id),
                organisation_id=None,
                before=None,
                after=terms.fields(),
                keep=keep,
                shown=True,
            )

        content = (
            command.mailbox or "",
            command.delegate,
            command.right.value,
            "" if command.start is None else format_time(command.start),
            format_time(command.expire),
        )
        act = Act(GRANT, command.by, command.request_id, content, delegation_id)
        return await self._get(command.by, await self._administration.carry_out(act, change, _same))

    async def revoke(self, command: RevokeDelegation) -> Delegation:
        """Takes rights back; what was revoked, or is over, stays as it is.

        Raises:
            RequestIdReused, ResourceNotPermitted, SignatureRequired.
        """

        async def change(tx: Transaction) -> Changed[UUID]:
            now = self._clock.now()
            await check_signed(tx, command.by)
            found = await tx.delegations.lock(command.delegation_id)
            if found is None:
                raise ResourceNotPermitted("delegation")
            await _check_grants(tx, command.by, found, now)
            fields = found.terms.fields()

            async def keep(tx: Transaction, fact: Fact) -> None:
                await tx.delegations.revoke(found.id, now, fact.id)

            return Changed(
                result=found.id,
                resource=delegation_resource(found.id),
                organisation_id=None,
                before=fields,
                after=fields if found.is_ended(now) else revoked_snapshot(found.terms, now),
                keep=keep,
                shown=True,
            )

        content = (str(command.delegation_id),)
        act = Act(REVOKE, command.by, command.request_id, content, command.delegation_id)
        return await self._get(command.by, await self._administration.carry_out(act, change, _same))

    async def list_delegations(self, command: ListDelegations) -> Page[Delegation]:
        """Lists delegations, the newest first.

        Raises:
            InvalidFields, InvalidPageToken, ResourceNotPermitted, SignatureRequired.
            MailboxUnknown: for the operator.
        """
        size, now = checked_page_size(command.page_size), self._clock.now()
        async with self._administration.reading(command.by) as tx:
            wanted = await self._wanted(tx, command, now)
            query = Query(
                (
                    "ListDelegations",
                    str(wanted.mailbox_id or ""),
                    wanted.delegate or "",
                    "all" if command.show_ended else "unended",
                )
            )
            before = query.identifier(command.page_token)
            found = await tx.delegations.list_newest(wanted, before=before, limit=size + 1)
        shown = found[:size]
        return Page(shown, query.token(str(shown[-1].id)) if len(found) > size else "")

    async def _wanted(self, tx: Transaction, command: ListDelegations, now: datetime) -> DelegationFilter:
        unended = None if command.show_ended else now
        if isinstance(command.by, Operator):
            mailbox = None if command.mailbox is None else await tx.mailboxes.named(command.mailbox)
            if mailbox is None:
                raise MailboxUnknown(command.mailbox or "")
            return DelegationFilter(mailbox_id=mailbox.id, unended_at=unended)
        await check_signed(tx, command.by)
        if command.received:
            return DelegationFilter(delegate=command.by.person_number, unended_at=unended)
        standing = await _holding(tx, command.by, command.mailbox, now)
        return DelegationFilter(mailbox_id=standing.mailbox.id, unended_at=unended)

    async def _get(self, by: Holder, delegation_id: UUID) -> Delegation:
        async with self._administration.reading(by) as tx:
            found = await tx.delegations.get(delegation_id)
        if found is None:
            raise LookupError("a delegation that was kept is not there")
        return found


async def _holding(tx: Transaction, by: Holder, address: str | None, at: datetime) -> Standing:
    standing = await standing_in(tx, by, address, at)
    standing.check_holds()
    return standing


async def _check_grants(tx: Transaction, by: Holder, found: Delegation, at: datetime) -> None:
    """Checks that the caller stands as the holder of the delegation's mailbox; what is foreign is as if it
    was not there.
    """
    try:
        await _holding(tx, by, found.terms.mailbox, at)
    except ResourceNotPermitted:
        raise ResourceNotPermitted("delegation") from None


def _entry_of(standing: Standing) -> UUID | None:
    return standing.by.evidence_id if isinstance(standing.by, Signatory) else None


def _check(problems: list[FieldProblem]) -> None:
    if problems:
        raise InvalidFields(problems)


async def _same(_tx: Transaction, delegation_id: UUID) -> UUID:
    return delegation_id
