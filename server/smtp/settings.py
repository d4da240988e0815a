"""How mails are listened for."""

from dataclasses import dataclass
from pathlib import Path

from server.domain.inbound_mail import MAIL_BYTES


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Addresses, files and limits of the listeners. `implicit` is where TLS begins at once, None for nowhere.

    Attributes:
        idle_seconds: between two commands.
        data_seconds: for all of a mail.
        answer_seconds: for the use case, before the connection is given up.
        share_port: other processes listen on the same ports; the system deals connections out to them.
    """

    listen: str
    implicit: str | None
    host_name: str
    certificate: Path
    key: Path
    client_authorities: Path
    connections: int = 500
    connections_per_client: int = 50
    recipients: int = 100
    idle_seconds: float = 60.0
    data_seconds: float = 300.0
    answer_seconds: float = 600.0
    mail_bytes: int = MAIL_BYTES
    share_port: bool = False
