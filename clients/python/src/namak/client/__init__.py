"""The client library of Namak: asynchronous, typed, patient.

    connection = Connection.load()
    async with Client(connection) as post:
        letter = compose(sender="notices@src.am", recipient="5001950015@e-citizen.am",
                         subject="…", parts=[read_part(Path("letter.pdf"))])
        accepted = await post.deliveries.submit(letter)

Calls return the contract's own messages (:mod:`namak.v1`) and raise :mod:`namak.errors`. UNAVAILABLE
is repeated with the same request id until the connection's time-out.
"""

from types import TracebackType
from typing import Self

from namak.client.admin import Administration
from namak.client.billing import Billing
from namak.client.correspondence import Correspondence
from namak.client.delegation import Delegations
from namak.client.delivery import Deliveries, Outcome
from namak.client.evidence import EvidenceReader
from namak.client.forwarding import Forwarding
from namak.client.identity import Identity, check_challenge, sign_challenge
from namak.client.letters import compose, compose_part, read_part
from namak.client.link import Link
from namak.client.mailbox import Mailbox
from namak.client.paper import Papers
from namak.client.possession import possession_text, sign_possession
from namak.client.printing import Printing
from namak.client.registration import Registration
from namak.client.retries import Patience
from namak.client.signatures import Signatures
from namak.client.sms import ShortMessages, sms_text
from namak.config import Connection, Signing, TrustFiles
from namak.errors import NamakError

__all__ = [
    "Administration",
    "Billing",
    "Client",
    "Connection",
    "Correspondence",
    "Delegations",
    "Deliveries",
    "EvidenceReader",
    "Forwarding",
    "Holder",
    "Identity",
    "Mailbox",
    "NamakError",
    "Outcome",
    "Papers",
    "Patience",
    "Printing",
    "Registration",
    "ShortMessages",
    "Signing",
    "TrustFiles",
    "check_challenge",
    "compose",
    "compose_part",
    "possession_text",
    "read_part",
    "sign_challenge",
    "sign_possession",
    "sms_text",
]


class Client:
    """One connection to the post, with the calls of each kind of caller. An asynchronous context manager.

    Making it reads and checks the caller's certificate; entering it connects.
    """

    def __init__(self, connection: Connection, *, patience: Patience | None = None) -> None:
        """Raises ConfigurationError or OwnCertificateError. ``patience`` instead of the connection's
        time-out.
        """
        self._link = Link(connection, patience=patience)
        self.deliveries = Deliveries(self._link)
        self.mailbox = Mailbox(self._link)
        self.letters = Correspondence(self._link)
        self.delegations = Delegations(self._link)
        self.forwarding = Forwarding(self._link)
        self.evidence = EvidenceReader(self._link)
        self.admin = Administration(self._link)
        self.billing = Billing(self._link)
        self.identity = Identity(self._link)
        self.registration = Registration(self._link)
        self.signatures = Signatures(self._link)
        self.printing = Printing(self._link)
        self.paper = Papers(self._link)
        self.sms = ShortMessages(self._link)

    def in_session(self, token: str) -> "Holder":
        """Returns the calls of a holder who is signed in at this portal, by the session's token. They end
        with this connection.
        """
        return Holder(self._link.in_session(token))

    async def __aenter__(self) -> Self:
        """Connects. Raises :class:`namak.errors.CannotConnect`, saying what to look at."""
        try:
            await self._link.connect()
        except BaseException:
            await self._link.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._link.close()


class Holder:
    """The calls of one holder who is signed in at a portal, over the portal's connection."""

    def __init__(self, link: Link) -> None:
        self.mailbox = Mailbox(link)
        self.letters = Correspondence(link)
        self.delegations = Delegations(link)
        self.forwarding = Forwarding(link)
        self.evidence = EvidenceReader(link)
        self.identity = Identity(link)
