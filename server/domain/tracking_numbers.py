"""The numbers by which the post follows letters: taken one after the other from its ranges."""

import itertools
import re
from dataclasses import dataclass

from server.domain.paper_letters import s10_number

_TWO_LETTERS = re.compile(r"[A-Z]{2}", re.ASCII)
_RANGE = re.compile(r"(\d{1,8})-(\d{1,8})", re.ASCII)


class NumbersUsedUp(Exception):
    """Every number of every range is taken: the post must allot another range."""


@dataclass(frozen=True, slots=True)
class TrackingNumbers:
    """Identifiers of postal items by UPU S10, the standard of posts: `RR473124829AM`.

    Attributes:
        service: two capital letters; those that begin with R are registered letters.
        country: ISO 3166-1, two capital letters.
        ranges: first and last serial number of each, in the order of their use. They are counted through from
            the first, so ranges are added behind, and never changed or taken away: a number would come again.

    Raises ValueError where they are not in form, or a serial number stands in two of them.
    """

    service: str
    country: str
    ranges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not _TWO_LETTERS.fullmatch(self.service) or not _TWO_LETTERS.fullmatch(self.country):
            raise ValueError("the service and the country of letters are two capital letters each")
        if not self.ranges:
            raise ValueError("there is no range of numbers for letters")
        for first, last in self.ranges:
            if not 0 <= first <= last <= 99_999_999:
                raise ValueError(f"{first}-{last} is no range of serial numbers of eight digits")
        in_order = sorted(self.ranges)
        for (_, last), (first, _) in itertools.pairwise(in_order):
            if first <= last:
                raise ValueError(f"the serial number {first} stands in two ranges")

    def numbered(self, ordinal: int) -> str:
        """Returns the number of this place, from 0. Raises `NumbersUsedUp`."""
        left = ordinal
        for first, last in self.ranges:
            if left <= last - first:
                return s10_number(self.service, first + left, self.country)
            left -= last - first + 1
        raise NumbersUsedUp


def serial_range(text: str) -> tuple[int, int]:
    """Reads a range such as `10000000-10049999`. Raises ValueError."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no range of serial numbers, such as 10000000-10049999")
    return int(found[1]), int(found[2])
