"""A clock in a test's hand."""

from datetime import datetime, timedelta

from tests.unit.evidence_documents.pki import NOW


class HeldClock:
    """Stands still at the time when tests' certificates are good, until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        """Returns the present time."""
        return self.time

    def move(self, by: timedelta) -> None:
        """Moves it."""
        self.time += by
