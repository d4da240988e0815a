"""In what capacity a person acts in a mailbox: their own, an entity's whose registered signatory they are, or
one whose delegate they are. A call names one mailbox, and rights never add up.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from namak.evidence.events import Audience
from server.domain.caller import Holder
from server.domain.delegations import Delegation, Signatory, may_confirm
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.refusals import ResourceNotPermitted
from server.usecases.assurance import check_signed
from server.usecases.ports import Clock, Transaction, UnitOfWork


class Capacity(Enum):
    """In what capacity somebody acts."""

    HOLDER = auto()
    """It is their own mailbox."""
    SIGNATORY = auto()
    """They may sign for the entity whose mailbox it is, and stand as its holder."""
    DELEGATE = auto()
    """They were given rights in it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A mailbox, and in what capacity the caller acts in it; `by` is what gives the right to others than the
    holder.
    """

    mailbox: Mailbox
    capacity: Capacity
    by: Delegation | Signatory | None = None

    @property
    def digest(self) -> str | None:
        """The hex digest of the act that gives the right, as evidence names it; None for the holder."""
        match self.by:
            case Delegation():
                return self.by.grant_digest.hex()
            case Signatory():
                return self.by.digest.hex()
        return None

    @property
    def acts(self) -> tuple[UUID, ...]:
        """The evidence of the acts that a verifier of the right needs."""
        match self.by:
            case Delegation():
                under = self.by.under_evidence_id
                return (*(() if under is None else (under,)), self.by.grant_evidence_id)
            case Signatory():
                return (self.by.evidence_id,)
        return ()

    @property
    def audiences(self) -> frozenset[Audience]:
        """Whose facts are shown: what is the holder's alone is no delegate's."""
        if self.capacity is Capacity.DELEGATE:
            return frozenset({Audience.BOTH})
        return frozenset({Audience.HOLDER, Audience.BOTH})

    def check_confirms(self, at: datetime) -> None:
        """Checks that the right is one to confirm, and in force at the time that the evidence says.

        Raises:
            ResourceNotPermitted.
        """
        if not isinstance(self.by, Delegation):
            return
        if not may_confirm(self.by.terms.right) or not self.by.is_in_force(at):
            raise ResourceNotPermitted("right to confirm")

    def check_holds(self) -> None:
        """Checks that the caller stands as the holder: a delegate may not do what only the holder may.

        Raises:
            ResourceNotPermitted.
        """
        if self.capacity is Capacity.DELEGATE:
            raise ResourceNotPermitted("mailbox")


async def own_mailbox(tx: Transaction, holder: Holder) -> Mailbox:
    """Returns the mailbox of a person.

    Raises:
        ResourceNotPermitted: the person has none.
    """
    mailbox = await tx.mailboxes.of_person(holder.person_number)
    if mailbox is None:
        raise ResourceNotPermitted("mailbox")
    return mailbox


async def standing_in(
    tx: Transaction, holder: Holder, address: str | None, at: datetime, *, locked: bool = False
) -> Standing:
    """Returns how the caller stands in the mailbox of this address, None for their own; with `locked`,
    whoever revokes the right waits for the transaction.

    Raises:
        ResourceNotPermitted: there is no such mailbox, or the caller has no right in it now.
        SignatureRequired: it is another's, and the session began with a password. That is said whether or not
            there is such a mailbox.
    """
    if address is None:
        return Standing(await own_mailbox(tx, holder), Capacity.HOLDER)
    mailbox = await tx.mailboxes.named(address)
    is_person = mailbox is not None and mailbox.holder_kind is HolderKind.PERSON
    if mailbox is not None and is_person and mailbox.holder_number == holder.person_number:
        return Standing(mailbox, Capacity.HOLDER)
    await check_signed(tx, holder)
    if mailbox is None:
        raise ResourceNotPermitted("mailbox")
    if not is_person:
        known = await tx.signatories.known(mailbox.id, shared=locked)
        entered = None if known is None else known.of(holder.person_number)
        if entered is not None:
            return Standing(mailbox, Capacity.SIGNATORY, entered)
    found = await tx.delegations.unended(mailbox.id, holder.person_number, at, shared=locked)
    if found is None or not found.is_in_force(at):
        raise ResourceNotPermitted("mailbox")
    return Standing(mailbox, Capacity.DELEGATE, found)


class Standings:
    """Looks again whether somebody may act in a mailbox, for as long as a stream is open."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def check(self, holder: Holder, address: str | None) -> None:
        """Checks that the caller may still act in the mailbox.

        Raises:
            ResourceNotPermitted, SignatureRequired, ServiceUnavailable.
        """
        if address is None:
            return
        async with self._uow.reading() as tx:
            await standing_in(tx, holder, address, self._clock.now())
