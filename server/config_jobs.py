"""Settings of what is done outside, after the call that causes it."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from server.config_values import Address, Duration, Section


class JobSettings(Section):
    """Who does jobs, and how many at once."""

    in_server: Literal["auto", "yes", "no"] = "auto"
    """Whether `serve` does jobs itself. `auto`: where the database is the embedded one; otherwise start
    `namak-server work`, as often as there is need.
    """
    concurrency: int = Field(default=10, ge=1, le=200)
    """Jobs that one process does at once."""
    grace: Duration = timedelta(seconds=20)
    """How long jobs under way may take to finish when the process stops; then they are interrupted, and done
    again by another one. 0s to 10m.
    """
    silent: Duration = timedelta(seconds=30)
    """After how long without a sign of life the jobs of a worker are taken over by another one, 2s to 10m."""
    health_listen: Address = "127.0.0.1:8445"
    """Address of the health listener of `work`: plain, so it must be a loopback address."""

    @model_validator(mode="after")
    def _has_bounds(self) -> "JobSettings":
        if not timedelta(0) <= self.grace <= timedelta(minutes=10):
            raise ValueError("grace must be 0s to 10m")
        if not timedelta(seconds=2) <= self.silent <= timedelta(minutes=10):
            raise ValueError("silent must be 2s to 10m")
        if not self.health_listen.startswith(("127.", "[::1]", "localhost")):
            raise ValueError("health_listen must be a loopback address: it has no TLS")
        return self
