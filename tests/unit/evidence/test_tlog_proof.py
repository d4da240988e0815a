"""Proof files: one encoding, and nothing in it can be changed."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence import tlog_proof
from namak.evidence.errors import (
    EvidenceError,
    InvalidProof,
    InvalidSignature,
    MalformedProof,
    QuorumNotMet,
    UnknownLog,
)
from namak.evidence.note import Note, parse_note
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import MAX_BYTES, MAX_HASHES, TlogProof
from tests.unit.evidence.signing import LogKey, WitnessKey, proof_of, signed_checkpoint

LOG = LogKey()
WITNESS = WitnessKey()
ENTRIES = [b"entry %d" % index for index in range(11)]
POLICY = TlogPolicy.parse(f"log {LOG.vkey}\nquorum none\n".encode())
PROOF = proof_of(LOG, ENTRIES, 5, extra=b"evidence")
ENCODED = PROOF.encode()


def test_is_the_file_that_the_standard_describes() -> None:
    lines = ENCODED.split(b"\n")
    assert lines[:3] == [b"c2sp.org/tlog-proof@v1", b"extra ZXZpZGVuY2U=", b"index 5"]
    assert all(len(line) == 44 for line in lines[3:7])
    assert lines[7:10] == [b"", b"log.example/2026", b"11"]
    assert ENCODED.endswith(b"\n\n" + PROOF.checkpoint)


@given(size=st.integers(min_value=1, max_value=40), data=st.data(), extra=st.none() | st.binary(min_size=1))
def test_comes_back_and_verifies(size: int, data: st.DataObject, extra: bytes | None) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    entries = [b"%d" % number for number in range(size)]
    proof = proof_of(LOG, entries, index, extra)
    assert TlogProof.parse(proof.encode()) == proof
    checked = TlogProof.parse(proof.encode()).verify(entries[index], POLICY)
    assert (checked.checkpoint.size, checked.log_name) == (size, LOG.name)
    with pytest.raises(InvalidProof):
        proof.verify(b"another", POLICY)


def test_one_changed_bit_is_never_accepted_as_the_same() -> None:
    for position, bit in product(range(len(ENCODED)), range(8)):
        changed = bytearray(ENCODED)
        changed[position] ^= 1 << bit
        try:
            proof = TlogProof.parse(bytes(changed))
            assert proof.encode() == bytes(changed), "whatever is accepted has one encoding"
            proof.verify(ENTRIES[5], POLICY)
        except EvidenceError:
            continue
        # Only `extra` is not authenticated by the format; it is by the entry being computed from it.
        assert proof.extra != PROOF.extra


@pytest.mark.parametrize(
    "data",
    [
        b"",
        ENCODED[:-1],
        ENCODED + b"\n",
        ENCODED + b"trailing\n",
        ENCODED + b"\x00",
        b" " + ENCODED,
        b"\n" + ENCODED,
        b"\xef\xbb\xbf" + ENCODED,
        ENCODED.replace(b"\n", b"\r\n"),
        ENCODED.replace(b"@v1\n", b"@v1\r\n"),
        ENCODED.replace(b"@v1", b"@v2"),
        ENCODED.replace(b"@v1\n", b"@v1\n\n"),
        ENCODED.replace(b"index 5", b"index 05"),
        ENCODED.replace(b"index 5", b"index +5"),
        ENCODED.replace(b"index 5", b"index  5"),
        ENCODED.replace(b"index 5", b"index 5 "),
        ENCODED.replace(b"index 5", b"index -5"),
        ENCODED.replace(b"index 5", b"index "),
        ENCODED.replace(b"index 5", b"index 9223372036854775808"),
        ENCODED.replace(b"index 5", "index ٥".encode()),
        ENCODED.replace(b"index 5\n", b""),
        ENCODED.replace(b"index 5", b"Index 5"),
        ENCODED.replace(b"index 5", b"index 5\nindex 5"),
        ENCODED.replace(b"extra ZXZpZGVuY2U=", b"extra "),
        ENCODED.replace(b"extra ZXZpZGVuY2U=", b"extra"),
        ENCODED.replace(b"extra ZXZpZGVuY2U=", b"extra ZXZpZGVuY2V="),
        ENCODED.replace(b"extra ZXZpZGVuY2U=", b"extra ZXZpZGVuY2U"),
        ENCODED.replace(b"extra ZXZpZGVuY2U=", b"extra ZXZp ZGVuY2U="),
        ENCODED.replace(b"extra ZXZpZGVuY2U=\nindex 5", b"index 5\nextra ZXZpZGVuY2U="),
        ENCODED.replace(b"extra ZXZpZGVuY2U=\n", b"extra ZXZpZGVuY2U=\n" * 2),
        ENCODED.replace(b"index 5\n", b"index 5\nAAAA\n"),
        ENCODED.replace(
            b"index 5\n", b"index 5\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * MAX_HASHES
        ),
        ENCODED.replace(b"index 5\n", b"index 5\n" + b"A" * 42 + b"B=\n"),
        ENCODED.split(b"\n\n")[0],
        ENCODED.split(b"\n\n")[0] + b"\n\n",
        ENCODED.split(b"\n\n")[0] + b"\n\ntext\n\n" + ENCODED.split(b"\n\n")[2],
        ENCODED.rpartition(b"\n\n")[0] + b"\n",
        ENCODED.replace(b"\n11\n", b"\n011\n"),
    ],
    ids=lambda data: repr(data[:80]),
)
def test_refuses_what_is_no_proof(data: bytes) -> None:
    with pytest.raises(MalformedProof):
        TlogProof.parse(data)


def test_what_is_no_proof_at_all_is_told_as_such() -> None:
    with pytest.raises(MalformedProof, match="it is empty"):
        TlogProof.parse(b"")
    with pytest.raises(MalformedProof, match="version line"):
        TlogProof.parse(b"%PDF-1.7\n")


def test_refuses_a_file_above_the_limit_and_writes_none() -> None:
    room = MAX_BYTES - len(ENCODED)
    largest = TlogProof(b"x" * (room * 3 // 4), PROOF.index, PROOF.hashes, PROOF.checkpoint)
    data = largest.encode()
    assert MAX_BYTES - 64 < len(data) <= MAX_BYTES
    assert TlogProof.parse(data) == largest
    with pytest.raises(MalformedProof, match="longer"):
        TlogProof.parse(data + b"\n" * 64)
    with pytest.raises(MalformedProof, match="longer"):
        TlogProof(b"x" * MAX_BYTES, PROOF.index, PROOF.hashes, PROOF.checkpoint).encode()


@pytest.mark.parametrize(
    ("extra", "index", "hashes", "checkpoint"),
    [
        (b"", 5, PROOF.hashes, PROOF.checkpoint),
        (None, -1, PROOF.hashes, PROOF.checkpoint),
        (None, 2**63, PROOF.hashes, PROOF.checkpoint),
        (None, 5, (b"short",), PROOF.checkpoint),
        (None, 5, (bytes(32),) * (MAX_HASHES + 1), PROOF.checkpoint),
        (None, 5, PROOF.hashes, b"no note"),
    ],
)
def test_holds_nothing_that_it_could_not_write(
    extra: bytes | None, index: int, hashes: tuple[bytes, ...], checkpoint: bytes
) -> None:
    with pytest.raises(MalformedProof):
        TlogProof(extra, index, hashes, checkpoint)


def test_another_index_is_refused() -> None:
    for index in range(20):
        if index != PROOF.index:
            with pytest.raises(InvalidProof):
                TlogProof(None, index, PROOF.hashes, PROOF.checkpoint).verify(ENTRIES[5], POLICY)


def test_another_checkpoint_is_refused() -> None:
    for entries in (ENTRIES[:-1], [*ENTRIES, b"entry 11"], [b"forked", *ENTRIES[1:]]):
        with pytest.raises(InvalidProof):
            TlogProof(None, 5, PROOF.hashes, signed_checkpoint(LOG, entries)).verify(ENTRIES[5], POLICY)


def test_shuffled_hashes_are_refused() -> None:
    for first, second in pairwise(range(len(PROOF.hashes))):
        hashes = list(PROOF.hashes)
        hashes[first], hashes[second] = hashes[second], hashes[first]
        with pytest.raises(InvalidProof):
            TlogProof(None, 5, tuple(hashes), PROOF.checkpoint).verify(ENTRIES[5], POLICY)


def test_another_key_is_refused() -> None:
    with pytest.raises(InvalidSignature):
        proof_of(LogKey(LOG.name), ENTRIES, 5).verify(ENTRIES[5], POLICY)
    with pytest.raises(UnknownLog):
        proof_of(LogKey("other.example"), ENTRIES, 5).verify(ENTRIES[5], POLICY)


def test_the_quorum_is_asked_for() -> None:
    policy = TlogPolicy.parse(f"log {LOG.vkey}\nwitness w {WITNESS.vkey}\nquorum w\n".encode())
    with pytest.raises(QuorumNotMet):
        PROOF.verify(ENTRIES[5], policy)
    assert proof_of(LOG, ENTRIES, 5, witnesses=[WITNESS]).verify(ENTRIES[5], policy).quorum_met


@pytest.mark.parametrize(("length", "is_kept"), [(4096, True), (4097, False)])
def test_what_is_known_of_a_checkpoint_is_kept_of_short_ones_alone(
    length: int, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a thousand of them hold four megabytes, and not a thousand notes of any length."""
    note = PROOF.checkpoint.replace(b"\n\n", b"\n" + b"x" * (length - len(PROOF.checkpoint) - 1) + b"\n\n", 1)
    assert len(note) == length
    read: list[int] = []

    def parse_noted(data: bytes) -> Note:
        read.append(len(data))
        return parse_note(data)

    monkeypatch.setattr(tlog_proof, "parse_note", parse_noted)

    for index in (1, 2):
        TlogProof(None, index, (), note)

    assert read == [length] * (1 if is_kept else 2)
