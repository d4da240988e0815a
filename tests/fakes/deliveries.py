"""The fake unit of work's deliveries."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.deliveries import (
    Delivery,
    DeliveryFilter,
    DeliveryState,
    MessageFilter,
    MessageView,
    Part,
    PartInfo,
)
from server.usecases.records import Confirmation, IssuedStatement, Opening
from tests.fakes.state import State


class FakeDeliveries:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, deliveries: Sequence[tuple[Delivery, Sequence[Part]]]) -> None:
        for delivery, parts in deliveries:
            key = (delivery.mailbox_id, delivery.id)
            places = {(each.mailbox_id, each.sequence) for each in self._state.deliveries.values()}
            place = (delivery.mailbox_id, delivery.sequence)
            self._state.require(key not in self._state.deliveries, "pk_deliveries")
            self._state.require(place not in places, "uq_deliveries_mailbox_id_sequence")
            self._state.require(
                delivery.mailbox_id in self._state.mailboxes, "fk_deliveries_mailbox_id_mailboxes"
            )
            for number, part in enumerate(parts, start=1):
                digest = hashlib.sha256(part.content).digest()
                self._state.require(part.info.digest == digest, "ck_parts_digest")
                self._state.require(part.info.size == len(part.content), "ck_parts_size")
                self._state.parts[(*key, number)] = part
            # As it is read back: the parts are those that were stored.
            self._state.deliveries[key] = replace(delivery, parts=tuple(part.info for part in parts))

    async def sent(self, organisation_id: UUID, delivery_ids: Collection[UUID]) -> Mapping[UUID, Delivery]:
        stored = self._state.deliveries.values()
        found = [
            each for each in stored if each.organisation_id == organisation_id and each.id in delivery_ids
        ]
        return {each.id: each for each in found}

    async def list_sent(
        self,
        organisation_id: UUID,
        sender_address_id: UUID | None,
        wanted: DeliveryFilter,
        *,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Delivery]:
        claim = self._state.claims.get((organisation_id, wanted.request_id or ""))
        found = [
            each
            for each in self._state.deliveries.values()
            if each.organisation_id == organisation_id
            and (sender_address_id is None or each.sender_address_id == sender_address_id)
            and (before is None or each.id < before)
            and wanted.sender in (None, each.sender)
            and wanted.recipient in (None, each.recipient)
            and (not wanted.states or each.state in wanted.states)
            and _is_between(each.submitted_at, wanted.submitted_from, wanted.submitted_before)
            and (wanted.request_id is None or (claim is not None and claim.subject_id == each.id))
        ]
        return sorted(found, key=lambda delivery: delivery.id, reverse=True)[:limit]

    async def count_sent_since(self, party_id: UUID, since: datetime) -> int:
        stored = self._state.deliveries.values()
        return sum(each.organisation_id == party_id and each.submitted_at >= since for each in stored)

    async def lock(self, mailbox_id: UUID, delivery_id: UUID) -> Delivery | None:
        return self._state.deliveries.get((mailbox_id, delivery_id))

    async def lock_all(self, keys: Collection[tuple[UUID, UUID]]) -> None:
        """There is one transaction at a time."""

    async def found(self, keys: Collection[tuple[UUID, UUID]]) -> Mapping[UUID, Delivery]:
        stored = self._state.deliveries
        return {key[1]: stored[key] for key in keys if key in stored}

    async def in_mailbox(self, mailbox_id: UUID, delivery_id: UUID, person_number: str) -> MessageView | None:
        delivery = self._state.deliveries.get((mailbox_id, delivery_id))
        return None if delivery is None else self._view(delivery, person_number)

    async def list_in_mailbox(
        self,
        mailbox_id: UUID,
        person_number: str,
        wanted: MessageFilter,
        *,
        before: int | None,
        limit: int,
    ) -> Sequence[MessageView]:
        views = [
            self._view(each, person_number)
            for each in self._state.deliveries.values()
            if each.mailbox_id == mailbox_id and (before is None or each.sequence < before)
        ]
        found = [
            view
            for view in views
            if not (wanted.unopened_only and view.opened_at)
            and not (wanted.unconfirmed_only and view.confirmed_at)
            and wanted.sender in (None, view.delivery.sender)
            and _is_between(view.delivery.submitted_at, wanted.consigned_from, wanted.consigned_before)
        ]
        return sorted(found, key=lambda view: view.delivery.sequence, reverse=True)[:limit]

    async def read_part(
        self, mailbox_id: UUID, delivery_id: UUID, number: int
    ) -> tuple[PartInfo, bytes] | None:
        part = self._state.parts.get((mailbox_id, delivery_id, number))
        return None if part is None else (part.info, part.content)

    async def read_parts(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[tuple[PartInfo, bytes]]:
        parts = sorted(
            (key[2], part) for key, part in self._state.parts.items() if key[:2] == (mailbox_id, delivery_id)
        )
        return [(part.info, part.content) for _, part in parts]

    async def set_notified(self, mailbox_id: UUID, delivery_id: UUID, at: datetime) -> bool:
        delivery = self._state.deliveries.get((mailbox_id, delivery_id))
        if delivery is None or delivery.state is not DeliveryState.CONSIGNED:
            return False
        notified = replace(delivery, state=DeliveryState.NOTIFIED, notified_at=at)
        self._state.deliveries[mailbox_id, delivery_id] = notified
        return True

    async def set_all_notified(self, times: Mapping[tuple[UUID, UUID], datetime]) -> None:
        for (mailbox_id, delivery_id), at in times.items():
            if not await self.set_notified(mailbox_id, delivery_id, at):
                raise LookupError("a delivery to be notified was not consigned")

    async def set_withdrawn(self, mailbox_id: UUID, delivery_id: UUID, at: datetime) -> bool:
        delivery = self._state.deliveries.get((mailbox_id, delivery_id))
        if delivery is None or delivery.state is not DeliveryState.CONSIGNED:
            return False
        withdrawn = replace(delivery, state=DeliveryState.WITHDRAWN, withdrawn_at=at)
        self._state.deliveries[mailbox_id, delivery_id] = withdrawn
        return True

    async def is_opened(self, mailbox_id: UUID, delivery_id: UUID) -> bool:
        return any(key[:2] == (mailbox_id, delivery_id) for key in self._state.openings)

    async def add_opening(self, opening: Opening) -> None:
        key = (opening.mailbox_id, opening.delivery_id, opening.person_number)
        self._state.require(key not in self._state.openings, "pk_openings")
        self._require_delivery(opening.mailbox_id, opening.delivery_id, "openings")
        self._state.openings[key] = opening

    async def opening(self, mailbox_id: UUID, delivery_id: UUID, person_number: str) -> Opening | None:
        return self._state.openings.get((mailbox_id, delivery_id, person_number))

    async def add_statement(self, statement: IssuedStatement) -> None:
        key = (statement.mailbox_id, statement.id)
        self._state.require(key not in self._state.statements, "pk_statements")
        self._state.require(statement.expires_at > statement.issued_at, "ck_statements_expires_at")
        self._require_delivery(statement.mailbox_id, statement.delivery_id, "statements")
        self._state.statements[key] = statement

    async def statement(self, mailbox_id: UUID, statement_id: UUID) -> IssuedStatement | None:
        return self._state.statements.get((mailbox_id, statement_id))

    async def newest_statement(
        self, mailbox_id: UUID, delivery_id: UUID, person_number: str
    ) -> IssuedStatement | None:
        wanted = (mailbox_id, delivery_id, person_number)
        issued = [
            each
            for each in self._state.statements.values()
            if (each.mailbox_id, each.delivery_id, each.person_number) == wanted
        ]
        return max(issued, key=lambda statement: (statement.issued_at, statement.id), default=None)

    async def add_confirmation(self, confirmation: Confirmation) -> None:
        key = (confirmation.mailbox_id, confirmation.delivery_id)
        self._state.require(key not in self._state.confirmations, "pk_confirmations")
        self._state.require(len(confirmation.cms_digest) == 32, "ck_confirmations_cms_digest")
        self._state.require(bool(confirmation.evidence_ids), "ck_confirmations_evidence_ids")
        self._require_delivery(*key, "confirmations")
        self._state.confirmations[key] = confirmation

    async def confirmation(self, mailbox_id: UUID, delivery_id: UUID) -> Confirmation | None:
        return self._state.confirmations.get((mailbox_id, delivery_id))

    def _view(self, delivery: Delivery, person_number: str) -> MessageView:
        opening = self._state.openings.get((delivery.mailbox_id, delivery.id, person_number))
        confirmation = self._state.confirmations.get((delivery.mailbox_id, delivery.id))
        return MessageView(
            delivery,
            None if opening is None else opening.opened_at,
            None if confirmation is None else confirmation.confirmed_at,
        )

    def _require_delivery(self, mailbox_id: UUID, delivery_id: UUID, table: str) -> None:
        found = (mailbox_id, delivery_id) in self._state.deliveries
        self._state.require(found, f"fk_{table}_mailbox_id_delivery_id_deliveries")


def _is_between(time: datetime, earliest: datetime | None, end: datetime | None) -> bool:
    return (earliest is None or time >= earliest) and (end is None or time < end)
