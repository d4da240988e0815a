"""``namak monitor``, killed before anything that it does to its state: it forgets and makes up nothing."""

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from namak.evidence.tiles import TileId, root_from_tiles
from namak.evidence.tlog_policy import TlogPolicy
from namak.monitor.alarms import AlarmKind
from namak.monitor.following import Follower, Look, Terms
from namak.monitor.sources import FileSource
from namak.monitor.state import PROOFS, State
from tests.fakes.grown_log import GrownLog
from tests.killing import Ended, killed_before_each
from tests.unit.monitor.showing import show

FORKED = 4
"""The exit code of one look that finds a fork."""


async def look(log: GrownLog, shown: Path, state: State) -> Look:
    policy = TlogPolicy.parse(f"log {log.vkey}\nquorum none\n".encode())
    return await Follower(FileSource(shown), state, Terms(policy), now=lambda: 1.8e9).look()


async def known(log: GrownLog, place: Path) -> None:
    """Has a state that knows the log as it is shown now."""
    show(log, place / "log")
    (place / "policy").write_text(f"log {log.vkey}\nquorum none\n")
    with closing(State(place / "state")) as state:
        assert not (await look(log, place / "log", state)).alarms


def killed(place: Path, *, code: int) -> Sequence[Ended]:
    command = ("monitor", place / "log", "--once", "--state", "@", "--log-policy", place / "policy")
    return killed_before_each(
        *(place / "state", place / "runs", "namak.cli"),
        *command,
        least=10,
        code=code,
        environment={"HOME": str(place), "NAMAK_CONFIG": "", "NAMAK_LANG": "en"},
    )


async def test_what_it_knows_is_the_old_tree_or_the_new_one(tmp_path: Path) -> None:
    log = GrownLog()
    log.grow(300)
    await known(log, tmp_path)
    log.grow(300)
    show(log, tmp_path / "log")

    sizes = []
    for run in killed(tmp_path, code=0):
        with closing(State(run.directory)) as state:
            tree = state.tree(log.origin)
            assert tree is not None
            assert tree.note == log.signed(tree.checkpoint.size)
            sizes.append(tree.checkpoint.size)
            # What is told was kept before.
            assert not run.said or tree.checkpoint.size == 600
            again = await look(log, tmp_path / "log", state)
            assert (again.alarms, again.known) == ([], state.tree(log.origin))
            assert again.new == 600 - tree.checkpoint.size
    assert set(sizes) == {300, 600}
    assert sizes == sorted(sizes)


async def test_a_proof_of_a_fork_is_whole_or_is_none(tmp_path: Path) -> None:
    log = GrownLog()
    before = log.grow(500)
    await known(log, tmp_path)
    other = log.forked(at=300)
    after = other.grow(300, salt="other")
    shutil.rmtree(tmp_path / "log")
    show(other, tmp_path / "log")

    kept = []
    for run in killed(tmp_path, code=FORKED):
        found = [path for path in (run.directory / PROOFS).glob("*") if not path.name.startswith(".")]
        kept.append(len(found))
        for proof in found:
            assert_proves(proof, before, after)
        with closing(State(run.directory)) as state:
            tree = state.tree(log.origin)
            assert tree is not None
            # Whatever is shown, what is known stays.
            assert tree.note == before
            (alarm,) = (await look(log, tmp_path / "log", state)).alarms
            assert alarm.kind is AlarmKind.FORK
            assert alarm.proof is not None
            assert alarm.proof in (found or [alarm.proof])
            assert_proves(alarm.proof, before, after)
    assert set(kept) == {0, 1}


def assert_proves(proof: Path, before: bytes, after: bytes) -> None:
    """Asserts that the larger tree's tiles lie there, and give another root of the smaller one."""
    assert (proof / "known.note").read_bytes() == before
    assert (proof / "shown.note").read_bytes() == after
    tiles = {}
    for path in sorted((proof / "tile").rglob("*")):
        if path.is_file():
            level, index = path.relative_to(proof / "tile").parts[:2]
            tiles[TileId(int(level), int(index.removesuffix(".p")))] = path.read_bytes()
    smaller, larger = (Checkpoint.parse(parse_note(note).text) for note in (before, after))
    assert root_from_tiles(tiles, larger.size) == larger.root
    assert root_from_tiles(tiles, smaller.size) != smaller.root


async def test_a_proof_is_on_the_disk_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[Path] = []
    really = os.fsync

    def settle(descriptor: int) -> None:
        settled.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        really(descriptor)

    with closing(State(tmp_path / "state")) as state:
        monkeypatch.setattr("namak.monitor.state.os.fsync", settle)
        proof = state.keep_proof("fork-log", {"known.note": b"a", "tile/0/000.p/3": b"b"})
        unfinished = {path.name for path in settled if path.parent.name.startswith(".fork")}
        assert {"known.note", "tile"} <= unfinished
        assert settled[-2:] == [proof.parent, state.directory]
        # The same again is the same, and on the disk as well.
        settled.clear()
        assert state.keep_proof("fork-log", {"known.note": b"a", "tile/0/000.p/3": b"b"}) == proof
        assert settled == [proof.parent, state.directory]
