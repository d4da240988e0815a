"""A shard that is complete: its end is proven by itself, and what is shown for it otherwise is told."""

import shutil

import pytest

from namak.evidence.succession import SUCCESSOR_FILE
from namak.monitor.alarms import AlarmKind
from namak.monitor.sources import FileSource, HttpSource
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.fakes.succeeding import announcement, ended, receipt
from tests.unit.monitor.conftest import Following

NEXT = GrownLog(origin="log.example.am/2027")


def end(following: Following) -> bytes:
    """Ends the log that is followed, and shows the receipt beside it; returns the announcement."""
    document = announcement(following.log, NEXT)
    note = ended(following.log, document)
    for witness in following.witnesses:
        note = witness.cosigned(note, int(following.now))
    following.show(note)
    (following.shown / SUCCESSOR_FILE).write_bytes(receipt(following.log, document, note))
    return document


@pytest.mark.parametrize("witnessed", [False, True])
async def test_a_complete_shard_is_told_with_the_next_ones_key_and_never_stale(
    following: Following, witnessed: bool
) -> None:
    following.witnesses = [Cosigner("w.example/1")] if witnessed else []
    following.log.grow(300)
    following.show()
    assert (await following.look()).succession is None
    end(following)
    for _ in range(2):
        look = await following.look(max_age=60)
        assert (look.alarms, look.witnesses) == ([], ["w0"] if witnessed else [])
        assert look.succession is not None
        assert look.succession.verifier == NEXT.verifier
        following.now += 1_000_000


async def test_an_end_that_the_quorum_did_not_see_is_none_yet(following: Following) -> None:
    following.log.grow(3)
    end(following)
    following.witnesses = [Cosigner("w.example/1")]
    look = await following.look()
    assert [alarm.kind for alarm in look.alarms] == [AlarmKind.UNWITNESSED]
    assert look.succession is None


async def test_a_shard_that_goes_on_behind_its_end_is_an_alarm(following: Following) -> None:
    following.log.grow(3)
    end(following)
    assert await following.alarms() == []
    following.log.grow(1)
    following.show()
    (alarm,) = (await following.look()).alarms
    assert alarm.kind is AlarmKind.SUCCESSOR
    assert "at 4 entries, and there are more" in str(alarm.values["problem"])


async def test_an_end_that_came_during_the_look_is_seen_by_the_next(following: Following) -> None:
    following.log.grow(3)
    before = following.log.note
    end(following)
    whole = following.log.signed(4)
    (following.shown / "checkpoint").write_bytes(before or b"")
    following.show(before, size=3)
    look = await following.look()
    assert (look.alarms, look.succession) == ([], None)
    following.show(whole)
    assert (await following.look()).succession is not None


@pytest.mark.parametrize("wrong", [b"", b"x", b"x" * 1_000_000])
async def test_what_does_not_count_is_told(following: Following, wrong: bytes) -> None:
    following.log.grow(3)
    following.show()
    (following.shown / SUCCESSOR_FILE).write_bytes(wrong)
    assert await following.alarms() == [AlarmKind.SUCCESSOR]
    (following.shown / SUCCESSOR_FILE).unlink()
    assert await following.alarms() == []


async def test_another_shards_end_does_not_count(following: Following) -> None:
    following.log.grow(3)
    following.show()
    other = GrownLog()
    document = announcement(other, NEXT)
    ended(other, document)
    (following.shown / SUCCESSOR_FILE).write_bytes(receipt(other, document))
    assert await following.alarms() == [AlarmKind.SUCCESSOR]


async def test_a_forged_history_has_no_end(following: Following) -> None:
    following.log.grow(5)
    following.show()
    assert await following.alarms() == []
    other = following.log.forked(at=3)
    document = announcement(other, NEXT)
    other.grow(3, salt="other")
    ended(other, document)
    shutil.rmtree(following.shown)
    following.show(log=other)
    (following.shown / SUCCESSOR_FILE).write_bytes(receipt(other, document))
    look = await following.look()
    assert [alarm.kind for alarm in look.alarms] == [AlarmKind.FORK]
    assert look.succession is None


def test_the_next_shard_is_beside_the_one_that_is_named_as_itself(following: Following) -> None:
    origin, successor = following.log.origin, NEXT.origin
    beside = FileSource(following.shown.with_name("2026")).at_successor(origin, successor)
    assert beside is not None
    assert beside.name == str(following.shown.with_name("2027"))
    assert FileSource(following.shown).at_successor(origin, successor) is None
    there = HttpSource("https://mirror.example/log/2026/").at_successor(origin, successor)
    assert there is not None
    assert there.name == "https://mirror.example/log/2027"
    assert HttpSource("https://mirror.example/2026").at_successor(origin, "other.example/2027") is None
