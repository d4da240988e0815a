"""What clerks typed is what a refusal of their letter names."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namak.cli.given import by_options
from namak.cli.papers import Times, Way, custody_from, custody_of
from namak.cli.screen import Asked
from namak.errors import InvalidFields, Violation

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def told(way: Way, *fields: str) -> list[str | None]:
    wrong = InvalidFields("wrong", violations=[Violation(field, "LATER", "not before") for field in fields])
    with pytest.raises(InvalidFields) as refused, by_options(way.options()):
        raise wrong
    asked = Asked("paper submit", frozenset({"TO", "--custody", "--tracking"}))
    return [asked.typed(refused.value, violation) for violation in refused.value.violations]


def test_a_step_is_called_by_the_option_of_its_time() -> None:
    later = [NOON + timedelta(minutes=each) for each in range(3)]
    way = custody_of(Times(later[0], None, later[1], later[2]), "Երևան 10", "17")
    fields = ("custody[0].time", "custody[1].time", "custody[2].digest", "custody[1].place", "recipient")
    assert told(way, *fields) == ["--received", "--scanned", "--stored", "--place", "TO"]
    assert told(way, "tracking_number", "custody", "unheard_of") == ["--tracking", "--custody", None]


def test_a_step_of_a_file_is_called_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "way.json"
    step = {"act": "RECEIVED", "time": NOON.isoformat(), "place": "Երևան 10", "person": "17"}
    path.write_text(json.dumps([step, {**step, "act": "SCANNED"}]), encoding="utf-8")
    way = custody_from(path)
    assert told(way, "custody[1].time", "custody[0].person") == ["--custody, step 2", "--custody, step 1"]
