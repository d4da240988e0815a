"""Settings of what is measured: where it is told."""

import ipaddress
from typing import Annotated, Final

from pydantic import BeforeValidator, model_validator

from server.config_values import Address, Section

_NEAR: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Loopback, and what is private by RFC 1918 and RFC 4193; stated here, for Python's answers differ."""


def _empty_is_none(value: object) -> object:
    # An environment variable holds a text.
    return None if value == "" else value


Somewhere = Annotated[Address | None, BeforeValidator(_empty_is_none)]


class MetricsSettings(Section):
    """Where figures of operation are told (docs/metrics.md): each command has an address of its own, plain
    HTTP, `/metrics`. Without an address it tells none.
    """

    listen: Somewhere = None
    """Address of `serve`; of several processes the supervisor tells all. Port 0 takes a free one."""
    work_listen: Somewhere = None
    """Address of `work`. Several on one machine have one each, by NAMAK_METRICS_WORK_LISTEN."""
    smtp_listen: Somewhere = None
    """Address of `smtp`."""
    log_listen: Somewhere = None
    """Address of `log serve`."""
    public: bool = False
    """Permits addresses that are neither loopback nor private: anybody who reaches one may read it all."""

    @model_validator(mode="after")
    def _is_near(self) -> "MetricsSettings":
        for name in ("listen", "work_listen", "smtp_listen", "log_listen"):
            address: str | None = getattr(self, name)
            if address is not None and not self.public and not _is_near(address):
                raise ValueError(f"{name} must be a loopback or private address, unless `public` is set")
        return self


def _is_near(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(found in block for block in _NEAR)
