"""Letters that came on paper: what is told of them, and the post's desk that delivers their scans (BOX-11).

The post is the sender of such a message. Who wrote the paper nobody has established: what the paper says of
that stands in the evidence as what the paper says.
"""

from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID, uuid5

from namak.evidence.copy_statement import CopyStatement
from namak.evidence.custody import CustodyStep
from namak.evidence.details_paper import PaperSender
from namak.evidence.times import format_time
from server.domain.caller import Connection
from server.domain.ids import OPERATOR_ID
from server.domain.profile import Profile

PAPER_DESK_ID: Final = uuid5(OPERATOR_ID, "paper desk")
"""Whose the deliveries and request ids are, as a sender's are its organisation's."""

SCAN_MEDIA_TYPES: Final = ("application/pdf", "image/tiff", "image/jpeg", "image/png")


def desk_address(profile: Profile) -> str:
    """Returns the desk's address. `paper` is no number, so it is no holder's."""
    return f"paper@{profile.mailbox_domain}"


@dataclass(frozen=True, slots=True)
class PaperOrigin:
    """What is known of the paper that a message is the copy of.

    Attributes:
        custody: its way through the post's hands, from the receipt to the scans.
        original: where it is kept, and under what reference.
        statement: what the operator states of the scans.
        sender: who the paper says that it is from; None where it says nothing.
        tracking: the post's number of the letter; None where it has none.
    """

    custody: tuple[CustodyStep, ...]
    original: str
    statement: CopyStatement
    sender: PaperSender | None = None
    tracking: str | None = None

    def fields(self) -> list[bytes]:
        """Returns what makes two papers equal under one request id."""
        sender = self.sender or PaperSender()
        texts = ["paper", self.original, self.statement.version, self.statement.language]
        texts += [self.tracking or "", sender.name or "", str(len(sender.address)), *sender.address]
        for step in self.custody:
            texts += [step.act.value, format_time(step.time), step.place, step.person, step.digest]
        return [text.encode() for text in texts]


@dataclass(frozen=True, slots=True)
class PaperDesk:
    """The operator's desk for paper as the sender of messages.

    Attributes:
        connection: from where the clerk calls, and with which certificate.
        address: the sender's address in evidence and lists.
        code, name: the operator's.
    """

    connection: Connection
    address: str
    code: str
    name: str

    sender_address_id: ClassVar[None] = None
    """No clerk's certificate is bound to an address: there is one."""

    @property
    def party_id(self) -> UUID:
        """Whose the deliveries and request ids are: the desk's, whichever clerk sits at it."""
        return PAPER_DESK_ID

    @classmethod
    def of(cls, connection: Connection, profile: Profile) -> "PaperDesk":
        """Returns the desk under a profile."""
        return cls(connection, desk_address(profile), profile.operator_identifier, profile.operator_name)
