"""The numbers that persons and entities are known by: their form, and what is published to check of them.

No check is invented where none is published: a number that was issued must never be refused. Nor does
passing one say that a number was issued; registers do.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from stdnum.az import voen

from server.domain.mailboxes import HolderKind
from server.domain.malformed import Malformed
from server.domain.profile import IdentifierCheck, IdentifierRule, Profile

_LONGEST: Final = 64  # bounds the work; no kind of number is nearly so long

_KZ_WEIGHTS: Final = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))
# By the seventh digit of an IIN: two for each century, men's and women's. Who has a 0 there, foreigners by
# what is told, may be of any.
_KZ_CENTURIES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "0": (1800, 1900, 2000),
        "1": (1800,),
        "2": (1800,),
        "3": (1900,),
        "4": (1900,),
        "5": (2000,),
        "6": (2000,),
    }
)

_SHOWN: Final = 2
_MASKED_MOST: Final = 16


@dataclass(frozen=True, slots=True)
class Identified:
    """A number in canonical form, whose it is, and the id of the kind of number it is."""

    kind: HolderKind
    number: str
    rule: str


def identified(text: str, profile: Profile) -> Identified | None:
    """Returns whose number this is, with the number in canonical form; None when it can be nobody's."""
    for kind, rules in (
        (HolderKind.PERSON, profile.identifiers.persons),
        (HolderKind.ENTITY, profile.identifiers.entities),
    ):
        for rule in rules:
            if (number := canonical(text, rule)) is not None:
                return Identified(kind, number, rule.id)
    return None


def person_number(text: str, profile: Profile, reason: str) -> str:
    """Returns a person's number in canonical form.

    Raises:
        Malformed: with the reason.
    """
    return _one_of(text, profile.identifiers.persons, reason)


def entity_number(text: str, profile: Profile, reason: str) -> str:
    """Returns an entity's number in canonical form.

    Raises:
        Malformed: with the reason.
    """
    return _one_of(text, profile.identifiers.entities, reason)


def canonical(text: str, rule: IdentifierRule) -> str | None:
    """Returns a number of one kind in canonical form; None when the text is none.

    Letters are capitals; nothing else is mapped. The digits of other scripts look alike and are not the same.
    """
    if len(text) > _LONGEST or not text.isascii():
        return None
    number = text.upper()
    if not re.fullmatch(rule.pattern, number, re.ASCII) or not _CHECKS[rule.check](number):
        return None
    return number


def masked(identifier: str) -> str:
    """Returns a number, or the address it begins, as it may stand in a log: two characters of it are left.

    They tell two cases apart for whoever looks after the post, and tell nobody whose it is. Of a text that is
    too short for that, or no number, nothing is left.
    """
    number, at, domain = identifier.partition("@")
    shown = number[-_SHOWN:] if len(number) > 2 * _SHOWN and number.isascii() and number.isalnum() else ""
    stars = "*" * min(len(number) - len(shown), _MASKED_MOST)
    # Whatever else came in is not known to be harmless.
    tail = f"{at}{domain}" if re.fullmatch(r"[a-z0-9.-]{1,253}", domain, re.ASCII) else ""
    return f"{stars}{shown}{tail}"


def _one_of(text: str, rules: tuple[IdentifierRule, ...], reason: str) -> str:
    for rule in rules:
        if (number := canonical(text, rule)) is not None:
            return number
    forms = dict.fromkeys(rule.form for rule in rules)
    raise Malformed(reason, f"must be {' or '.join(forms)}")


def _kz_digits(number: str) -> bool:
    """Tells whether the twelfth digit is that of the eleven before it.

    The weighted sum modulo 11; where that is 10, the sum with the second weights; where that is 10 again, the
    number is never issued.
    """
    digits = [int(digit) for digit in number]
    for weights in _KZ_WEIGHTS:
        check = sum(weight * digit for weight, digit in zip(weights, digits, strict=False)) % 11
        if check < 10:
            return check == digits[11]
    return False


def _kz_iin(number: str) -> bool:
    """Checks an IIN: six digits of the date of birth, one of century and sex, four of a serial, a check."""
    year, month, day = int(number[:2]), int(number[2:4]), int(number[4:6])
    born = any(_is_date(century + year, month, day) for century in _KZ_CENTURIES.get(number[6], ()))
    return born and _kz_digits(number)


def _kz_bin(number: str) -> bool:
    """Checks a BIN: year and month of registration, the kind (4 to 6), a part, five of a serial, a check.

    The kind stands where an IIN has the tens of a day, so that no number can be both.
    """
    return 1 <= int(number[2:4]) <= 12 and _kz_digits(number)


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_CHECKS: Final[Mapping[IdentifierCheck, Callable[[str], bool]]] = MappingProxyType(
    {
        IdentifierCheck.NONE: lambda _: True,
        IdentifierCheck.KZ_IIN: _kz_iin,
        IdentifierCheck.KZ_BIN: _kz_bin,
        IdentifierCheck.AZ_VOEN: voen.is_valid,
    }
)
