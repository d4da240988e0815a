"""The rules of the requirements, as the map in `docs/legal-map.md` lists them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tests.contract.imports import ROOT

RULE = re.compile(r"\b(?:POST|ADMIN|BOX|SIGN|LADDER|CARD)-[0-9]+\b")
MAP = ROOT / "docs" / "legal-map.md"


@dataclass(frozen=True)
class MappedRule:
    """A row of the map: the rule, where the code keeps it, which tests show it."""

    id: str
    code: str
    tests: str

    @property
    def files(self) -> list[str]:
        """What the row names, relative to the repository."""
        return re.findall(r"`([^`]+)`", self.code + self.tests)


@cache
def mapped_rules() -> Sequence[MappedRule]:
    """Returns the rows of the map."""
    rows = [line.split("|") for line in MAP.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return tuple(MappedRule(row[1], row[3], row[4]) for row in cells if RULE.fullmatch(row[1]))


def known_rules() -> frozenset[str]:
    """Returns the identifiers of all rules."""
    return frozenset(rule.id for rule in mapped_rules())
