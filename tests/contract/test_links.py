"""Pages and code name pages and sections that are there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.contract.imports import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients/python").glob("*.md")])
PLACES = ("server", "clients", "migrations", "scripts", "proto", "tests", "docs")
WRITTEN = {".md", ".py", ".proto", ".toml", ".yml", ""}
"""Scripts have no ending."""


def prose(page: Path) -> str:
    """Returns a page without what is to be typed or is printed."""
    return re.sub(r"(?ms)^\s*```.*?^\s*```", "", page.read_text(encoding="utf-8"))


@cache
def titles(page: Path) -> tuple[str, ...]:
    return tuple(re.findall(r"(?m)^#{1,6} (.*)$", prose(page)))


def anchors(page: Path) -> set[str]:
    """Returns what GitHub and its like make of headings."""
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title.lower())).replace(" ", "-")
        for title in titles(page)
    }


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page))):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_what_is_there(page: Path) -> None:
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        led_to = (page.parent / name).resolve() if name else page
        if not led_to.exists() or (anchor and anchor not in anchors(led_to)):
            broken.append(target)

    assert broken == []


def written(place: str) -> Iterator[Path]:
    for path in (ROOT / place).rglob("*"):
        if path.suffix in WRITTEN and path.is_file() and "node_modules" not in path.parts:
            yield path


def unknown(path: Path) -> Iterator[str]:
    """Tells what a file names as a page of `docs`, with a section, on one line or two, and is not there."""
    text = re.sub(r"\n\s*#? *", " ", path.read_text(encoding="utf-8"))
    for name, title in re.findall(r"docs/([\w-]+\.md)`?(?:, [\"*]([^\"*]+)[\"*])?", text):
        page = ROOT / "docs" / name
        if not page.exists() or (title and title not in titles(page)):
            yield f"{path.relative_to(ROOT)}: {name} {title}"


@pytest.mark.parametrize("place", PLACES)
def test_pages_and_sections_that_code_and_pages_name_are_there(place: str) -> None:
    assert [each for path in written(place) for each in unknown(path)] == []


def test_pages_and_sections_that_the_first_pages_name_are_there() -> None:
    assert [each for path in ROOT.glob("*.md") for each in unknown(path)] == []
