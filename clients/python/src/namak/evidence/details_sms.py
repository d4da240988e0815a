"""What the evidence of senders' own short messages holds. They notify nobody: no policy reads them."""

from dataclasses import dataclass
from datetime import datetime

from namak.evidence.strict_json import IpAddress


@dataclass(frozen=True, slots=True)
class SmsAcceptedDetails:
    """SmsAccepted: the sender's ``request_id``, the address that it came from, how many ``segments`` are sent
    and billed, and, where it goes with a message, the hex digest of that one's ContentConsignment evidence.
    """

    request_id: str
    submitted_from: IpAddress
    segments: int
    consignment: str | None = None


@dataclass(frozen=True, slots=True)
class SmsSentDetails:
    """SmsSent: the hex digest of the SmsAccepted evidence. An SMS centre has taken all segments."""

    fact: str


@dataclass(frozen=True, slots=True)
class SmsDeliveredDetails:
    """SmsDelivered: the hex digest of the SmsAccepted evidence, and when the phone's network reported it."""

    fact: str
    reported_time: datetime


@dataclass(frozen=True, slots=True)
class SmsFailedDetails:
    """SmsFailed: the hex digest of the SmsAccepted evidence, the ``cause`` in a word, and, where the phone's
    network reported it, when.
    """

    fact: str
    cause: str
    reported_time: datetime | None = None
