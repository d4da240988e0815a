"""The sockets: one where TLS begins with STARTTLS, and perhaps one where it begins at once."""

import asyncio
import functools
import logging

from server.smtp.desk import MailDesk
from server.smtp.session import Doors, MailSession, client_context
from server.smtp.settings import SmtpSettings


class SmtpListener:
    """Listens until it is closed."""

    def __init__(self, desk: MailDesk, settings: SmtpSettings) -> None:
        self._desk, self._settings = desk, settings
        self._doors = Doors(settings)
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Begins to listen. Raises OSError: an address or a file can't be used."""
        # The library's own log has the addresses of all recipients.
        logging.getLogger("mail").disabled = True
        context, settings = client_context(self._settings), self._settings
        session = functools.partial(MailSession, self._desk, self._doors, settings)
        loop = asyncio.get_running_loop()
        host, port = _place(settings.listen)
        self._servers.append(
            await loop.create_server(
                lambda: session(context), host, port, reuse_port=settings.share_port or None
            )
        )
        if settings.implicit is not None:
            host, port = _place(settings.implicit)
            server = await loop.create_server(
                lambda: session(None), host, port, ssl=context, reuse_port=settings.share_port or None
            )
            self._servers.append(server)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._doors.transports)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports, the one with STARTTLS first."""
        return tuple(server.sockets[0].getsockname()[1] for server in self._servers)

    async def close(self) -> None:
        """Stops listening, and ends all connections; what is being submitted is decided all the same."""
        for server in self._servers:
            server.close()
        for transport in list(self._doors.transports):
            transport.close()
        self._servers.clear()


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
