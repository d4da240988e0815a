"""What SPF said is told again for a minute, and shared by all who wait for it."""

import asyncio
import ipaddress

import pytest

from server.domain.caller import IpAddress
from server.domain.spf import SpfResult
from server.usecases.recent_spf import FAILED_SECONDS, REMEMBERED_SECONDS, RecentSpf
from server.usecases.spf_check import SpfIdentity

CLIENT, OTHER = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2")
SENDER = SpfIdentity.of("notices@src.am", "mail.src.am")


class Slow:
    """Says what it is told to say, when it is told to."""

    def __init__(self) -> None:
        self.said = SpfResult.PASS
        self.asked = self.at_once = self.most_at_once = 0
        self.may_say = asyncio.Event()

    async def of(self, client: IpAddress, identity: SpfIdentity) -> SpfResult:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.may_say.wait()
        self.at_once -= 1
        return self.said


class Clock:
    """Stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_those_who_ask_the_same_share_one_check() -> None:
    slow = Slow()
    recent = RecentSpf(slow)
    waiting = [asyncio.create_task(recent.of(CLIENT, SENDER)) for _ in range(20)]
    other = asyncio.create_task(recent.of(OTHER, SENDER))
    await asyncio.sleep(0)
    waiting[0].cancel()
    slow.may_say.set()
    assert await asyncio.gather(*waiting[1:], other) == [SpfResult.PASS] * 20
    assert slow.asked == 2


@pytest.mark.parametrize(
    ("said", "seconds"), [(SpfResult.FAIL, REMEMBERED_SECONDS), (SpfResult.TEMPERROR, FAILED_SECONDS)]
)
async def test_a_result_is_told_again_until_it_is_old(said: SpfResult, seconds: float) -> None:
    slow, clock = Slow(), Clock()
    slow.may_say.set()
    slow.said = said
    recent = RecentSpf(slow, monotonic=clock)
    for now, asked in ((0.0, 1), (seconds - 0.1, 1), (seconds, 2)):
        clock.now = now
        assert await recent.of(CLIENT, SENDER) is said
        assert slow.asked == asked


async def test_few_are_checked_at_once_and_none_after_the_end() -> None:
    slow = Slow()
    recent = RecentSpf(slow)
    waiting = [asyncio.create_task(recent.of(CLIENT, SpfIdentity.of(f"a{n}@src.am", ""))) for n in range(30)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert slow.most_at_once == 8
    await recent.close()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert all(each.cancelled() for each in waiting)
