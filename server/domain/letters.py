"""Letters that holders write to state bodies: who writes, and what they may (BOX-9).

Pure: the mailboxes were read, and letters counted, by whoever asks.
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.caller import Connection, Sender
from server.domain.deliveries import Party
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.paper_desk import PaperDesk
from server.domain.profile import Correspondence
from server.domain.refusals import (
    LettersNotOffered,
    OwnMailboxNotOpen,
    ProfileNotConfirmed,
    RecipientNotOfficial,
    Refused,
)


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A holder as the sender of letters, from their own mailbox.

    Attributes:
        connection: from where the holder calls.
        mailbox_id, address: their own mailbox.
        number: what stands before the `@`.
        name: by which evidence names them: that of their profile or, without one, the address.
        at_portal: whether the certificate of the connection is a portal's, and not the holder's own.
    """

    connection: Connection
    mailbox_id: UUID
    address: str
    number: str
    name: str
    at_portal: bool

    sender_address_id: ClassVar[None] = None
    """Nobody binds a certificate to one of a holder's addresses: there is one."""

    @property
    def party_id(self) -> UUID:
        """Whose the deliveries and request ids are: the mailbox's, as a sender's are its organisation's."""
        return self.mailbox_id

    def party(self) -> Party:
        """Returns how deliveries and evidence name the holder."""
        return Party(self.mailbox_id, self.number, self.name)


Submitter = Sender | Correspondent | PaperDesk
"""Who submits messages. All tell by `party_id` whose these are."""


def check_offered(rules: Correspondence) -> None:
    """Raises `LettersNotOffered` where holders write no letters."""
    if not rules.two_way:
        raise LettersNotOffered


def reply_address(organisation_code: str, mailbox_domain: str) -> str:
    """Returns the official address of an organisation, whether or not it has a mailbox (POST-4)."""
    return f"{organisation_code}@{mailbox_domain}"


def judge_writer(own: Mailbox | None, address: str, rules: Correspondence) -> Refused | None:
    """Returns why nobody may write from this mailbox, as it is now; None when they may.

    Who may not receive may not write either: a closed mailbox could not be answered to.
    """
    if own is None or own.state is not MailboxState.OPEN:
        return OwnMailboxNotOpen(address, MailboxState.CLOSED if own is None else own.state)
    if rules.confirmed_profile and own.confirmed_at is None:
        return ProfileNotConfirmed(address)
    return None


def judge_recipient(recipient: Mailbox) -> Refused | None:
    """Returns why no letter may be written to this mailbox; None when it may. The post is for official
    letters, and no mail between citizens.
    """
    return None if recipient.holder_kind is HolderKind.ENTITY else RecipientNotOfficial(recipient.address)


def day_began(at: datetime, zone: ZoneInfo) -> datetime:
    """Returns when the local day began, for which letters are counted."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone)
