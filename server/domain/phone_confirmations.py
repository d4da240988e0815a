"""Confirmations of readings that a phone was asked to sign (SIGN-1, SIGN-2)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from server.domain.mobile_identity import Failed, Failure, MobileKey

WRONG_CODE: Final = "WRONG_CODE"
"""How a confirmation ended whose four digits were entered wrongly."""


@dataclass(frozen=True, slots=True)
class PhoneEnding:
    """How a question to a phone ended without a signature: a `Failure` by its value, or `WRONG_CODE`."""

    how: str
    tries_left: int | None = None

    @property
    def failed(self) -> Failed | None:
        """The phone's failure; None where the digits were wrong."""
        if self.how == WRONG_CODE:
            return None
        return Failed(Failure(self.how), MobileKey.SIGNATURE, self.tries_left)


@dataclass(frozen=True, slots=True)
class PhoneConfirmation:
    """One question put to the phone of the person to whom the statement was issued.

    Attributes:
        mobile: the mobile session as text (`MobileSession.as_text`), a secret of the post's.
        expires_at: until when the phone can answer, UTC.
        cms: what became of the phone's signature (DER), once it is known. It is kept, because the chain in it
            is of the day: it must be the very same bytes that a repetition hands in.
        ending: how it ended otherwise; of the two there is at most one, for ever.
    """

    id: UUID
    mailbox_id: UUID
    delivery_id: UUID
    statement_id: UUID
    person_number: str
    mobile: str = field(repr=False)
    started_at: datetime
    expires_at: datetime
    cms: bytes | None = field(default=None, repr=False)
    ending: PhoneEnding | None = None
