"""What outages ask of the storage and of the log. `server.usecases.ports` makes a part of transactions of
it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from server.domain.outages import EvidenceDebt, Outage
from server.domain.refusals import Refused


class Outages(Protocol):
    """The outages that began. At most one has not ended."""

    async def open(self) -> Outage | None:
        """Returns the outage that has not ended, if there is one."""
        ...

    async def begin(self, outage: Outage) -> bool:
        """Adds an outage; returns False, and adds nothing, where another one has not ended."""
        ...

    async def end(self, outage_id: UUID, at: datetime) -> bool:
        """Ends an outage; returns False where it has ended, or never began."""
        ...


class OutageTransaction(Protocol):
    """The part of a transaction that deals with outages."""

    @property
    def outages(self) -> Outages: ...


class Debts(Protocol):
    """Tells how far witnesses have vouched for the log."""

    async def debts(self) -> Sequence[EvidenceDebt]:
        """Returns the debt of each shard, the current one first: at least that one.

        Raises `ServiceUnavailable`.
        """
        ...


class SubmissionGate(Protocol):
    """Tells whether submissions are taken at all. Asked for each group of them: it answers from memory."""

    def refusal(self) -> Refused | None:
        """Returns what is answered to each new submission, or None where they are taken."""
        ...


class OutageView(Protocol):
    """What is shown of outages."""

    @property
    def outage(self) -> Outage | None:
        """The outage as it was last seen, if there is one."""
        ...

    @property
    def limit(self) -> timedelta | None:
        """How old debt may grow; None where nobody witnesses."""
        ...
