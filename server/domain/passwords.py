"""Passwords: in which form they are compared, and which are good enough to be set (BOX-8).

The form is OpaqueString's (RFC 8265, 4.2), so that a password typed on another keyboard or phone is the same
one; what may stand in it is PRECIS' FreeformClass (RFC 8264, 4.3), by Unicode's categories.
"""

import unicodedata
from typing import Final

from server.domain.fields import Malformed
from server.domain.logins import PASSWORD_CHARACTERS
from server.domain.profile import Passwords

_FEWEST_KINDS: Final = 5
"""A password has at least so many different characters."""

# What is not seen, or is composed otherwise: RFC 8264, 9.10, 9.12 and 9.13. (Old Hangul letters, and what
# Unicode calls default ignorable and is not a format character.)
_UNSEEN: Final = (
    *((0x034F, 0x034F), (0x1100, 0x11FF), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164)),
    *((0xA960, 0xA97F), (0xD7B0, 0xD7FF), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
)
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
)
"""What stands in a row on keyboards and in alphabets, as lists of guessed passwords have it."""
_DIGITS: Final = "0123456789" * 26


def in_one_form(password: str) -> str:
    """Returns a password as it is hashed and compared: spaces as U+0020, composed as NFC has it."""
    spaced = "".join(" " if unicodedata.category(each) == "Zs" else each for each in password)
    return unicodedata.normalize("NFC", spaced)


def new_password(given: str, login: str, rules: Passwords) -> str:
    """Returns a password that is to be set, in its one form.

    Raises:
        Malformed: it is too short or too long, has characters that nobody sees, is the login, or is among
            the first that would be guessed. The text does not repeat it.
    """
    if len(given) > PASSWORD_CHARACTERS or len(in_one_form(given)) > PASSWORD_CHARACTERS:
        raise Malformed("PASSWORD_TOO_LONG", f"must have at most {PASSWORD_CHARACTERS} characters")
    password = in_one_form(given)
    if len(password) < rules.characters:
        raise Malformed("PASSWORD_TOO_SHORT", f"must have at least {rules.characters} characters")
    if any(map(_is_refused, password)):
        raise Malformed("PASSWORD_CHARACTER", "must have no control characters, and none that nobody sees")
    folded = password.casefold()
    # The login repeated, or with a little more, is the login.
    if len(folded.replace(login, "")) < rules.characters // 2:
        raise Malformed("PASSWORD_IS_LOGIN", "must be more than the login")
    if _is_guessed(folded):
        raise Malformed(
            "PASSWORD_PREDICTABLE", "must not be one thing again and again, nor keys that lie in a row"
        )
    return password


def _is_refused(character: str) -> bool:
    category = unicodedata.category(character)
    if category in ("Zl", "Zp") or category.startswith("C"):
        return True
    return any(first <= ord(character) <= last for first, last in _UNSEEN)


def _is_guessed(folded: str) -> bool:
    """Tells whether it is of few characters, the same again and again, or a row of keys, to and fro."""
    if len(set(folded)) < _FEWEST_KINDS or folded in (folded + folded)[1:-1]:
        return True
    runs = [run for row in (*_ROWS, _DIGITS) for run in (row, row[::-1])]
    return any(folded in run for run in runs)
