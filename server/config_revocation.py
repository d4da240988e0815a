"""Settings of how citizens' certificates are asked about (SIGN-4)."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from server.config_values import LISTED, Duration, Section, within

_PORTS = {"http": 80, "https": 443}


class RevocationSettings(Section):
    """How revocation of citizens' certificates is asked about, besides the lists among the files."""

    hosts: Annotated[tuple[str, ...], LISTED] = ()
    """Hosts of the authorities' lists and responders, `HOST` (port 80) or `HOST:PORT`. Addresses in
    certificates count only if they lead to one of these. Without any, nothing is fetched, and
    `revocation_lists` is all there is.
    """
    lists: Annotated[tuple[str, ...], LISTED] = ()
    """Addresses of lists that are fetched besides those that certificates name."""
    responder: str = ""
    """Address of the OCSP responder to ask about persons, instead of those that their certificates name."""
    require: Literal["any", "all"] = "any"
    """`any`: a list or a responder must say that a certificate is not revoked, and neither that it is. `all`:
    a list must say so, and the responder too, wherever there is one to ask.
    """
    accept_unknown: Annotated[tuple[Literal["authentication", "signature"], ...], LISTED] = ()
    """Uses for which a certificate is accepted though nobody can tell now whether it is revoked:
    `authentication`, `signature`. Without them it is refused (REVOCATION_STATUS_UNKNOWN). Confirmations of
    reading always need lists.
    """
    timeout: Annotated[Duration, within("100ms", "20s")] = timedelta(seconds=3)
    """How long a responder may take, and a check waits for a list that is not there yet; 100 ms to 20 s."""
    list_timeout: Duration = timedelta(minutes=1)
    """How long fetching a list may take."""
    refresh: Duration = timedelta(minutes=5)
    """After so long a list is fetched again, and a responder asked again; a revocation counts by then."""
    retry: Duration = timedelta(seconds=10)
    """For so long what failed is not tried again."""
    longest_list_mib: int = Field(default=128, ge=1, le=1024)
    """Longer lists are not taken, in MiB; a million entries have 50."""
    nonce: Literal["ask", "require", "off"] = "ask"
    """Whether questions to responders have a nonce, and answers must. `require` only if the authority answers
    each question anew; without it, an answer may be as old as it is in force.
    """
    name_by: Literal["sha256", "sha1"] = "sha256"
    """By which digest questions name certificates; nothing relies on its strength. `sha1` for responders that
    know no other.
    """
    longest_answer: Duration = timedelta(hours=24)
    """A responder's answer counts at most so long, whatever it says itself."""

    @model_validator(mode="after")
    def _addresses_may_be_asked(self) -> "RevocationSettings":
        for host in self.hosts:
            place(f"//{host}", "http")
        known = {place(f"//{host}", "http") for host in self.hosts}
        for address in (*self.lists, *([self.responder] if self.responder else [])):
            scheme = urlsplit(address).scheme
            if scheme not in _PORTS:
                raise ValueError(f"{address!r} is no http or https address")
            if place(address, scheme) not in known:
                raise ValueError(f"the host of {address!r} must stand in hosts")
        return self

    @model_validator(mode="after")
    def _has_time(self) -> "RevocationSettings":
        if not self.timeout <= self.list_timeout <= timedelta(minutes=10):
            raise ValueError("list_timeout must be timeout to 10m")
        if not timedelta(seconds=1) <= self.retry <= self.refresh <= timedelta(hours=24):
            raise ValueError("retry must be at least 1s and at most refresh, which must be at most 24h")
        if not self.refresh <= self.longest_answer <= timedelta(hours=24 * 7):
            raise ValueError("longest_answer must be refresh to 168h")
        return self


def place(address: str, scheme: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        port, parts = 0, urlsplit("")
    if not parts.hostname or parts.username is not None or (address.startswith("//") and parts.path):
        raise ValueError(f"{address.removeprefix('//')!r} is no host, with or without a port")
    return parts.hostname, port or _PORTS[scheme]
