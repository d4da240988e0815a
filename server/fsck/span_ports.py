"""Which mailboxes to look at, where not one alone goes through all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Span:
    """The mailboxes behind `after`, up to `up_to` with it."""

    after: UUID
    up_to: UUID


WHOLE: Final = Span(UUID(int=0), UUID(int=2**128 - 1))


def spans_between(bounds: Sequence[UUID]) -> list[Span]:
    """Returns the spans that these mailboxes end, in order, and the one behind the last; all are whole."""
    inner = [each for each in dict.fromkeys(sorted(bounds)) if WHOLE.after < each < WHOLE.up_to]
    ends = [WHOLE.after, *inner, WHOLE.up_to]
    return [Span(after, up_to) for after, up_to in pairwise(ends)]
