"""What every refusal has: its reason, a text, and the values in it."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from server.domain.reasons import REASONS, Reason, ReasonRule


class Refused(Exception):
    """A call or an item is refused for a documented reason.

    `evidence_id` is set once the refusal has been recorded as evidence; the edge adds it to the metadata.
    """

    reason: ClassVar[Reason]

    def __init__(self, text: str, **metadata: str) -> None:
        super().__init__(text)
        self.text = text
        self.metadata = metadata
        self.evidence_id: UUID | None = None

    @property
    def rule(self) -> ReasonRule:
        """What this reason means for the caller."""
        return REASONS[self.reason]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: its path in the request, a constant reason, and a text for people."""

    field: str
    reason: str
    text: str
