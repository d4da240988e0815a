"""Waking, waiting and telling: small parts that the running log is made of."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.domain.refusals import ServiceUnavailable
from server.transparency.leadership import Backoff
from server.transparency.news import News
from server.transparency.ports import Signal
from server.transparency.settings import Pace
from server.transparency.troubles import TEXTS, Trouble, Watchman
from server.transparency.waker import Waker

PATIENCE_SECONDS = 60.0


class CountingSender:
    """A `SignalSender` that remembers, and can be cut off."""

    def __init__(self) -> None:
        self.cut = False
        self.sent = 0
        self.tried = News()

    async def send(self, signal: Signal) -> None:
        assert signal is Signal.RECORDED
        self.tried.arrive()
        if self.cut:
            raise ServiceUnavailable("database")
        self.sent += 1

    async def close(self) -> None:
        self.cut = True


async def running(waker: Waker) -> asyncio.Task[None]:
    return asyncio.create_task(waker.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def test_checkpoints_follow_one_another_by_the_interval_however_long_each_takes() -> None:
    pace = Pace(checkpoint_interval=0.1)

    assert [pace.rest(took) for took in (0.0, 0.025, 0.1, 3.0)] == [0.1, pytest.approx(0.075), 0.0, 0.0]


def test_callers_who_wait_for_receipts_may_go_at_the_speed_that_is_promised() -> None:
    in_flight, promised_per_second = 64, 1000

    assert in_flight / Pace().checkpoint_interval > 1.2 * promised_per_second


def test_a_leader_looks_into_the_queue_no_more_often_than_it_publishes() -> None:
    assert Pace().poll >= Pace().checkpoint_interval


async def test_many_commits_at_once_send_one_signal() -> None:
    sender = CountingSender()
    waker = Waker(sender, interval=3600)
    task = await running(waker)
    for _ in range(100):
        waker.wake()
    assert await sender.tried.beyond(0, PATIENCE_SECONDS)
    for _ in range(100):
        waker.wake()
        await asyncio.sleep(0)
    assert sender.sent == 1
    await stop(task)


async def test_a_commit_beside_the_leader_wakes_it_at_once_and_sends_nothing() -> None:
    sender, here, woken = CountingSender(), True, 0

    def wake_here() -> bool:
        nonlocal woken
        woken += here
        return here

    waker = Waker(sender, interval=0, wake_here=wake_here)
    task = await running(waker)
    for _ in range(3):
        waker.wake()
    assert woken == 3
    here = False
    waker.wake()
    assert await sender.tried.beyond(0, PATIENCE_SECONDS)
    assert sender.sent == 1
    await stop(task)


async def test_a_commit_while_a_signal_is_under_way_sends_another_one() -> None:
    sender = CountingSender()
    waker = Waker(sender, interval=0)
    task = await running(waker)
    for number in range(5):
        waker.wake()
        assert await sender.tried.beyond(number, PATIENCE_SECONDS)
    assert sender.sent == 5
    await stop(task)


async def test_a_waker_that_is_cut_off_says_so_once_and_goes_on() -> None:
    sender = CountingSender()
    waker = Waker(sender, interval=0)
    task = await running(waker)
    sender.cut = True
    with capture_logs() as logs:
        for number in range(4):
            waker.wake()
            assert await sender.tried.beyond(number, PATIENCE_SECONDS)
        sender.cut = False
        waker.wake()
        assert await sender.tried.beyond(4, PATIENCE_SECONDS)
        await stop(task)
    assert sender.sent == 1
    assert [entry["event"] for entry in logs] == [
        TEXTS[Trouble.DATABASE_UNAVAILABLE],
        "the trouble is over",
    ]


async def test_who_remembers_a_count_misses_no_news() -> None:
    news = News()
    seen = news.count
    news.arrive()
    assert await news.beyond(seen, 0)
    assert not await news.beyond(news.count, 0)
    waiting = [asyncio.create_task(news.beyond(news.count, PATIENCE_SECONDS)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    news.arrive()
    assert await asyncio.gather(*waiting[1:]) == [True, True]


def test_a_watchman_tells_changes_and_not_repetitions() -> None:
    watchman = Watchman("log")
    with capture_logs() as logs:
        watchman.ends()
        for size in (5, 5, 6):
            watchman.begins(Trouble.FORK_REFUSED, {"size": size})
        for cause in ("no answer", "no answer", "killed"):
            watchman.begins(Trouble.HSM_UNAVAILABLE, {"cause": cause})
        watchman.ends()
        watchman.ends()
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("critical", TEXTS[Trouble.FORK_REFUSED]),
        ("critical", TEXTS[Trouble.FORK_REFUSED]),
        ("warning", TEXTS[Trouble.HSM_UNAVAILABLE]),
        ("info", "the trouble is over"),
    ]
    assert watchman.condition is None


def test_every_trouble_has_its_text() -> None:
    assert set(TEXTS) == set(Trouble)


def test_pauses_double_up_to_the_longest_and_begin_again_after_success() -> None:
    backoff = Backoff(0.1, 1.0)
    pauses = [backoff.seconds() for _ in range(6)]
    for pause, most in zip(pauses, (0.1, 0.2, 0.4, 0.8, 1.0, 1.0), strict=True):
        assert 0.8 * most <= pause <= most
    backoff.reset()
    assert backoff.seconds() <= 0.1
