"""Which language to speak to somebody: lookup by RFC 4647, 3.4, over a list as RFC 9110, 12.5.4 writes it."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

LONGEST = 500
"""A wish with more characters counts as none; browsers' are a tenth of that."""

_RANGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=1024)
def chosen(wish: str, offered: Sequence[str]) -> str:
    """Returns the language offered that fits a wish best; the first one where none fits.

    Args:
        wish: language ranges, the heaviest first and else in their order: `hy`, `kk-KZ, ru;q=0.8`. Whatever
            in it is not in form is passed over.
        offered: language tags, at least one; hashable.
    """
    tags = {tag.lower(): tag for tag in offered}
    if len(wish) <= LONGEST:
        for wanted in _ranges(wish):
            for narrower in _shortened(wanted):
                if narrower in tags:
                    return tags[narrower]
    return offered[0]


def _ranges(wish: str) -> Iterator[str]:
    weighed = []
    for item in wish.split(","):
        tag, *parameters = (part.strip() for part in item.split(";"))
        weight = _weight(parameters)
        # `*` says that anything will do, which is what happens anyway; nothing else that is no range counts.
        if _RANGE.fullmatch(tag) and weight is not None and weight > 0:
            weighed.append((weight, tag.lower()))
    yield from (tag for _, tag in sorted(weighed, key=lambda each: -each[0]))


def _weight(parameters: Sequence[str]) -> float | None:
    if not parameters:
        return 1.0
    found = _WEIGHT.fullmatch(parameters[0]) if len(parameters) == 1 else None
    return float(found[1]) if found else None


def _shortened(tag: str) -> Iterator[str]:
    """Yields the range, then what is left of it as one subtag after the other is taken from its end; a
    single letter or digit goes with what stood behind it.
    """
    subtags = tag.split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        while len(subtags) > 1 and len(subtags[-1]) == 1:
            subtags.pop()
