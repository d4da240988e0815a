"""A witness whose directory somebody damaged: it says so, and cosigns nothing."""

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from namak.evidence.ed25519 import check_public_key
from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier
from namak.witness.answers import Status
from namak.witness.cli import app
from namak.witness.keys import KeyUnusable, TokenPlace
from namak.witness.place import key_of, state_in
from namak.witness.state import StateUnusable
from tests.unit.evidence.signing import LogKey
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import make, opened

LOG = GrowingLog(LogKey("log.example/2026"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    make(tmp_path, LOG)
    with opened(tmp_path) as witness:
        witness.cosigns(LOG, 0, 5)
    return tmp_path


def damage(directory: Path, *statements: str) -> None:
    with closing(sqlite3.connect(directory / "witness.db")) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trees SET time = 4611686018427387904",
        "UPDATE trees SET time = 0",
        "UPDATE trees SET time = 'soon'",
        "UPDATE trees SET size = -1",
        "UPDATE trees SET size = 'many'",
        "UPDATE trees SET size = 5.5",
        "UPDATE trees SET root = x'00'",
        "UPDATE trees SET root = 'text of thirty-two characters...'",
        "UPDATE trees SET note = 'text'",
        "UPDATE trees SET cosigned = 5",
        f"UPDATE log_keys SET public_key = x'01{'00' * 31}'",
        "UPDATE log_keys SET public_key = x'00'",
        "UPDATE log_keys SET public_key = 'text of thirty-two characters...'",
        "UPDATE log_keys SET name = x'00'",
        "UPDATE log_keys SET name = 'a name'",
        "DROP TABLE trees",
        "DROP TABLE log_keys",
        "ALTER TABLE trees RENAME COLUMN root TO stem",
    ],
)
def test_nothing_is_cosigned_and_that_is_told(directory: Path, statement: str) -> None:
    damage(directory, statement)
    with opened(directory) as witness:
        answer = witness.asked(LOG, 5, 9)
        assert (answer.status, answer.body) == (Status.UNAVAILABLE, b"the witness can't cosign now\n")
        name = hashlib.sha256(LOG.key.name.encode()).hexdigest()
        if "trees" in statement:
            with pytest.raises(StateUnusable):
                witness.witness.checkpoint(name)
    told = CliRunner().invoke(app, ["list", "--directory", str(directory)])
    assert told.exit_code == 1
    assert told.stderr.startswith("namak-witness: the state ")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM identity",
        "DROP TABLE identity",
        "UPDATE identity SET name = x'00'",
        "UPDATE identity SET public_key = 'text of thirty-two characters...'",
        "UPDATE identity SET token = x'00'",
        "UPDATE identity SET token = 'no JSON'",
        "UPDATE identity SET token = '[]'",
        "UPDATE identity SET token = '{}'",
        'UPDATE identity SET token = \'{"module": 1, "token": 2, "label": 3, "pin_file": 4}\'',
        'UPDATE identity SET token = \'{"modul": ""}\'',
    ],
)
def test_who_it_is_is_not_guessed_at(directory: Path, statement: str) -> None:
    damage(directory, statement)
    for command in (["show"], ["run", "--listen", "127.0.0.1:0"]):
        told = CliRunner().invoke(app, [*command, "--directory", str(directory)])
        assert told.exit_code == 1
        assert told.stderr.startswith("namak-witness: the state ")
    with closing(state_in(directory)) as state, pytest.raises((StateUnusable, KeyUnusable)):
        key_of(directory, state)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
# In the text of a table's definition, which SQLite quotes.
@example(place=3600, put=b"\x80", cut=False)
@given(place=st.integers(0, 200_000), put=st.binary(min_size=1, max_size=64), cut=st.booleans())
def test_bytes_changed_at_random_leak_no_other_error(
    directory: Path, place: int, put: bytes, cut: bool
) -> None:
    path = directory / "witness.db"
    good = path.read_bytes()
    place %= len(good)
    path.write_bytes(good[:place] if cut else good[:place] + put + good[place + len(put) :])
    try:
        with opened(directory) as witness:
            witness.asked(LOG, 5, 9)
            witness.state.logs()
            witness.state.forks()
    except (StateUnusable, KeyUnusable):
        pass
    finally:
        for each in directory.glob("witness.db*"):
            # SQLite may be at it: the last connection takes its own files away.
            each.unlink(missing_ok=True)
        path.write_bytes(good)


@pytest.mark.parametrize("text", ["", "{", "null", "[" * 100_000, '{"module": null}', "5"])
def test_a_place_that_is_none_is_told(text: str) -> None:
    with pytest.raises(KeyUnusable, match="where the key is"):
        TokenPlace.parse(text)


def test_of_two_keys_that_a_signature_can_not_tell_apart_only_one_is_trusted(directory: Path) -> None:
    one, other = _alike(LOG.key.name)
    assert one.key_id == other.key_id
    with closing(state_in(directory)) as state:
        assert state.add_log(LOG.key.name, one)
        with pytest.raises(MalformedKey, match="the same name and key id"):
            state.add_log(LOG.key.name, other)
        assert not state.add_log(LOG.key.name, one)


def _alike(name: str) -> tuple[Verifier, Verifier]:
    """Returns two keys of one name and one id, as anybody can find in a second."""
    prefix, seen = name.encode() + b"\n\x01", dict[bytes, bytes]()
    count = 0
    while True:
        count += 1
        key = count.to_bytes(32, "little")
        number = hashlib.sha256(prefix + key).digest()[:4]
        if number in seen and _is_key(key) and _is_key(seen[number]):
            return Verifier(name, key), Verifier(name, seen[number])
        seen.setdefault(number, key)


def _is_key(key: bytes) -> bool:
    check: Callable[[bytes], None] = check_public_key
    try:
        check(key)
    except MalformedKey:
        return False
    return True
