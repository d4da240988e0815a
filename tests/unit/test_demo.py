"""The demo's manners: what it refuses, what it keeps, and how it ends."""

import asyncio
import contextlib
import functools
import io
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from scripts.story import belonging, interrupting, letters, programs
from scripts.story import playing as demo
from scripts.story.commanding import broken
from scripts.story.place import InUse, Place
from scripts.story.stage import PIPED_WIDTH, console_for


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path / "demo")
    monkeypatch.setattr(demo, "PLACE", place)
    return place


def file_of(directory: Path, name: str, size: int) -> Path:
    path = directory / name
    path.write_bytes(b"x" * size)
    return path


def test_files_that_make_no_letter_are_told_in_words(tmp_path: Path) -> None:
    half = [file_of(tmp_path, name, 2 * 1024 * 1024) for name in ("a", "b")]
    small = file_of(tmp_path, "small", 1)
    empty = file_of(tmp_path, "empty", 0)

    assert "is a directory" in (letters.problem([tmp_path]) or "")
    assert "no such file" in (letters.problem([tmp_path / "absent"]) or "")
    assert f"{empty}: " in (letters.problem([small, empty]) or "")
    assert "3 MiB" in (letters.problem(half) or "")
    assert "21 files" in (letters.problem([small] * 21) or "")
    assert letters.problem([small] * 20) is None


def test_nothing_is_set_up_for_files_that_are_refused(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.directory.mkdir()
    with pytest.raises(SystemExit) as ended:
        demo.main([str(place.directory)])

    assert ended.value.code == 2
    assert place.directory.is_dir()
    assert "is a directory" in capsys.readouterr().err


def test_stopping_says_so_when_there_is_nothing_to_stop(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--stop"]) == 0
    assert capsys.readouterr().out == "No server was left up.\n"
    assert not place.directory.exists()


def test_what_a_demo_started_is_ended_and_nobody_else(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    program = [sys.executable, "-c", "import signal; print(flush=True); signal.pause()", str(place.directory)]
    start = functools.partial(
        subprocess.Popen, program, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True
    )
    with contextlib.ExitStack() as stack:
        with place.marking():
            theirs = [stack.enter_context(start()) for _ in range(2)]
        with Place(place.directory.with_name("demo-2")).marking():
            another_demos = stack.enter_context(start())
        # One that looks at a file of the demo's.
        strangers = stack.enter_context(start())
        for process in (*theirs, another_demos, strangers):
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()

        assert demo.main(["--stop"]) == 0
        assert [process.wait(60) for process in theirs] == [-signal.SIGTERM] * 2
        assert [process.poll() for process in (another_demos, strangers)] == [None, None]
    assert capsys.readouterr().out == "Stopped.\n"


def test_two_demos_at_once_are_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with place.alone():
        with pytest.raises(InUse), place.alone():
            pass
        assert demo.main([]) == 1
    assert capsys.readouterr().err.startswith("scripts/demo: another demo runs here")


def test_the_receipts_of_the_demo_before_are_kept(place: Place) -> None:
    for number in (1, 2):
        (place.directory / "receipts").mkdir(parents=True)
        file_of(place.directory, "number", number)
        place.clear()
    place.directory.mkdir()  # one that came to no receipts
    place.clear()

    assert not place.directory.exists()
    assert (place.earlier / "number").stat().st_size == 2


@pytest.mark.parametrize("number", interrupting.SIGNALS)
def test_an_interrupted_demo_ends_in_order_also_when_it_is_told_so_again(
    number: signal.Signals,
    place: Place,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = []

    async def story(_console: Console, _files: Sequence[Path], *, keep_running: bool) -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            for again in interrupting.SIGNALS:
                os.kill(os.getpid(), again)
            for _ in range(3):
                await asyncio.sleep(0)
            ended.append(keep_running)

    monkeypatch.setattr(demo, "story", story)
    # Whoever started the tests in the background has them ignore it.
    before = {each: signal.signal(each, signal.SIG_DFL) for each in interrupting.SIGNALS}
    try:
        assert demo.main([]) == 128 + number
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert ended == [False]
    assert capsys.readouterr().out == "Interrupted; the server is stopped.\n"


def test_a_signal_that_comes_at_the_very_end_stops_the_server_that_was_to_run_on(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[subprocess.Popen[bytes]] = []

    def leave() -> None:
        left.append(subprocess.Popen(["sleep", "60"], start_new_session=True))

    async def story(_console: Console, _files: Sequence[Path], *, keep_running: bool) -> None:
        assert keep_running
        leave()
        os.kill(os.getpid(), signal.SIGTERM)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(demo, "story", story)
    try:
        assert demo.main(["--keep-running"]) == 128 + signal.SIGTERM
        assert [process.wait(10) for process in left] == [-signal.SIGTERM]
    finally:
        for process in left:
            process.kill()
            process.wait()
    assert capsys.readouterr().out == "Interrupted; the server is stopped.\n"


def test_processes_are_ended_by_whoever_holds_more_files_than_select_can_name(place: Place) -> None:
    _soft, hard = before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while held[-1] < 1024:
            held.append(os.dup(held[0]))
        with place.marking(), subprocess.Popen(["sleep", "60"]) as process:
            assert belonging.end_marked(place.directory)
        assert process.returncode == -signal.SIGTERM
    finally:
        for file in held:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_no_line_ends_with_blanks_where_nobody_looks() -> None:
    output = io.StringIO()
    table = Table.grid(expand=True)
    table.add_column()
    table.add_row("a word")
    console_for(output).print(table, "word " * PIPED_WIDTH)

    assert output.getvalue().startswith("a word\n")
    assert re.search(r"[ ]$", output.getvalue(), re.MULTILINE) is None


def test_a_long_command_is_broken_so_that_it_can_be_copied() -> None:
    words = ["namak", "admin", "administrator", "enable", "3708850042", "--name", "Nare O'Hakobyan"]

    lines = list(broken(words, 40))

    assert len(lines) > 1
    assert max(map(len, lines)) <= 40
    assert shlex.split("\n".join(lines).removeprefix("$").replace("\\\n", "")) == words
    assert list(broken(words, 200)) == ["$ " + shlex.join(words)]


async def test_a_program_runs_where_and_with_what_it_is_given_and_all_that_it_says_comes_back(
    tmp_path: Path,
) -> None:
    settings = {"NAMAK_CONFIG": "absent.toml", "NAMAK_LANG": "en"}
    code, said = await programs.ended("namak.cli", ["inbox"], settings, tmp_path)
    assert (code, "absent.toml" in said) == (2, True)
