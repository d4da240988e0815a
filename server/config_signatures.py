"""Settings of the verification of anybody's signatures."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from server.config_values import Duration, ExistingPath, Section, within


class SignatureSettings(Section):
    """Verifying signatures for anybody (SIGN-6): in processes of their own, within limits."""

    timestamp_roots: ExistingPath | None = None
    """PEM file: the roots of timestamping authorities; without it the citizen roots count."""
    processes: int = Field(default=2, ge=1, le=64)
    """Files that are verified at once, each by a process of its own."""
    waiting: int = Field(default=20, ge=0)
    """Calls that wait for their turn; above it the answer is OVERLOADED."""
    timeout: Annotated[Duration, within("1s", "1m")] = timedelta(seconds=10)
    """How long one file may take, 1s to 1m; one that takes longer is not judged."""
    memory_mib: int = Field(default=1024, ge=512, le=65536)
    """Address space of each process, in MiB; a file that needs more is not judged."""
