"""Settings of what is done outside, after the call that causes it."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from server.config_values import Duration, LoopbackAddress, Section, within


class JobSettings(Section):
    """Who does jobs, and how many at once."""

    in_server: Literal["auto", "yes", "no"] = "auto"
    """Whether `serve` does jobs itself. `auto`: where the database is the embedded one; otherwise start
    `namak-server work`, as often as there is need.
    """
    concurrency: int = Field(default=10, ge=1, le=200)
    """Jobs that one process does at once."""
    grace: Annotated[Duration, within("0s", "10m")] = timedelta(seconds=20)
    """How long jobs under way may take to finish when the process stops; then they are interrupted, and done
    again by another one. 0s to 10m.
    """
    silent: Annotated[Duration, within("2s", "10m")] = timedelta(seconds=30)
    """After how long without a sign of life the jobs of a worker are taken over by another one, 2s to 10m."""
    health_listen: LoopbackAddress = "127.0.0.1:8445"
    """Address of the health listener of `work`: plain, so it must be a loopback address."""
