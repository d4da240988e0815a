"""Following a log: what is in order, and everything that a log must not do."""

import shutil

import pytest

from namak.evidence.tiles import TileId
from namak.monitor.alarms import AlarmKind
from namak.monitor.following import WITNESS_SECONDS
from namak.monitor.sources import SourceUnreached
from namak.monitor.state import State, StateMoved, StateUnusable
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.unit.monitor.conftest import NOW, Following


@pytest.mark.parametrize("from_start", [False, True])
async def test_a_log_that_only_grows_raises_no_alarm(following: Following, from_start: bool) -> None:
    for count in (1, 254, 1, 1, 300, 40, 17_000):
        following.log.grow(count)
        following.show()
        look = await following.look(from_start=from_start)
        assert (look.new, look.alarms) == (count, [])
        assert look.known is not None
        assert look.known.checkpoint.size == following.log.published
    again = await following.look()
    assert (again.new, again.alarms) == (0, [])


async def test_a_partial_tile_that_is_gone_is_cut_from_the_full_one(following: Following) -> None:
    note = following.log.grow(300)
    following.log.grow(300)
    following.show()
    assert not (following.shown / "tile/0/001.p/44").exists()
    following.show(note, size=300)
    shutil.rmtree(following.shown / "tile/0/001.p")
    assert await following.alarms() == []


@pytest.mark.parametrize("size", [500, 800])
async def test_a_fork_is_shouted_about_and_both_checkpoints_are_kept(following: Following, size: int) -> None:
    following.log.grow(500)
    following.show()
    assert await following.alarms() == []
    before = following.log.note
    other = following.log.forked(at=300)
    other.grow(size - 300, salt="other")
    shutil.rmtree(following.shown)
    following.show(log=other)

    look = await following.look()

    (alarm,) = look.alarms
    assert alarm.kind is AlarmKind.FORK
    assert (alarm.values["known"], alarm.values["size"]) == (500, size)
    assert alarm.proof is not None
    assert (alarm.proof / "known.note").read_bytes() == before
    assert (alarm.proof / "shown.note").read_bytes() == other.note
    # What is known stays what it was, whatever is shown.
    assert look.known is not None
    assert look.known.note == before
    assert (await following.look()).alarms == [alarm]
    shutil.rmtree(following.shown)
    following.show()
    assert await following.alarms() == []


async def test_a_rollback_is_looked_at_again_before_it_counts(following: Following) -> None:
    old = following.log.grow(300)
    following.log.grow(300)
    following.show()
    assert await following.alarms() == []
    following.show(old, size=300)

    look = await following.look()

    (alarm,) = look.alarms
    assert alarm.kind is AlarmKind.ROLLBACK
    assert (alarm.values["known"], alarm.values["size"]) == (600, 300)
    assert len(following.slept) == 2
    assert alarm.proof is not None
    assert (alarm.proof / "shown.note").read_bytes() == old
    following.show()
    assert await following.alarms() == []


async def test_a_smaller_tree_of_another_history_is_a_fork_though_it_is_shown_only_once(
    following: Following,
) -> None:
    following.log.grow(600)
    following.show()
    assert await following.alarms() == []
    note = following.log.forked(at=200).grow(100, salt="other")
    (following.shown / "checkpoint").write_bytes(note)
    following.meanwhile = following.show
    (alarm,) = (await following.look()).alarms
    assert alarm.kind is AlarmKind.FORK
    assert alarm.proof is not None
    assert (alarm.proof / "shown.note").read_bytes() == note


async def test_a_smaller_tree_of_another_history_is_a_fork(following: Following) -> None:
    following.log.grow(600)
    following.show()
    assert await following.alarms() == []
    other = following.log.forked(at=200)
    note = other.grow(100, salt="other")
    (following.shown / "checkpoint").write_bytes(note)
    assert await following.alarms() == [AlarmKind.FORK]


@pytest.mark.parametrize(
    "path", ["tile/0/001.p/244", "tile/1/000.p/1", "tile/0/000"], ids=["leaf", "above", "old"]
)
async def test_tiles_that_do_not_give_the_signed_root_are_told(following: Following, path: str) -> None:
    following.log.grow(200)
    following.show()
    assert await following.alarms() == []
    following.log.grow(300)
    following.show()
    file = following.shown / path
    sound = file.read_bytes()
    file.write_bytes(sound[:-32] + bytes(32))
    shown = await following.alarms()
    # Only leaves that are new are hashed; what the root is made of above them is made here.
    assert shown == ([] if "tile/1" in path else [AlarmKind.NOT_SHOWN])
    if shown:
        file.write_bytes(sound[:-1])
        assert await following.alarms() == [AlarmKind.NOT_SHOWN]
        file.unlink()
        assert await following.alarms() == [AlarmKind.NOT_SHOWN]
        file.write_bytes(sound)
        assert await following.alarms() == []


async def test_a_first_look_checks_what_the_root_is_made_of(following: Following) -> None:
    following.log.grow(500)
    following.show()
    file = following.shown / "tile/1/000.p/1"
    sound = file.read_bytes()
    file.write_bytes(bytes(32))
    assert await following.alarms() == [AlarmKind.NOT_SHOWN]
    file.write_bytes(sound)
    (following.shown / "tile/0/000").write_bytes(bytes(8192))
    assert (await following.look(from_start=True)).alarms[0].kind is AlarmKind.NOT_SHOWN
    assert await following.alarms() == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda note: note[:-1], id="no newline"),
        pytest.param(lambda note: note.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda note: note.replace(b"\n3\n", b"\n03\n"), id="leading nought"),
        pytest.param(lambda note: note.replace(b"\n3\n", b"\n4\n"), id="another size"),
        pytest.param(lambda note: note.replace(b"\n3\n", b"\n99999999999999999999\n"), id="too large"),
        pytest.param(lambda note: b"", id="empty"),
        pytest.param(lambda note: note.replace(b"log", b"l\0g", 1), id="NUL"),
        pytest.param(lambda note: b"\xff" + note, id="no UTF-8"),
        pytest.param(lambda note: note + b"x" * 600_000, id="megabytes"),
        pytest.param(lambda note: GrownLog().grow(3), id="another key"),
        pytest.param(lambda note: GrownLog(origin="other.example/log").grow(3), id="another log"),
    ],
)
async def test_a_checkpoint_that_does_not_count_is_told_and_changes_nothing(
    following: Following, change: object
) -> None:
    assert callable(change)
    note = following.log.grow(3)
    following.show()
    await following.look()
    (following.shown / "checkpoint").write_bytes(change(note))
    look = await following.look()
    assert [alarm.kind for alarm in look.alarms] == [AlarmKind.NOT_SIGNED]
    assert look.known is None
    (following.shown / "checkpoint").unlink()
    assert await following.alarms() == [AlarmKind.NOT_SIGNED]
    following.show()
    assert await following.alarms() == []


async def test_the_quorum_of_witnesses_is_asked_for(following: Following) -> None:
    first, second = (Cosigner(f"w.example/{number}") for number in (1, 2))
    following.witnesses = [first, second]
    note = following.log.grow(3)
    following.show(note)
    assert await following.alarms() == [AlarmKind.UNWITNESSED]
    following.show(Cosigner("unknown.example/w").cosigned(first.cosigned(note, NOW), NOW))
    look = await following.look()
    assert [alarm.kind for alarm in look.alarms] == [AlarmKind.UNWITNESSED]
    assert look.witnesses == ["w0"]
    following.show(second.cosigned(first.cosigned(note, NOW), NOW))
    look = await following.look()
    assert (look.alarms, look.witnesses) == ([], ["w0", "w1"])
    # The better note is kept.
    assert look.known is not None
    assert look.known.note.count("—".encode()) == 3


async def test_a_log_that_begins_is_looked_at_again_until_its_witnesses_signed(following: Following) -> None:
    witness = Cosigner("w.example/1")
    following.witnesses = [witness]
    following.show(following.log.grow(3))

    def cosign() -> None:
        following.now += following.slept[-1]
        note = following.log.grow(2)
        following.show(witness.cosigned(note, int(following.now)) if len(following.slept) > 1 else note)

    following.meanwhile = cosign
    look = await following.look()
    assert (look.alarms, look.new, look.witnesses) == ([], 7, ["w0"])
    assert following.slept == [1.0, 3.0]

    # What had its witnesses once does not begin again.
    following.show(following.log.grow(1))
    assert await following.alarms() == [AlarmKind.UNWITNESSED]
    assert following.slept == [1.0, 3.0]


async def test_a_log_that_begins_has_no_more_time_than_its_witnesses_need(following: Following) -> None:
    following.witnesses = [Cosigner("w.example/1")]
    following.show(following.log.grow(3))

    def passes() -> None:
        following.now += following.slept[-1]

    following.meanwhile = passes
    assert await following.alarms() == [AlarmKind.UNWITNESSED]
    assert sum(following.slept) == WITNESS_SECONDS
    assert await following.alarms() == [AlarmKind.UNWITNESSED]
    assert sum(following.slept) == WITNESS_SECONDS


async def test_who_was_killed_while_a_log_began_goes_on_waiting(following: Following) -> None:
    following.witnesses, witnesses = [], [Cosigner("w.example/1")]
    following.show(following.log.grow(3))
    await following.look()
    following.witnesses = witnesses
    following.now += 9.5
    following.meanwhile = lambda: setattr(following, "now", following.now + 1)
    assert await following.alarms() == [AlarmKind.UNWITNESSED]
    assert following.slept == [1.0]


async def test_what_is_shown_while_a_log_begins_is_not_taken_back(following: Following) -> None:
    witness = Cosigner("w.example/1")
    following.witnesses = [witness]
    following.show(following.log.grow(300))
    other = following.log.forked(at=200)
    other.grow(150, salt="other")
    following.meanwhile = lambda: following.show(witness.cosigned(other.note or b"", NOW), log=other)
    assert await following.alarms() == [AlarmKind.FORK]


async def test_a_log_that_does_not_count_for_more_than_its_witnesses_is_told_at_once(
    following: Following,
) -> None:
    following.witnesses = [Cosigner("w.example/1")]
    following.show(following.log.grow(3))
    (following.shown / "tile/0/000.p/3").unlink()
    assert await following.alarms() == [AlarmKind.UNWITNESSED, AlarmKind.NOT_SHOWN]
    assert following.slept == []


async def test_cosignatures_from_the_future_are_no_quorum(following: Following) -> None:
    witness = Cosigner("w.example/1")
    following.witnesses = [witness]
    note = following.log.grow(3)
    for ahead, alarms in ((301, [AlarmKind.UNWITNESSED]), (2**62, [AlarmKind.UNWITNESSED]), (300, [])):
        following.show(witness.cosigned(note, NOW + ahead))
        assert await following.alarms(max_age=3600) == alarms


async def test_a_checkpoint_is_as_old_as_its_newest_witness_says_or_as_we_know_it(
    following: Following,
) -> None:
    note = following.log.grow(3)
    following.show()
    assert await following.alarms(max_age=60) == []
    following.now += 60
    assert await following.alarms(max_age=60) == []
    following.now += 1
    assert await following.alarms(max_age=60) == [AlarmKind.STALE]
    assert await following.alarms() == []
    following.log.grow(1)
    following.show()
    assert await following.alarms(max_age=60) == []

    witness = Cosigner("w.example/1")
    following.witnesses = [witness]
    note = following.log.grow(1)
    following.show(witness.cosigned(note, int(following.now) - 61))
    assert await following.alarms(max_age=60) == [AlarmKind.STALE]
    following.show(witness.cosigned(note, int(following.now) - 60))
    assert await following.alarms(max_age=60) == []
    # A time to come makes nothing younger than it is, and is nobody's word.
    following.show(witness.cosigned(note, int(following.now) + 10_000_000))
    following.now += 61
    assert await following.alarms(max_age=60) == [AlarmKind.UNWITNESSED, AlarmKind.STALE]


async def test_a_log_that_can_not_be_read_is_no_alarm(following: Following) -> None:
    with pytest.raises(SourceUnreached):
        await following.look()


async def test_the_state_goes_forward_only_whoever_shares_it(following: Following) -> None:
    following.log.grow(3)
    following.show()
    await following.look()
    other = State(following.state.directory)
    known = other.tree(following.log.origin)
    following.log.grow(3)
    following.show()
    newest = (await following.look()).known
    assert newest is not None
    with pytest.raises(StateMoved):
        other.advance(known, newest)
    assert other.tree(following.log.origin) == newest
    other._connection.execute("UPDATE edges SET hashes = zeroblob(192)")
    with pytest.raises(StateUnusable, match="damaged"):
        other.tree(following.log.origin)
    other.close()
    (following.state.directory / "monitor.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StateUnusable):
        State(following.state.directory)


async def test_several_shards_are_kept_apart(following: Following) -> None:
    following.log.grow(3)
    following.show()
    await following.look()
    assert following.state.tree("log.example.am/2027") is None
    assert TileId(0, 0) in following.state.tree(following.log.origin).edge  # type: ignore[union-attr]
