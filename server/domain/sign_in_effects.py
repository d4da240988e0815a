"""What is left to record of a sign-in (LADDER-1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SignedInMailbox:
    """The mailbox of somebody who signs in: how far its chain goes, and whether an earlier sign-in is
    outstanding, or was until a transaction that is not through yet.
    """

    mailbox_id: UUID
    sequence: int
    has_outstanding: bool


@dataclass(frozen=True, slots=True)
class OutstandingSignIn:
    """A sign-in that is not recorded yet as a fact of all the deliveries that were open at that moment.

    It is to be recorded of those of the mailbox whose sequence is greater than `after`, and at most `up_to`:
    what came later was not there when the holder signed in.
    """

    sign_in_id: UUID
    mailbox_id: UUID
    signed_in_at: datetime
    after: int
    up_to: int
