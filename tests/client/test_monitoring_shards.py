"""A monitor whose post goes over to another shard: nothing of the one before goes unseen."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from namak.cli.app import Run, Shared
from namak.cli.codes import ExitCode
from namak.cli.monitoring import NEWER_SECONDS, Asked, Monitor
from namak.cli.screen import Screen
from namak.client import Client
from namak.client.log_source import MailboxLook, PostSource
from namak.errors import NotFound
from namak.evidence.mailbox_chain import ChainHead
from namak.evidence.succession import SUCCESSOR_FILE
from namak.evidence.tiles import TileId
from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.following import WITNESS_SECONDS, Follower, Terms
from namak.monitor.sources import FileSource, Source
from namak.monitor.state import State
from namak.v1 import evidence_pb2
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.fakes.succeeding import announcement, ended
from tests.fakes.succeeding import receipt as last_receipt
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
        self.successor = self.witnessed = b""
        self.now = time.time()
        self.evidence = self
        self.mailbox = SimpleNamespace(get=self._address)

    async def _address(self) -> SimpleNamespace:
        return SimpleNamespace(address=ADDRESS)

    async def checkpoint(self, origin: str) -> evidence_pb2.GetCheckpointResponse:
        log = self.shown.get(origin or self.current)
        if log is None:
            raise NotFound("no such shard")
        ends = self.successor if log is self.old else b""
        return evidence_pb2.GetCheckpointResponse(
            checkpoint=log.note or b"",
            successor_receipt=ends,
            witnessed_checkpoint=self.witnessed if log is self.new else b"",
        )

    async def tile(
        self, index: int, *, level: int | None = None, width: int, origin: str
    ) -> evidence_pb2.GetTileResponse:
        log = self.shown[origin or self.current]
        if level is None:
            entries = log.entries_[256 * index : 256 * index + (width or 256)]
            return evidence_pb2.GetTileResponse(tile=b"".join(b"\x00\x20" + each for each in entries))
        row = log.rows[TileId(level, index)]
        return evidence_pb2.GetTileResponse(tile=row[: 32 * (width or 256)])

    def monitor(
        self,
        *,
        receipts: Path | None = None,
        mailbox: bool = False,
        source: Source | None = None,
        trusted: Sequence[GrownLog] = (),
        follow_successors: bool = False,
    ) -> Monitor:
        logs = "".join(f"log {log.vkey}\n" for log in trusted or (self.old, self.new))
        policy = TlogPolicy.parse(f"{logs}quorum none\n".encode())
        run = Run(Shared(as_json=True), Screen(as_json=True))
        asked = Asked(
            *("", self.place),
            receipts=() if receipts is None else (receipts,),
            mailbox=mailbox,
            follow_successors=follow_successors,
        )
        post = cast(Client, self)
        source = source or PostSource(post, "post:443", known=self.state.size)
        return Monitor(run, asked, source, self.state, Terms(policy), post, now=lambda: self.now)

    def following(self, *, by_file: bool, **asked: Any) -> Monitor:
        """Returns a monitor that trusts the first shard and goes over to the next one."""
        source: Source = FileSource(self.place / "2026")
        if not by_file:
            source = PostSource(cast(Client, self), "post:443", self.old.origin, known=self.state.size)
        return self.monitor(source=source, trusted=[self.old], follow_successors=True, **asked)

    def end(self) -> None:
        """Ends the first shard, and shows both, also as files."""
        grow(self.new, 3)
        document = announcement(self.old, self.new)
        ended(self.old, document)
        self.successor = last_receipt(self.old, document)
        self.show()
        (self.place / "2026" / SUCCESSOR_FILE).write_bytes(self.successor)

    def show(self) -> None:
        show(self.old, self.place / "2026")
        show(self.new, self.place / "2027")


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
    return sorted(alarm.kind.value for alarm in monitor._telling.active)


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


@pytest.mark.parametrize("answers", [True, False])
async def test_the_very_beginning_of_a_shard_is_no_alarm_while_its_witnesses_are_asked(
    shards: TwoShards, answers: bool
) -> None:
    witness = Cosigner("w.example/1")
    policy = TlogPolicy.parse(f"log {shards.new.vkey}\nwitness w {witness.vkey}\nquorum w\n".encode())
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        # It is busy, and its witnesses are always a little behind.
        if answers:
            shards.witnessed = witness.cosigned(shards.new.note or b"", int(shards.now))
        shards.now += seconds
        grow(shards.new, 3)

    grow(shards.new, 3)
    source = PostSource(cast(Client, shards), "post:443", shards.new.origin, known=shards.state.size)
    follower = Follower(source, shards.state, Terms(policy), now=lambda: shards.now, sleep=sleep)
    look = await follower.look()
    assert [alarm.kind.value for alarm in look.alarms] == ([] if answers else ["unwitnessed"])
    assert sum(slept) == (1.0 if answers else WITNESS_SECONDS)


BY_FILE = pytest.mark.parametrize("by_file", [False, True], ids=["post", "files"])


@BY_FILE
async def test_receipts_of_the_next_shard_are_found_by_who_goes_over_to_it(
    shards: TwoShards, by_file: bool
) -> None:
    shards.end()
    (held := shards.place / "held").mkdir()
    late, early = receipt(shards.old, 7), receipt(shards.new, 1)
    (held / "new.tlog-proof").write_bytes(early)
    monitor = shards.following(by_file=by_file, receipts=held)
    assert await monitor.run() is ExitCode.OK
    # It is beyond it now, and finds what comes late all the same.
    (held / "old.tlog-proof").write_bytes(late)
    for _ in range(2):
        await monitor.turn()
    assert kinds(monitor) == []
    assert shards.state.is_found(early)
    assert shards.state.is_found(late)


@BY_FILE
async def test_an_old_receipt_of_the_next_shard_is_no_alarm_on_the_way_there(
    shards: TwoShards, by_file: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shards.end()
    (held := shards.place / "held").mkdir()
    (held / "new.tlog-proof").write_bytes(receipt(shards.new, 1))
    shards.now += NEWER_SECONDS + 60
    monitor = shards.following(by_file=by_file, receipts=held)
    for _ in range(2):
        await monitor.turn()
    assert "ALARM" not in capsys.readouterr().err
    assert shards.state.is_found((held / "new.tlog-proof").read_bytes())


async def test_a_receipt_of_a_shard_that_was_passed_and_is_not_shown_any_more_is_told(
    shards: TwoShards,
) -> None:
    shards.end()
    (held := shards.place / "held").mkdir()
    monitor = shards.following(by_file=True, receipts=held)
    assert await monitor.run() is ExitCode.OK
    (held / "old.tlog-proof").write_bytes(receipt(shards.old, 7))
    show(shards.new, shards.place / "2026")
    await monitor.turn()
    assert kinds(monitor) == ["receipt"]


@BY_FILE
async def test_letters_of_the_next_shard_are_found_by_who_goes_over_to_it(
    shards: TwoShards, by_file: bool
) -> None:
    shards.end()
    shards.letter = receipt(shards.new, 1)
    monitor = shards.following(by_file=by_file, mailbox=True)
    assert await monitor.run() is ExitCode.OK
    assert shards.state.head(ADDRESS) == HEAD


@BY_FILE
async def test_a_receipt_that_no_shard_leads_to_waits_and_is_told(
    shards: TwoShards, by_file: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    grow(shards.new, 3)
    shards.show()
    (held := shards.place / "held").mkdir()
    (held / "new.tlog-proof").write_bytes(receipt(shards.new, 1))
    monitor = shards.following(by_file=by_file, receipts=held)
    await monitor.turn()
    assert kinds(monitor) == []
    shards.now += NEWER_SECONDS + 60
    await monitor.turn()
    assert kinds(monitor) == ["receipt"]
    assert f"of the log {shards.new.origin}, which your policy does not name" in capsys.readouterr().err
    # An alarm does not keep it from going over, for there it is found.
    shards.end()
    for _ in range(2):
        await monitor.turn()
    assert kinds(monitor) == []
    assert "over: RECEIPT" in capsys.readouterr().err


async def test_letters_of_a_log_that_the_policy_does_not_name_leave_the_mailbox_incomplete(
    shards: TwoShards, capsys: pytest.CaptureFixture[str]
) -> None:
    shards.end()
    shards.letter = receipt(shards.new, 1)
    source = FileSource(shards.place / "2026")
    assert await shards.monitor(mailbox=True, source=source, trusted=[shards.old]).run() is (
        ExitCode.NOT_VERIFIED
    )
    said = capsys.readouterr().err
    assert "MAILBOX: " in said
    assert f"of the log {shards.new.origin}, which your policy does not name" in said
    assert shards.state.head(ADDRESS) is None
