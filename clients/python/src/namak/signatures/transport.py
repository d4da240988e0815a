"""Reports and trust as JSON between processes, read back strictly by the types of their fields.

Whoever reads does not trust whoever wrote: a value of another type, a constant that is none, or a field too
many or too few is refused. This form is not for keeping; :mod:`namak.signatures.json_form` is for programs.
"""

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


class NotTransported(ValueError):
    """The JSON is not a value of the type that was expected."""


def packed(value: Any) -> Any:
    """Returns a value as what ``json.dumps`` takes."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: packed(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [packed(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): packed(each) for name, each in value.items()}
    return value


def unpacked(kind: type[_T], data: Any) -> _T:
    """Returns the value of this type that ``data`` is. Raises :class:`NotTransported`."""
    try:
        return cast(_T, _unpacked(kind, data))
    except (TypeError, ValueError, KeyError, AttributeError) as problem:
        raise NotTransported(f"no {kind.__name__}: {type(problem).__name__}") from problem


def _unpacked(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if data is None else _unpacked(_other_than_none(kind), data)
    if origin is tuple:
        return _tuple(get_args(kind), data)
    if origin is not None and issubclass(origin, Mapping):
        return types.MappingProxyType({_plain(str, name): _plain(str, each) for name, each in data.items()})
    if is_dataclass(kind):
        return _dataclass(cast(type, kind), data)
    return _scalar(kind, data)


def _scalar(kind: Any, data: Any) -> Any:
    if kind is bytes:
        return base64.b64decode(_plain(str, data), validate=True)
    if kind is datetime:
        time = datetime.fromisoformat(_plain(str, data))
        if time.tzinfo is None:
            raise ValueError("a time without a zone")
        return time
    if issubclass(kind, StrEnum):
        return kind(_plain(str, data))
    return _plain(kind, data)


def _plain(kind: type[_T], data: Any) -> _T:
    # A truth value is a number to Python, and not to us.
    if type(data) is not kind:
        raise TypeError(f"no {kind.__name__}")
    return data


def _tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    values = _plain(list, data)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_unpacked(kinds[0], each) for each in values)
    return tuple(_unpacked(kind, each) for kind, each in zip(kinds, values, strict=True))


def _dataclass(kind: type, data: Any) -> Any:
    hints = _hints(kind)
    given = _plain(dict, data)
    if given.keys() != hints.keys():
        raise ValueError(f"other fields than {kind.__name__}'s")
    return kind(**{name: _unpacked(hint, given[name]) for name, hint in hints.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _other_than_none(kind: Any) -> Any:
    (other,) = (each for each in get_args(kind) if each is not types.NoneType)
    return other
