"""The register of mailboxes: the operator opens, suspends, resumes and closes them (POST-1, BOX-2, BOX-6)."""

from dataclasses import dataclass, replace
from uuid import UUID

from server.domain import addresses
from server.domain.administration import Actor, absent, mailbox_resource, mailbox_snapshot
from server.domain.mailboxes import Mailbox, MailboxState
from server.domain.profile import Profile
from server.domain.refusals import AlreadyRegistered, MailboxClosed, MailboxSuspended, MailboxUnknown
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction


@dataclass(frozen=True, slots=True)
class OpenMailbox:
    """`address` is in canonical form (`server.domain.addresses.recipient_address`)."""

    by: Actor
    request_id: str
    address: str


@dataclass(frozen=True, slots=True)
class SetMailboxState:
    """`address` is in canonical form, `state` what the mailbox shall be."""

    by: Actor
    request_id: str
    address: str
    state: MailboxState


@dataclass(frozen=True, slots=True)
class ReopenMailbox:
    """`address` is in canonical form."""

    by: Actor
    request_id: str
    address: str


_ACTS = {
    MailboxState.OPEN: "ResumeMailbox",
    MailboxState.SUSPENDED: "SuspendMailbox",
    MailboxState.CLOSED: "CloseMailbox",
}


class MailboxRegister:
    """Opens, suspends, resumes, closes and re-opens mailboxes; every change is an administrative act."""

    def __init__(
        self, *, administration: Administration, clock: Clock, entropy: Entropy, profile: Profile
    ) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._profile = profile

    async def open_mailbox(self, command: OpenMailbox) -> Mailbox:
        """Opens a mailbox for a person or an entity; its address is never given again (BOX-2).

        Raises:
            RequestIdReused, AlreadyRegistered.
        """
        kind, number = addresses.holder_of(command.address, self._profile)
        mailbox = Mailbox(
            self._entropy.new_id(), command.address, kind, number, MailboxState.OPEN, self._clock.now()
        )

        async def change(tx: Transaction) -> Changed[Mailbox]:
            if not await tx.mailboxes.add(mailbox):
                raise AlreadyRegistered("mailbox", command.address)
            return _changed(None, mailbox)

        async def again(tx: Transaction, mailbox_id: UUID) -> Mailbox:
            existing = await tx.mailboxes.get(mailbox_id)
            if existing is None:
                raise absent(command.by, "mailbox", command.address)
            return existing

        act = Act("OpenMailbox", command.by, command.request_id, (command.address,), mailbox.id)
        return await self._administration.carry_out(act, change, again)

    async def set_state(self, command: SetMailboxState) -> Mailbox:
        """Suspends, resumes or closes a mailbox; only `reopen` opens a closed one.

        It waits for what is being laid into the mailbox, and holds up what comes after: when this returns,
        nothing slips in any more that the new state refuses.

        Raises:
            RequestIdReused, MailboxUnknown.
            MailboxClosed: it was closed before, and shall be something else.
        """

        async def change(tx: Transaction) -> Changed[Mailbox]:
            locked = (await tx.mailboxes.lock([command.address])).get(command.address)
            if locked is None:
                raise MailboxUnknown(command.address)
            mailbox = locked[0]
            if mailbox.state is command.state:
                return _changed(mailbox, mailbox)
            if mailbox.state is MailboxState.CLOSED:
                raise MailboxClosed(command.address)
            await tx.mailboxes.set_state(mailbox.id, command.state)
            return _changed(mailbox, replace(mailbox, state=command.state))

        async def again(tx: Transaction, _: UUID) -> Mailbox:
            existing = await tx.mailboxes.named(command.address)
            if existing is None:
                raise LookupError("a mailbox that was changed is not there")
            return existing

        name = _ACTS[command.state]
        act = Act(name, command.by, command.request_id, (command.address,), self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def reopen(self, command: ReopenMailbox) -> Mailbox:
        """Opens a closed mailbox again, for the holder that it always had (BOX-2).

        Raises:
            RequestIdReused, MailboxUnknown.
            MailboxSuspended: it is suspended, and is to be resumed instead.
        """

        async def change(tx: Transaction) -> Changed[Mailbox]:
            locked = (await tx.mailboxes.lock([command.address])).get(command.address)
            if locked is None:
                raise MailboxUnknown(command.address)
            mailbox = locked[0]
            if mailbox.state is MailboxState.SUSPENDED:
                raise MailboxSuspended(command.address)
            if mailbox.state is MailboxState.OPEN:
                return _changed(mailbox, mailbox)
            await tx.mailboxes.set_state(mailbox.id, MailboxState.OPEN)
            return _changed(mailbox, replace(mailbox, state=MailboxState.OPEN))

        async def again(tx: Transaction, _: UUID) -> Mailbox:
            existing = await tx.mailboxes.named(command.address)
            if existing is None:
                raise LookupError("a mailbox that was changed is not there")
            return existing

        act = Act("ReopenMailbox", command.by, command.request_id, (command.address,), self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)


def _changed(before: Mailbox | None, after: Mailbox) -> Changed[Mailbox]:
    return Changed(
        result=after,
        resource=mailbox_resource(after.address),
        organisation_id=None,
        before=None if before is None else mailbox_snapshot(before),
        after=mailbox_snapshot(after),
    )
