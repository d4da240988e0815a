"""The table of events: every kind of fact, its URI, who may see it, and what its evidence holds besides.

A fact has a URI of ETSI EN 319 522-1 only where the standard means the same fact; all others have our own,
which is a name and not an address to fetch. There is one national operator, hence no relay between operators.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType

_ETSI = "http://uri.etsi.org/19522/Event/"
_OWN = "https://namak.am/event/"


class Audience(Enum):
    """Who may see the facts of an event, the operator's own staff aside."""

    SENDER = auto()
    """The organisation that sent the delivery."""
    HOLDER = auto()
    """The holder of the mailbox: what becomes of forwarded copies concerns nobody else (POST-7, POST-10)."""
    BOTH = auto()
    """The sender and the holder."""
    OPERATOR = auto()
    """The operator alone. (Of acts on an organisation's things, its administrators too: docs/receipts.md.)"""


class Extension(StrEnum):
    """What ``Extensions`` may hold besides ``salt`` and ``notificationPolicy``; the value is the JSON key."""

    REQUEST_ID = "requestId"
    SUBMITTED_FROM = "submittedFrom"
    MAILBOX_LINK = "mailboxLink"
    CONSIGNMENT = "consignment"
    ACCESS = "access"
    STATEMENT = "statement"
    CMS = "cms"
    REVOCATION = "revocation"
    FACT = "fact"
    RULE = "rule"
    EFFECTIVE_TIME = "effectiveTime"
    METHOD = "method"
    CHALLENGE = "challenge"
    ACT = "act"
    ACTOR = "actor"
    ACTED_FROM = "actedFrom"
    ORGANISATION = "organisation"
    RESOURCE = "resource"
    BEFORE = "before"
    AFTER = "after"
    RIGHT = "right"
    IN_REPLY_TO = "inReplyTo"
    STEP = "step"
    REPORTED_TIME = "reportedTime"
    CHANNEL = "channel"
    CAUSE = "cause"
    FILE = "file"
    TRACKING = "tracking"
    RECEIVER = "receiver"
    SCAN = "scan"
    PLACE = "place"
    SEGMENTS = "segments"
    CLERK = "clerk"
    CUSTODY = "custody"
    ORIGINAL = "original"
    COPY_STATEMENT = "copyStatement"
    PAPER_SENDER = "paperSender"
    SHARD = "shard"
    WITNESSED_SIZE = "witnessedSize"
    UNWITNESSED_SINCE = "unwitnessedSince"
    DEBT_LIMIT = "debtLimit"


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of fact.

    ``extensions`` are the keys that its evidence has besides the common ones, all required but those of
    ``optional``, and nothing else permitted; None where ``namak-evidence/1`` does not issue evidence of it
    yet. ``of_message`` says that it is about a message, so that the evidence names sender, recipient and
    content; ``of_delivery`` that there is a delivery to name (``MessageIdentifier``), ``has_reason`` that the
    evidence says why (``EventReasons``).
    """

    name: str
    uri: str
    audience: Audience
    extensions: tuple[Extension, ...] | None = None
    of_delivery: bool = True
    has_reason: bool = False
    of_message: bool = True
    optional: frozenset[Extension] = frozenset()

    def __hash__(self) -> int:
        # Events are looked up for each document; the URI names one.
        return hash(self.uri)

    def __eq__(self, other: object) -> bool:
        # And compared: nearly always two of the table, each of which there is once.
        if self is other:
            return True
        if not isinstance(other, Event):
            return NotImplemented
        return self.uri == other.uri and astuple(self) == astuple(other)


_NONE: frozenset[Extension] = frozenset()
_FOR_OTHERS = frozenset({Extension.RIGHT})
# What a person does with somebody else's message names the act that gave them the right.
_OF_REPLIES = frozenset({Extension.IN_REPLY_TO})
# A holder's reply names the delivery that it answers.


def _etsi(
    name: str, audience: Audience, *extensions: Extension, optional: frozenset[Extension] = _NONE
) -> Event:
    return Event(name, _ETSI + name, audience, extensions or None, optional=optional)


def _own(
    name: str, audience: Audience, *extensions: Extension, optional: frozenset[Extension] = _NONE
) -> Event:
    return Event(name, _OWN + name, audience, extensions or None, optional=optional)


SUBMISSION_ACCEPTANCE = _etsi(
    "SubmissionAcceptance",
    Audience.SENDER,
    Extension.REQUEST_ID,
    Extension.SUBMITTED_FROM,
    Extension.IN_REPLY_TO,
    optional=_OF_REPLIES,
)
SUBMISSION_REJECTION = Event(
    "SubmissionRejection",
    _ETSI + "SubmissionRejection",
    Audience.SENDER,
    (Extension.REQUEST_ID, Extension.SUBMITTED_FROM, Extension.IN_REPLY_TO),
    of_delivery=False,
    has_reason=True,
    optional=_OF_REPLIES,
)
CONTENT_CONSIGNMENT = _etsi(
    "ContentConsignment", Audience.BOTH, Extension.MAILBOX_LINK, Extension.IN_REPLY_TO, optional=_OF_REPLIES
)
CONTENT_ACCESS_TRACKING = _etsi(
    "ContentAccessTracking", Audience.BOTH, Extension.CONSIGNMENT, Extension.RIGHT, optional=_FOR_OTHERS
)
READING_CONFIRMED = _own(
    "ReadingConfirmed",
    Audience.BOTH,
    Extension.CONSIGNMENT,
    Extension.ACCESS,
    Extension.STATEMENT,
    Extension.CMS,
    Extension.REVOCATION,
    Extension.RIGHT,
    optional=_FOR_OTHERS,
)
HOLDER_SIGNED_IN = _own(
    "HolderSignedIn", Audience.BOTH, Extension.CONSIGNMENT, Extension.METHOD, Extension.CHALLENGE
)
NOTIFICATION_EFFECTED = _own(
    "NotificationEffected", Audience.BOTH, Extension.FACT, Extension.RULE, Extension.EFFECTIVE_TIME
)
WITHDRAWN = _own("Withdrawn", Audience.BOTH, Extension.CONSIGNMENT)
_OUTSIDE = (Extension.CONSIGNMENT, Extension.STEP, Extension.REPORTED_TIME)
# What happens outside is about a message in a mailbox; a step of its policy's ladder may have led to it, and
# others may say when it was.
_PERHAPS = frozenset({Extension.STEP, Extension.REPORTED_TIME})
_OF_POST = frozenset({*_PERHAPS, Extension.TRACKING, Extension.RECEIVER, Extension.SCAN, Extension.CAUSE})

CONSIGNMENT_NOTIFICATION = _etsi(
    "ConsignmentNotification", Audience.HOLDER, *_OUTSIDE, Extension.CHANNEL, optional=_PERHAPS
)
CONSIGNMENT_NOTIFICATION_FAILURE = _etsi(
    "ConsignmentNotificationFailure",
    Audience.HOLDER,
    *_OUTSIDE,
    Extension.CHANNEL,
    Extension.CAUSE,
    optional=_PERHAPS,
)
RELAY_TO_NON_ERDS = _etsi("RelayToNonERDS", Audience.HOLDER, *_OUTSIDE, Extension.CHANNEL, optional=_PERHAPS)
RELAY_TO_NON_ERDS_FAILURE = _etsi(
    "RelayToNonERDSFailure",
    Audience.HOLDER,
    *_OUTSIDE,
    Extension.CHANNEL,
    Extension.CAUSE,
    optional=_PERHAPS,
)
LETTER_PRINTED = _own("LetterPrinted", Audience.BOTH, *_OUTSIDE, Extension.FILE, optional=_PERHAPS)
LETTER_POSTED = _own("LetterPosted", Audience.BOTH, *_OUTSIDE, Extension.TRACKING, optional=_PERHAPS)
LETTER_HANDED_OVER = _own(
    "LetterHandedOver",
    Audience.BOTH,
    *_OUTSIDE,
    Extension.TRACKING,
    Extension.RECEIVER,
    Extension.SCAN,
    optional=_OF_POST,
)
LETTER_REFUSED = _own(
    "LetterRefused",
    Audience.BOTH,
    *_OUTSIDE,
    Extension.TRACKING,
    Extension.CAUSE,
    Extension.SCAN,
    optional=_OF_POST,
)
LETTER_RETURNED = _own(
    "LetterReturned", Audience.BOTH, *_OUTSIDE, Extension.TRACKING, Extension.CAUSE, optional=_OF_POST
)
NOTICE_PUBLISHED = _own(
    "NoticePublished",
    Audience.BOTH,
    *_OUTSIDE,
    Extension.FILE,
    Extension.PLACE,
    optional=_PERHAPS | {Extension.PLACE},
)
RECEIVED_FROM_NON_ERDS = _etsi(
    "ReceivedFromNonERDS",
    Audience.BOTH,
    Extension.CONSIGNMENT,
    Extension.CLERK,
    Extension.CUSTODY,
    Extension.ORIGINAL,
    Extension.COPY_STATEMENT,
    Extension.PAPER_SENDER,
    Extension.TRACKING,
    optional=frozenset({Extension.PAPER_SENDER, Extension.TRACKING}),
)


def _text(name: str, *extensions: Extension, optional: frozenset[Extension] = _NONE) -> Event:
    """Returns an event of a sender's own short message: about a text to a phone, and of no delivery."""
    return Event(name, _OWN + name, Audience.SENDER, extensions, of_delivery=False, optional=optional)


SMS_ACCEPTED = _text(
    "SmsAccepted",
    Extension.REQUEST_ID,
    Extension.SUBMITTED_FROM,
    Extension.SEGMENTS,
    Extension.CONSIGNMENT,
    optional=frozenset({Extension.CONSIGNMENT}),
)
SMS_SENT = _text("SmsSent", Extension.FACT)
SMS_DELIVERED = _text("SmsDelivered", Extension.FACT, Extension.REPORTED_TIME)
SMS_FAILED = _text(
    "SmsFailed",
    Extension.FACT,
    Extension.CAUSE,
    Extension.REPORTED_TIME,
    optional=frozenset({Extension.REPORTED_TIME}),
)
ADMINISTRATIVE_ACT = Event(
    "AdministrativeAct",
    _OWN + "AdministrativeAct",
    Audience.OPERATOR,
    (
        Extension.ACT,
        Extension.ACTOR,
        Extension.ACTED_FROM,
        Extension.ORGANISATION,
        Extension.RESOURCE,
        Extension.BEFORE,
        Extension.AFTER,
        Extension.REQUEST_ID,
    ),
    of_delivery=False,
    of_message=False,
    optional=frozenset(
        {
            Extension.ACTED_FROM,
            Extension.ORGANISATION,
            Extension.BEFORE,
            Extension.AFTER,
            Extension.REQUEST_ID,
        }
    ),
)

OUTAGE_BEGAN = Event(
    "OutageBegan",
    _OWN + "OutageBegan",
    Audience.OPERATOR,
    (Extension.SHARD, Extension.WITNESSED_SIZE, Extension.UNWITNESSED_SINCE, Extension.DEBT_LIMIT),
    of_delivery=False,
    of_message=False,
)
OUTAGE_ENDED = Event(
    "OutageEnded",
    _OWN + "OutageEnded",
    Audience.OPERATOR,
    (Extension.SHARD, Extension.WITNESSED_SIZE, Extension.FACT),
    of_delivery=False,
    of_message=False,
)

EVENTS: tuple[Event, ...] = (
    SUBMISSION_ACCEPTANCE,
    SUBMISSION_REJECTION,
    CONTENT_CONSIGNMENT,
    # Copies and notices to the holder's own addresses and phones.
    CONSIGNMENT_NOTIFICATION,
    CONSIGNMENT_NOTIFICATION_FAILURE,
    RELAY_TO_NON_ERDS,
    RELAY_TO_NON_ERDS_FAILURE,
    # A letter that came on paper (BOX-11).
    RECEIVED_FROM_NON_ERDS,
    CONTENT_ACCESS_TRACKING,
    READING_CONFIRMED,
    # The facts on which a legal effect may rest: who relies on the effect must be able to see them
    # (LADDER-1).
    HOLDER_SIGNED_IN,
    WITHDRAWN,
    LETTER_PRINTED,
    LETTER_POSTED,
    LETTER_HANDED_OVER,
    LETTER_REFUSED,
    LETTER_RETURNED,
    NOTICE_PUBLISHED,
    NOTIFICATION_EFFECTED,
    # Senders' own short messages (ADMIN-3): they notify nobody, and no policy reads them.
    SMS_ACCEPTED,
    SMS_SENT,
    SMS_DELIVERED,
    SMS_FAILED,
    ADMINISTRATIVE_ACT,
    # Times in which nothing was accepted, since witnesses had not vouched for what was recorded before.
    OUTAGE_BEGAN,
    OUTAGE_ENDED,
)
"""All events. Those without ``extensions`` have only their names and audiences settled."""

by_uri: Mapping[str, Event] = MappingProxyType({event.uri: event for event in EVENTS})
by_name: Mapping[str, Event] = MappingProxyType({event.name: event for event in EVENTS})
