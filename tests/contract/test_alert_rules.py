"""The rules for Prometheus name what is measured, with the labels that it has."""

import re
from typing import Any

import pytest
import yaml

from server.metrics.catalogue import MEASURES, Kind
from server.transparency.troubles import Trouble
from tests.contract.imports import ROOT

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs/examples/namak-alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
SUFFIX = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
EXPOSED = {measure.name + SUFFIX.get(measure.kind, ""): measure for measure in MEASURES}
ADDED = {"instance", "process"}
"""Labels that Prometheus and the supervisor add."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_names_what_is_measured(rule: dict[str, Any]) -> None:
    named = re.findall(r"(namak_\w+)(?:\{([^}]*)\})?", rule["expr"])
    assert named
    for name, selector in named:
        labels = {label.name for label in EXPOSED[name].labels}
        assert set(re.findall(r"(\w+)=", selector)) <= labels
    (measured, *_), grouped = named[0], re.findall(r"by \(([^)]*)\)", rule["expr"])
    for label in (each.strip() for group in grouped for each in group.split(",")):
        assert label in ADDED | {label.name for label in EXPOSED[measured].labels}
    assert rule["labels"]["severity"] in ("page", "ticket")
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert any(label in group for group in grouped)


def test_troubles_in_rules_are_those_that_there_are() -> None:
    patterns = [each for rule in RULES for each in re.findall(r'trouble=~"([^"]*)"', rule["expr"])]

    assert patterns
    for pattern in (alternative for each in patterns for alternative in each.split("|")):
        assert any(re.fullmatch(pattern, trouble.value) for trouble in Trouble), pattern
