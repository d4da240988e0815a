"""Where each value of a profile comes from: stated by a rule, a seed or a published text, or assumed.

Sources stand beside a profile, by the dotted name of the field, and a source of `sessions` is that of all
fields below it which have none of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import time, timedelta
from typing import Any

from server.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes:
        assumed: whether nobody said so: the documents are silent, and the value is ours.
        by: the rule (`POST-4`), the seed or the published text that states it; or why it is assumed.
    """

    assumed: bool
    by: str


def stated(by: str) -> Source:
    """Returns the source of a value that is stated."""
    return Source(assumed=False, by=by)


def assumed(why: str) -> Source:
    """Returns the source of a value that is assumed."""
    return Source(assumed=True, by=why)


@dataclass(frozen=True, slots=True)
class Sourced:
    """A field of a profile by its dotted name, with its value and its source."""

    name: str
    value: Any
    source: Source


def fields_of(profile: Profile) -> Iterator[tuple[str, Any]]:
    """Yields every field with its dotted name, in order; identifiers by their ids, and no field twice."""
    yield from _below("", profile)


def sourced(profile: Profile, sources: Mapping[str, Source]) -> tuple[Sourced, ...]:
    """Returns every field of a profile with its source.

    Raises:
        LookupError: a field has no source.
    """
    return tuple(Sourced(name, value, source_of(name, sources)) for name, value in fields_of(profile))


def source_of(name: str, sources: Mapping[str, Source]) -> Source:
    """Returns the source of a field: its own, or that of the nearest field above it.

    Raises:
        LookupError: there is none.
    """
    above = name
    while above:
        if above in sources:
            return sources[above]
        above = above.rpartition(".")[0]
    raise LookupError(f"nothing says where {name} comes from")


def _below(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, tuple) and value and hasattr(value[0], "id"):
        parts = [(each.id, each) for each in value]
    else:
        yield name, value
        return
    for part, content in parts:
        # What names a part stands in the parts' names already.
        if part != "id":
            yield from _below(f"{name}.{part}" if name else part, content)


def in_words(value: Any) -> str:
    """Returns a field's value as people read it on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        if value.seconds == 0 and value.microseconds == 0 and value.days:
            return f"{value.days} days" if value.days > 1 else "1 day"
        return f"{value.total_seconds() / 60:g} minutes"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        return (
            ", ".join(" ".join(each) if isinstance(each, tuple) else in_words(each) for each in value)
            or "none"
        )
    return str(value)
