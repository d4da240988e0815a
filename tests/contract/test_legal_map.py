"""From rule to code to test: what the map names exists, and what the code cites is in the map."""

import pytest

from tests.contract.imports import ROOT
from tests.contract.rules import RULE, MappedRule, known_rules, mapped_rules

SEARCHED = ("server", "clients/python/src", "proto", "migrations", "tests", "docs", "scripts")
ENDINGS = {".py", ".proto", ".md"}


def test_no_rule_stands_in_the_map_twice() -> None:
    ids = [rule.id for rule in mapped_rules()]

    assert len(ids) > 40
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("rule", mapped_rules(), ids=lambda rule: rule.id)
def test_the_map_names_what_exists(rule: MappedRule) -> None:
    assert [name for name in rule.files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("rule", mapped_rules(), ids=lambda rule: rule.id)
def test_a_rule_that_code_keeps_is_shown_by_a_test(rule: MappedRule) -> None:
    kept = "`" in rule.code

    assert kept == ("`" in rule.tests)
    assert kept or rule.code == "not yet"


def test_every_rule_that_is_cited_exists() -> None:
    cited = {
        f"{path.relative_to(ROOT)}: {rule}"
        for directory in SEARCHED
        for path in (ROOT / directory).rglob("*")
        if path.suffix in ENDINGS and "__pycache__" not in path.parts
        for rule in RULE.findall(path.read_text(encoding="utf-8"))
        if rule not in known_rules()
    }

    assert cited == set()
