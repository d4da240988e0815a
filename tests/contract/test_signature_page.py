"""docs/signatures.md names every check and every sub-indication, and no other."""

import re

from namak.signatures.report import TOTAL_FAILED, CheckId, SubIndication
from tests.contract.imports import ROOT

PAGE = (ROOT / "docs/signatures.md").read_text("utf-8")


def row(beginning: str) -> str:
    (found,) = (line for line in PAGE.splitlines() if line.startswith(beginning))
    return found


def test_the_page_names_every_check_in_the_reports_order() -> None:
    table = PAGE[PAGE.index("## Checks") : PAGE.index("## What is not done")]

    assert re.findall(r"^\| ([A-Z_]+) \|", table, re.MULTILINE) == [each.value for each in CheckId]


def test_the_page_gives_every_sub_indication_its_verdict() -> None:
    words = r"\b[A-Z][A-Z_]{3,}\b"

    assert set(re.findall(words, row("| INVALID"))) - {"INVALID"} == {each.value for each in TOTAL_FAILED}
    assert set(re.findall(words, row("| INDETERMINATE"))) - {"INDETERMINATE"} == {
        each.value for each in SubIndication if each not in TOTAL_FAILED
    }
