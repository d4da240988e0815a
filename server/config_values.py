"""What settings are made of: durations, addresses, lists, files that stand beside the one that names them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[0-9.]+|localhost):(\d{1,5})")


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("a duration is a number with a unit: 500ms, 30s, 10m or 1h")
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    if isinstance(value, timedelta):
        return value
    raise ValueError("a duration is a text with a unit, such as '30s'")


def within(shortest: str, longest: str) -> AfterValidator:
    """Has a duration lie between two others, both allowed; written as in the settings."""
    least, most = _duration(shortest), _duration(longest)

    def check(value: timedelta, info: ValidationInfo) -> timedelta:
        if not least <= value <= most:
            raise ValueError(f"{info.field_name} must be {shortest} to {longest}")
        return value

    return AfterValidator(check)


def _address(value: Any) -> Any:
    if not isinstance(value, str) or (match := _ADDRESS.fullmatch(value)) is None or int(match[2]) > 65535:
        raise ValueError("an address is IP:PORT, such as 127.0.0.1:8443 or [::1]:8443")
    return value


def _loopback(value: str, info: ValidationInfo) -> str:
    if not value.startswith(("127.", "[::1]:", "localhost:")):
        raise ValueError(f"{info.field_name} must be a loopback address: it has no TLS")
    return value


def _listed(value: Any) -> Any:
    # An environment variable holds one text.
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def _rooted(value: Path, info: ValidationInfo) -> Path:
    # Relative paths are relative to the file that names them, wherever the server was started.
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / value


def _existing(value: Path) -> Path:
    if not value.exists():
        raise ValueError(f"{value} does not exist")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Address = Annotated[str, BeforeValidator(_address)]
LoopbackAddress = Annotated[Address, AfterValidator(_loopback)]
"""Where something listens that has no TLS."""
NewPath = Annotated[Path, AfterValidator(_rooted)]
ExistingPath = Annotated[Path, AfterValidator(_rooted), AfterValidator(_existing)]
LISTED = BeforeValidator(_listed)
LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
"""Where something may be asked without TLS."""


class Section(BaseModel):
    """One section of the settings: frozen, without surplus keys, its fields told by their docstrings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
