"""Who lives in a development world: people, an agency and its address, for each jurisdiction.

All are invented, and their numbers pass the checks of their profiles.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from server.dev.pki import Person
from server.jurisdictions import PROFILES


@dataclass(frozen=True, slots=True)
class Example:
    """The people and the agency of one jurisdiction.

    Attributes:
        citizen, other_citizen: the first has a card whose signing key is in a token.
        agency_code, agency: the agency's number and name.
        domain: its domain; it sends as `notices@` that.
        subject, letter: what it may write.
    """

    citizen: Person
    other_citizen: Person
    agency_code: str
    agency: str
    domain: str
    subject: str
    letter: str

    @property
    def sender(self) -> str:
        """The address that the agency sends from."""
        return f"notices@{self.domain}"


def _person(profile: str, number: str, given_name: str, surname: str) -> Person:
    return Person(number, given_name, surname, profile.upper(), PROFILES[profile].naming)


EXAMPLES: Final[Mapping[str, Example]] = MappingProxyType(
    {
        "am": Example(
            citizen=_person("am", "5001950015", "Անի", "Սարգսյան"),
            other_citizen=_person("am", "4102880023", "Արամ", "Պետրոսյան"),
            agency_code="00000701",
            agency="State Revenue Committee",
            domain="src.am",
            subject="Փորձ",
            letter="Հարգելի քաղաքացի, սա փորձնական նամակ է։\n",
        ),
        "kz": Example(
            citizen=_person("kz", "910515400125", "Айгүл", "Нұрланова"),
            other_citizen=_person("kz", "851203300419", "Ерлан", "Омаров"),
            agency_code="990340000708",
            agency="Мемлекеттік кірістер комитеті",
            domain="kgd.kz",
            subject="Сынақ",
            letter="Құрметті азамат, бұл сынақ хаты.\n",
        ),
        "az": Example(
            citizen=_person("az", "5XKMZ7A", "Aynur", "Məmmədova"),
            other_citizen=_person("az", "7BT2QWD", "Elçin", "Əliyev"),
            agency_code="1400557391",
            agency="Dövlət Vergi Xidməti",
            domain="taxes.az",
            subject="Sınaq",
            letter="Hörmətli vətəndaş, bu, sınaq məktubudur.\n",
        ),
    }
)
"""By the profile's code."""
