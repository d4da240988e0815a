"""The register of mailboxes: the operator opens them (POST-1, BOX-2)."""

from dataclasses import dataclass
from uuid import UUID

from server.domain import addresses
from server.domain.administration import Actor, absent, mailbox_resource, mailbox_snapshot
from server.domain.mailboxes import Mailbox, MailboxState
from server.domain.profile import Profile
from server.domain.refusals import AlreadyRegistered
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction


@dataclass(frozen=True, slots=True)
class OpenMailbox:
    """`address` is in canonical form (`server.domain.addresses.recipient_address`)."""

    by: Actor
    request_id: str
    address: str


class MailboxRegister:
    """Opens mailboxes; every change is an administrative act."""

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


def _changed(before: Mailbox | None, after: Mailbox) -> Changed[Mailbox]:
    return Changed(
        result=after,
        resource=mailbox_resource(after.address),
        organisation_id=None,
        before=None if before is None else mailbox_snapshot(before),
        after=mailbox_snapshot(after),
    )
