"""What use cases ask of deliveries, of the mailboxes that they lie in, and of their evidence.

`server.usecases.ports` says what holds of all.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.deliveries import Delivery, DeliveryFilter, MessageFilter, MessageView, Part, PartInfo
from server.domain.facts import Fact
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxLink, MailboxState
from server.usecases.records import (
    Confirmation,
    IssuedStatement,
    Opening,
)


class Mailboxes(Protocol):
    async def add(self, mailbox: Mailbox) -> bool:
        """Adds it with an empty chain; returns False, changing nothing, when the address was ever given."""
        ...

    async def add_all(self, mailboxes: Sequence[Mailbox]) -> frozenset[UUID]:
        """Adds many at once, as `add` does, each address once; returns the identifiers of those that were
        added.
        """
        ...

    async def get(self, mailbox_id: UUID) -> Mailbox | None: ...

    async def of_person(self, person_number: str) -> Mailbox | None: ...

    async def lock(self, addresses: Collection[str]) -> Mapping[str, tuple[Mailbox, MailboxHead]]:
        """Locks these mailboxes in sorted order, with their heads, so that neither state nor head changes
        meanwhile; returns those that exist, as they are once locked, by address.
        """
        ...

    async def named(self, address: str) -> Mailbox | None:
        """Returns the mailbox of this address, without a lock."""
        ...

    async def all_named(self, addresses: Collection[str]) -> Mapping[str, Mailbox]:
        """Returns those mailboxes that exist, by address, without locks."""
        ...

    async def set_state(self, mailbox_id: UUID, state: MailboxState) -> None:
        """Changes the state of a locked mailbox."""
        ...

    async def confirm(self, mailbox_id: UUID, at: datetime) -> None:
        """Marks a mailbox as one whose holder has confirmed their profile; the first time stays."""
        ...

    async def links(self, mailbox_id: UUID, *, after: int, limit: int) -> Sequence[MailboxLink]:
        """Returns the openings of a mailbox's links after a sequence, in order."""
        ...

    async def head(self, mailbox_id: UUID) -> MailboxHead:
        """Returns the end of a mailbox's chain, without a lock."""
        ...

    async def advance(self, heads: Mapping[UUID, MailboxHead], links: Sequence[MailboxLink]) -> None:
        """Stores the new heads of locked mailboxes and the openings of their new links."""
        ...


class Deliveries(Protocol):
    async def add(self, deliveries: Sequence[tuple[Delivery, Sequence[Part]]]) -> None: ...

    async def sent(self, organisation_id: UUID, delivery_ids: Collection[UUID]) -> Mapping[UUID, Delivery]:
        """Returns those of the organisation's deliveries."""
        ...

    async def list_sent(
        self,
        organisation_id: UUID,
        sender_address_id: UUID | None,
        wanted: DeliveryFilter,
        *,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Delivery]:
        """Lists those of an organisation's (or one address's) deliveries that are wanted, by descending
        identifier, from before the given one.
        """
        ...

    async def count_sent_since(self, party_id: UUID, since: datetime) -> int:
        """Counts what an organisation, or a holder who writes letters, submitted at this time or later."""
        ...

    async def lock(self, mailbox_id: UUID, delivery_id: UUID) -> Delivery | None:
        """Locks a delivery's row for the transaction; every transaction that records a fact about it does
        this first.
        """
        ...

    async def lock_all(self, keys: Collection[tuple[UUID, UUID]]) -> None:
        """Locks the rows of these deliveries, each a mailbox and a delivery in it, in sorted order."""
        ...

    async def found(self, keys: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, Delivery]:
        """Returns those of these deliveries that there are, without a lock."""
        ...

    async def in_mailbox(
        self, mailbox_id: UUID, delivery_id: UUID, person_number: str
    ) -> MessageView | None: ...

    async def list_in_mailbox(
        self,
        mailbox_id: UUID,
        person_number: str,
        wanted: MessageFilter,
        *,
        before: int | None,
        limit: int,
    ) -> Sequence[MessageView]:
        """Lists those of a mailbox's messages that are wanted, by descending sequence, from before the given
        one.
        """
        ...

    async def read_part(
        self, mailbox_id: UUID, delivery_id: UUID, number: int
    ) -> tuple[PartInfo, bytes] | None:
        """Returns a part, numbered from 1, with its content."""
        ...

    async def read_parts(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[tuple[PartInfo, bytes]]:
        """Returns all parts in their order, with their content: for deliveries that are not large."""
        ...

    async def set_notified(self, mailbox_id: UUID, delivery_id: UUID, at: datetime) -> bool:
        """Moves CONSIGNED to NOTIFIED; returns False when the delivery was in another state (compare-and-
        set).
        """
        ...

    async def set_all_notified(self, times: Mapping[tuple[UUID, UUID], datetime]) -> None:
        """Moves all these locked deliveries, by mailbox and identifier, from CONSIGNED to NOTIFIED, each at
        its time. `LookupError` when one was in another state, which is a defect.
        """
        ...

    async def set_withdrawn(self, mailbox_id: UUID, delivery_id: UUID, at: datetime) -> bool:
        """Moves CONSIGNED to WITHDRAWN; returns False when it was in another state (compare-and-set)."""
        ...

    async def is_opened(self, mailbox_id: UUID, delivery_id: UUID) -> bool:
        """Tells whether anybody has opened the delivery."""
        ...

    async def add_opening(self, opening: Opening) -> None: ...

    async def opening(self, mailbox_id: UUID, delivery_id: UUID, person_number: str) -> Opening | None: ...

    async def add_statement(self, statement: IssuedStatement) -> None: ...

    async def statement(self, mailbox_id: UUID, statement_id: UUID) -> IssuedStatement | None: ...

    async def newest_statement(
        self, mailbox_id: UUID, delivery_id: UUID, person_number: str
    ) -> IssuedStatement | None: ...

    async def add_confirmation(self, confirmation: Confirmation) -> None: ...

    async def confirmation(self, mailbox_id: UUID, delivery_id: UUID) -> Confirmation | None: ...


class EvidenceStore(Protocol):
    """Evidence, insert-only, and the queue into the log."""

    async def record(self, facts: Sequence[Fact]) -> None:
        """Stores the facts and queues their entries for the log, in this order, in this transaction."""
        ...

    async def get(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]: ...

    async def of_delivery(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[Fact]:
        """Returns a delivery's facts in the order of recording: by time, and within one transaction by
        identifier.
        """
        ...

    async def of_deliveries(self, deliveries: Collection[Delivery]) -> Mapping[UUID, Sequence[Fact]]:
        """Returns the facts of each of many deliveries, in the order of recording, by delivery."""
        ...

    async def consignments(self, mailbox_id: UUID, delivery_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        """Returns the ContentConsignment of each of these deliveries in one mailbox, by delivery."""
        ...

    async def received_on_paper(
        self, mailbox_id: UUID, delivery_ids: Collection[UUID]
    ) -> Mapping[UUID, Fact]:
        """Returns the ReceivedFromNonERDS of those of these deliveries in one mailbox that have one, by
        delivery.
        """
        ...

    async def add_revocation_list(self, digest: bytes, der: bytes) -> None:
        """Publishes a list that is too large to stand in evidence; adding it again changes nothing."""
        ...

    async def revocation_list(self, digest: bytes) -> bytes | None: ...
