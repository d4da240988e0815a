"""Settings of the transparency log: its name, its key, its guard, and where it is read."""

from pydantic import Field, model_validator

from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier
from server.config_values import ExistingPath, LoopbackAddress, NewPath, Section
from server.domain.log_shards import ORIGIN_PATTERN


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


class FormerShardSettings(Section):
    """A shard of the log that has ended. Its key may be destroyed; its receipts verify for ever."""

    origin: str = Field(pattern=ORIGIN_PATTERN)
    """Its name."""
    vkey: str
    """Its verifier key, as `namak-server log vkey` printed it."""

    @model_validator(mode="after")
    def _key_is_of_the_shard(self) -> "FormerShardSettings":
        try:
            verifier = Verifier.parse(self.vkey)
        except MalformedKey as error:
            raise ValueError(f"vkey: {error.detail}") from None
        if verifier.name != self.origin:
            raise ValueError(f"vkey is the key of {verifier.name}, not of {self.origin}")
        return self

    @property
    def verifier(self) -> Verifier:
        """Its key."""
        return Verifier.parse(self.vkey)


class NextShardSettings(Section):
    """The shard that is to come after this one. Once it is announced (`namak-server hsm rotate`) the server
    goes over to it by itself.
    """

    origin: str = Field(pattern=ORIGIN_PATTERN)
    """Its name, never used before, `log.e-citizen.am/2027`."""
    guard: NewPath
    """Its own guard file."""
    key: KeySettings
    """Its own signing key."""


class LogSettings(Section):
    """The transparency log."""

    origin: str = Field(pattern=ORIGIN_PATTERN)
    """Name of the log's shard, `log.e-citizen.am/2026`: the checkpoints' origin and the key's name. Which
    shard is the current one the database says, once a server has run.
    """
    former: tuple[FormerShardSettings, ...] = ()
    """The shards before it, the oldest first: `[[log.former]]` with `origin` and `vkey`. Receipts of them are
    given out for ever.
    """
    next: NextShardSettings | None = None
    """The shard after it: `[log.next]` with `origin`, `guard` and a key of its own, `[log.next.key]`."""
    guard: NewPath
    """File outside the database that keeps the last signed checkpoint, so that a restored database can't fork
    the log.
    """
    key: KeySettings
    """The signing key."""
    http_listen: LoopbackAddress = "127.0.0.1:8448"
    """Where `namak-server log serve` listens: the log as C2SP `tlog-tiles` has it, for everybody. It speaks
    plain HTTP, to a web server in front of it that speaks TLS: so it must be a loopback address. Port 0 takes
    a free one.
    """

    @property
    def has_key_in_file(self) -> bool:
        """Whether a signing key is in a file."""
        keys = [self.key] if self.next is None else [self.key, self.next.key]
        return any(key.file is not None for key in keys)

    @model_validator(mode="after")
    def _shards_differ(self) -> "LogSettings":
        own = (self.origin,) if self.next is None else (self.origin, self.next.origin)
        if len({*own, *(shard.origin for shard in self.former)}) < len(own) + len(self.former):
            raise ValueError("the origins of the log, of log.next and of each log.former must all differ")
        if self.next is not None and self.next.guard == self.guard:
            raise ValueError("log.next needs a guard of its own")
        if self.next is not None and self.next.key == self.key:
            raise ValueError("log.next needs a key of its own")
        return self
