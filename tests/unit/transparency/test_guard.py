"""The guard keeps the last signed note, never goes backwards, and knows what extends it."""

import asyncio
import fcntl
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, note_from, signature_line
from namak.evidence.tiles import Extension, TileId, extend
from namak.evidence.tree import leaf_hash
from server.transparency import guard as guards
from server.transparency.guard import (
    FileGuard,
    GuardMoved,
    GuardOfAnother,
    SignedTree,
    check_extends,
    tiles_to_check,
)
from server.transparency.ports import Head
from server.transparency.troubles import (
    ForkRefused,
    GuardDamaged,
    GuardMissing,
    GuardUnreachable,
    TreeCorrupt,
)

ORIGIN = "log.example.am/2026"
KEY = Ed25519PrivateKey.generate()
VERIFIER = Verifier(ORIGIN, KEY.public_key().public_bytes_raw())


def signed(size: int, root: bytes | None = None, origin: str = ORIGIN) -> SignedTree:
    checkpoint = Checkpoint(origin, size, root or size.to_bytes(32, "big"))
    text = checkpoint.text()
    named = Verifier(origin, VERIFIER.public_key)
    line = signature_line(named.name, named.key_id, KEY.sign(text))
    return SignedTree(checkpoint, note_from(text, [line]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guards" / "log"


@pytest.fixture
def guard(path: Path) -> FileGuard:
    return FileGuard(path, VERIFIER)


def stored(path: Path) -> bytes:
    return path.read_bytes()


def store(path: Path, note: bytes) -> None:
    path.write_bytes(note)


async def test_keeps_nothing_at_first_and_then_what_it_was_given(guard: FileGuard, path: Path) -> None:
    assert await guard.read() is None
    await guard.advance(None, signed(3))
    assert await guard.read() == signed(3)
    assert stored(path) == signed(3).note
    await guard.advance(signed(3), signed(8))
    assert await guard.read() == signed(8)


async def test_leaves_no_other_files_than_its_lock(guard: FileGuard, path: Path) -> None:
    await guard.advance(None, signed(3))
    with pytest.raises(GuardMoved):
        await guard.advance(None, signed(4))
    assert sorted(each.name for each in path.parent.iterdir()) == ["log", "log.lock"]


async def test_keeping_the_same_tree_again_changes_nothing(guard: FileGuard) -> None:
    await guard.advance(None, signed(3))
    await guard.advance(None, signed(3))
    await guard.advance(signed(3), signed(3))
    assert await guard.read() == signed(3)


@pytest.mark.parametrize("seen", [None, signed(3), signed(5)])
@pytest.mark.parametrize("late", [signed(3), signed(4), signed(5, bytes(32))])
async def test_never_goes_backwards_nor_aside(
    guard: FileGuard, seen: SignedTree | None, late: SignedTree
) -> None:
    await guard.advance(None, signed(5))
    with pytest.raises(GuardMoved):
        await guard.advance(seen, late)
    assert await guard.read() == signed(5)


async def test_of_many_who_advance_at_once_none_takes_it_backwards(guard: FileGuard) -> None:
    sizes = random.Random(7).sample(range(1, 60), 40)  # a fixed order, so that a failure comes again

    async def advance(size: int) -> None:
        while True:
            seen = await guard.read()
            if seen is not None and seen.checkpoint.size >= size:
                return
            try:
                await guard.advance(seen, signed(size))
            except GuardMoved:
                continue

    await asyncio.gather(*(advance(size) for size in sizes))
    assert await guard.read() == signed(max(sizes))


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: b"",
        lambda note: note[:-20],
        lambda note: note.replace(b"\n5\n", b"\n6\n"),
        lambda note: bytes(len(note)),
    ],
    ids=["empty", "cut", "altered", "zeros"],
)
async def test_says_that_it_is_damaged(guard: FileGuard, path: Path, damage: object) -> None:
    assert callable(damage)
    await guard.advance(None, signed(5))
    store(path, damage(stored(path)))
    with pytest.raises(GuardDamaged):
        await guard.read()
    with pytest.raises(GuardDamaged):
        await guard.advance(signed(5), signed(6))
    assert await guard.replace_unsound(signed(9))
    assert await guard.read() == signed(9)


@pytest.mark.parametrize("taken_back", [signed(3), signed(8, bytes(32))], ids=["smaller", "other"])
async def test_says_that_it_is_damaged_when_it_was_taken_back_under_a_process_that_has_seen_more(
    guard: FileGuard, path: Path, taken_back: SignedTree
) -> None:
    await guard.advance(None, signed(8))
    store(path, taken_back.note)
    with pytest.raises(GuardDamaged):
        await guard.read()
    with pytest.raises(GuardDamaged):
        await guard.advance(taken_back, signed(9))
    assert stored(path) == taken_back.note


async def test_a_sound_guard_is_not_replaced(guard: FileGuard) -> None:
    await guard.advance(None, signed(5))
    assert not await guard.replace_unsound(signed(9))
    assert await guard.read() == signed(5)


async def test_gives_up_on_a_lock_that_somebody_frozen_holds(
    guard: FileGuard, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "LOCK_WAIT_SECONDS", 0.03)
    await guard.advance(None, signed(5))
    with path.with_name("log.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(GuardUnreachable):
            await guard.advance(signed(5), signed(6))
        assert await guard.read() == signed(5)
    await guard.advance(signed(5), signed(6))
    assert await guard.read() == signed(6)


async def test_says_that_its_place_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    guard = FileGuard(tmp_path / "file" / "log", VERIFIER)
    with pytest.raises(GuardUnreachable):
        await guard.read()
    with pytest.raises(GuardUnreachable):
        await guard.advance(None, signed(5))


def tree(seed: int, count: int) -> Extension:
    return extend({}, 0, [leaf_hash(bytes([seed]) + index.to_bytes(4, "big")) for index in range(count)])


def rows(extension: Extension, guarded: SignedTree | None, head: Head) -> dict[TileId, bytes]:
    """Returns only the tiles that the check asked for."""
    return {tile: extension.changed[tile] for tile in tiles_to_check(guarded, head)}


def guarded_at(extension: Extension) -> SignedTree:
    return signed(extension.new_size, extension.root)


SIZES = st.integers(min_value=1, max_value=700)


@given(SIZES, SIZES)
def test_what_begins_with_the_guarded_tree_may_be_signed(one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    grown = tree(1, larger)
    head = Head(ORIGIN, larger, grown.root, smaller)
    guarded = guarded_at(tree(1, smaller))
    check_extends(guarded, head, rows(grown, guarded, head))


@given(SIZES, SIZES)
def test_what_begins_differently_or_is_smaller_is_refused(guarded_size: int, size: int) -> None:
    forked = tree(2, size)
    head = Head(ORIGIN, size, forked.root, 0)
    guarded = guarded_at(tree(1, guarded_size))
    with pytest.raises(ForkRefused) as refused:
        check_extends(guarded, head, rows(forked, guarded, head))
    assert refused.value.fields["guarded_size"] == guarded_size
    assert refused.value.fields["size"] == size
    assert refused.value.fields["root"] == forked.root.hex()


@given(SIZES, st.data())
def test_what_is_smaller_is_refused_though_the_guarded_tree_begins_with_it(
    size: int, data: st.DataObject
) -> None:
    smaller = tree(1, data.draw(st.integers(min_value=1, max_value=size)))
    head = Head(ORIGIN, smaller.new_size, smaller.root, 0)
    guarded = guarded_at(tree(1, size + 1))
    with pytest.raises(ForkRefused):
        check_extends(guarded, head, rows(smaller, guarded, head))


def test_without_a_guard_only_a_log_that_published_nothing_may_begin() -> None:
    grown = tree(1, 5)
    fresh, published = Head(ORIGIN, 5, grown.root, 0), Head(ORIGIN, 5, grown.root, 4)
    check_extends(None, fresh, rows(grown, None, fresh))
    with pytest.raises(GuardMissing):
        check_extends(None, published, rows(grown, None, published))


def test_tiles_that_give_another_root_or_are_missing_are_refused() -> None:
    grown = tree(1, 300)
    head = Head(ORIGIN, 300, grown.root, 0)
    tiles = rows(grown, None, head)
    altered = {tile: bytes([row[0] ^ 1]) + row[1:] for tile, row in tiles.items()}
    for wrong in (altered, {}):
        with pytest.raises(TreeCorrupt):
            check_extends(None, head, wrong)


async def test_no_more_is_read_than_a_note_may_have() -> None:
    guard = FileGuard(Path("/dev/zero"), VERIFIER)
    with pytest.raises(GuardDamaged):
        await guard.read()


async def test_the_guard_of_another_shard_is_never_replaced(guard: FileGuard, path: Path) -> None:
    """It may be the only thing that knows what was signed of that shard."""
    path.parent.mkdir()
    note = signed(9, origin="log.example.am/2027").note
    store(path, note)
    with pytest.raises(GuardDamaged):
        await guard.read()
    with pytest.raises(GuardDamaged):
        await guard.advance(None, signed(3))
    with pytest.raises(GuardOfAnother, match=r"log\.example\.am/2027"):
        await guard.replace_unsound(signed(3))
    assert stored(path) == note
    assert [each for each in path.parent.iterdir() if each.suffix != ".lock"] == [path]
