"""The fake unit of work's repositories, all but the deliveries."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from namak.evidence.events import CONTENT_CONSIGNMENT, RECEIVED_FROM_NON_ERDS, Event
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxLink, MailboxState
from server.usecases.records import Claim, RecordedRefusal, SendingSide
from tests.fakes.senders import FakeSenderAddresses
from tests.fakes.state import State


class FakeRepository:
    """What all of them have: the transaction's copy of the state."""

    def __init__(self, state: State) -> None:
        self._state = state


class FakeClaims(FakeRepository):
    async def claim(self, owner_id: UUID, claims: Sequence[Claim]) -> Mapping[str, Claim]:
        if len({claim.request_id for claim in claims}) != len(claims):
            raise ValueError("a request id stands twice in one call")
        earlier: dict[str, Claim] = {}
        for claim in claims:
            self._state.require(len(claim.digest) == 32, "ck_claims_digest")
            stored = self._state.claims.setdefault((owner_id, claim.request_id), claim)
            if stored is not claim:
                earlier[claim.request_id] = stored
        return earlier

    async def claim_all(self, claims: Mapping[tuple[UUID, str], Claim]) -> Mapping[tuple[UUID, str], Claim]:
        earlier: dict[tuple[UUID, str], Claim] = {}
        for (owner_id, request_id), claim in claims.items():
            for stored in (await self.claim(owner_id, [claim])).values():
                earlier[owner_id, request_id] = stored
        return earlier


class FakeRefusals(FakeRepository):
    async def add(self, refusals: Sequence[RecordedRefusal]) -> None:
        for refusal in refusals:
            key = (refusal.organisation_id, refusal.request_id)
            self._state.require(key not in self._state.refusals, "pk_refusals")
            self._state.refusals[key] = refusal

    async def under(
        self, organisation_id: UUID, request_ids: Collection[str]
    ) -> Mapping[str, RecordedRefusal]:
        stored = self._state.refusals
        return {
            each: stored[organisation_id, each] for each in request_ids if (organisation_id, each) in stored
        }

    async def count_since(self, organisation_id: UUID, since: datetime) -> int:
        return sum(
            refusal.organisation_id == organisation_id and refusal.recorded_at >= since
            for refusal in self._state.refusals.values()
        )


class FakeSendingSides(FakeRepository):
    async def of(self, senders: Mapping[UUID, Collection[str]]) -> Mapping[UUID, SendingSide]:
        addresses = FakeSenderAddresses(self._state)
        return {
            each: SendingSide(self._state.organisations[each], await addresses.named(each, wanted))
            for each, wanted in senders.items()
            if each in self._state.organisations
        }


class FakeMailboxes(FakeRepository):
    async def add(self, mailbox: Mailbox) -> bool:
        if self._find(mailbox.address) is not None:
            return False
        holder = (mailbox.holder_kind, mailbox.holder_number)
        held = {(each.holder_kind, each.holder_number) for each in self._state.mailboxes.values()}
        self._state.require(holder not in held, "uq_mailboxes_holder_kind_holder_number")
        self._state.require(mailbox.id not in self._state.mailboxes, "pk_mailboxes")
        self._state.mailboxes[mailbox.id] = mailbox
        self._state.heads[mailbox.id] = MailboxHead(0, bytes(32))
        return True

    async def add_all(self, mailboxes: Sequence[Mailbox]) -> frozenset[UUID]:
        return frozenset([mailbox.id for mailbox in mailboxes if await self.add(mailbox)])

    async def confirm(self, mailbox_id: UUID, at: datetime) -> None:
        if mailbox_id not in self._state.mailboxes:
            raise LookupError("no such mailbox")
        mailbox = self._state.mailboxes[mailbox_id]
        self._state.mailboxes[mailbox_id] = replace(mailbox, confirmed_at=mailbox.confirmed_at or at)

    async def get(self, mailbox_id: UUID) -> Mailbox | None:
        return self._state.mailboxes.get(mailbox_id)

    async def named(self, address: str) -> Mailbox | None:
        return self._find(address)

    async def all_named(self, addresses: Collection[str]) -> Mapping[str, Mailbox]:
        found = {address: self._find(address) for address in addresses}
        return {address: mailbox for address, mailbox in found.items() if mailbox is not None}

    async def set_state(self, mailbox_id: UUID, state: MailboxState) -> None:
        if mailbox_id not in self._state.mailboxes:
            raise LookupError("no such mailbox")
        self._state.mailboxes[mailbox_id] = replace(self._state.mailboxes[mailbox_id], state=state)

    async def head(self, mailbox_id: UUID) -> MailboxHead:
        if mailbox_id not in self._state.heads:
            raise LookupError("a mailbox has no head")
        return self._state.heads[mailbox_id]

    async def links(self, mailbox_id: UUID, *, after: int, limit: int) -> Sequence[MailboxLink]:
        found = [
            link
            for link in self._state.links.values()
            if link.mailbox_id == mailbox_id and link.sequence > after
        ]
        return sorted(found, key=lambda link: link.sequence)[:limit]

    async def of_person(self, person_number: str) -> Mailbox | None:
        holder = (HolderKind.PERSON, person_number)
        stored = self._state.mailboxes.values()
        return next((each for each in stored if (each.holder_kind, each.holder_number) == holder), None)

    async def lock(self, addresses: Collection[str]) -> Mapping[str, tuple[Mailbox, MailboxHead]]:
        found = [self._find(address) for address in addresses]
        return {each.address: (each, self._state.heads[each.id]) for each in found if each is not None}

    def _find(self, address: str) -> Mailbox | None:
        return next((each for each in self._state.mailboxes.values() if each.address == address), None)

    async def advance(self, heads: Mapping[UUID, MailboxHead], links: Sequence[MailboxLink]) -> None:
        for mailbox_id, head in heads.items():
            stored = self._state.heads.get(mailbox_id)
            if stored is None or head.sequence <= stored.sequence:
                raise ValueError("a mailbox's chain goes forward only")
            self._state.heads[mailbox_id] = head
        for link in links:
            key = (link.mailbox_id, link.sequence)
            self._state.require(key not in self._state.links, "pk_mailbox_links")
            self._state.require(
                link.mailbox_id in self._state.mailboxes, "fk_mailbox_links_mailbox_id_mailboxes"
            )
            self._state.links[key] = link


class FakeEvidenceStore(FakeRepository):
    async def record(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            key = (fact.owner_id, fact.id)
            self._state.require(key not in self._state.evidence, "pk_evidence")
            self._state.require(fact.entry == hashlib.sha256(fact.data).digest(), "ck_evidence_entry")
            self._state.evidence[key] = fact
            self._state.queue.append(fact)

    async def get(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        return {fact.id: fact for fact in self._state.evidence.values() if fact.id in evidence_ids}

    async def of_delivery(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[Fact]:
        stored = self._state.evidence.values()
        found = [each for each in stored if (each.owner_id, each.delivery_id) == (mailbox_id, delivery_id)]
        return sorted(found, key=lambda fact: (fact.recorded_at, fact.id))

    async def of_deliveries(self, deliveries: Collection[Delivery]) -> Mapping[UUID, Sequence[Fact]]:
        return {each.id: await self.of_delivery(each.mailbox_id, each.id) for each in deliveries}

    async def consignments(self, mailbox_id: UUID, delivery_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        return self._of_event(mailbox_id, delivery_ids, CONTENT_CONSIGNMENT)

    async def received_on_paper(
        self, mailbox_id: UUID, delivery_ids: Collection[UUID]
    ) -> Mapping[UUID, Fact]:
        return self._of_event(mailbox_id, delivery_ids, RECEIVED_FROM_NON_ERDS)

    def _of_event(
        self, mailbox_id: UUID, delivery_ids: Collection[UUID], event: Event
    ) -> Mapping[UUID, Fact]:
        return {
            fact.delivery_id: fact
            for fact in self._state.evidence.values()
            if fact.owner_id == mailbox_id
            and fact.delivery_id in delivery_ids
            and fact.delivery_id is not None
            and fact.event == event
        }

    async def add_revocation_list(self, digest: bytes, der: bytes) -> None:
        self._state.require(digest == hashlib.sha256(der).digest(), "ck_revocation_lists_digest")
        self._state.revocation_lists.setdefault(digest, der)

    async def revocation_list(self, digest: bytes) -> bytes | None:
        return self._state.revocation_lists.get(digest)
