"""The fake unit of work's delegations and signatories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.delegations import Delegation, KnownSignatories, Signatory
from server.domain.deliveries import Delivery
from server.domain.mailboxes import MailboxState
from server.usecases.delegation_ports import DelegationFilter, RightAct
from tests.fakes.state import State


class FakeDelegations:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, delegation: Delegation) -> None:
        known = delegation.mailbox_id in self._state.mailboxes
        self._state.require(known, "fk_delegations_mailbox_id_mailboxes")
        self._state.require(delegation.id not in self._state.delegations, "pk_delegations")
        terms = delegation.terms
        self._state.require(terms.start < terms.expire, "ck_delegations_expires_at")
        self._state.delegations[delegation.id] = delegation

    async def get(self, delegation_id: UUID) -> Delegation | None:
        return self._state.delegations.get(delegation_id)

    async def lock(self, delegation_id: UUID) -> Delegation | None:
        return self._state.delegations.get(delegation_id)

    async def revoke(self, delegation_id: UUID, at: datetime, evidence_id: UUID) -> None:
        stored = self._state.delegations.get(delegation_id)
        if stored is None or stored.revoked_at is not None:
            raise LookupError("no such delegation, or it is revoked")
        revoked = replace(stored, revoked_at=at, revoke_evidence_id=evidence_id)
        self._state.delegations[delegation_id] = revoked

    async def unended(
        self, mailbox_id: UUID, delegate: str, at: datetime, *, shared: bool = False
    ) -> Delegation | None:
        wanted = DelegationFilter(mailbox_id, delegate, at)
        return next(iter(await self.list_newest(wanted, before=None, limit=1)), None)

    async def list_newest(
        self, wanted: DelegationFilter, *, before: UUID | None, limit: int
    ) -> Sequence[Delegation]:
        found = [
            each
            for each in self._state.delegations.values()
            if wanted.mailbox_id in (None, each.mailbox_id)
            and wanted.delegate in (None, each.terms.delegate)
            and (wanted.unended_at is None or not each.is_ended(wanted.unended_at))
            and (before is None or each.id < before)
        ]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def rest_on(self, delivery: Delivery, evidence_ids: Sequence[UUID]) -> None:
        if evidence_ids:
            key = (delivery.mailbox_id, delivery.id)
            self._state.require(key not in self._state.right_uses, "pk_right_uses")
            self._state.right_uses[key] = (delivery, tuple(evidence_ids))

    async def acts_behind(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[UUID]:
        found = self._state.right_uses.get((mailbox_id, delivery_id))
        return () if found is None else found[1]

    async def is_shown(
        self, evidence_id: UUID, organisation_id: UUID, sender_address_id: UUID | None
    ) -> bool:
        return any(
            evidence_id in evidence_ids
            and delivery.organisation_id == organisation_id
            and sender_address_id in (None, delivery.sender_address_id)
            for delivery, evidence_ids in self._state.right_uses.values()
        )

    async def act(self, evidence_id: UUID) -> RightAct | None:
        for each in self._state.delegations.values():
            if evidence_id in (each.grant_evidence_id, each.revoke_evidence_id):
                return RightAct(each.mailbox_id, each.terms.delegate)
        return None


class FakeSignatories:
    def __init__(self, state: State) -> None:
        self._state = state

    async def enter(self, signatory: Signatory) -> None:
        known = signatory.mailbox_id in self._state.mailboxes
        self._state.require(known, "fk_signatory_entries_mailbox_id_mailboxes")
        self._state.require(
            signatory.evidence_id not in self._state.signatory_entries, "pk_signatory_entries"
        )
        self._state.signatory_entries[signatory.evidence_id] = signatory
        self._state.signatories.setdefault(signatory.mailbox_id, signatory)

    async def end(self, signatory: Signatory, at: datetime, evidence_id: UUID) -> None:
        entry_id = signatory.evidence_id
        self._state.require(entry_id not in self._state.signatory_endings, "pk_signatory_endings")
        self._state.signatory_endings[entry_id] = evidence_id
        if self._state.signatories.get(signatory.mailbox_id) == signatory:
            del self._state.signatories[signatory.mailbox_id]

    async def said(self, mailbox_id: UUID, register_time: datetime) -> None:
        earlier = self._state.signatory_checks.get(mailbox_id, register_time)
        self._state.signatory_checks[mailbox_id] = max(earlier, register_time)
        if (before := self._state.signatories.get(mailbox_id)) is not None:
            self._state.signatory_entries.setdefault(before.evidence_id, before)

    async def known(self, mailbox_id: UUID, *, shared: bool = False) -> KnownSignatories | None:
        before = self._state.signatories.get(mailbox_id)
        if mailbox_id not in self._state.signatory_checks:
            return None if before is None else KnownSignatories(mailbox_id, before.register_time, (before,))
        entries = [
            each
            for each in self._state.signatory_entries.values()
            if each.mailbox_id == mailbox_id and each.evidence_id not in self._state.signatory_endings
        ]
        entries.sort(key=lambda each: each.evidence_id)
        return KnownSignatories(mailbox_id, self._state.signatory_checks[mailbox_id], tuple(entries))

    async def said_before(self, time: datetime, *, limit: int) -> Sequence[tuple[str, datetime]]:
        found = sorted(
            (said_at, mailbox_id)
            for mailbox_id, said_at in self._state.signatory_checks.items()
            if said_at < time and self._state.mailboxes[mailbox_id].state is not MailboxState.CLOSED
        )
        return [(self._state.mailboxes[key].address, said_at) for said_at, key in found[:limit]]

    async def act(self, evidence_id: UUID) -> RightAct | None:
        entries = {each.evidence_id: each for each in self._state.signatories.values()}
        entries |= self._state.signatory_entries
        for entry_id, entry in entries.items():
            if evidence_id in (entry_id, self._state.signatory_endings.get(entry_id)):
                return RightAct(entry.mailbox_id, entry.person_number)
        return None
