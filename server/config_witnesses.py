"""Settings of who witnesses the log (C2SP tlog-policy, tlog-witness)."""

from datetime import timedelta

from pydantic import model_validator

from server.config_values import Duration, ExistingPath, Section


class WitnessesSettings(Section):
    """Who witnesses the log."""

    policy: ExistingPath | None = None
    """A C2SP `tlog-policy` file: the witnesses with their keys and addresses, and the quorum. Without one
    checkpoints are signed by the log alone, and receipts are never witnessed.
    """
    interval: Duration = timedelta(seconds=1)
    """At most one checkpoint in this time is sent to the witnesses, 100 ms to 10 min."""
    renewal: Duration = timedelta(minutes=10)
    """Where the log stands still, its newest checkpoint is cosigned anew so often, 1 s to 1 d: whoever
    follows the log sees by the cosignatures' times that there is nothing newer. Receipts keep the first ones.
    """
    timeout: Duration = timedelta(seconds=5)
    """How long a witness may take to answer, 100 ms to 1 min."""
    retry_longest: Duration = timedelta(minutes=1)
    """A witness that fails is left alone for a second, then twice as long each time, and this at most."""
    authorities: ExistingPath | None = None
    """PEM file: the roots that the witnesses' certificates must lead to; by default those of the system."""

    debt_limit: Duration = timedelta(hours=4)
    """How long evidence may wait for witnesses, 1 s to 30 d. When the oldest waits longer, submissions are
    refused with EVIDENCE_DEBT_EXCEEDED until witnesses have cosigned; reading and confirming go on.
    """

    @model_validator(mode="after")
    def _has_time(self) -> "WitnessesSettings":
        if not timedelta(milliseconds=100) <= self.interval <= timedelta(minutes=10):
            raise ValueError("interval must be 100ms to 10m")
        if not timedelta(seconds=1) <= self.renewal <= timedelta(days=1):
            raise ValueError("renewal must be 1s to 1d")
        if not timedelta(milliseconds=100) <= self.timeout <= timedelta(minutes=1):
            raise ValueError("timeout must be 100ms to 1m")
        if not timedelta(seconds=1) <= self.retry_longest <= timedelta(hours=1):
            raise ValueError("retry_longest must be 1s to 1h")
        if not timedelta(seconds=1) <= self.debt_limit <= timedelta(days=30) or self.debt_limit.microseconds:
            raise ValueError("debt_limit must be 1s to 30d, in whole seconds")
        return self
