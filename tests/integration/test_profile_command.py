"""`namak-server profile`: what it prints of a jurisdiction, and how it ends."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from server.domain.profile_sources import in_words, sourced
from server.jurisdictions import PROFILES, SOURCES
from tests import forking


def run(*arguments: str | Path, wide: str = "200") -> "subprocess.CompletedProcess[str]":
    return forking.run("server", "profile", *arguments, environment={"COLUMNS": wide})


def printed(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("code", list(PROFILES))
def test_it_prints_every_value_and_marks_what_is_assumed(code: str) -> None:
    done = run("show", code)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for each in sourced(PROFILES[code], SOURCES[code]):
        (line,) = [line for line in lines if line.split()[:1] == [each.name]]
        assert ("ASSUMED" in line) is each.source.assumed, line
        assert ("stated" in line) is not each.source.assumed, line


@pytest.mark.parametrize("wide", ["60", "80", "120"])
@pytest.mark.parametrize("code", list(PROFILES))
def test_on_a_narrow_screen_it_flows_and_nothing_is_cut_off(code: str, wide: str) -> None:
    shown = run("show", code, wide=wide).stdout

    assert "…" not in shown
    assert max(cell_len(line) for line in shown.splitlines()[:-1]) <= int(wide)
    whole = "".join(shown.split())
    for each in sourced(PROFILES[code], SOURCES[code]):
        assert each.name in whole
        if int(wide) < 120:  # in a table the columns of a long value stand between its lines
            assert "".join(in_words(each.value).split()) in whole
            assert "".join(each.source.by.split()) in whole


@pytest.mark.parametrize("code", list(PROFILES))
def test_programs_read_the_same_as_json(code: str) -> None:
    document = printed("show", code)

    assert document["code"] == code
    assert [(each["name"], each["assumed"], each["by"]) for each in document["fields"]] == [
        (each.name, each.source.assumed, each.source.by) for each in sourced(PROFILES[code], SOURCES[code])
    ]
    values = {each["name"]: each["value"] for each in document["fields"]}
    assert values["sessions.length"] == "30000s"
    assert values["mailbox_domain"] == PROFILES[code].mailbox_domain


def test_without_a_code_it_prints_the_default() -> None:
    assert printed("show")["code"] == "am"


def test_the_list_names_them_all_and_counts_what_is_assumed() -> None:
    assert [each["code"] for each in printed("list")] == ["am", "kz", "az"]
    assert [each["code"] for each in printed("list") if each["default"]] == ["am"]
    for each in printed("list"):
        assert 0 < each["assumed"] < each["fields"]
    assert "kz" in run("list").stdout


def test_an_unknown_code_is_told_with_those_there_are() -> None:
    done = run("show", "ge")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "namak-server: no profile 'ge'; there are am, kz, az\n"
