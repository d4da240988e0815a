"""What is asked of the post: one submission, by whom, and when it came."""

from datetime import datetime
from uuid import UUID

from server.domain.deliveries import Submission
from server.domain.letters import Correspondent, Submitter

Key = tuple[UUID, str]
"""The party's identifier and the request id."""


class Asked:
    """One submission as it was asked for, and by whom.

    Attributes:
        key: the party that submits it (an organisation, or the mailbox of a holder who writes a letter) and
            the request id: under these it has one outcome.
        digest: what makes it equal to another one under the same key.
        at: when it came, let in at the door.
    """

    __slots__ = ("at", "caller", "digest", "key", "submission")

    def __init__(self, caller: Submitter, submission: Submission, at: datetime) -> None:
        self.at = at
        self.caller = caller
        self.submission = submission
        self.key: Key = (caller.party_id, submission.request_id)
        self.digest = submission.digest()

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The addresses of the mailboxes that it locks: its recipient's, and that of a holder who writes."""
        to = self.submission.recipient
        return (to, self.caller.address) if isinstance(self.caller, Correspondent) else (to,)
