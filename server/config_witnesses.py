"""Settings of who witnesses the log (C2SP tlog-policy, tlog-witness)."""

from datetime import timedelta
from typing import Annotated

from pydantic import model_validator

from server.config_values import Duration, ExistingPath, Section, within


class WitnessesSettings(Section):
    """Who witnesses the log."""

    policy: ExistingPath | None = None
    """A C2SP `tlog-policy` file: the witnesses with their keys and addresses, and the quorum. Without one
    checkpoints are signed by the log alone, and receipts are never witnessed.
    """
    interval: Annotated[Duration, within("100ms", "10m")] = timedelta(seconds=1)
    """At most one checkpoint in this time is sent to the witnesses, 100 ms to 10 min."""
    renewal: Annotated[Duration, within("1s", "24h")] = timedelta(minutes=10)
    """Where the log stands still, its newest checkpoint is cosigned anew so often, 1 s to 24 h: whoever
    follows the log sees by the cosignatures' times that there is nothing newer. Receipts keep the first ones.
    """
    timeout: Annotated[Duration, within("100ms", "1m")] = timedelta(seconds=5)
    """How long a witness may take to answer, 100 ms to 1 min."""
    retry_longest: Annotated[Duration, within("1s", "1h")] = timedelta(minutes=1)
    """A witness that fails is left alone for a second, then twice as long each time, and this at most."""
    authorities: ExistingPath | None = None
    """PEM file: the roots that the witnesses' certificates must lead to; by default those of the system."""

    debt_limit: Annotated[Duration, within("1s", "720h")] = timedelta(hours=4)
    """How long evidence may wait for witnesses, 1 s to 720 h. When the oldest waits longer, submissions are
    refused with EVIDENCE_DEBT_EXCEEDED until witnesses have cosigned; reading and confirming go on.
    """

    @model_validator(mode="after")
    def _is_whole(self) -> "WitnessesSettings":
        if self.debt_limit.microseconds:
            raise ValueError("debt_limit must be in whole seconds")
        return self
