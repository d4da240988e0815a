"""What is left to record of a sign-in (LADDER-1)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


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
