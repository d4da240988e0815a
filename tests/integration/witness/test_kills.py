"""Killed before anything that it does to its files, a witness never forgets what it cosigned, and goes on."""

import contextlib
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import pytest

from namak.witness.clock import WitnessClock
from namak.witness.keys import KeyUnusable
from namak.witness.place import key_of, made, state_in
from namak.witness.state import StateUnusable
from namak.witness.witness import Witness
from tests import forking
from tests.killing import SENT, killed_before_each, skip_untraceable
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import NAME, make
from tests.waiting import until

LOG = GrowingLog()
FORK = GrowingLog(LOG.key, "another")
ASKED = {"first": LOG.asks(0, 3), "next": LOG.asks(3, 7), "fork": FORK.asks(7, 7), "last": LOG.asks(7, 9)}
SIZES = {"first": 3, "next": 7, "last": 9}
SECONDS = 60


def goes_on(directory: Path, answered: Sequence[tuple[str, str]]) -> None:
    """Asserts that a witness which answered this begins with a tree that is no smaller, refuses any other
    history from there, and goes on with ours.
    """
    least = max((SIZES[name] for name, status in answered if status == "200"), default=0)
    with closing(state_in(directory)) as state:
        again = Witness(state, key_of(directory, state), WitnessClock())
        tree = state.tree(LOG.key.name)
        size = 0 if tree is None else tree.size
        # What is recorded is one of the trees that it was shown, whole.
        assert size in (0, *SIZES.values())
        assert size >= least
        assert tree is None or LOG.note(size) == tree.note
        if ("fork", "422") in answered:
            assert [note for _, _, note, _ in state.forks()] == [FORK.note(7)]
        if size:
            assert again.add_checkpoint(FORK.asks(size, 9)).status == 422
        assert again.add_checkpoint(LOG.asks(size, 9)).status == 200


def test_killed_before_any_change_it_never_goes_back(tmp_path: Path) -> None:
    make(tmp_path / "made", LOG)
    bodies = []
    for name, body in ASKED.items():
        bodies.append(tmp_path / name)
        bodies[-1].write_bytes(body)

    program = "tests.integration.witness.answering"
    runs = killed_before_each(tmp_path / "made", tmp_path / "runs", program, "@", *bodies, least=30)

    told = [[(name, status) for name, status, _ in map(str.split, run.said.splitlines())] for run in runs]
    for run, answered in zip(runs, told, strict=True):
        goes_on(run.directory, answered)
    # It was killed between any two of its answers, and several times within each.
    assert {len(answered) for answered in told} == {0, 1, 2, 3, 4}
    assert told[-1] == [("first", "200"), ("next", "200"), ("fork", "422"), ("last", "200")]


def test_a_witness_that_was_half_made_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    command = ("init", "-d", "@", "--name", NAME)
    runs = killed_before_each(tmp_path / "empty", tmp_path / "runs", "namak.witness", *command, least=20)

    whole = 0
    for run in runs:
        with contextlib.suppress(StateUnusable), closing(state_in(run.directory)) as state:
            # If it can be opened it is all there, though nobody was told its key.
            vkey = Witness(state, key_of(run.directory, state), WitnessClock()).vkey
            assert run.said in ("", f"{vkey}\n")
            whole += 1
        if any(run.directory.iterdir()):
            # A key that is there is never replaced, whatever it was made for.
            with pytest.raises((StateUnusable, KeyUnusable)):
                made(run.directory, NAME, None)
    assert 0 < whole < len(runs)


@pytest.mark.parametrize(
    ("place", "change", "recorded"),
    [
        pytest.param("{directory}", 3, 3, id="the request is read"),
        pytest.param(SENT, 0, 7, id="the answer is about to leave"),
    ],
)
async def test_a_running_one_that_is_killed_starts_again_where_it_was(
    place: str, change: int, recorded: int, tmp_path: Path
) -> None:
    skip_untraceable()
    directory, ready = tmp_path / "witness", tmp_path / "ready"
    make(directory, LOG)
    with closing(state_in(directory)) as state:
        Witness(state, key_of(directory, state), WitnessClock()).add_checkpoint(LOG.asks(0, 3))
    command = ("namak.witness", "run", "-d", directory, "--listen", "127.0.0.1:0", "--ready-file", ready)
    place = place.format(directory=directory)
    victim = forking.start("tests.killing", "once", place, str(change), *command)
    try:
        await until(lambda: ready.exists() or victim.poll() is not None, seconds=SECONDS)
        with pytest.raises((urllib.error.URLError, HTTPException, OSError)):
            asked(json.loads(ready.read_text())["url"], LOG.asks(3, 7))
        assert victim.wait() == -signal.SIGKILL
    finally:
        victim.kill()
    with closing(state_in(directory)) as state:
        tree = state.tree(LOG.key.name)
        assert tree is not None
        assert tree.size == recorded
    goes_on(directory, [("first", "200")])


def asked(url: str, body: bytes) -> int:
    with urllib.request.urlopen(f"{url}/add-checkpoint", body, timeout=SECONDS) as answer:
        return int(answer.status)
