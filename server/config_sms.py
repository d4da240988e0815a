"""Settings of the short messages that the post sends."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from server.config_values import Duration, ExistingPath, Section


class SmsSettings(Section):
    """The short messages that the post sends over SMPP 3.4: notices to holders' own phones (POST-6), codes,
    and what senders write (ADMIN-3).
    """

    host: str = ""
    """The SMS centre, a name or an address. Without one nothing is sent by SMS."""
    port: int = Field(default=2775, ge=1, le=65535)
    """Its port."""
    tls: Literal["tls", "none"] = "tls"
    """`tls`: from the first octet; `none`: in a private network only, for the password goes over it as it is.
    """
    authorities: ExistingPath | None = None
    """PEM file: the authorities that its certificate must lead to; without it those of the system."""
    system_id: str = Field(default="", max_length=15)
    """As whom the post asks to be let in."""
    system_type: str = Field(default="", max_length=12)
    """What some centres ask for besides."""
    password_file: ExistingPath | None = None
    """File that holds the password, of up to 8 characters: SMPP has room for no more."""
    source: str = ""
    """What phones show as the sender: a name of up to 11 letters, a short code, or a number with its `+`."""
    link: str = ""
    """Where holders read their letters, a URL; notices name it."""
    window: int = Field(default=10, ge=1, le=1000)
    """How many segments may be without the centre's answer, for each process that does jobs."""
    per_second: float = Field(default=10.0, gt=0, le=10000)
    """How many segments are handed over a second at most, for each process that does jobs."""
    a_day: int = Field(default=10_000, ge=20, le=10_000_000)
    """How many texts, one for each phone, one sender address may send on a local day (ADMIN-3)."""
    timeout: Duration = timedelta(seconds=30)
    """How long any answer of the centre may take, 1s to 5m."""
    silence: Duration = timedelta(seconds=30)
    """After how long without a sign of life the centre is asked for one, 1s to 10m."""

    @model_validator(mode="after")
    def _is_whole(self) -> "SmsSettings":
        if not self.host:
            return self
        if not self.system_id or self.password_file is None or not self.source:
            raise ValueError("system_id, password_file and source are needed with a host")
        if not timedelta(seconds=1) <= self.timeout <= timedelta(minutes=5):
            raise ValueError("timeout must be 1s to 5m")
        if not timedelta(seconds=1) <= self.silence <= timedelta(minutes=10):
            raise ValueError("silence must be 1s to 10m")
        return self
