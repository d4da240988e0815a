"""Agencies, mailboxes and what passes between them, as rows: facts that are queued for the log and concern
somebody.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from namak.evidence import events
from namak.evidence.events import Event
from server.domain.ids import MonotonicIds
from tests.integration.transparency.ledger import Ledger

NOW = datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC)
IDS = MonotonicIds(lambda: time.time_ns() // 1_000_000, os.urandom)
"""Identifiers of evidence, which say when it was made."""
USUAL = (events.SUBMISSION_ACCEPTANCE, events.CONTENT_CONSIGNMENT)


@dataclass(frozen=True)
class Written:
    """A fact that was recorded, and whom it concerns."""

    evidence_id: UUID
    event: Event
    organisation_id: UUID
    sender_address_id: UUID
    mailbox_id: UUID
    document: bytes


@dataclass(frozen=True)
class Letter:
    """A delivery: its identifier, who sent it under which address, and where it lies."""

    id: UUID
    organisation_id: UUID
    sender_address_id: UUID
    mailbox_id: UUID


@dataclass
class Correspondence:
    """Writes letters and what becomes of them into one database."""

    ledger: Ledger
    written: list[Written] = field(default_factory=list)
    _sequence: int = 0

    async def mailbox(self, number: str, mailbox_id: UUID | None = None) -> UUID:
        """Opens a mailbox."""
        mailbox_id = mailbox_id or uuid4()
        await self.ledger.rows(
            "INSERT INTO mailboxes (id, address, holder_kind, holder_number, state, opened_at)"
            " VALUES ($1, $2, 'PERSON', $3, 'OPEN', $4)",
            *(mailbox_id, f"{number}@e-citizen.am", number, NOW),
        )
        return mailbox_id

    async def send(
        self,
        mailbox_id: UUID,
        organisation_id: UUID,
        sender_address_id: UUID | None = None,
        *facts: Event,
        connection: Any = None,
        as_before: bool = False,
    ) -> Letter:
        """Delivers a letter and records these facts about it, usually of its acceptance and consignment.

        With a connection it is part of that one's transaction. `as_before`: as the release before writes.
        """
        letter = Letter(uuid4(), organisation_id, sender_address_id or uuid4(), mailbox_id)
        self._sequence += 1
        sequence = self._sequence
        own = connection or await self.ledger.connect()
        try:
            async with own.transaction():
                await own.execute(
                    "INSERT INTO deliveries (mailbox_id, id, organisation_id, sender_address_id,"
                    " organisation_code, organisation_name, sender, recipient, subject, notification_policy,"
                    " sequence, submitted_at, state) VALUES ($1, $2, $3, $4, '1', 'A', 'a@a.am', 'b@b.am',"
                    " 's', 'am-2015@1', $5, $6, 'CONSIGNED')",
                    *(mailbox_id, letter.id, organisation_id, letter.sender_address_id, sequence, NOW),
                )
                await self._record(own, letter, facts or USUAL, as_before=as_before)
        finally:
            if connection is None:
                await own.close()
        return letter

    async def add(self, letter: Letter, *facts: Event) -> None:
        """Records facts about an earlier letter."""
        connection = await self.ledger.connect()
        try:
            async with connection.transaction():
                await self._record(connection, letter, facts, as_before=False)
        finally:
            await connection.close()

    async def _record(
        self, connection: Any, letter: Letter, facts: Sequence[Event], *, as_before: bool
    ) -> None:
        for event in facts:
            evidence_id = IDS.new_id()
            document = f'{{"about": "{evidence_id}"}}'.encode()
            entry = hashlib.sha256(document).digest()
            await connection.execute(
                "INSERT INTO evidence (owner_id, id, event, organisation_id, delivery_id, document, entry,"
                " recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                *(letter.mailbox_id, evidence_id, event.uri, letter.organisation_id, letter.id),
                *(document, entry, NOW),
            )
            await connection.execute(
                "INSERT INTO log_queue (evidence_id, entry, organisation_id) VALUES ($1, $2, $3)",
                *(evidence_id, entry, None if as_before else letter.organisation_id),
            )
            self.ledger.recorded[evidence_id] = document
            self.written.append(
                Written(
                    evidence_id,
                    event,
                    letter.organisation_id,
                    letter.sender_address_id,
                    letter.mailbox_id,
                    document,
                )
            )
