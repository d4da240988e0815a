"""``namak monitor`` and ``namak log successor`` where one shard of the log ends and the next one begins."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest

from namak.cli.app import Run, Shared
from namak.cli.codes import ExitCode
from namak.cli.monitoring import Asked, Monitor
from namak.cli.screen import Screen
from namak.evidence.succession import SUCCESSOR_FILE
from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.following import Terms
from namak.monitor.sources import FileSource
from namak.monitor.state import State
from tests import forking
from tests.client.test_monitoring import Shown, shown
from tests.fakes.grown_log import GrownLog
from tests.fakes.succeeding import announcement, ended, receipt
from tests.unit.monitor.showing import show
from tests.unit.monitor.test_holding import receipt as letter

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


def test_receipts_of_the_shards_to_come_are_found_on_the_way_or_it_is_said_where_they_are(
    place: Path, tmp_path: Path
) -> None:
    (held := tmp_path / "held").mkdir()
    for log in (OLD, NEXT):
        name = f"{log.published}.tlog-proof"
        (held / name).write_bytes((place / log.origin / SUCCESSOR_FILE).read_bytes())
    look = ("monitor", place / OLD.origin, "--once", "--receipts", held, "--state", tmp_path / "state")
    code, _, err = run(place, *look)
    (told,) = err.splitlines()
    assert (code, str(held / f"{NEXT.published}.tlog-proof") in told) == (4, True)
    assert f"it is of the log {NEXT.origin}, which your policy does not name: " in told
    assert "--follow-successors" in told
    code, out, err = run(place, *look, "--follow-successors", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["receipts"] == {"found": 2, "newer": 0, "elsewhere": 0}


async def test_what_comes_late_of_any_shard_on_the_way_is_found(place: Path, tmp_path: Path) -> None:
    (held := tmp_path / "held").mkdir()
    with contextlib.closing(State(tmp_path / "state")) as state:
        speaking = Run(Shared(as_json=True), Screen(as_json=True))
        asked = Asked("", tmp_path, receipts=(held,), follow_successors=True)
        terms = Terms(TlogPolicy.parse((place / "policy").read_bytes()))
        monitor = Monitor(speaking, asked, FileSource(place / OLD.origin), state, terms)
        assert await monitor.run() is ExitCode.OK
        for log in (OLD, NEXT):
            mine = (place / log.origin / SUCCESSOR_FILE).read_bytes()
            (held / f"{log.published}.tlog-proof").write_bytes(mine)
            await monitor.turn()
            assert state.is_found(mine)


def test_where_the_next_one_is_that_can_not_be_told_is_said(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / OLD.origin, tmp_path / "elsewhere")
    code, _, err = run(
        place,
        *("monitor", tmp_path / "elsewhere", "--once", "--follow-successors", "--state", tmp_path / "state"),
    )
    assert code == 3
    assert f"where {NEXT.origin} is read can't be told from " in err
    # And how else it is followed.
    assert f"this line in the policy: log {NEXT.vkey}" in " ".join(err.split())


def test_a_shard_that_was_seen_and_is_withheld_is_no_quiet_end(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "log.example.am", tmp_path / "log.example.am")
    first, second = tmp_path / OLD.origin, tmp_path / NEXT.origin
    look = ("monitor", first, "--once", "--follow-successors", "--state", tmp_path / "state")
    assert run(place, *look)[0] == 0
    (second / "checkpoint").rename(second / "hidden")
    code, _, err = run(place, *look)
    assert (code, "ALARM: NOT SHOWN" in err, f"the log of {NEXT.published} entries" in err) == (4, True, True)
    shutil.rmtree(second)
    code, _, err = run(place, *look)
    assert (code, f"{NEXT.origin} had {NEXT.published} entries, and is not shown any more" in err) == (
        3,
        True,
    )


async def test_a_shard_that_is_announced_and_does_not_come_is_told_when_it_is_too_old(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place / OLD.origin, tmp_path / OLD.origin)
    (held := tmp_path / "held").mkdir()
    (held / "next.tlog-proof").write_bytes((place / NEXT.origin / SUCCESSOR_FILE).read_bytes())
    # Long after it was announced and the receipt written.
    now = 2_000_000_000.0
    with contextlib.closing(State(tmp_path / "state")) as state:
        terms = Terms(TlogPolicy.parse((place / "policy").read_bytes()), max_age=3600.0)
        told = ""
        for receipts, kinds in (((), ["stale"]), ((held,), ["receipt", "stale"])):
            speaking = Run(Shared(as_json=False), Screen(as_json=False))
            asked = Asked("", tmp_path, max_age=3600.0, receipts=receipts, follow_successors=True)
            source = FileSource(tmp_path / OLD.origin)
            monitor = Monitor(speaking, asked, source, state, terms, now=lambda: now)
            assert await monitor.run() is ExitCode.NOT_VERIFIED
            assert sorted(alarm.kind.value for alarm in monitor._telling.active) == kinds
            told = capsys.readouterr().err
            assert f"OLD: {NEXT.origin} was announced at " in told
    assert f"it is of the log {NEXT.origin}, which comes next and is not shown: " in told
    assert "does not name" not in told


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


async def test_in_a_loop_a_shard_that_was_seen_and_is_gone_becomes_an_alarm_and_is_over_when_it_is_back(
    place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "log.example.am", tmp_path / "log.example.am")
    first, last = tmp_path / OLD.origin, tmp_path / LAST.origin
    now = 2_000_000_000.0
    with contextlib.closing(State(tmp_path / "state")) as state:
        # It is as old as our knowledge of it.
        terms = Terms(TlogPolicy.parse((place / "policy").read_bytes()), max_age=3600.0)
        speaking = Run(Shared(as_json=True), Screen(as_json=True))
        asked = Asked("", tmp_path, max_age=3600.0, follow_successors=True)

        def monitor() -> Monitor:
            return Monitor(speaking, asked, FileSource(first), state, terms, now=lambda: now)

        assert await monitor().run() is ExitCode.OK
        last.rename(tmp_path / "hidden")
        again = monitor()
        for _ in range(3):
            await again.turn()
        assert again._telling.active == set()
        now += 3601.0
        for _ in range(2):
            await again.turn()
            assert [alarm.kind.value for alarm in again._telling.active] == ["stale"]
        (tmp_path / "hidden").rename(last)
        now -= 3601.0
        await again.turn()
        assert again._telling.active == set()


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
    # Another receipt of the same log: it is said which one it must be.
    (place / "other.tlog-proof").write_bytes(letter(LAST, 3))
    code, _, err = run(place, "log", "successor", *files, place / "other.tlog-proof")
    assert (code, "successor.tlog-proof beside the public files of the log that ended" in err) == (4, True)
    assert "Try once more" not in err
    assert run(place, "log", "successor", place / "nothing")[0] == 6
