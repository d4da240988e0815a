"""What the loop of ``namak monitor`` tells, over sources that mean no good."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from namak.cli.app import Run, Shared
from namak.cli.codes import ExitCode
from namak.cli.monitoring import NEWER_SECONDS, Asked, Monitor
from namak.cli.screen import Screen
from namak.client import Client
from namak.client.log_source import MailboxLook
from namak.evidence.mailbox_chain import ChainHead
from namak.evidence.tiles import TileId
from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.following import Terms
from namak.monitor.sources import FileSource, Source
from namak.monitor.state import KnownTree, State, StateMoved
from tests.fakes.grown_log import GrownLog
from tests.unit.monitor.showing import show


class Shown:
    """A log that is shown, followed by a monitor that speaks JSON."""

    def __init__(self, place: Path, state: State) -> None:
        self.log = GrownLog()
        self.directory = place / "log"
        self.state = state
        self.now = 1_800_000_000.0
        self.capture: pytest.CaptureFixture[str] | None = None

    def grow(self, count: int) -> None:
        self.log.grow(count)
        show(self.log, self.directory)

    def monitor(
        self,
        *,
        source: Source | None = None,
        max_age: float | None = None,
        interval: float | None = 1.0,
        post: object = None,
        follow_successors: bool = False,
    ) -> Monitor:
        policy = TlogPolicy.parse(f"log {self.log.vkey}\nquorum none\n".encode())
        run = Run(Shared(as_json=True), Screen(as_json=True))
        asked = Asked(
            *("", self.directory),
            interval=interval,
            max_age=max_age,
            mailbox=post is not None,
            follow_successors=follow_successors,
        )
        terms = Terms(policy, max_age)
        source = source or FileSource(self.directory)
        client = cast("Client | None", post)
        return Monitor(run, asked, source, self.state, terms, client, now=lambda: self.now, look_seconds=0.0)

    def told(self) -> list[tuple[str, str]]:
        assert self.capture is not None
        documents = [json.loads(line) for line in self.capture.readouterr().out.splitlines()]
        return [(each["event"], str(each.get("kind") or each["size"])) for each in documents]


@pytest.fixture
def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shown]:
    with closing(State(tmp_path / "state")) as state:
        found = Shown(tmp_path, state)
        found.capture = capsys
        yield found


async def test_a_fork_is_never_over_though_the_first_history_is_shown_again(shown: Shown) -> None:
    shown.grow(3)
    monitor = shown.monitor()
    await monitor.turn()
    other = shown.log.forked(at=2)
    other.grow(1, salt="other")
    show(other, shown.directory)
    await monitor.turn()
    show(shown.log, shown.directory)
    await monitor.turn()
    assert shown.told() == [("look", "3"), ("alarm", "fork")]


class Slow(FileSource):
    """Shows its tiles when it is let."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def tile(self, tile: TileId, width: int) -> bytes | None:
        self.asked.set()
        await self.let.wait()
        return await super().tile(tile, width)


async def test_a_log_that_is_shown_slowly_is_told_to_be_old_before_the_look_is_over(shown: Shown) -> None:
    shown.grow(3)
    source = Slow(shown.directory)
    monitor = shown.monitor(source=source, max_age=60)
    shown.now += 61
    turn = asyncio.create_task(monitor.turn())
    async with asyncio.timeout(60):
        await source.asked.wait()
        told: list[tuple[str, str]] = []
        while not told:
            await asyncio.sleep(0)
            told = shown.told()
        assert told == [("alarm", "stale")]
        source.let.set()
        await turn
    assert shown.told() == [("over", "stale"), ("look", "3")]


async def test_a_turn_that_is_interrupted_leaves_no_look_behind(shown: Shown) -> None:
    shown.grow(3)
    source = Slow(shown.directory)
    turn = asyncio.create_task(shown.monitor(source=source).turn())
    async with asyncio.timeout(60):
        await source.asked.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_single_look_is_made_again_where_another_process_was_faster(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown.grow(3)
    advance = shown.state.advance

    def after_another(before: KnownTree | None, tree: KnownTree) -> None:
        monkeypatch.undo()
        advance(before, tree)
        raise StateMoved(tree.checkpoint.origin)

    monkeypatch.setattr(shown.state, "advance", after_another)
    assert await shown.monitor(interval=None).run() is ExitCode.OK


async def test_a_letter_that_is_kept_from_the_log_is_not_waited_for_without_end(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown.grow(3)
    address = "1@e-citizen.am"
    withheld = MailboxLook(address, ChainHead(1, bytes(32)), since={"d-1": shown.now}, late=["d-1"])

    async def look(*_: object) -> MailboxLook:
        return withheld

    async def get() -> SimpleNamespace:
        return SimpleNamespace(address=address)

    monkeypatch.setattr("namak.cli.monitoring.mailbox_look", look)
    monitor = shown.monitor(post=SimpleNamespace(mailbox=SimpleNamespace(get=get)))
    await monitor.turn()
    shown.now += NEWER_SECONDS
    await monitor.turn()
    assert shown.told() == [("look", "3")]
    shown.now += 1
    await monitor.turn()
    assert shown.told() == [("alarm", "mailbox")]
