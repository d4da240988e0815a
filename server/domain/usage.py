"""What senders used: accepted messages, one for each recipient, by local day and by address (ADMIN-5)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self
from uuid import UUID

SETTLING: Final = timedelta(minutes=1)
"""What was accepted within the last minute is not recounted: its transaction may not have committed yet."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How many messages were accepted, and how many of these were withdrawn since, on whatever day; and apart
    from them how many short messages were accepted, one for each phone, and how many segments these take.
    """

    accepted: int = 0
    withdrawn: int = 0
    sms: int = 0
    sms_segments: int = 0

    def __add__(self, other: Self) -> "Usage":
        return Usage(
            self.accepted + other.accepted,
            self.withdrawn + other.withdrawn,
            self.sms + other.sms,
            self.sms_segments + other.sms_segments,
        )


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What was used on one local day from one address: the one that the messages were actually sent from."""

    day: date
    sender: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Usage in total, by day and by address; days and addresses without any are left out."""

    time_zone: str
    total: Usage
    days: tuple[tuple[date, Usage], ...]
    addresses: tuple[tuple[str, Usage], ...]

    @classmethod
    def of(cls, time_zone: str, rows: Iterable[UsageRow]) -> Self:
        """Adds up rows; of one day and address there may be several."""
        total = Usage()
        days: defaultdict[date, Usage] = defaultdict(Usage)
        addresses: defaultdict[str, Usage] = defaultdict(Usage)
        for row in rows:
            total += row.usage
            days[row.day] += row.usage
            addresses[row.sender] += row.usage
        return cls(time_zone, total, tuple(sorted(days.items())), tuple(sorted(addresses.items())))


@dataclass(frozen=True, slots=True)
class CountedAcceptances:
    """Acceptances that somebody counted by their evidence, all of which the log vouches for.

    Attributes:
        counts: by organisation, local day and sender address.
        until: submissions from then on were left out.
    """

    counts: Mapping[tuple[UUID, date, str], int]
    until: datetime


@dataclass(frozen=True, slots=True)
class UsageDifference:
    """What the post would bill and what its evidence shows, where the two differ."""

    organisation_id: UUID
    day: date
    sender: str
    billed: Usage
    evidenced: Usage


@dataclass(frozen=True, slots=True)
class UsageFindings:
    """What a recount from the evidence found.

    Attributes:
        facts: how many pieces of evidence were read.
        differences: where bill and evidence differ; none in a sound post.
        unlogged: how many of them are in no leaf of the log yet; only the newest may.
        corrupt: evidence whose bytes are not those that the log vouches for, or that can't be read; none in a
            sound post.
    """

    facts: int
    differences: tuple[UsageDifference, ...]
    unlogged: int
    corrupt: tuple[UUID, ...]
