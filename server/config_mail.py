"""Settings of the mail that the post sends."""

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from server.config_values import LISTED, LOOPBACK_HOSTS, Duration, ExistingPath, Section

# With `+` and a token the local part has to stay within 64 characters (RFC 5321, 4.5.3.1.1).
_BOUNCES: Final = re.compile(r"[0-9A-Za-z._=-]{1,31}@[0-9A-Za-z.-]{1,253}", re.ASCII)


class MailSettings(Section):
    """The mail that the post sends: copies of messages to holders' own addresses (POST-6), and codes."""

    host: str = ""
    """The server that takes it, a name or an address. Without one nothing is forwarded by mail."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls`: required before anything is sent; `tls`: from the first octet; `none`: on loopback only."""
    authorities: ExistingPath | None = None
    """PEM file: the authorities that its certificate must lead to; without it those of the system."""
    username: str = ""
    """Where the server asks for it."""
    password_file: ExistingPath | None = None
    """File that holds the password."""
    sender: str = ""
    """The address that mails are from, such as `no-reply@post.example.am`; nobody reads answers."""
    sender_name: str = ""
    """The name beside it."""
    bounces: str = ""
    """The address that what can't be delivered comes back to; a copy's token stands behind a `+`. Mail for it
    must reach `namak-server smtp`. Without one nothing comes back.
    """
    link: str = ""
    """Where holders read their letters, a URL; mails name it."""
    own_domains: Annotated[tuple[str, ...], LISTED] = ()
    """Domains of the post besides its official one and the sender's: nothing is forwarded to them, for it
    would come back.
    """
    dkim_domain: str = ""
    """The domain that mails are signed for (DKIM); without a key they are not signed."""
    dkim_selector: str = ""
    """Under which selector the public key stands in the DNS."""
    dkim_key: ExistingPath | None = None
    """PEM file: the RSA key that signs."""
    timeout: Duration = timedelta(seconds=30)
    """How long any answer of the server may take, 1s to 5m."""
    connections: int = Field(default=10, ge=1, le=100)
    """How many connections are open at once."""
    size_mib: int = Field(default=10, ge=1, le=100)
    """How large a mail may be, in MiB; a copy that would be larger is a notice that says so."""

    @model_validator(mode="after")
    def _is_whole(self) -> "MailSettings":
        if self.bounces and not _BOUNCES.fullmatch(self.bounces):
            raise ValueError(
                "bounces must be an address of ASCII characters without a +, its local part short"
            )
        if not self.host:
            return self
        if "@" not in self.sender:
            raise ValueError("sender is needed with a host: an address")
        if self.tls == "none" and self.host not in LOOPBACK_HOSTS:
            raise ValueError("without TLS the host may only be on loopback")
        if bool(self.username) != (self.password_file is not None):
            raise ValueError("username and password_file are given together")
        if len({bool(self.dkim_domain), bool(self.dkim_selector), self.dkim_key is not None}) > 1:
            raise ValueError("dkim_domain, dkim_selector and dkim_key are given together")
        if not timedelta(seconds=1) <= self.timeout <= timedelta(minutes=5):
            raise ValueError("timeout must be 1s to 5m")
        return self
