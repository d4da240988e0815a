"""What a monitor shouts about."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

Values = dict[str, str | int]
"""What an alarm's sentence needs, by name."""


class AlarmKind(StrEnum):
    """What is wrong. The values are stable: programs go by them."""

    FORK = "fork"
    """The log signed two histories."""
    ROLLBACK = "rollback"
    """The log shows a smaller tree than it did."""
    NOT_SIGNED = "not-signed"
    """What is shown as the checkpoint does not count: malformed, of an unknown log, wrongly signed."""
    NOT_SHOWN = "not-shown"
    """The tiles of the signed tree are missing or do not give its root."""
    UNWITNESSED = "unwitnessed"
    """The policy's quorum of witnesses did not cosign."""
    STALE = "stale"
    """The newest checkpoint is older than it may be."""
    SUCCESSOR = "successor"
    """What is shown as the end of the shard, and the key of the next one, does not count."""
    RECEIPT = "receipt"
    """What a receipt proves does not stand in the log."""
    MAILBOX = "mailbox"
    """The holder's mailbox is not complete."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. Two are the same as long as kind and ``about`` are.

    ``about`` says what it is about: an origin, a file, a mailbox. ``values`` are what its sentence needs, and
    ``proof`` is where the signed checkpoints lie that prove it.
    """

    kind: AlarmKind
    about: str
    values: Values = field(default_factory=dict, compare=False)
    proof: Path | None = field(default=None, compare=False)
