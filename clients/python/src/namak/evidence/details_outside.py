"""What the evidence holds of what happens outside: letters on paper, public notices, nudges, copies."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

STEP_FORM: Final = re.compile(r"[A-Z][A-Z0-9]{0,39}(-[A-Z0-9]{1,39}){0,4}", re.ASCII)
"""How a policy names the steps of its ladder."""
CHANNELS: Final = re.compile(r"EMAIL|SMS", re.ASCII)
"""By what a holder is told, or gets a copy, outside the mailbox."""
TRACKING_FORM: Final = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,39}", re.ASCII)
"""How a post numbers registered letters, ``RR123456785AM`` say."""


@dataclass(frozen=True, slots=True)
class OutsideDetails:
    """What stands in all evidence of what happened outside: the hex digest of the ContentConsignment evidence
    of the message, the ``step`` of its policy's ladder that led to it, if one did, and the time at which
    others say that it happened. EventTime is when we recorded it.
    """

    consignment: str
    step: str | None = None
    reported_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class NudgeDetails(OutsideDetails):
    """ConsignmentNotification, RelayToNonERDS: by which ``channel`` the holder was told, or a copy sent. To
    which address or number is not here.
    """

    channel: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class NudgeFailureDetails(OutsideDetails):
    """ConsignmentNotificationFailure, RelayToNonERDSFailure: by which ``channel`` it was tried, and why it
    failed, in a word.
    """

    channel: str = field(kw_only=True)
    cause: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class LetterPrintedDetails(OutsideDetails):
    """LetterPrinted: the hex SHA-256 of the ``file`` that was printed."""

    file: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class LetterPostedDetails(OutsideDetails):
    """LetterPosted: the post's number of the registered letter."""

    tracking: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class LetterHandedOverDetails(OutsideDetails):
    """LetterHandedOver: the post's number, who took the letter, and the hex SHA-256 of the ``scan`` of their
    receipt, as far as they are known.
    """

    tracking: str | None = None
    receiver: str | None = None
    scan: str | None = None


@dataclass(frozen=True, slots=True)
class LetterRefusedDetails(OutsideDetails):
    """LetterRefused: the post's number, why in a word, and the hex SHA-256 of the ``scan`` of the post's
    note, as far as they are known. What a refusal means is the policy's to say.
    """

    tracking: str | None = None
    cause: str | None = None
    scan: str | None = None


@dataclass(frozen=True, slots=True)
class LetterReturnedDetails(OutsideDetails):
    """LetterReturned: the post's number, and why in a word, as far as they are known."""

    tracking: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class NoticeDetails(OutsideDetails):
    """NoticePublished: the hex SHA-256 of the ``file`` that was published, and where it can be read."""

    file: str = field(kw_only=True)
    place: str | None = None
