"""Receipts that somebody holds, against the log that everybody is shown."""

import hashlib
from pathlib import Path

from namak.evidence.tiles import inclusion_proof, tiles_for_inclusion
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.monitor.alarms import AlarmKind
from namak.monitor.holding import Held, ReceiptCheck
from namak.monitor.sources import FileSource
from tests.fakes.grown_log import GrownLog
from tests.unit.monitor.conftest import Following


def document(index: int, salt: str = "") -> bytes:
    return f"evidence {salt}{index}".encode()


def grow(log: GrownLog, count: int, salt: str = "") -> None:
    first = len(log.entries_)
    entries = [hashlib.sha256(document(index, salt)).digest() for index in range(first, first + count)]
    log.add(entries)
    log.publish()


def receipt(log: GrownLog, index: int, salt: str = "") -> bytes:
    """Returns the receipt of a leaf under the published checkpoint."""
    size = log.published
    tiles = {tile: log.rows[tile] for tile in tiles_for_inclusion(index, size)}
    hashes = tuple(inclusion_proof(tiles, index, size))
    return TlogProof(document(index, salt), index, hashes, log.signed(size)).encode()


async def check(following: Following, **receipts: bytes) -> Held:
    look = await following.look()
    assert look.known is not None
    source = FileSource(following.shown)
    return await ReceiptCheck(source, following.policy, following.state, look.known).check(receipts)


async def test_receipts_of_any_checkpoint_of_the_log_stand_in_it(following: Following) -> None:
    grow(following.log, 100)
    early = {f"r{index}": receipt(following.log, index) for index in (0, 57, 99)}
    grow(following.log, 500)
    late = {f"s{index}": receipt(following.log, index) for index in (0, 256, 599)}
    following.show()

    held = await check(following, **early, **late)

    assert (held.found, held.newer, held.elsewhere, held.alarms) == (6, [], 0, [])
    # Nothing is asked for again.
    (following.shown / "tile/0/000").unlink()
    assert (await check(following, **early, **late)).found == 6


async def test_a_receipt_that_is_newer_than_what_is_shown_waits(following: Following) -> None:
    grow(following.log, 100)
    following.show()
    grow(following.log, 10)
    newer = receipt(following.log, 105)
    held = await check(following, newer=newer)
    assert (held.found, held.newer, held.alarms) == (0, ["newer"], [])
    following.show()
    assert (await check(following, newer=newer)).found == 1


async def test_a_receipt_of_another_history_proves_a_fork(following: Following, tmp_path: Path) -> None:
    grow(following.log, 300)
    other = following.log.forked(at=200)
    grow(other, 50, "other")
    given = receipt(other, 220, "other")
    following.show()

    held = await check(following, given=given)

    (alarm,) = held.alarms
    assert (alarm.kind, held.found) == (AlarmKind.FORK, 0)
    assert alarm.proof is not None
    assert (alarm.proof / "receipt.note").read_bytes() == other.signed(250)
    assert (alarm.proof / "known.note").read_bytes() == following.log.note


async def test_what_is_no_sound_receipt_is_told_and_is_never_found(following: Following) -> None:
    grow(following.log, 300)
    following.show()
    sound = receipt(following.log, 7)
    proof = TlogProof.parse(sound)
    bad = {
        "evidence": TlogProof(b"other", 7, proof.hashes, proof.checkpoint).encode(),
        "index": TlogProof(proof.extra, 8, proof.hashes, proof.checkpoint).encode(),
        "short": TlogProof(proof.extra, 7, proof.hashes[1:], proof.checkpoint).encode(),
        "long": TlogProof(proof.extra, 7, (*proof.hashes, bytes(32)), proof.checkpoint).encode(),
        "no evidence": TlogProof(None, 7, proof.hashes, proof.checkpoint).encode(),
        "signature": TlogProof(proof.extra, 7, proof.hashes, GrownLog().grow(300)).encode(),
    }
    torn = {"none": b"nothing of the kind", "empty": b"", "half": sound[: len(sound) // 2]}
    held = await check(following, sound=sound, **bad, **torn)
    assert (held.found, list(held.broken)) == (1, list(torn))
    assert [alarm.about for alarm in held.alarms] == list(bad)
    assert {alarm.kind for alarm in held.alarms} == {AlarmKind.RECEIPT}


async def test_receipts_of_another_shard_are_left_for_its_own_monitor(following: Following) -> None:
    grow(following.log, 3)
    following.show()
    other = GrownLog(origin="log.example.am/2025")
    grow(other, 3)
    known = (await following.look()).known
    assert known is not None
    policy = TlogPolicy.parse(f"log {following.log.vkey}\nlog {other.vkey}\nquorum none\n".encode())
    held = await ReceiptCheck(FileSource(following.shown), policy, following.state, known).check(
        {"other": receipt(other, 1)}
    )
    assert (held.found, held.elsewhere, held.alarms) == (0, 1, [])
