"""Witnessed receipts in memory."""

from dataclasses import dataclass, field
from uuid import UUID

from server.domain.refusals import ServiceUnavailable
from server.usecases.records import LoggedReceipt


@dataclass
class FakeWitnessedLog:
    """A `WitnessedLog`: has a receipt of what is in `witnessed`; `away` makes it unavailable."""

    active: bool = False
    away: bool = False
    witnessed: set[UUID] = field(default_factory=set)
    waited: list[float] = field(default_factory=list)

    async def receipt(
        self, evidence_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float
    ) -> LoggedReceipt | None:
        self.waited.append(wait_seconds)
        if self.away:
            raise ServiceUnavailable("log")
        if evidence_id not in self.witnessed:
            return None
        return LoggedReceipt(evidence_id, "log.e-citizen.am/2026", 0, 2, document, witnessed=True)
