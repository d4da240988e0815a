"""Public notices: that there is something for somebody, and by when; never what (LADDER-1).

A notice says what the law needs and nothing else: whom it is for, by name, who sent it, the delivery's
identifier, and since when the recipient counts as notified. No number and no address of anybody is in it.
"""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.deliveries import Delivery, DeliveryState
from server.domain.notice_texts import TEXTS

MAY_BE_EARLY: Final = timedelta(hours=1)
"""The deadline that a notice names is at most so much before the one that follows from its publication. It is
never after it: nobody is notified before the day that they were told.
"""

LONGEST_NAME: Final = 500
"""A longer name is cut: no notice is a place for a book."""

_FORBIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class NoticeState(StrEnum):
    """How far a notice is."""

    WAITING = "WAITING"
    """It is to be published; `reason` says why the last attempt failed."""
    PUBLISHED = "PUBLISHED"
    """It is public, and the evidence says so."""
    WITHDRAWING = "WITHDRAWING"
    """It is to be taken back; `reason` says why the last attempt failed."""
    WITHDRAWN = "WITHDRAWN"
    """It was public, or may have been, and is no longer."""
    NOT_NEEDED = "NOT_NEEDED"
    """It was never published: the delivery was notified or withdrawn before, or the operator stopped it."""
    FAILED = "FAILED"
    """It could not be published, as `reason` says, and an operator decides (`notices retry`)."""


UNPUBLISHED: Final = frozenset({NoticeState.WAITING, NoticeState.FAILED})
"""The states in which a notice may still be published."""


class Ending(StrEnum):
    """Why a notice is no longer public, or never was."""

    OVER = "OVER"
    """Its time is over: the wait after the publication that the delivery's policy names."""
    NOTIFIED = "NOTIFIED"
    """The recipient was notified otherwise: by signing in, opening, or a letter."""
    WITHDRAWN = "WITHDRAWN"
    """The sender withdrew the delivery."""
    OPERATOR = "OPERATOR"
    """The operator decided so."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice of a step of a delivery's ladder.

    Attributes:
        id: by which it is known where it is published, the same at each attempt.
        step: the step's name in the delivery's policy.
        asked_at: when it was first tried to publish it.
        reason: why the last attempt failed, in a word; None where it did not.
        job_id: the job that tried last.
        document: the very bytes that were handed over for publication last; None before the first time. They
            are kept for ever: evidence holds their digest.
        place: where it can be read, or could.
        deadline: since when the recipient counts as notified, if nothing comes before: by the document until
            it is published, then by the evidence.
        published_at: when its publication was recorded.
        ended_at: when it was taken back, or found to be unnecessary.
    """

    id: UUID
    mailbox_id: UUID
    delivery_id: UUID
    step: str
    asked_at: datetime
    state: NoticeState = NoticeState.WAITING
    reason: str | None = None
    job_id: int | None = None
    document: bytes | None = None
    place: str | None = None
    deadline: datetime | None = None
    published_at: datetime | None = None
    ending: Ending | None = None
    ended_at: datetime | None = None


def ending_of(delivery: Delivery) -> Ending | None:
    """Returns why a delivery needs no notice any more; None while it does."""
    match delivery.state:
        case DeliveryState.NOTIFIED:
            return Ending.NOTIFIED
        case DeliveryState.WITHDRAWN:
            return Ending.WITHDRAWN
        case _:
            return None


def digest_of(document: bytes) -> str:
    """Returns the hex SHA-256 of what is published, as evidence holds it."""
    return hashlib.sha256(document).hexdigest()


def shown_name(name: str) -> str:
    """Returns a name as it may stand in public: on one line, without control, format and private characters
    (a NUL, or a mark that turns the direction of what follows, is not part of anybody's name), and not
    longer than `LONGEST_NAME`. Empty where nothing is left.
    """
    spaced = "".join(" " if each.isspace() else each for each in unicodedata.normalize("NFC", name))
    kept = "".join(each for each in spaced if unicodedata.category(each) not in _FORBIDDEN)
    return " ".join(kept.split())[:LONGEST_NAME].rstrip()


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a notice says in one language."""

    language: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class PublicNotice:
    """What is published, and nothing else. Names are as `shown_name` returns them."""

    id: UUID
    delivery_id: UUID
    recipient: str
    sender: str
    deadline: datetime

    def texts(self, languages: Sequence[str], time_zone: str) -> Sequence[NoticeText]:
        """Returns what it says in these languages; times are those of the zone."""
        local = self.deadline.astimezone(ZoneInfo(time_zone))
        said = []
        for language in languages:
            words = TEXTS[language]
            values = {
                "recipient": self.recipient,
                "sender": self.sender,
                "delivery": str(self.delivery_id),
                "deadline": local.strftime(words.time_format),
            }
            said.append(NoticeText(language, words.title.format(**values), words.text.format(**values)))
        return said

    def document(self, languages: Sequence[str], time_zone: str) -> bytes:
        """Returns the bytes that are published: JSON in UTF-8, the same for the same notice each time."""
        texts = self.texts(languages, time_zone)
        content = {
            "version": 1,
            "id": str(self.id),
            "delivery": str(self.delivery_id),
            "recipient": self.recipient,
            "sender": self.sender,
            "deadline": self.deadline.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds"),
            "texts": [{"language": e.language, "title": e.title, "text": e.text} for e in texts],
        }
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def read_document(document: bytes) -> tuple[PublicNotice, Sequence[NoticeText]]:
    """Returns what a document of ours says."""
    content = json.loads(document)
    texts = [NoticeText(each["language"], each["title"], each["text"]) for each in content["texts"]]
    notice = PublicNotice(
        UUID(content["id"]),
        UUID(content["delivery"]),
        content["recipient"],
        content["sender"],
        datetime.fromisoformat(content["deadline"]),
    )
    return notice, texts


def still_true(named: datetime, following: datetime) -> bool:
    """Tells whether the deadline that a notice names is that which follows from its publication."""
    return timedelta(0) <= following - named <= MAY_BE_EARLY
