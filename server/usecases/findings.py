"""What is found out about new submissions while they are judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from server.domain.caller import IpAddress
from server.domain.deliveries import Party
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxState
from server.domain.refusals import (
    MailboxClosed,
    MailboxNotConfirmed,
    MailboxSuspended,
    MailboxUnknown,
    Refused,
)
from server.usecases.asked import Key


@dataclass(slots=True)
class Findings:
    """The judgement of a group as it comes about.

    Attributes:
        at: the time for which it holds.
        mailboxes: those that are locked, by address.
        parties: who the submissions are from, by identifier.
        permitted: the entry, or the own mailbox, by which each may be sent.
        policies: the notification policy of each that an organisation sends.
        refused: who is refused why; what is refused may be permitted too.
        excess: what is over a limit, as what is answered.
        unplaced, unknown: what can't be judged for want of host names, and these, by the client's address.
    """

    at: datetime
    mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]]
    parties: dict[UUID, Party] = field(default_factory=dict)
    permitted: dict[Key, UUID] = field(default_factory=dict)
    policies: dict[Key, str] = field(default_factory=dict)
    refused: dict[Key, Refused] = field(default_factory=dict)
    excess: dict[Key, Refused] = field(default_factory=dict)
    unplaced: dict[Key, Refused] = field(default_factory=dict)
    unknown: dict[IpAddress, frozenset[str]] = field(default_factory=dict)


def mailbox_refusal(
    mailboxes: Mapping[str, tuple[Mailbox, MailboxHead]], recipient: str, confirmed_only: bool
) -> Refused | None:
    """Returns why nothing can be laid into the mailbox of this address; None when it can. With
    `confirmed_only` its holder must have confirmed their profile (BOX-9).
    """
    found = mailboxes.get(recipient)
    return refusal_at(None if found is None else found[0], recipient, confirmed_only)


def refusal_at(mailbox: Mailbox | None, recipient: str, confirmed_only: bool) -> Refused | None:
    """Returns as `mailbox_refusal` for the mailbox of the address, None where there is none."""
    if mailbox is None:
        return MailboxUnknown(recipient)
    match mailbox.state:
        case MailboxState.OPEN:
            unconfirmed = confirmed_only and mailbox.confirmed_at is None
            return MailboxNotConfirmed(recipient) if unconfirmed else None
        case MailboxState.SUSPENDED:
            return MailboxSuspended(recipient)
        case MailboxState.CLOSED:
            return MailboxClosed(recipient)
