"""What is kept of checked notes is what the policy says of exactly these bytes."""

from collections.abc import Callable

import pytest

from namak.evidence import checked_notes
from namak.evidence.checked_notes import CheckedNotes
from namak.evidence.errors import EvidenceError, InvalidSignature
from namak.evidence.tlog_policy import CheckedCheckpoint, TlogPolicy
from tests.unit.evidence_documents.world import Key, Log

LOG = Log(entries=[bytes([number]) * 32 for number in range(5)])
WITNESS = Key("witness.example.am", 4)
NOTE = LOG.checkpoint(witnesses=[(WITNESS, 1_000_000)])


def policy(log: Key = LOG.key, quorum: str = "none") -> TlogPolicy:
    return TlogPolicy.parse(f"log {log.vkey}\nwitness w {WITNESS.vkey}\nquorum {quorum}\n".encode())


def outcome(check: Callable[[bytes], CheckedCheckpoint], note: bytes) -> object:
    try:
        return check(note)
    except EvidenceError as refused:
        return type(refused)


def test_says_what_the_policy_says_again_and_again() -> None:
    notes = CheckedNotes(policy())
    first = notes.check_log_signature(NOTE)
    assert first == policy().check_log_signature(NOTE)
    assert notes.check_log_signature(bytes(bytearray(NOTE))) is first


def test_any_other_byte_is_another_note() -> None:
    notes = CheckedNotes(policy())
    notes.check_log_signature(NOTE)
    refused = 0
    for place in range(0, len(NOTE), 7):
        changed = bytearray(NOTE)
        changed[place] ^= 1
        decided = outcome(policy().check_log_signature, bytes(changed))
        assert outcome(notes.check_log_signature, bytes(changed)) == decided
        refused += isinstance(decided, type)
    assert refused > len(NOTE) / 14


def test_another_policy_decides_for_itself() -> None:
    CheckedNotes(policy()).check_log_signature(NOTE)
    other = Key(LOG.key.name)
    with pytest.raises(InvalidSignature):
        CheckedNotes(policy(other)).check_log_signature(NOTE)
    bare = LOG.checkpoint()
    assert not CheckedNotes(policy(quorum="w")).check_log_signature(bare).quorum_met
    assert CheckedNotes(policy()).check_log_signature(bare).quorum_met


def test_a_refused_note_is_refused_again() -> None:
    notes = CheckedNotes(policy(Key(LOG.key.name)))
    for _ in range(2):
        with pytest.raises(InvalidSignature):
            notes.check_log_signature(NOTE)


def test_so_many_are_kept_and_no_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_notes, "MOST", 2)
    sizes = (3, 4, 5)
    notes = CheckedNotes(policy())
    kept = {size: notes.check_log_signature(LOG.checkpoint(size)) for size in sizes}
    found = {size: notes.check_log_signature(LOG.checkpoint(size)) is kept[size] for size in (5, 4)}
    assert found == {5: True, 4: True}
    assert notes.check_log_signature(LOG.checkpoint(3)) is not kept[3]
    monkeypatch.setattr(checked_notes, "KEPT_BYTES", 10)
    long = CheckedNotes(policy())
    assert long.check_log_signature(NOTE) is not long.check_log_signature(NOTE)
