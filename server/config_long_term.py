"""Settings of what the post's seal carries so that it verifies for the long term (PAdES B-LT)."""

from datetime import timedelta
from typing import Annotated

from pydantic import model_validator

from server.config_revocation import place
from server.config_values import LISTED, Duration, ExistingPath, Section, within


class LongTermSettings(Section):
    """Whence certificates and answers about their revocation come, of the seal and of its timestamp. They go
    into the sealed file.
    """

    roots: ExistingPath
    """PEM file: the roots that the seal's certificate leads to. Those of its timestamps are the authorities'
    in `[timestamps]`.
    """
    revocation_lists: ExistingPath | None = None
    """Directory of revocation lists (DER or PEM, `*.crl` and `*.crl.pem`) of the authorities of the seal and
    of the timestamps. Looked at for each seal.
    """
    hosts: Annotated[tuple[str, ...], LISTED] = ()
    """Hosts of these authorities' lists and responders, `HOST` (port 80) or `HOST:PORT`: what certificates
    name is fetched if it leads to one of these. Without any, nothing is fetched.
    """
    timeout: Annotated[Duration, within("100ms", "20s")] = timedelta(seconds=2)
    """How long a list or a response may take, 100 ms to 20 s. What failed is not tried again for a minute."""
    refresh: Annotated[Duration, within("10s", "24h")] = timedelta(minutes=15)
    """After so long a list is fetched again, and a responder asked again, 10 s to 24 h."""

    @model_validator(mode="after")
    def _has_a_source(self) -> "LongTermSettings":
        if self.revocation_lists is None and not self.hosts:
            raise ValueError("name revocation_lists, hosts to fetch them from, or both")
        for host in self.hosts:
            place(f"//{host}", "http")
        return self
