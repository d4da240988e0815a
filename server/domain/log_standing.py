"""How a shard of the log fares, in one word: what it waits for, and whether that is too long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Standing(StrEnum):
    """How a shard fares, from the best to the worst."""

    WELL = "WELL"
    WAITS_FOR_TIMESTAMPS = "WAITS_FOR_TIMESTAMPS"
    WAITS_FOR_WITNESSES = "WAITS_FOR_WITNESSES"
    IN_DEBT = "IN_DEBT"
    NOT_HEALTHY = "NOT_HEALTHY"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a shard has that witnesses, or authorities, have not vouched for yet.

    Attributes:
        since: since when the oldest of it waits; None where nothing does.
        usual: so long it may take while all is well.
        too_few: those who are asked are known to be too few just now; only who asks them knows.
    """

    since: datetime | None
    usual: timedelta
    too_few: bool = False

    def lacks(self, now: datetime) -> bool:
        """Whether they do not keep up."""
        return self.too_few or self.exceeds(self.usual, now)

    def exceeds(self, limit: timedelta, now: datetime) -> bool:
        """Whether the oldest waits for longer than that."""
        return self.since is not None and now - self.since > limit


def standing(
    *,
    healthy: bool,
    witnesses: Wait | None,
    timestamps: Wait | None,
    debt_limit: timedelta | None,
    now: datetime,
) -> Standing:
    """Returns how a shard fares; None stands for those whom nobody asks."""
    if not healthy:
        return Standing.NOT_HEALTHY
    if witnesses is not None and debt_limit is not None and witnesses.exceeds(debt_limit, now):
        return Standing.IN_DEBT
    if witnesses is not None and witnesses.lacks(now):
        return Standing.WAITS_FOR_WITNESSES
    if timestamps is not None and timestamps.lacks(now):
        return Standing.WAITS_FOR_TIMESTAMPS
    return Standing.WELL
