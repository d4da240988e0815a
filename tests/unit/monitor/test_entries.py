"""Entries that a log shows: those that were signed, or others."""

import http.server
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from namak.monitor.alarms import AlarmKind
from namak.monitor.following import Follower, Terms
from namak.monitor.sources import HttpSource
from tests.unit.monitor.conftest import NOW, Following

FULL, PARTIAL = "tile/entries/000", "tile/entries/001.p/44"


def changed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def longer(file: Path) -> None:
    file.write_bytes(file.read_bytes() + bytes(34))


def lengthened(file: Path) -> None:
    """The length of an entry is another one."""
    file.write_bytes(b"\x00\x21" + file.read_bytes()[2:])


@pytest.mark.parametrize("spoil", [changed, longer, lengthened, Path.unlink])
@pytest.mark.parametrize("path", [FULL, PARTIAL])
async def test_other_entries_than_those_that_were_signed_are_told_with_their_bundle(
    following: Following, path: str, spoil: Callable[[Path], None]
) -> None:
    following.log.grow(300)
    following.show()
    spoil(following.shown / path)
    look = await following.look(from_start=True)
    (alarm,) = look.alarms
    assert (alarm.kind, look.known) == (AlarmKind.NOT_SHOWN, None)
    assert str(alarm.values["problem"]).startswith(path)
    following.show()
    assert (await following.look(from_start=True)).alarms == []


async def test_of_a_log_that_is_followed_the_new_entries_are_read(following: Following) -> None:
    following.log.grow(10)
    following.show()
    assert (await following.look()).alarms == []
    following.log.grow(10)
    following.show()
    changed(following.shown / "tile/entries/000.p/20")
    assert [each.kind for each in (await following.look()).alarms] == [AlarmKind.NOT_SHOWN]


async def test_a_partial_bundle_that_is_gone_is_cut_from_the_full_one(following: Following) -> None:
    following.log.grow(300)
    following.show()
    following.show(size=200)
    (following.shown / "tile/entries/000.p/200").unlink()
    assert (await following.look(from_start=True)).alarms == []


async def test_a_log_that_signed_two_histories_is_told_before_its_entries(following: Following) -> None:
    following.log.grow(10)
    following.show()
    await following.look()
    other = following.log.forked(at=5)
    other.grow(10, salt="other")
    following.show(log=other)
    changed(following.shown / "tile/entries/000.p/15")
    assert [each.kind for each in (await following.look()).alarms] == [AlarmKind.FORK]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("spoiled", [False, True])
async def test_entries_are_read_from_a_web_server_too(following: Following, spoiled: bool) -> None:
    following.log.grow(300)
    following.show()
    if spoiled:
        changed(following.shown / PARTIAL)
    handler = partial(Quiet, directory=str(following.shown))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = HttpSource(f"http://127.0.0.1:{server.server_port}")
        terms = Terms(following.policy, from_start=True)
        look = await Follower(source, following.state, terms, now=lambda: float(NOW)).look()
        server.shutdown()
    assert [each.kind for each in look.alarms] == ([AlarmKind.NOT_SHOWN] if spoiled else [])
