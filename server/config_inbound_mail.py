"""Settings of the listener for senders' ordinary mail clients."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from server.config_values import Address, Duration, ExistingPath, LoopbackAddress, Section, within


class InboundMailSettings(Section):
    """Where `namak-server smtp` listens, and its limits. A mail may have 1.5 MiB."""

    listen: Address = "127.0.0.1:8587"
    """Address of the listener where TLS begins with STARTTLS, without which nothing is heard. Port 0 takes a
    free one.
    """
    implicit_tls_listen: Address | None = None
    """Address of the listener where TLS begins at once. Without one there is no such listener."""
    in_server: bool = False
    """Whether `serve` takes mails too, in each of its processes, so that a development world needs one
    program; otherwise `namak-server smtp` alone does.
    """
    health_listen: LoopbackAddress = "127.0.0.1:8446"
    """Address of the health listener of `smtp`: plain, so it must be a loopback address."""
    host_name: str = Field(default="localhost", min_length=1, max_length=253, pattern=r"^[0-9A-Za-z.-]+$")
    """The name that it greets with, which its certificate should have."""
    certificate: ExistingPath | None = None
    """PEM file: its certificate and the authorities up to the root. Without one, that of `[server]`."""
    key: ExistingPath | None = None
    """PEM file: that certificate's key."""
    connections: int = Field(default=500, ge=1, le=10_000)
    """Connections at once; above it clients are turned away with 421."""
    connections_per_client: int = Field(default=50, ge=1, le=10_000)
    """Of these, one client address's at most."""
    recipients: int = Field(default=100, ge=1, le=1000)
    """Recipients of one mail; for more the answer is 452, and clients send the mail again to the others."""
    receipts: bool = True
    """Whether senders get receipts by mail, from the address of `[mail]`; without a `host` there nobody does.
    """
    reports_per_minute: int = Field(default=600, ge=1, le=1_000_000)
    """So many reports about copies that were forwarded are taken from one client address within a minute;
    beyond, the answer is 451, and servers bring them later. Reports come to `bounces` of `[mail]`.
    """
    spf: bool = True
    """Whether what senders' domains say of who may send in their name (SPF) is looked up and kept beside the
    deliveries. Nothing hangs on it.
    """
    idle: Annotated[Duration, within("1s", "10m")] = timedelta(minutes=1)
    """How long a client may say nothing, 1s to 10m."""
    transfer: Annotated[Duration, within("1s", "1h")] = timedelta(minutes=5)
    """How long one mail may take to come, 1s to 1h."""

    @model_validator(mode="after")
    def _is_whole(self) -> "InboundMailSettings":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together")
        return self
