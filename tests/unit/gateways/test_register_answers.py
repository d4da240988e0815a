"""A register's answer is read in its one form, and no refusal repeats what stood in it."""

import json
from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from server.domain.state_records import Found
from server.gateways.state_registers import answers
from server.gateways.state_registers.answers import Malformed
from server.gateways.state_registers.kept import KeptAnswers
from tests.register_server import entity, person

NUMBER = "5001950015"


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def test_a_person_is_read() -> None:
    of, read = answers.person(written(person(NUMBER)))

    assert of == read.number == NUMBER
    assert read.document is not None
    assert read.document.expires_on == date(2034, 5, 1)


def test_what_a_register_learns_to_say_later_is_passed_over() -> None:
    _, read = answers.person(written(person(NUMBER, citizenship="AM")))

    assert read.name == "Անի Գրիգորյան"


BAD_PERSONS = {
    "a number that is a number": {"number": 5001950015},
    "an empty name": {"name": " "},
    "a name over two lines": {"name": "Անի\nԳրիգորյան"},
    "half a character": {"name": "\ud800"},
    "a name without end": {"name": "Ա" * 501},
    "a state of its own": {"state": "unwell"},
    "no document at all, and not null": {"document": False},
    "a day that is none": {"document": {"kind": "id-card", "number": "1", "expires_on": "2034-02-30"}},
    "a day as a time": {"document": {"kind": "id-card", "number": "1", "expires_on": "2034-02-01T00:00:00"}},
    "a day as a count": {"document": {"kind": "id-card", "number": "1", "expires_on": 20}},
    "an address that is null": {"address": None},
    "an age with a fraction": {"age": 1.5},
    "an age without end": {"age": float("inf")},
}


@pytest.mark.parametrize("changed", BAD_PERSONS.values(), ids=BAD_PERSONS)
def test_a_person_in_another_form_is_refused(changed: dict[str, Any]) -> None:
    body = json.dumps(person(NUMBER) | changed).encode()

    with pytest.raises(Malformed):
        answers.person(body)


@pytest.mark.parametrize("missing", ["number", "name", "state", "document", "address"])
def test_a_person_s_record_is_whole(missing: str) -> None:
    record = person(NUMBER)
    del record[missing]

    with pytest.raises(Malformed, match=missing):
        answers.person(written(record))


BAD_BODIES = {
    "nothing": b"",
    "a page": b"<html>maintenance</html>",
    "a list": b"[]",
    "half": written(person(NUMBER))[:-20],
    "two": written(person(NUMBER)) * 2,
    "not UTF-8": written(person(NUMBER)).replace("Ա".encode(), b"\xff"),
    "very deep": b"[" * 200_000,
    "one key twice": written(person(NUMBER)).replace(
        b'"state": "alive"', b'"state": "dead", "state": "alive"'
    ),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_what_is_no_record_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        answers.person(body)


def test_a_signatory_stands_once() -> None:
    signatory = {"number": NUMBER, "name": "Անի Գրիգորյան"}

    with pytest.raises(Malformed, match="signatories"):
        answers.entity(written(entity("22335588", signatories=[signatory, signatory])))


def test_there_are_only_so_many_signatories() -> None:
    many = [
        {"number": str(5_000_000_000 + each), "name": "Ա"} for each in range(answers.MOST_SIGNATORIES + 1)
    ]

    with pytest.raises(Malformed, match="signatories"):
        answers.entity(written(entity("22335588", signatories=many)))


@given(st.dictionaries(st.sampled_from(sorted(person(NUMBER))), st.text(min_size=6) | st.integers(10**6)))
def test_a_refusal_repeats_nothing_that_stood_there(changed: dict[str, Any]) -> None:
    record = person(NUMBER) | changed
    try:
        answers.person(json.dumps(record).encode())
    except Malformed as refused:
        told = str(refused)
        personal = [NUMBER, "Անի", "004512345", *(str(value) for value in changed.values())]
        assert [value for value in personal if value in told] == []


def test_an_entity_is_no_person() -> None:
    with pytest.raises(Malformed):
        answers.person(written(entity("22335588")))


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.booleans(), st.floats(0, 20), st.floats(0, 100)), max_size=60
    )
)
def test_kept_answers_are_few_and_never_look_younger_than_they_are(
    steps: list[tuple[str, bool, float, float]],
) -> None:
    now = 1000.0
    kept: KeptAnswers[int] = KeptAnswers(seconds=60, most=3, monotonic=lambda: now)
    said: dict[str, tuple[int, float]] = {}
    for count, (number, keeps, wait, oldest) in enumerate(steps):
        now += wait
        if keeps:
            kept.keep(number, count, now - oldest / 10)
            said[number] = (count, now - oldest / 10)
        elif found := kept.get(number, no_older_than=timedelta(seconds=oldest)):
            assert isinstance(found, Found)
            assert found.record == said[number][0]
            assert abs(found.age.total_seconds() - (now - said[number][1])) < 1e-3
            assert found.age.total_seconds() <= min(60, oldest)
        assert len(kept) <= 3
