"""What use cases ask of delegations and signatories. `server.usecases.ports` says what holds of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.delegations import Delegation, KnownSignatories, Signatory
from server.domain.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class DelegationFilter:
    """Which delegations to list: those of a mailbox, or those given to a person. `unended_at` admits those
    that are neither revoked nor over then; None admits all.
    """

    mailbox_id: UUID | None = None
    delegate: str | None = None
    unended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RightAct:
    """Whom an act on rights concerns: the mailbox, and the person who got the right."""

    mailbox_id: UUID
    person_number: str


class Delegations(Protocol):
    """Delegations, and which confirmations rest on them and on signatories' entries."""

    async def add(self, delegation: Delegation) -> None: ...

    async def get(self, delegation_id: UUID) -> Delegation | None: ...

    async def lock(self, delegation_id: UUID) -> Delegation | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def revoke(self, delegation_id: UUID, at: datetime, evidence_id: UUID) -> None:
        """Marks a locked one revoked."""
        ...

    async def unended(
        self, mailbox_id: UUID, delegate: str, at: datetime, *, shared: bool = False
    ) -> Delegation | None:
        """Returns the person's delegation in a mailbox that is neither revoked nor over; there is one at
        most, for they are added under the mailbox's lock. With `shared`, whoever revokes it waits for this
        transaction.
        """
        ...

    async def list_newest(
        self, wanted: DelegationFilter, *, before: UUID | None, limit: int
    ) -> Sequence[Delegation]:
        """Lists by descending identifier, from before the given one."""
        ...

    async def rest_on(self, delivery: Delivery, evidence_ids: Sequence[UUID]) -> None:
        """Keeps by which acts, in their order, who confirmed a delivery's reading was entitled."""
        ...

    async def acts_behind(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[UUID]:
        """Returns the evidence of those acts, in order."""
        ...

    async def is_shown(
        self, evidence_id: UUID, organisation_id: UUID, sender_address_id: UUID | None
    ) -> bool:
        """Tells whether a confirmation of this organisation's deliveries (of one address, if one is given)
        rests on the act.
        """
        ...

    async def act(self, evidence_id: UUID) -> RightAct | None:
        """Returns whom the act concerns, if it is one that gave or took a right."""
        ...


class Signatories(Protocol):
    """Who may sign for entities, by mailbox. Entries and their ends are never changed: what was signed under
    an entry is judged by it for ever.
    """

    async def enter(self, signatory: Signatory) -> None:
        """Adds an entry; of one person a second one needs the end of the first."""
        ...

    async def end(self, signatory: Signatory, at: datetime, evidence_id: UUID) -> None:
        """Ends an entry by the act with this evidence; ending it twice is an error."""
        ...

    async def said(self, mailbox_id: UUID, register_time: datetime) -> None:
        """Keeps when the register last said who they are. Before anything is entered or ended: whoever acts
        by a right that is `known` with `shared` is waited for.
        """
        ...

    async def known(self, mailbox_id: UUID, *, shared: bool = False) -> KnownSignatories | None:
        """Returns who they are; None while no register was asked. With `shared`, what is said anew waits for
        this transaction.
        """
        ...

    async def said_before(self, time: datetime, *, limit: int) -> Sequence[tuple[str, datetime]]:
        """Returns the addresses of entities of which the register last said before a time who they are, with
        when it did; those first of which it is longest ago, and none whose mailbox is closed.
        """
        ...

    async def act(self, evidence_id: UUID) -> RightAct | None:
        """Returns whom the act concerns, if it is one that entered a signatory or ended an entry."""
        ...


class DelegationTransaction(Protocol):
    """What a transaction has for delegations."""

    @property
    def delegations(self) -> Delegations: ...
    @property
    def signatories(self) -> Signatories: ...
