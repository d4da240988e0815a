"""The database's URL as libpq reads it."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_NAMES: Final = {"ssl": "sslmode"}
"""asyncpg's names of what libpq names otherwise."""


def libpq_url(url: str) -> str:
    """Returns the URL of the settings, whichever driver it names, as libpq reads it."""
    scheme, place, path, query, fragment = urlsplit(url)
    given = [(_NAMES.get(name, name), value) for name, value in parse_qsl(query)]
    return urlunsplit((scheme.partition("+")[0], place, path, urlencode(given), fragment))
