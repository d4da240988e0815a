"""``namak monitor`` as people and programs run it, over directories and HTTP."""

import asyncio
import functools
import http.server
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forking
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.unit.monitor.showing import show
from tests.unit.monitor.test_holding import grow, receipt


@pytest.fixture
def log() -> GrownLog:
    return GrownLog()


@pytest.fixture
def place(tmp_path: Path, log: GrownLog) -> Path:
    (tmp_path / "policy").write_text(f"log {log.vkey}\nquorum none\n")
    return tmp_path


def run(place: Path, *arguments: str | Path, lang: str = "en") -> "tuple[int, str, str]":
    command = ["monitor", *arguments, "--state", place / "state", "--log-policy", place / "policy"]
    environment = {**os.environ, "NAMAK_LANG": lang, "HOME": str(place)}
    environment.pop("NAMAK_CONFIG", None)
    done = forking.run("namak.cli", *command, environment=environment, directory=place)
    return done.returncode, done.stdout, done.stderr


def test_one_look_says_how_far_the_log_is(place: Path, log: GrownLog) -> None:
    log.grow(300)
    show(log, place / "log")
    for new in (300, 0):
        expected = f"{log.origin}: 300 entries, {new} of them new; witnesses: -\n"
        assert run(place, place / "log", "--once") == (0, expected, "")
    code, out, _ = run(place, f"file://{place / 'log'}", "--once", "--json")
    found = json.loads(out)
    assert (code, found["size"], found["new"], found["alarms"]) == (0, 300, 0, [])


@pytest.mark.parametrize(
    ("lang", "begin"),
    [("en", "ALARM: FORK: "), ("hy", "ՏԱԳՆԱՊ"), ("ru", "ТРЕВОГА"), ("kk", "ДАБЫЛ"), ("az", "HƏYƏCAN")],
)
def test_a_fork_ends_with_4_and_a_line_in_peoples_language(
    place: Path, log: GrownLog, lang: str, begin: str
) -> None:
    log.grow(3)
    show(log, place / "log")
    assert run(place, place / "log", "--once")[0] == 0
    other = log.forked(at=2)
    other.grow(1, salt="other")
    show(other, place / "log")

    code, _, err = run(place, place / "log", "--once", lang=lang)

    assert (code, err.count("\n")) == (4, 1)
    assert err.startswith(begin)
    assert log.origin in err
    (proof,) = (place / "state" / "proofs").iterdir()
    assert str(proof) in err
    assert {path.name for path in proof.iterdir()} == {"known.note", "shown.note"}


def test_alarms_are_documents_for_programs_and_are_handed_to_the_command(place: Path, log: GrownLog) -> None:
    note = log.grow(3)
    show(log, place / "log", note.replace(b"\n3\n", b"\n4\n"))
    took = place / "took"
    shout = f"{sys.executable} -c \"import sys; open('{took}', 'w').write(sys.stdin.read())\""

    code, out, err = run(place, place / "log", "--once", "--json", "--exec", shout)

    (alarm,) = json.loads(out)["alarms"]
    assert code == 4
    assert alarm["kind"] == "not-signed"
    assert json.loads(took.read_text()) == alarm
    assert err == f"ALARM: {alarm['words']}\n"
    code, _, err = run(place, place / "log", "--once", "--exec", "/nowhere/shout")
    assert code == 4
    assert "/nowhere/shout did not take the alarm: " in err


def test_every_directory_of_receipts_is_checked_and_a_broken_file_is_no_alarm(
    place: Path, log: GrownLog
) -> None:
    grow(log, 300)
    show(log, place / "log")
    held = [place / "first", place / "second"]
    for index, directory in enumerate(held):
        directory.mkdir()
        (directory / "a.tlog-proof").write_bytes(receipt(log, index))
    look = (place / "log", "--once", "--receipts", held[0], "--receipts", held[1])
    code, out, err = run(place, *look)
    assert (code, err, "receipts: 2 stand in the log" in out) == (0, "", True)
    (torn := held[0] / "torn.tlog-proof").write_bytes(b"")
    code, out, err = run(place, *look)
    assert (code, f"{torn} is no receipt: " in err, "ALARM" in err) == (6, True, False)
    assert "receipts: 2 stand in the log" in out
    code, out, _ = run(place, *look, "--json")
    (broken,) = json.loads(out)["broken"]
    assert (code, broken["file"], json.loads(out)["alarms"]) == (6, str(torn), [])
    (held[0] / "b.tlog-proof").write_bytes(receipt(log, 5).replace(b"index 5", b"index 6"))
    assert run(place, *look)[0] == 4


def test_how_many_of_ones_witnesses_signed_is_told(place: Path, log: GrownLog) -> None:
    first, second = Cosigner("w.example/1"), Cosigner("w.example/2")
    (place / "policy").write_text(
        f"log {log.vkey}\nwitness a {first.vkey}\nwitness b {second.vkey}\ngroup g all a b\nquorum g\n"
    )
    now = int(time.time())

    def cosigned(note: bytes, *witnesses: Cosigner) -> bytes:
        return functools.reduce(lambda cosigned, each: each.cosigned(cosigned, now), witnesses, note)

    # What had its quorum once has no time to gather it.
    show(log, place / "log", cosigned(log.grow(2), first, second))
    assert run(place, place / "log", "--once")[0] == 0
    note = log.grow(1)
    show(log, place / "log", note)
    code, _, err = run(place, place / "log", "--once")
    told = f"the checkpoint of 3 entries that {log.origin} shows has no signature of your 2 witnesses; "
    assert (code, err.startswith(f"ALARM: NOT WITNESSED: {told}your quorum asks for 2. ")) == (4, True)
    assert "Some may have signed: a post shows such signatures only once its own quorum is there" in err
    show(log, place / "log", cosigned(note, first))
    _, _, err = run(place, place / "log", "--once")
    assert "has signatures of 1 of your 2 witnesses; your quorum asks for 2." in err
    show(log, place / "log", cosigned(note, first, second))
    assert run(place, place / "log", "--once")[0] == 0


def test_what_can_not_be_read_or_used_is_told(place: Path, log: GrownLog) -> None:
    code, _, err = run(place, place / "log", "--once")
    assert (code, "the log can't be read" in err) == (3, True)
    # Nothing was sent that could be sent again.
    assert "[LOG_UNREACHED]\n  Check the address, and look again in a while." in err
    assert run(place, "http://127.0.0.1:9/log", "--once")[0] == 3
    assert run(place, "ftp://example.am/log", "--once")[0] == 2
    log.grow(3)
    show(log, place / "log")
    assert run(place, place / "log", "--once", "--receipts", place / "none")[0] == 6
    (place / "state" / "monitor.db").write_bytes(b"damaged" * 1000)
    assert run(place, place / "log", "--once")[0] == 6


@pytest.fixture
def address(place: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(place))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_it_goes_on_over_http_and_tells_alarms_when_they_begin_and_when_they_are_over(
    place: Path, log: GrownLog, address: str
) -> None:
    note = log.grow(3)
    show(log, place / "log")
    command = [sys.executable, "-m", "namak.cli", "monitor", f"{address}/log/", "--interval", "100ms"]
    command += ["--state", str(place / "state"), "--log-policy", str(place / "policy"), "--json"]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Where the tests run in a shell's background, what they start would ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None

    async def said() -> tuple[str, str | int]:
        assert process.stdout is not None
        async with asyncio.timeout(240):
            document = json.loads(await process.stdout.readline())
        return document["event"], document.get("kind") or document["size"]

    try:
        assert await said() == ("look", 3)
        log.grow(5)
        show(log, place / "log")
        assert await said() == ("look", 8)
        (place / "log/checkpoint").write_bytes(note + b"x")
        assert await said() == ("alarm", "not-signed")
        show(log, place / "log")
        assert await said() == ("over", "not-signed")
        (place / "log/checkpoint").write_bytes(b"")
        assert await said() == ("alarm", "not-signed")
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 240)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 4
    assert [line.partition(":")[0] for line in err.decode().splitlines()] == ["ALARM", "over", "ALARM"]
