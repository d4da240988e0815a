"""What the log may say that an operator must act on stands in the operators' page."""

import pytest

from server.ceremony.findings import Kind as KeyFinding
from server.fsck.findings import KINDS, Kind
from server.transparency.troubles import TEXTS, Trouble
from tests.contract.imports import ROOT

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_of_the_log_has_a_text_and_a_remedy(trouble: Trouble) -> None:
    assert trouble in TEXTS
    assert f"`{trouble}`" in PAGE


@pytest.mark.parametrize("kind", list(Kind))
def test_every_finding_of_a_check_of_the_log_is_explained(kind: Kind) -> None:
    gravity, text, remedy = KINDS[kind]
    assert f"| `{kind}` | {gravity} | {text} | {remedy} |" in PAGE


@pytest.mark.parametrize("kind", list(KeyFinding))
def test_every_finding_of_a_check_of_keys_is_explained(kind: KeyFinding) -> None:
    assert f"`{kind}`" in PAGE
