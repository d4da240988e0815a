"""What an operator must act on, by log line, finding or alert, stands in the operators' pages."""

import pytest
import yaml

from server.ceremony.findings import Kind as KeyFinding
from server.fsck.findings import KINDS, Kind
from server.transparency.troubles import TEXTS, Trouble
from tests.contract.imports import ROOT

ALARMS, KEYS, LOG = (
    (ROOT / "docs" / page).read_text(encoding="utf-8")
    for page in ("alarms.md", "keys.md", "log-operations.md")
)
ALERTS = [
    rule["alert"]
    for group in yaml.safe_load((ROOT / "docs/examples/namak-alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_of_the_log_has_a_text_and_a_remedy(trouble: Trouble) -> None:
    assert trouble in TEXTS
    assert f"`{trouble}`" in ALARMS


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_meaning_and_a_remedy(alert: str) -> None:
    assert f"\n| `{alert}` | " in ALARMS


@pytest.mark.parametrize("kind", list(Kind))
def test_every_finding_of_a_check_of_the_log_is_explained(kind: Kind) -> None:
    gravity, text, remedy = KINDS[kind]
    assert f"| `{kind}` | {gravity} | {text} | {remedy} |" in LOG


@pytest.mark.parametrize("kind", list(KeyFinding))
def test_every_finding_of_a_check_of_keys_is_explained(kind: KeyFinding) -> None:
    assert f"`{kind}`" in KEYS
