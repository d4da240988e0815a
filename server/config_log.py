"""Settings of the transparency log: its name, its key, its guard, and where it is read."""

from typing import Annotated

from pydantic import Field, model_validator

from server.config_values import LISTED, Address, ExistingPath, NewPath, Section


class KeySettings(Section):
    """Where the log's signing key (Ed25519) is: in a PKCS#11 token, or, for development only, in a file."""

    module: ExistingPath | None = None
    """The PKCS#11 module, such as `/usr/lib/softhsm/libsofthsm2.so`."""
    token: str | None = None
    """The token's label."""
    label: str = "namak-log"
    """The key's label in the token."""
    pin_file: ExistingPath | None = None
    """File that holds the token's PIN."""
    softhsm_config: ExistingPath | None = None
    """SoftHSM only: its configuration file (given to the module as SOFTHSM2_CONF)."""
    file: ExistingPath | None = None
    """Development only: PEM file with the private key, instead of a token."""

    @model_validator(mode="after")
    def _one_place(self) -> "KeySettings":
        token = (self.module, self.token, self.pin_file)
        if self.file is not None and any(token):
            raise ValueError("give either `file` or `module`, `token` and `pin_file`")
        if self.file is None and not all(token):
            raise ValueError("`module`, `token` and `pin_file` are needed (or `file`, in development)")
        return self


class LogSettings(Section):
    """The transparency log."""

    origin: str = Field(pattern=r"^[a-z0-9.-]+(/[a-z0-9.-]+)+$")
    """Name of the log's shard, `log.e-citizen.am/2026`: the checkpoints' origin and the key's name."""
    former_origins: Annotated[tuple[str, ...], LISTED] = ()
    """Names of the shards before it, the oldest first: whoever follows the log goes on from there.

    They are complete. A replica that still has one of them as its `origin` MUST be stopped before the first
    one of this shard starts: when it leads, it appends to the former shard, and who has followed that to its
    end gets nothing of what comes behind it.
    """
    guard: NewPath
    """File outside the database that keeps the last signed checkpoint, so that a restored database can't fork
    the log.
    """
    key: KeySettings
    """The signing key."""
    http_listen: Address = "127.0.0.1:8448"
    """Where `namak-server log serve` listens: the log as C2SP `tlog-tiles` has it, for everybody. It speaks
    plain HTTP, to a web server in front of it that speaks TLS: so it must be a loopback address. Port 0 takes
    a free one.
    """

    @model_validator(mode="after")
    def _origins_differ(self) -> "LogSettings":
        if len({self.origin, *self.former_origins}) <= len(self.former_origins):
            raise ValueError("origin and former_origins must all differ")
        return self

    @model_validator(mode="after")
    def _http_is_local(self) -> "LogSettings":
        if not self.http_listen.startswith(("127.", "[::1]", "localhost")):
            raise ValueError("http_listen must be a loopback address: it has no TLS")
        return self
