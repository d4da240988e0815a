"""Who lives in a development world: people, an agency and its address, for each jurisdiction.

All are invented, and their numbers pass the checks of their profiles.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from server.dev.pki import Person
from server.jurisdictions import PROFILES


@dataclass(frozen=True, slots=True)
class Entity:
    """A company, as its application and the register of entities name it."""

    number: str
    name: str
    address: str
    phone: str
    registration_number: str
    registered_on: date = date(2019, 3, 14)


@dataclass(frozen=True, slots=True)
class Example:
    """The people and the agency of one jurisdiction.

    Attributes:
        citizen, other_citizen: each has a card, in a token. The second may read and confirm for the entity.
        entity: its registered signatory is the first citizen.
        agency_code, agency: the agency's number and name.
        domain: its domain; it sends as `notices@` that.
        subject, letter: what it may write.
        homes: where the two citizens live, as an address on paper; the post's own people know it.
        return_address: where letters on paper go back to.
    """

    profile: str
    citizen: Person
    other_citizen: Person
    entity: Entity
    agency_code: str
    agency: str
    domain: str
    subject: str
    letter: str
    homes: tuple[str, str]
    return_address: tuple[str, ...]

    @property
    def citizen_address(self) -> str:
        """The citizen's mailbox."""
        return self._address(self.citizen.personal_number)

    @property
    def other_citizen_address(self) -> str:
        """The other citizen's mailbox."""
        return self._address(self.other_citizen.personal_number)

    @property
    def entity_address(self) -> str:
        """The entity's mailbox."""
        return self._address(self.entity.number)

    @property
    def language(self) -> str:
        """The jurisdiction's first language."""
        return PROFILES[self.profile].languages[0]

    def _address(self, number: str) -> str:
        return f"{number}@{PROFILES[self.profile].mailbox_domain}"

    @property
    def sender(self) -> str:
        """The address that the agency sends from."""
        return f"notices@{self.domain}"


def _person(profile: str, number: str, given_name: str, surname: str) -> Person:
    return Person(number, given_name, surname, profile.upper(), PROFILES[profile].naming)


EXAMPLES: Final[Mapping[str, Example]] = MappingProxyType(
    {
        "am": Example(
            profile="am",
            citizen=_person("am", "5001950015", "Անի", "Սարգսյան"),
            other_citizen=_person("am", "4102880023", "Արամ", "Պետրոսյան"),
            entity=Entity(
                "22060001", "«Նամակ» ՍՊԸ", "ք. Երևան, Մաշտոցի պող. 10", "+37491000001", "264.110.1"
            ),
            agency_code="00000701",
            agency="State Revenue Committee",
            domain="src.am",
            subject="Փորձ",
            letter="Հարգելի քաղաքացի, սա փորձնական նամակ է։\n",
            homes=("Աբովյան փող. 2, բն. 5, 0001 Երևան", "Սայաթ-Նովա պող. 7, 0001 Երևան"),
            return_address=("Ամիրյան փող. 1", "0002 Երևան"),
        ),
        "kz": Example(
            profile="kz",
            citizen=_person("kz", "910515400125", "Айгүл", "Нұрланова"),
            other_citizen=_person("kz", "851203300419", "Ерлан", "Омаров"),
            entity=Entity(
                "990340038854",
                "«Хат» ЖШС",
                "Астана қ., Мәңгілік Ел даңғ. 8",
                "+77010000001",
                "10100-1902-ЖШС",
            ),
            agency_code="990340000708",
            agency="Мемлекеттік кірістер комитеті",
            domain="kgd.kz",
            subject="Сынақ",
            letter="Құрметті азамат, бұл сынақ хаты.\n",
            homes=("Абай даңғылы 1, 050000 Алматы", "Достық даңғылы 5, 050010 Алматы"),
            return_address=("Мәңгілік Ел даңғ. 8", "010000 Астана"),
        ),
        "az": Example(
            profile="az",
            citizen=_person("az", "5XKMZ7A", "Aynur", "Məmmədova"),
            other_citizen=_person("az", "7BT2QWD", "Elçin", "Əliyev"),
            entity=Entity(
                "1400388541", "«Məktub» MMC", "Bakı ş., Nizami küç. 10", "+994500000001", "1400388541"
            ),
            agency_code="1400557391",
            agency="Dövlət Vergi Xidməti",
            domain="taxes.az",
            subject="Sınaq",
            letter="Hörmətli vətəndaş, bu, sınaq məktubudur.\n",
            homes=("Nizami küç. 12, AZ1000 Bakı", "İstiqlaliyyət küç. 3, AZ1001 Bakı"),
            return_address=("Rəşid Behbudov küç. 4", "AZ1000 Bakı"),
        ),
    }
)
"""By the profile's code."""
