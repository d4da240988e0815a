"""The log in a directory: what a web server of files hands out, whenever the export was ended."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from server.domain.refusals import ServiceUnavailable
from server.tiles.directory import ExportRefused, TileDirectory, unwatched
from server.tiles.export import Exported, TileExport
from server.tiles.published import PublishedTiles
from server.transparency.ports import WitnessedTree
from tests.fakes.clock import HeldClock
from tests.fakes.grown_log import Cosigner, GrownLog
from tests.unit.tiles import reading

HOUR = 3600.0


class Killed(BaseException):
    """The process ends here."""


def export_of(
    log: GrownLog, path: Path, *, before: Callable[[], None] = unwatched, again: bool = False
) -> TileExport:
    published = PublishedTiles(log.origin, log, log.witnessed, HeldClock())
    directory = TileDirectory(path, before=before)
    return TileExport(published, log, directory, log.verifier, again=again)


async def exported(log: GrownLog, path: Path, *, again: bool = False) -> Exported | None:
    export = export_of(log, path, again=again)
    with export._directory.held():
        return await export.run()


def entries_in(path: Path, log: GrownLog) -> list[bytes] | None:
    def fetch(name: str) -> bytes | None:
        return (path / name).read_bytes() if (path / name).is_file() else None

    return reading.whole(fetch, log.verifier)


def tiles_in(path: Path) -> set[str]:
    found = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return {name for name in found if name.startswith("tile/")}


def directories_in(path: Path) -> dict[Path, int]:
    """Returns a directory and those below it, with their inodes."""
    return {each: each.stat().st_ino for each in (path, *path.rglob("*")) if each.is_dir()}


async def test_a_directory_is_the_log_as_the_specification_has_it(log: GrownLog, tmp_path: Path) -> None:
    assert await exported(log, tmp_path / "none") is None
    log.grow(65_800)
    log.add([bytes(32)] * 300)

    done = await exported(log, tmp_path / "log")

    assert done == Exported(65_800, 65_800, len(reading.files_of(65_800)))
    assert entries_in(tmp_path / "log", log) == log.entries_[:65_800]
    assert tiles_in(tmp_path / "log") == {path for path, *_ in reading.files_of(65_800)}


async def test_only_what_is_new_is_read_and_written(log: GrownLog, tmp_path: Path) -> None:
    log.grow(9000)
    await exported(log, tmp_path)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in tiles_in(tmp_path)}
    log.grow(10)
    log.asked.clear()

    assert await exported(log, tmp_path) == Exported(9010, 10, 2)

    assert all((tmp_path / name).stat().st_mtime_ns == time for name, time in before.items())
    assert min(first for first, _ in log.asked) == 8960
    assert await exported(log, tmp_path) == Exported(9010, 0, 0)
    assert entries_in(tmp_path, log) == log.entries_


async def test_files_may_be_read_by_all_whatever_the_mask(log: GrownLog, tmp_path: Path) -> None:
    log.grow(257)
    mask = os.umask(0o077)
    try:
        await exported(log, tmp_path / "log")
    finally:
        os.umask(mask)
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log").rglob("[!.]*") if path.is_file()
    }
    directories = {
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log").rglob("*") if path.is_dir()
    }
    assert (modes, directories) == ({0o644}, {0o755})
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o755


async def test_the_checkpoint_carries_the_witnesses_cosignatures(
    log: GrownLog, tmp_path: Path, clock: HeldClock
) -> None:
    plain = log.grow(3)
    await exported(log, tmp_path)
    assert (tmp_path / "checkpoint").read_bytes() == plain
    cosigned = Cosigner("witness.example/w1").cosigned(plain, 1)
    await log.witnessed.keep(WitnessedTree(log.origin, 3, cosigned, clock.now()))

    assert await exported(log, tmp_path) == Exported(3, 0, 0)

    assert (tmp_path / "checkpoint").read_bytes() == cosigned


async def test_ended_before_any_step_it_never_shows_a_tree_whose_tiles_are_not_there(
    log: GrownLog, tmp_path: Path
) -> None:
    """What a killed process leaves is what was done before: each step is one call of the system."""
    log.grow(200)
    await exported(log, tmp_path / "old")
    old = list(log.entries_)
    log.grow(60)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def kill_at(step: int) -> Callable[[], None]:
        left = step

        def before() -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1

        return before

    shutil.copytree(tmp_path / "old", tmp_path / "counted")
    await export_of(log, tmp_path / "counted", before=count).run()
    assert steps > 25

    for step in range(steps):
        path = tmp_path / "log"
        shutil.copytree(tmp_path / "old", path)
        export = export_of(log, path, before=kill_at(step))
        with pytest.raises(Killed), export._directory.held():
            await export.run()
        assert entries_in(path, log) in (old, log.entries_), step

        done = await exported(log, path)

        assert done is not None
        assert done.size == 260
        assert entries_in(path, log) == log.entries_, step
        # Nothing lies about, and what may be deleted later is known.
        wanted = {each for each, *_ in [*reading.files_of(260), *reading.files_of(200)]}
        assert tiles_in(path) == wanted, step
        assert await export_of(log, path).sweep(-1) == 2, step
        shutil.rmtree(path)


async def test_a_first_export_that_was_ended_has_no_checkpoint_and_goes_on(
    log: GrownLog, tmp_path: Path
) -> None:
    log.grow(9000)
    left = 100

    def before() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    with pytest.raises(Killed):
        await export_of(log, tmp_path, before=before).run()
    assert entries_in(tmp_path, log) is None
    there = len(tiles_in(tmp_path))
    assert there

    assert await exported(log, tmp_path) == Exported(9000, 9000, len(reading.files_of(9000)) - there)
    assert entries_in(tmp_path, log) == log.entries_


async def test_what_a_killed_export_left_is_on_the_disk_before_the_next_ones_checkpoint(
    log: GrownLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.grow(300)

    def publish(_: TileDirectory, note: bytes) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(TileDirectory, "publish", publish)
        with pytest.raises(Killed):
            await exported(log, tmp_path)
    assert not (tmp_path / "checkpoint").exists()
    settled: set[int] = set()

    def settle(descriptor: int) -> None:
        if not (tmp_path / "checkpoint").exists():
            settled.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr("server.tiles.directory.os.fsync", settle)

    assert await exported(log, tmp_path) == Exported(300, 300, 0)

    holding = directories_in(tmp_path)
    assert {path for path, number in holding.items() if number not in settled} == set()


async def test_partial_tiles_go_once_the_full_one_has_been_there_for_a_while(
    log: GrownLog, tmp_path: Path
) -> None:
    for _ in range(3):
        log.grow(100)
        await exported(log, tmp_path)
    export = export_of(log, tmp_path)
    partial = {"tile/0/000.p/100", "tile/0/000.p/200", "tile/entries/000.p/100", "tile/entries/000.p/200"}
    assert tiles_in(tmp_path) == {path for path, *_ in reading.files_of(300)} | partial

    assert await export.sweep(HOUR) == 0
    assert partial <= tiles_in(tmp_path)
    assert await export.sweep(-1) == 2
    assert tiles_in(tmp_path) == {path for path, *_ in reading.files_of(300)}
    assert not (tmp_path / "tile/0/000.p").exists()
    assert await export.sweep(-1) == 0
    assert entries_in(tmp_path, log) == log.entries_


async def test_a_sweep_that_was_ended_is_ended_by_the_next(log: GrownLog, tmp_path: Path) -> None:
    for _ in range(3):
        log.grow(100)
        await exported(log, tmp_path / "old")
    for step in range(20):
        shutil.copytree(tmp_path / "old", tmp_path / "log")
        left = step

        def before() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        try:
            await export_of(log, tmp_path / "log", before=before).sweep(-1)
        except Killed:
            assert entries_in(tmp_path / "log", log) == log.entries_
            await export_of(log, tmp_path / "log").sweep(-1)
            assert tiles_in(tmp_path / "log") == {path for path, *_ in reading.files_of(300)}, step
            shutil.rmtree(tmp_path / "log")
        else:
            assert step > 6
            return
    pytest.fail("it never came to an end")


async def test_another_logs_directory_is_left_alone(log: GrownLog, tmp_path: Path) -> None:
    log.grow(3)
    await exported(log, tmp_path)
    for other, words in (
        (GrownLog(), "its checkpoint is not one of"),
        (GrownLog(origin="log.example.am/2027"), f"holds the shard {log.origin}, .* --origin {log.origin}$"),
    ):
        other.grow(5)
        with pytest.raises(ExportRefused, match=words):
            await exported(other, tmp_path)
    assert entries_in(tmp_path, log) == log.entries_


async def test_a_larger_tree_is_left_alone(log: GrownLog, tmp_path: Path) -> None:
    log.grow(5)
    await exported(log, tmp_path)
    restored = log.forked(at=3)
    with pytest.raises(ExportRefused, match=r"holds 5 leaves .* only 0 are published"):
        await exported(restored, tmp_path)
    restored.publish()
    with pytest.raises(ExportRefused, match=r"holds 5 leaves .* only 3 are published"):
        await exported(restored, tmp_path)
    assert entries_in(tmp_path, log) == log.entries_


@pytest.mark.parametrize("further", [0, 300])
async def test_a_forked_tree_is_left_alone(log: GrownLog, tmp_path: Path, further: int) -> None:
    log.grow(500)
    await exported(log, tmp_path)
    forked = log.forked(at=300)
    forked.grow(200 + further, salt="other")
    with pytest.raises(ExportRefused, match="holds another tree of 500 leaves"):
        await exported(forked, tmp_path)
    assert entries_in(tmp_path, log) == log.entries_


async def test_files_that_say_something_else_are_left_alone(log: GrownLog, tmp_path: Path) -> None:
    log.grow(600)
    (tmp_path / "tile/0").mkdir(parents=True)
    (tmp_path / "tile/0/001").write_bytes(bytes(8192))
    with pytest.raises(ExportRefused, match="tile/0/001 is there and says something else"):
        await exported(log, tmp_path)
    assert (tmp_path / "tile/0/001").read_bytes() == bytes(8192)
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("content", [b"", b"\xff", b"log.example.am/2026\n3\n\n", b"x" * 600_000])
async def test_a_checkpoint_that_is_none_is_left_alone(log: GrownLog, tmp_path: Path, content: bytes) -> None:
    log.grow(3)
    (tmp_path / "checkpoint").write_bytes(content)
    with pytest.raises(ExportRefused):
        await exported(log, tmp_path)
    assert (tmp_path / "checkpoint").read_bytes() == content


async def test_a_tree_that_the_log_did_not_sign_is_not_exported(log: GrownLog, tmp_path: Path) -> None:
    log.grow(3)
    log.note = GrownLog(entries_=log.entries_, rows=log.rows).signed(3)
    with pytest.raises(ExportRefused, match="not signed by the log"):
        await exported(log, tmp_path)
    assert not (tmp_path / "checkpoint").exists()
    assert tiles_in(tmp_path) == set()


async def test_entries_that_do_not_give_the_stored_tiles_are_not_exported(
    log: GrownLog, tmp_path: Path
) -> None:
    log.grow(600)
    log.entries_[300] = bytes(32)
    with pytest.raises(ServiceUnavailable):
        await exported(log, tmp_path)
    del log.entries_[300:]
    with pytest.raises(ServiceUnavailable):
        await exported(log, tmp_path)
    assert tiles_in(tmp_path) == set()


async def test_what_was_lost_is_written_again_when_asked(log: GrownLog, tmp_path: Path) -> None:
    log.grow(600)
    await exported(log, tmp_path)
    (tmp_path / "tile/0/000").unlink()
    assert await exported(log, tmp_path) == Exported(600, 0, 0)
    assert await exported(log, tmp_path, again=True) == Exported(600, 0, 1)
    assert entries_in(tmp_path, log) == log.entries_


async def test_two_at_once_never_write(log: GrownLog, tmp_path: Path) -> None:
    log.grow(3)
    with TileDirectory(tmp_path).held(), pytest.raises(ExportRefused, match="another export"):
        await exported(log, tmp_path)
    assert await exported(log, tmp_path) == Exported(3, 3, 2)
