"""Submissions, the deliveries they become, and how far those have come."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from namak.evidence.details_paper import PaperDetails
from server.domain.mail_origins import MailOrigin
from server.domain.paper_desk import PaperOrigin
from server.domain.sender_sms import SmsText


class DeliveryState(StrEnum):
    """How far a delivery has come; a view of its facts that only moves forward."""

    CONSIGNED = "CONSIGNED"
    NOTIFIED = "NOTIFIED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A part without its content. `digest` is the SHA-256 of the content, `size` its length in bytes."""

    name: str
    media_type: str
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message, with its content, which is never altered (POST-10)."""

    info: PartInfo
    content: bytes


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a submission is from, as deliveries and evidence name them: an organisation, or a holder who
    writes letters, by the identifier of their mailbox, their number and their name.
    """

    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Submission:
    """One message to one recipient, as a sender asks for it; the addresses are in canonical form.

    `in_reply_to` is the delivery that it answers, for a holder's reply; `notification_policy` the policy that
    the sender picks, None for the contract's usual one; `paper` is what is known of the paper, where it is
    the copy of a letter on paper. `mail` is where it came from if that was an ordinary mail, and
    `receipts_by_mail` whether its sender gets receipts so; neither is part of what is submitted. `sms` is a
    short text that goes with it to phones.
    """

    request_id: str
    sender: str
    recipient: str
    subject: str
    parts: tuple[Part, ...]
    in_reply_to: UUID | None = None
    notification_policy: str | None = None
    paper: PaperOrigin | None = None
    mail: MailOrigin | None = None
    receipts_by_mail: bool = False
    sms: SmsText | None = None

    def digest(self) -> bytes:
        """Returns the SHA-256 over the domain fields that makes two submissions under one request id equal.

        Every field is preceded by its length, so that no two different submissions give the same bytes. It
        is never taken
        over protobuf bytes, which are not canonical (docs/submission-cycle.md).
        """
        digest = hashlib.sha256(b"namak-submission/1\x00")
        fields = [self.sender.encode(), self.recipient.encode(), self.subject.encode()]
        for part in self.parts:
            fields += [part.info.name.encode(), part.info.media_type.encode(), part.info.digest]
        if self.in_reply_to is not None:
            # One more than any number of parts has.
            fields.append(self.in_reply_to.bytes)
        if self.notification_policy is not None:
            fields.append(b"notification policy " + self.notification_policy.encode())
        if self.paper is not None:
            fields += self.paper.fields()
        if self.sms is not None:
            fields += self.sms.fields()
        for field in fields:
            digest.update(len(field).to_bytes(8, "big"))
            digest.update(field)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An accepted submission: one message in one mailbox.

    `organisation_id` and `sender_address_id` are the organisation that sent it and the entry that permitted
    it; of a holder's letter both are the holder's mailbox, and code and name are the holder's.
    `in_reply_to` is the delivery that a reply answers.
    `sequence` is its place in the mailbox, from 1. `notified_at` is when the notification policy's effect
    came about, `withdrawn_at` when its sender withdrew it; a delivery has at most one of the two.
    `receipts_by_mail` says that it came in by mail, and that its sender gets receipts so.
    """

    id: UUID
    mailbox_id: UUID
    organisation_id: UUID
    sender_address_id: UUID
    organisation_code: str
    organisation_name: str
    sender: str
    recipient: str
    subject: str
    parts: tuple[PartInfo, ...]
    notification_policy: str
    sequence: int
    submitted_at: datetime
    state: DeliveryState = DeliveryState.CONSIGNED
    notified_at: datetime | None = None
    withdrawn_at: datetime | None = None
    in_reply_to: UUID | None = None
    receipts_by_mail: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which of its deliveries a sender asks for; all that is given must hold, None and empty ask for all.

    The addresses are in canonical form. `submitted_from` is inclusive, `submitted_before` exclusive, both
    aware. `request_id` is that of a submission.
    """

    sender: str | None = None
    recipient: str | None = None
    states: frozenset[DeliveryState] = frozenset()
    submitted_from: datetime | None = None
    submitted_before: datetime | None = None
    request_id: str | None = None

    def parts(self) -> tuple[str, ...]:
        """Returns what tells this filter from others, for page tokens; nothing for the one that lets all
        through.
        """
        if self == DeliveryFilter():
            return ()
        return (
            self.sender or "",
            self.recipient or "",
            " ".join(sorted(self.states)),
            _time_text(self.submitted_from),
            _time_text(self.submitted_before),
            self.request_id or "",
        )


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages of the own mailbox a holder asks for; all that is given must hold, None asks for all.

    `sender` is in canonical form. `consigned_from` is inclusive, `consigned_before` exclusive, both aware.
    """

    unopened_only: bool = False
    unconfirmed_only: bool = False
    sender: str | None = None
    consigned_from: datetime | None = None
    consigned_before: datetime | None = None

    def parts(self) -> tuple[str, ...]:
        """Returns what tells this filter from others, for page tokens; nothing for the one that lets all
        through.
        """
        if self == MessageFilter():
            return ()
        return (
            "unopened" if self.unopened_only else "",
            "unconfirmed" if self.unconfirmed_only else "",
            self.sender or "",
            _time_text(self.consigned_from),
            _time_text(self.consigned_before),
        )


def _time_text(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).isoformat()


@dataclass(frozen=True, slots=True)
class MessageView:
    """A delivery as its holder sees it in a list; `paper` is what its evidence says of the paper, where it is
    the copy of a letter on paper.
    """

    delivery: Delivery
    opened_at: datetime | None
    confirmed_at: datetime | None
    paper: PaperDetails | None = None
