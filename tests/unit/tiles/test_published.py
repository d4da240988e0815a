"""What is shown of a log: checkpoints with the quorum where it is there, and never what is not published."""

from datetime import timedelta

import pytest

from namak.evidence.tiles import TileId
from server.domain.refusals import ServiceUnavailable
from server.tiles.paths import TileFile
from server.tiles.published import WITNESS_WAIT, PublishedTiles
from server.transparency.ports import WitnessedTree
from tests.fakes.clock import HeldClock
from tests.fakes.grown_log import Cosigner, GrownLog

WITNESS = Cosigner("witness.example/w1")


async def witness(log: GrownLog, clock: HeldClock, size: int) -> bytes:
    note = WITNESS.cosigned(log.signed(size), 1)
    await log.witnessed.keep(WitnessedTree(log.origin, size, note, clock.now()))
    return note


async def shown(published: PublishedTiles, at_least: int = 0) -> bytes | None:
    found = await published.checkpoint(at_least=at_least)
    return None if found is None else found.note


async def test_a_log_without_witnesses_shows_its_newest_checkpoint(
    log: GrownLog, published: PublishedTiles
) -> None:
    assert await shown(published) is None
    note = log.grow(3)
    log.add([bytes(32)])
    assert await shown(published) == note


async def test_leaves_wait_for_the_witnesses_but_not_for_long(
    log: GrownLog, published: PublishedTiles, clock: HeldClock
) -> None:
    log.grow(3)
    witnessed = await witness(log, clock, 3)
    assert await shown(published) == witnessed

    log.witnessed.integrated_at = clock.now()
    newest = log.grow(2)
    assert await shown(published) == witnessed
    clock.move(WITNESS_WAIT - timedelta(milliseconds=1))
    assert await shown(published) == witnessed
    clock.move(timedelta(milliseconds=1))
    assert await shown(published) == newest

    assert await shown(published) != (again := await witness(log, clock, 5))
    assert await shown(published) == again


async def test_the_newest_cosignatures_over_a_tree_are_shown(
    log: GrownLog, published: PublishedTiles, clock: HeldClock
) -> None:
    log.grow(3)
    first = await witness(log, clock, 3)
    assert await shown(published) == first
    again = WITNESS.cosigned(log.signed(3), 2)
    clock.move(timedelta(minutes=10))
    await log.witnessed.renew(WitnessedTree(log.origin, 3, again, clock.now()))
    assert await shown(published) == again
    log.grow(1)
    assert await shown(published) == again
    larger = await witness(log, clock, 4)
    assert await shown(published) == larger


async def test_what_was_shown_is_not_taken_back_for_an_older_tree_that_witnesses_came_to(
    log: GrownLog, published: PublishedTiles, clock: HeldClock
) -> None:
    log.grow(3)
    log.witnessed.integrated_at = clock.now()
    newest = log.grow(2)
    await witness(log, clock, 3)

    assert await shown(published, at_least=4) == newest
    assert await shown(published, at_least=3) != newest


async def test_a_tile_of_any_width_comes_from_one_row_up_to_the_published_size_and_no_further(
    log: GrownLog, published: PublishedTiles
) -> None:
    log.grow(300)
    log.add([bytes(32)] * 300)
    hashes = log.rows[TileId(0, 1)]

    for width in (1, 7, 44):
        assert await published.file(TileFile(TileId(0, 1), width)) == hashes[: 32 * width]
        entries = await published.file(TileFile(TileId(0, 1), width, entries=True))
        assert entries == b"".join(b"\0\x20" + each for each in log.entries_[256 : 256 + width])
    assert await published.file(TileFile(TileId(0, 0), 17)) == log.rows[TileId(0, 0)][: 32 * 17]
    for beyond in (TileFile(TileId(0, 1), 45), TileFile(TileId(0, 1), 256), TileFile(TileId(0, 2), 1)):
        assert await published.file(beyond) is None
    assert await published.file(TileFile(TileId(1, 0), 2)) is None
    assert await published.file(TileFile(TileId(0, 1), 45, entries=True)) is None

    log.publish()
    assert await published.file(TileFile(TileId(0, 1), 256)) == log.rows[TileId(0, 1)]
    assert await published.file(TileFile(TileId(1, 0), 2)) == log.rows[TileId(1, 0)]


async def test_a_log_that_contradicts_itself_is_not_shown(log: GrownLog, published: PublishedTiles) -> None:
    log.grow(300)
    sound = log.note
    log.note = log.signed(300, bytes(32))
    with pytest.raises(ServiceUnavailable):
        await published.checkpoint()
    log.note = sound
    assert await shown(published) == sound

    del log.rows[TileId(0, 1)]
    with pytest.raises(ServiceUnavailable):
        await published.file(TileFile(TileId(0, 1), 44))
    del log.entries_[299]
    with pytest.raises(ServiceUnavailable):
        await published.file(TileFile(TileId(0, 1), 44, entries=True))


async def test_a_note_of_another_log_is_not_shown(log: GrownLog, clock: HeldClock) -> None:
    other = GrownLog(origin="log.example.am/other")
    other.grow(3)
    log.grow(3)
    await log.witnessed.keep(WitnessedTree(log.origin, 3, other.signed(3), clock.now()))
    with pytest.raises(ServiceUnavailable):
        await PublishedTiles(log.origin, log, log.witnessed, clock).checkpoint()
