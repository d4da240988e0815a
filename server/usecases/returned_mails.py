"""Whatever comes back of mails to holders' own addresses: copies, and nudges."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from server.domain.delivery_reports import ReportedFailure
from server.domain.forwarding import ForwardedCopy
from server.domain.nudges import Nudge


class Awaited(Enum):
    """Whether something may come back to a token."""

    YES = auto()
    NOT_YET = auto()
    """The mail is on its way, and that it was taken is not recorded yet."""
    NO = auto()
    """Nothing was sent under it, or too long ago."""


class Returned(Protocol):
    """Takes in what comes back of mails of a kind."""

    async def awaited(self, token: UUID) -> Awaited:
        """Tells whether a report may come to this token. Raises ServiceUnavailable."""
        ...

    async def failed(self, token: UUID, failure: ReportedFailure) -> ForwardedCopy | Nudge | None:
        """Records that a mail came back, and returns it; None, and nothing is recorded, where it is not
        known, or that was known before. Raises ServiceUnavailable.
        """
        ...


class ReturnedMails:
    """Takes in what comes back of mails of several kinds: a token is one of one of them."""

    def __init__(self, kinds: Sequence[Returned]) -> None:
        self._kinds = kinds

    async def awaited(self, token: UUID) -> Awaited:
        """Tells whether a report may come to this token."""
        for kind in self._kinds:
            if (found := await kind.awaited(token)) is not Awaited.NO:
                return found
        return Awaited.NO

    async def failed(self, token: UUID, failure: ReportedFailure) -> ForwardedCopy | Nudge | None:
        """Records that a mail came back."""
        for kind in self._kinds:
            if (found := await kind.failed(token, failure)) is not None:
                return found
        return None
