"""What goes on telling: each alarm when it begins and when it is over, and a log that can't be read."""

import shutil

import pytest

from namak.cli.app import Run, Shared
from namak.cli.monitoring import Asked, Monitor
from namak.cli.screen import Screen
from namak.monitor.following import Terms
from namak.monitor.sources import FileSource
from tests.unit.monitor.conftest import Following


def monitor(following: Following, *, max_age: float | None = None) -> Monitor:
    run = Run(Shared(), Screen(as_json=False))
    asked = Asked(str(following.shown), following.state.directory, interval=1.0, max_age=max_age)
    terms = Terms(following.policy, max_age)
    return Monitor(run, asked, FileSource(following.shown), following.state, terms, now=lambda: following.now)


async def test_a_log_that_can_not_be_read_is_old_after_a_while(
    following: Following, capsys: pytest.CaptureFixture[str]
) -> None:
    following.log.grow(3)
    following.show()
    watching = monitor(following, max_age=60)
    await watching.turn()
    assert capsys.readouterr().err == ""
    shutil.rmtree(following.shown)
    for seconds, said in ((1, ["the log can't be read"]), (59, []), (1, ["ALARM: OLD"]), (9, [])):
        following.now += seconds
        await watching.turn()
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == len(said)
        assert all(line.startswith(begin) for line, begin in zip(lines, said, strict=True))
    following.log.grow(1)
    following.show()
    await watching.turn()
    told = capsys.readouterr()
    assert told.err.startswith("over: OLD")
    assert "4 entries, 1 of them new" in told.out


async def test_an_alarm_is_told_once_as_long_as_it_lasts(
    following: Following, capsys: pytest.CaptureFixture[str]
) -> None:
    following.log.grow(3)
    following.show(b"no checkpoint")
    watching = monitor(following)
    for _ in range(3):
        await watching.turn()
    assert capsys.readouterr().err.count("ALARM: NOT SIGNED") == 1
    following.show()
    await watching.turn()
    assert capsys.readouterr().err.count("over: NOT SIGNED") == 1
