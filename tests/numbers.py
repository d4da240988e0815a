"""Numbers of people and entities that pass the checks of each profile, as many as a test needs.

Made by the rules as they are published, not by the code that is tested.
"""

from collections.abc import Callable, Mapping

from stdnum.az import voen


def with_kz_check(eleven: str) -> str | None:
    """Returns eleven digits with their check digit; None where there is none."""
    digits = [int(digit) for digit in eleven]
    first = sum(place * digit for place, digit in enumerate(digits, start=1)) % 11
    if first == 10:
        first = sum(((place + 1) % 11 + 1) * digit for place, digit in enumerate(digits, start=1)) % 11
    return None if first == 10 else f"{eleven}{first}"


def iin(number: int, born: str = "850312", century: str = "3") -> str:
    """Returns an IIN with a serial near this number."""
    return next(
        whole
        for serial in range(number * 5 % 10_000, 20_000)
        if (whole := with_kz_check(f"{born}{century}{serial % 10_000:04d}")) is not None
    )


def bin_(number: int, kind: str = "4") -> str:
    """Returns a BIN with a serial near this number."""
    return next(
        whole
        for serial in range(number * 5 % 100_000, 200_000)
        if (whole := with_kz_check(f"9903{kind}0{serial % 100_000:05d}")) is not None
    )


def voen_(number: int) -> str:
    """Returns a legal person's VÖEN with a serial near this number."""
    return next(
        whole
        for serial in range(number * 5, number * 5 + 100)
        for check in range(10)
        if voen.is_valid(whole := f"14{serial:06d}{check}1")
    )


def fin(number: int) -> str:
    """Returns a FIN: letters and digits without I and O, which look like nothing else in a log."""
    letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    number, written = (number * 7_919 + 31_415_926_535) % len(letters) ** 7, ""
    for _ in range(7):
        number, place = divmod(number, len(letters))
        written = letters[place] + written
    return written


_PERSON: Mapping[str, Callable[[int], str]] = {"am": lambda number: f"41{number:08d}", "kz": iin, "az": fin}
_ENTITY: Mapping[str, Callable[[int], str]] = {
    "am": lambda number: f"22{number:06d}",
    "kz": bin_,
    "az": voen_,
}


def person(profile: str, number: int) -> str:
    """Returns a person's number under a profile."""
    return _PERSON[profile](number)


def entity(profile: str, number: int) -> str:
    """Returns an entity's number under a profile."""
    return _ENTITY[profile](number)
