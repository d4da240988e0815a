"""A monitor whose post goes over to another shard: nothing of the one before goes unseen."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from namak.cli.app import Run, Shared
from namak.cli.monitoring import Asked, Monitor
from namak.cli.screen import Screen
from namak.client import Client
from namak.client.log_source import MailboxLook, PostSource
from namak.errors import NotFound
from namak.evidence.mailbox_chain import ChainHead
from namak.evidence.tiles import TileId
from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.following import Terms
from namak.monitor.sources import FileSource, Source
from namak.monitor.state import State
from namak.v1 import evidence_pb2
from tests.fakes.grown_log import GrownLog
from tests.unit.monitor.showing import show
from tests.unit.monitor.test_holding import grow, receipt

ADDRESS = "1@e-citizen.am"
HEAD = ChainHead(1, bytes(32))


class TwoShards:
    """A post whose log went over from one shard to another, with one letter in a mailbox."""

    def __init__(self, place: Path, state: State) -> None:
        self.old, self.new = GrownLog(), GrownLog(origin="log.example.am/2027")
        self.shown = {log.origin: log for log in (self.old, self.new)}
        self.current = self.old.origin
        self.place, self.state = place, state
        self.letter = b""
        self.evidence = self
        self.mailbox = SimpleNamespace(get=self._address)

    async def _address(self) -> SimpleNamespace:
        return SimpleNamespace(address=ADDRESS)

    async def checkpoint(self, origin: str) -> evidence_pb2.GetCheckpointResponse:
        log = self.shown.get(origin or self.current)
        if log is None:
            raise NotFound("no such shard")
        return evidence_pb2.GetCheckpointResponse(checkpoint=log.note or b"")

    async def tile(self, index: int, *, level: int, width: int, origin: str) -> evidence_pb2.GetTileResponse:
        row = self.shown[origin or self.current].rows[TileId(level, index)]
        return evidence_pb2.GetTileResponse(tile=row[: 32 * (width or 256)])

    def monitor(
        self, *, receipts: Path | None = None, mailbox: bool = False, source: Source | None = None
    ) -> Monitor:
        policy = TlogPolicy.parse(f"log {self.old.vkey}\nlog {self.new.vkey}\nquorum none\n".encode())
        run = Run(Shared(as_json=True), Screen(as_json=True))
        asked = Asked("", self.place, receipts=receipts, mailbox=mailbox)
        post = cast(Client, self)
        source = source or PostSource(post, "post:443", known=self.state.size)
        return Monitor(run, asked, source, self.state, Terms(policy), post)


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoShards]:
    with closing(State(tmp_path / "state")) as state:
        found = TwoShards(tmp_path, state)

        async def look(*_: object) -> MailboxLook:
            return MailboxLook(ADDRESS, HEAD, receipts={"d-1": found.letter}, since={"d-1": 0.0})

        monkeypatch.setattr("namak.cli.monitoring.mailbox_look", look)
        monkeypatch.setattr(Run, "connection", lambda _: SimpleNamespace(address="post:443"))
        grow(found.old, 300)
        yield found


def go_over(shards: TwoShards) -> None:
    grow(shards.old, 2)
    grow(shards.new, 3)
    shards.current = shards.new.origin


def kinds(monitor: Monitor) -> list[str]:
    return sorted(alarm.kind.value for alarm in monitor._active)


async def test_a_shard_is_followed_to_its_end_after_the_log_went_over(shards: TwoShards) -> None:
    monitor = shards.monitor()
    await monitor.turn()
    go_over(shards)
    await monitor.turn()
    assert shards.state.size(shards.old.origin) == 302
    assert kinds(monitor) == []


async def test_a_shard_is_followed_to_its_end_by_who_begins_again_with_the_next_one(
    shards: TwoShards,
) -> None:
    await shards.monitor().turn()
    go_over(shards)
    monitor = shards.monitor()
    await monitor.turn()
    assert kinds(monitor) == []
    assert (shards.state.size(shards.old.origin), shards.state.size(shards.new.origin)) == (302, 3)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_shard_that_ended_otherwise_than_it_was_shown_is_a_fork(
    shards: TwoShards, restarted: bool
) -> None:
    monitor = shards.monitor()
    await monitor.turn()
    go_over(shards)
    other = shards.old.forked(at=200)
    grow(other, 150, "other")
    shards.shown[other.origin] = other
    monitor = shards.monitor() if restarted else monitor
    await monitor.turn()
    assert kinds(monitor) == ["fork"]


async def test_a_shard_that_is_not_shown_any_more_is_told(shards: TwoShards) -> None:
    monitor = shards.monitor()
    await monitor.turn()
    go_over(shards)
    del shards.shown[shards.old.origin]
    await monitor.turn()
    assert kinds(monitor) == ["not-signed"]
    # The state may know logs of other posts.
    monitor = shards.monitor()
    await monitor.turn()
    assert kinds(monitor) == []


@pytest.mark.parametrize("by_file", [False, True], ids=["post", "files"])
async def test_a_letter_in_the_shard_before_is_sought_there(shards: TwoShards, by_file: bool) -> None:
    go_over(shards)
    show(shards.new, shards.place / "log")
    source = FileSource(shards.place / "log") if by_file else None
    shards.letter = receipt(shards.old, 7)
    monitor = shards.monitor(mailbox=True, source=source)
    await monitor.turn()
    assert kinds(monitor) == []
    assert shards.state.head(ADDRESS) == HEAD
    assert shards.state.is_found(shards.letter)


async def test_a_letter_that_no_history_shown_of_its_shard_has_leaves_the_mailbox_incomplete(
    shards: TwoShards,
) -> None:
    go_over(shards)
    other = shards.old.forked(at=200)
    grow(other, 50, "other")
    shards.letter = receipt(other, 220, "other")
    monitor = shards.monitor(mailbox=True)
    await monitor.turn()
    assert kinds(monitor) == ["fork"]
    del shards.shown[shards.old.origin]
    await monitor.turn()
    assert "mailbox" in kinds(monitor)
    assert shards.state.head(ADDRESS) is None


async def test_receipts_of_the_shard_before_are_sought_there(shards: TwoShards) -> None:
    go_over(shards)
    held = shards.place / "held"
    held.mkdir()
    (held / "mine.tlog-proof").write_bytes(receipt(shards.old, 7))
    monitor = shards.monitor(receipts=held)
    await monitor.turn()
    assert shards.state.is_found((held / "mine.tlog-proof").read_bytes())
    other = shards.old.forked(at=200)
    grow(other, 50, "other")
    (held / "forged.tlog-proof").write_bytes(receipt(other, 220, "other"))
    await monitor.turn()
    assert kinds(monitor) == ["fork"]
