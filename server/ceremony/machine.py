"""Where and with what a ceremony is held: the machine, the release, the module, the settings."""

import hashlib
import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from namak.releases import installed

_FILE: Final = "NAMAK_SERVER_CONFIG"
"""Names the settings' file, and overrides nothing in it."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a protocol says of where and with what something was done."""

    machine: str
    system: str
    account: str
    release: str
    settings: Path
    settings_digest: str
    overridden: tuple[str, ...]
    """Names of the environment's variables that override settings."""
    zone: ZoneInfo
    names: tuple[str, ...] = ()
    """Of those present, as they were given."""


def circumstances(
    settings: Path, environment: Mapping[str, str], zone: str, names: tuple[str, ...] = ()
) -> Circumstances:
    """Looks around. Raises OSError: the settings can't be read."""
    system = os.uname()
    return Circumstances(
        machine=system.nodename,
        system=f"{system.sysname} {system.release} {system.machine}",
        account=_account(),
        release=f"namak-server {_release('namak-server')}, Python {sys.version.split()[0]},"
        f" python-pkcs11 {_release('python-pkcs11')}",
        settings=settings.resolve(),
        settings_digest=digest_of(settings),
        overridden=tuple(sorted(each for each in environment if each.startswith("NAMAK_") and each != _FILE)),
        zone=ZoneInfo(zone),
        names=names,
    )


def digest_of(path: Path) -> str:
    """Returns the SHA-256 of a file's content, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_zone(at: datetime, zone: ZoneInfo) -> str:
    """Returns a time for people, to the second, with its zone and in UTC."""
    local = at.astimezone(zone).isoformat(" ", "seconds")
    return f"{local} ({at.astimezone(UTC):%H:%M:%S} UTC)"


def _account() -> str:
    number = os.geteuid()
    try:
        return f"{pwd.getpwuid(number).pw_name} ({number})"
    except KeyError:
        return str(number)


def _release(distribution: str) -> str:
    return installed(distribution) or "(not installed)"
