"""What keeps the log from going on; said once when it begins and once when it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

import structlog

_log = structlog.get_logger(__name__)


class Trouble(StrEnum):
    """Kinds of trouble, by their names in logs (docs/alarms.md says what to do about each)."""

    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    HSM_UNAVAILABLE = "HSM_UNAVAILABLE"
    GUARD_UNREACHABLE = "GUARD_UNREACHABLE"
    HSM_KEY_CHANGED = "HSM_KEY_CHANGED"
    SIGNATURE_REFUSED = "SIGNATURE_REFUSED"
    FORK_REFUSED = "FORK_REFUSED"
    GUARD_MISSING = "GUARD_MISSING"
    GUARD_DAMAGED = "GUARD_DAMAGED"
    TREE_CORRUPT = "TREE_CORRUPT"
    SHARD_UNKNOWN = "SHARD_UNKNOWN"
    SHARD_KEY_MISSING = "SHARD_KEY_MISSING"
    SHARD_KEY_DIFFERS = "SHARD_KEY_DIFFERS"
    SHARD_UNLISTED = "SHARD_UNLISTED"
    SHARD_ORDER_DIFFERS = "SHARD_ORDER_DIFFERS"
    ANNOUNCEMENT_DAMAGED = "ANNOUNCEMENT_DAMAGED"
    ORIGIN_UNKNOWN = "ORIGIN_UNKNOWN"
    INTERNAL = "INTERNAL"
    QUORUM_UNMET = "QUORUM_UNMET"
    WITNESS_UNREACHED = "WITNESS_UNREACHED"
    WITNESS_REFUSES = "WITNESS_REFUSES"
    WITNESS_LACKS_LOG = "WITNESS_LACKS_LOG"
    WITNESS_WRONG = "WITNESS_WRONG"
    WITNESS_DISAGREES = "WITNESS_DISAGREES"
    AUTHORITY_UNREACHED = "AUTHORITY_UNREACHED"
    AUTHORITY_REFUSES = "AUTHORITY_REFUSES"
    AUTHORITY_WRONG = "AUTHORITY_WRONG"


TEXTS: Mapping[Trouble, str] = MappingProxyType(
    {
        Trouble.DATABASE_UNAVAILABLE: "the log waits for the database",
        Trouble.HSM_UNAVAILABLE: "the log waits for its signing key; receipts are pending",
        Trouble.GUARD_UNREACHABLE: "the log waits for its guard file; receipts are pending",
        Trouble.HSM_KEY_CHANGED: "ALARM: the token holds another log key; nothing is signed",
        Trouble.SIGNATURE_REFUSED: "ALARM: the log key gave a signature that does not verify; it is not used",
        Trouble.FORK_REFUSED: "ALARM: the database does not extend the last signed tree; nothing is signed",
        Trouble.GUARD_MISSING: "ALARM: the guard is gone but the log is published; nothing is signed",
        Trouble.GUARD_DAMAGED: "ALARM: the guard is damaged; nothing is signed",
        Trouble.TREE_CORRUPT: "ALARM: the stored tiles do not give the stored root; nothing is signed",
        Trouble.SHARD_UNKNOWN: "ALARM: a shard has an unsigned tree, and its key is not configured",
        Trouble.SHARD_KEY_MISSING: "ALARM: the log goes on in a shard whose key is not configured here;"
        " another replica must lead it",
        Trouble.SHARD_KEY_DIFFERS: "ALARM: the settings have another key for a shard than was announced;"
        " nothing is signed",
        Trouble.SHARD_UNLISTED: "ALARM: the log has a shard that is neither log.origin nor in log.former;"
        " nothing is signed",
        Trouble.SHARD_ORDER_DIFFERS: "ALARM: the settings have the log's shards in another order than its own"
        " evidence; nothing is signed",
        Trouble.ANNOUNCEMENT_DAMAGED: "ALARM: the evidence that announced a shard can't be read;"
        " nothing is signed",
        Trouble.ORIGIN_UNKNOWN: "ALARM: log.origin is no shard of this log; announce it, or set it right;"
        " nothing is signed",
        Trouble.INTERNAL: "ALARM: the log failed unexpectedly; it tries again",
        Trouble.QUORUM_UNMET: "too few witnesses cosign; receipts are logged and not witnessed",
        Trouble.WITNESS_UNREACHED: "a witness does not answer",
        Trouble.WITNESS_REFUSES: "a witness refuses to cosign",
        Trouble.WITNESS_LACKS_LOG: "a witness does not follow a shard of the log",
        Trouble.WITNESS_WRONG: "what a witness answers is no cosignature; it is not used",
        Trouble.WITNESS_DISAGREES: "ALARM: a witness knows another history of the log than this database",
        Trouble.AUTHORITY_UNREACHED: "a time-stamping authority does not answer",
        Trouble.AUTHORITY_REFUSES: "a time-stamping authority refuses a timestamp",
        Trouble.AUTHORITY_WRONG: "what a time-stamping authority answers is no good timestamp; not used",
    }
)
"""Constant log texts; what happened exactly stands in fields."""

_PASSING = frozenset(
    {
        *(Trouble.DATABASE_UNAVAILABLE, Trouble.HSM_UNAVAILABLE, Trouble.GUARD_UNREACHABLE),
        *(Trouble.QUORUM_UNMET, Trouble.WITNESS_UNREACHED, Trouble.WITNESS_REFUSES, Trouble.WITNESS_WRONG),
        Trouble.WITNESS_LACKS_LOG,
        *(Trouble.AUTHORITY_UNREACHED, Trouble.AUTHORITY_REFUSES, Trouble.AUTHORITY_WRONG),
    }
)


class LogTrouble(Exception):
    """The log can't go on; nothing was signed or published. `fields` describe it, without secrets."""

    kind: ClassVar[Trouble]

    def __init__(self, **fields: str | int) -> None:
        super().__init__(f"{TEXTS[self.kind]} {fields}")
        self.fields = fields


class GuardUnreachable(LogTrouble):
    """The guard file can't be read, locked or written now."""

    kind = Trouble.GUARD_UNREACHABLE


class SignatureRefused(LogTrouble):
    """The key answered with a signature that its public key does not verify."""

    kind = Trouble.SIGNATURE_REFUSED


class ForkRefused(LogTrouble):
    """The tree to be signed does not extend the guarded one: a restored backup, or a lossy failover."""

    kind = Trouble.FORK_REFUSED


class GuardMissing(LogTrouble):
    """There is no guard although checkpoints were published; a person must run `log adopt-guard`."""

    kind = Trouble.GUARD_MISSING


class GuardDamaged(LogTrouble):
    """The guard is not a note of this log with a good signature."""

    kind = Trouble.GUARD_DAMAGED


class TreeCorrupt(LogTrouble):
    """The stored tiles do not give the stored root."""

    kind = Trouble.TREE_CORRUPT


class ShardKeyMissing(LogTrouble):
    """The current shard's key is not configured here: this replica can't lead, another one may."""

    kind = Trouble.SHARD_KEY_MISSING


class ShardKeyDiffers(LogTrouble):
    """The settings have another key for a shard than the one that was announced."""

    kind = Trouble.SHARD_KEY_DIFFERS


class ShardUnlisted(LogTrouble):
    """The database knows no list of shards yet, and has leaves of one that the settings do not name."""

    kind = Trouble.SHARD_UNLISTED


class ShardOrderDiffers(LogTrouble):
    """The settings' order of shards is not that in which they began, or were announced."""

    kind = Trouble.SHARD_ORDER_DIFFERS


class AnnouncementDamaged(LogTrouble):
    """The stored bytes of an announcement, by which the settings' shards are checked, are no evidence."""

    kind = Trouble.ANNOUNCEMENT_DAMAGED


class OriginUnknown(LogTrouble):
    """The settings' own shard is none of the database's."""

    kind = Trouble.ORIGIN_UNKNOWN


@dataclass(frozen=True, slots=True)
class Condition:
    """A trouble under way, with its fields."""

    kind: Trouble
    fields: Mapping[str, str | int]

    @property
    def alarming(self) -> bool:
        """Whether a person must act; the others pass by themselves."""
        return self.kind not in _PASSING


class Watchman:
    """Keeps one part's condition and logs its changes; repeating the same trouble logs nothing."""

    def __init__(self, part: str) -> None:
        """Takes the part's name, for the logs."""
        self.part = part
        self._condition: Condition | None = None

    @property
    def condition(self) -> Condition | None:
        """The trouble under way, if any."""
        return self._condition

    def begins(self, kind: Trouble, fields: Mapping[str, str | int]) -> None:
        """Notes a trouble; logs it unless the same one is under way already.

        An alarm is another one when its fields differ; what passes by itself words its cause in many ways.
        """
        before, condition = self._condition, Condition(kind, dict(fields))
        self._condition = condition
        if before == condition or (before and before.kind is kind and not condition.alarming):
            return
        level = _log.critical if condition.alarming else _log.warning
        level(TEXTS[kind], part=self.part, trouble=kind.value, **condition.fields)

    def ends(self) -> None:
        """Notes that all is well; logs it if there was trouble."""
        if self._condition is not None:
            _log.info("the trouble is over", part=self.part, trouble=self._condition.kind.value)
            self._condition = None


def cause_of(failure: Exception) -> Mapping[str, str]:
    """Returns what lies behind a failure as a field: the kind of error only, for texts may quote rows."""
    return {"cause": type(failure.__cause__ or failure).__name__}
