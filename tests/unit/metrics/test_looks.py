"""What stands in the database is looked at seldom, once at a time, and its absence is told."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import pytest

from server.domain.refusals import ServiceUnavailable
from server.metrics import catalogue
from server.metrics import looks as module
from server.metrics.looks import Looks, Shown
from server.metrics.readings import Reading
from tests.fakes.clock import HeldClock

NOW = HeldClock().now()


class Asked:
    """A question, how often it was asked, and what comes of it."""

    def __init__(self) -> None:
        self.times = 0
        self.failure: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self) -> Shown:
        self.times += 1
        times = self.times
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure

        def shown(now: datetime) -> Iterable[Reading]:
            return [Reading(catalogue.PENDING, times, ("o",))]

        return shown


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(module, "PAUSE_TIMES", 0)


def shown(looks: Looks) -> dict[str, float]:
    return {each.measure.name: each.value for each in looks.shown(NOW)}


async def test_what_was_seen_is_good_for_a_while(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 60.0)
    looks = Looks({"one": asked})

    for _ in range(3):
        await looks.fresh()

    assert asked.times == 1
    assert shown(looks)[catalogue.DATABASE_UP.name] == 1
    assert shown(looks)[catalogue.PENDING.name] == 1


async def test_many_scrapes_at_once_look_once(asked: Asked) -> None:
    looks = Looks({"one": asked})

    await asyncio.gather(*(looks.fresh() for _ in range(20)))

    assert asked.times == 1


async def test_a_database_that_is_away_is_told_and_what_was_seen_stays(asked: Asked) -> None:
    other = Asked()
    looks = Looks({"one": asked, "other": other})
    assert shown(looks) == {catalogue.DATABASE_UP.name: 0}
    await looks.fresh()
    asked.failure = ServiceUnavailable("database")

    await looks.fresh()

    assert shown(looks)[catalogue.DATABASE_UP.name] == 0
    assert shown(looks)[catalogue.PENDING.name] == 1
    assert catalogue.LOOK_AGE.name in shown(looks)
    assert other.times == 1, "a database that does not answer is not asked on"

    asked.failure = None
    await looks.fresh()

    assert shown(looks)[catalogue.DATABASE_UP.name] == 1


async def test_a_fault_of_ours_is_told_as_well(asked: Asked) -> None:
    looks = Looks({"one": asked})
    asked.failure = KeyError("x")

    await looks.fresh()

    assert shown(looks) == {catalogue.DATABASE_UP.name: 0}


async def test_a_slow_look_is_not_waited_for_and_not_begun_again(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    looks = Looks({"one": asked})
    await looks.fresh()
    asked.go_on.clear()

    await looks.fresh()
    await looks.fresh()

    assert asked.times == 2
    assert shown(looks)[catalogue.DATABASE_UP.name] == 0
    assert shown(looks)[catalogue.PENDING.name] == 1

    asked.go_on.set()
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 5.0)
    await looks.fresh()

    assert shown(looks)[catalogue.DATABASE_UP.name] == 1
    assert shown(looks)[catalogue.PENDING.name] == 2


async def test_a_question_that_hangs_ends(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    asked.go_on.clear()
    looks = Looks({"one": asked})

    await looks.fresh()

    assert shown(looks) == {catalogue.DATABASE_UP.name: 0}


async def test_closing_ends_a_look(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    asked.go_on.clear()
    looks = Looks({"one": asked})
    await looks.fresh()

    async with asyncio.timeout(60):
        await looks.close()
