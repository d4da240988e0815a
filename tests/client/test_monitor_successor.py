"""``namak monitor`` and ``namak log successor`` where one shard of the log ends and the next one begins."""

import json
import os
import shutil
from pathlib import Path

import pytest

from namak.evidence.succession import SUCCESSOR_FILE
from tests import forking
from tests.client.test_monitoring import Shown, shown
from tests.fakes.grown_log import GrownLog
from tests.fakes.succeeding import announcement, ended, receipt
from tests.unit.monitor.showing import show

__all__ = ["shown"]

OLD, NEXT, LAST = (GrownLog(origin=f"log.example.am/{year}") for year in (2026, 2027, 2028))
OLD.grow(300)
NEXT.grow(5)
LAST.grow(7)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards as files, the first two complete, and a policy that knows the first one's key."""
    place = tmp_path_factory.mktemp("shards")
    for log, following in ((OLD, NEXT), (NEXT, LAST)):
        document = announcement(log, following)
        ended(log, document)
        show(log, place / log.origin)
        (place / log.origin / SUCCESSOR_FILE).write_bytes(receipt(log, document))
    show(LAST, place / LAST.origin)
    (place / "policy").write_text(f"log {OLD.vkey}\nquorum none\n")
    return place


def run(place: Path, *arguments: str | Path) -> tuple[int, str, str]:
    environment = {**os.environ, "NAMAK_LANG": "en", "HOME": str(place)}
    environment.pop("NAMAK_CONFIG", None)
    command = [*arguments, "--log-policy", place / "policy"]
    done = forking.run("namak.cli", *command, environment=environment, directory=place)
    return done.returncode, done.stdout, done.stderr


def test_a_complete_shard_is_told_with_the_line_for_ones_policy(place: Path, tmp_path: Path) -> None:
    look = ("monitor", place / OLD.origin, "--once", "--state", tmp_path, "--max-age", "1s")
    code, out, err = run(place, *look)
    assert (code, err) == (0, "")
    assert out == (
        f"{OLD.origin} is complete: nothing comes after its 301 entries. Its successor is {NEXT.origin}; "
        "to trust that, add this line to your policy:\n"
        f"log {NEXT.vkey}\n"
        f"{OLD.origin}: 301 entries, 301 of them new; witnesses: -\n"
    )
    code, out, _ = run(place, *look, "--json")
    found = json.loads(out)
    assert (code, found["successor"]) == (0, {"origin": NEXT.origin, "log_vkey": NEXT.vkey})


def test_it_goes_on_with_each_successor_by_the_key_that_the_one_before_names(
    place: Path, tmp_path: Path
) -> None:
    follow = ("monitor", place / OLD.origin, "--once", "--follow-successors", "--state", tmp_path)
    code, out, err = run(place, *follow)
    assert (code, err) == (0, "")
    told = [line for line in out.splitlines() if "new; witnesses" in line]
    assert told == [
        f"{log.origin}: {log.published} entries, {log.published} of them new; witnesses: -"
        for log in (OLD, NEXT, LAST)
    ]
    code, out, _ = run(place, *follow, "--json")
    found = json.loads(out)
    assert (code, found["origin"], found["new"], found["successor"]) == (0, LAST.origin, 0, None)


def test_where_the_next_one_is_that_can_not_be_told_is_said(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / OLD.origin, tmp_path / "elsewhere")
    code, _, err = run(
        place,
        *("monitor", tmp_path / "elsewhere", "--once", "--follow-successors", "--state", tmp_path / "state"),
    )
    assert code == 3
    assert f"where {NEXT.origin} is read can't be told from " in err


async def test_in_a_loop_it_is_told_once_and_goes_over_when_the_next_one_is_shown(
    shown: Shown, tmp_path: Path
) -> None:
    old, following = shown.log, GrownLog(origin="log.example.am/2027")
    shown.directory = tmp_path / "2026"
    shown.grow(3)
    monitor = shown.monitor(follow_successors=True)
    await monitor.turn()
    document = announcement(old, following)
    ended(old, document)
    show(old, shown.directory)
    await monitor.turn()
    (shown.directory / SUCCESSOR_FILE).write_bytes(receipt(old, document))
    for _ in range(2):
        await monitor.turn()
    following.grow(9)
    show(following, tmp_path / "2027")
    for _ in range(3):
        await monitor.turn()
    assert shown.told() == [("look", "3"), ("look", "4"), ("complete", "4"), ("look", "9")]


def test_successors_are_printed_as_lines_for_a_policy(place: Path) -> None:
    files = [place / log.origin / SUCCESSOR_FILE for log in (OLD, NEXT)]
    code, out, err = run(place, "log", "successor", *files)
    assert (code, out) == (0, f"log {NEXT.vkey}\nlog {LAST.vkey}\n")
    assert f"{NEXT.origin} comes after the 301 entries of {OLD.origin}:" in err
    code, out, _ = run(place, "log", "successor", *files, "--json")
    assert [each["successor"] for each in json.loads(out)["successors"]] == [NEXT.origin, LAST.origin]

    # Without the one before it, nothing vouches for it.
    code, out, err = run(place, "log", "successor", files[1])
    assert (code, out) == (4, "")
    assert "which the policy does not name" in err
    assert run(place, "log", "successor", place / "policy")[0] == 4
    assert run(place, "log", "successor", place / "nothing")[0] == 6
