"""Mail that is kept instead of sent."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from server.usecases.forwarding_ports import MailNotSent


@dataclass(frozen=True)
class SentMail:
    """A mail with its envelope."""

    message: EmailMessage
    bounces_to: str
    to: str


class FakeMailRoute:
    """Takes mail, or refuses it.

    Attributes:
        sent: what was taken, in order.
        failing: set by a test to have mail not taken; `refusing` the same, for some addresses.
        size_limit: how many octets a mail may have.
    """

    def __init__(self) -> None:
        self.sent: list[SentMail] = []
        self.failing: MailNotSent | None = None
        self.refusing: dict[str, MailNotSent] = {}
        self.size_limit = 1024 * 1024

    async def send(self, message: bytes, *, bounces_to: str, to: str) -> None:
        if self.failing is not None:
            raise self.failing
        if to in self.refusing:
            raise self.refusing[to]
        if len(message) > self.size_limit:
            raise MailNotSent("TOO_LARGE", for_good=True)
        read = message_from_bytes(message, policy=policy.SMTP)
        assert isinstance(read, EmailMessage)
        self.sent.append(SentMail(read, bounces_to, to))
