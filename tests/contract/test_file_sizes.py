"""A file is read in one sitting: who makes one longer parts it by meaning."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.imports import ROOT

MOST_LINES = 400
PLACES = ("server", "clients", "migrations", "scripts", "tests")
WRITTEN_BY_HAND = {"v1", "node_modules"}.isdisjoint
"""Stubs are generated, and what npm brings is others'."""
HISTORY = {Path("migrations/versions/0007_people.py"): 442}
"""One revision is one file to Alembic, and what has run is not written again; none of these grows."""


def written(place: str) -> Iterator[tuple[Path, int]]:
    for path in sorted((ROOT / place).rglob("*.py")):
        if WRITTEN_BY_HAND(path.relative_to(ROOT).parts):
            yield path.relative_to(ROOT), len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("place", PLACES)
def test_no_file_that_is_written_by_hand_is_too_long_to_read(place: str) -> None:
    lengths = dict(written(place))

    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines > HISTORY.get(path, MOST_LINES)} == {}
