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
from namak.client.delivery import Deliveries, Outcome
from namak.client.evidence import EvidenceReader
from namak.client.letters import compose, compose_part, read_part
from namak.client.link import Link
from namak.client.mailbox import Mailbox
from namak.client.possession import possession_text, sign_possession
from namak.client.retries import Patience
from namak.config import Connection, Signing, TrustFiles
from namak.errors import NamakError

__all__ = [
    "Administration",
    "Billing",
    "Client",
    "Connection",
    "Deliveries",
    "EvidenceReader",
    "Mailbox",
    "NamakError",
    "Outcome",
    "Patience",
    "Signing",
    "TrustFiles",
    "compose",
    "compose_part",
    "possession_text",
    "read_part",
    "sign_possession",
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
        self.evidence = EvidenceReader(self._link)
        self.admin = Administration(self._link)
        self.billing = Billing(self._link)

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
