"""Logins: which there can be, and which of them people would take for one another (BOX-8).

The alphabet is small on purpose: letters a to z, digits, and `.` `-` `_`. So no letter of another script can
pass for one of these, and of what looks alike within it only a few are left, which `skeleton` makes equal.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from server.domain.fields import Malformed

LOGIN_CHARACTERS: Final = 64
PASSWORD_CHARACTERS: Final = 256

_LOGIN = re.compile(r"[a-z](?:[._-]?[a-z0-9]){2,63}", re.ASCII)
# Unicode's confusables (UTS 39) as far as they concern this alphabet; an I is an i by now.
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s"})
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SEPARATORS = str.maketrans("", "", "._-")


@dataclass(frozen=True, slots=True)
class Login:
    """A registered login: whose it is, and the Argon2 hash of its password."""

    login: str
    person_number: str
    password_hash: str = field(repr=False)
    registered_at: datetime


def login(text: str) -> str:
    """Returns a login in its one form: lower case. 3 to 64 characters of `a-z 0-9 . _ -`, from a letter to a
    letter or digit, and never two separators in a row. Raises `Malformed`.
    """
    canonical = text.lower() if text.isascii() else ""
    if len(canonical) > LOGIN_CHARACTERS or not _LOGIN.fullmatch(canonical):
        raise Malformed(
            "LOGIN_MALFORMED",
            "must be 3 to 64 characters of a-z 0-9 . _ - that begin with a letter and end with no separator",
        )
    return canonical


def skeleton(login: str) -> str:
    """Returns what all logins have in common that look like this one; it is unique among the registered.

    Two with the same skeleton are never both given out. It is for comparing only, and shown to nobody.
    """
    found = login.translate(_SEPARATORS).translate(_ALIKE)
    for pair, single in _PAIRS:
        found = found.replace(pair, single)
    return found
