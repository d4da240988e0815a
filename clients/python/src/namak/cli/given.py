"""Wrong fields in the words of who typed them: the value given, where the post names only its place, and the
option that stands for just this place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from namak.errors import InvalidFields

_ITEM = re.compile(r"(?:.*\.)?(?P<list>[a-z_]+)\[(?P<place>[0-9]+)\]")


@contextmanager
def naming(lists: Mapping[str, Sequence[str] | None]) -> Iterator[None]:
    """Adds to a refusal, for each wrong item of these lists by field name, which value it is.

    Raises the same InvalidFields with ``values``; its violations stay as the post told them.
    """
    try:
        yield
    except InvalidFields as wrong:
        given = {}
        for field in dict.fromkeys(violation.field for violation in wrong.violations):
            found = _ITEM.fullmatch(field)
            values = lists.get(found["list"]) if found else None
            if found and values is not None and int(found["place"]) < len(values):
                given[field] = values[int(found["place"])]
        wrong.values = MappingProxyType(given)
        raise


@contextmanager
def by_options(options: Mapping[str, str]) -> Iterator[None]:
    """Adds to a refusal by which options these fields were given, where they depend on what else was.

    Raises the same InvalidFields with ``options``; its violations stay as the post told them.
    """
    try:
        yield
    except InvalidFields as wrong:
        wrong.options = MappingProxyType(dict(options))
        raise
